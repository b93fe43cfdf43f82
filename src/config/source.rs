//! Where settings come from: `sogep.toml` and the environment.

use std::{collections::BTreeMap, path::Path};

use super::{ConfigError, SETTINGS, refused};

pub(super) fn from_file(text: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    // Where and what, but not the line itself: it may hold a secret.
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        ConfigError(format!("sogep.toml, line {}: {}", before.split('\n').count(), error.message()))
    })?;
    let mut values = BTreeMap::new();
    for (name, value) in table {
        known(&name, &format!("`{name}` in sogep.toml"))?;
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            other => return Err(refused(&name, other.type_str(), "a string or a whole number")),
        };
        values.insert(name, text);
    }
    Ok(values)
}

pub(super) fn from_environment(
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut values = BTreeMap::new();
    for (variable, value) in variables {
        if variable == "DATABASE_URL" {
            values.entry("database_url".to_owned()).or_insert(value);
            continue;
        }
        let Some(name) = variable.strip_prefix("SOGEP_").map(str::to_lowercase) else { continue };
        if let Some(secret) = name.strip_suffix("_file") {
            known(secret, &variable)?;
            refuse_exposed(&variable, Path::new(&value))?;
            let text = std::fs::read_to_string(&value)
                .map_err(|error| ConfigError(format!("{variable}: {value}: {error}")))?;
            values.insert(secret.to_owned(), text.trim_end().to_owned());
        } else {
            known(&name, &variable)?;
            values.insert(name, value);
        }
    }
    Ok(values)
}

fn known(name: &str, shown: &str) -> Result<(), ConfigError> {
    if SETTINGS.iter().any(|setting| setting.name == name) {
        return Ok(());
    }
    let names = SETTINGS.iter().map(|setting| setting.name);
    let nearest =
        names.max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
    let nearest = nearest.unwrap_or_default();
    Err(ConfigError(format!(
        "{shown} is not a setting; the nearest is `{nearest}` (SOGEP_{})",
        nearest.to_uppercase()
    )))
}

/// A secret that everybody on the machine can read is none (SECURITY.md C-01). The group may: that is
/// how secrets are mounted into containers.
#[cfg(unix)]
pub(super) fn refuse_exposed(variable: &str, path: &Path) -> Result<(), ConfigError> {
    use std::os::unix::fs::PermissionsExt;
    let shown = path.display();
    let metadata =
        std::fs::metadata(path).map_err(|error| ConfigError(format!("{variable}: {shown}: {error}")))?;
    if metadata.is_file() && metadata.permissions().mode() & 0o027 != 0 {
        return Err(ConfigError(format!("{variable}: {shown} can be read by others: `chmod 600` it")));
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn refuse_exposed(_: &str, _: &Path) -> Result<(), ConfigError> {
    Ok(())
}
