//! Every setting: its name, default and meaning.
//!
//! A setting comes from an optional `sogep.toml` in the working directory and, over it, from the
//! environment: `SOGEP_` and the name in capitals. Secrets may come from a file: `SOGEP_SECRET_FILE`.
//! A name nobody knows or a value nobody understands stops the start.

use std::{collections::BTreeMap, fmt, net::SocketAddr, path::PathBuf};

use url::Url;

/// A setting as the documentation and `sogep doctor` show it.
#[derive(Debug)]
pub struct Setting {
    /// Its name in `sogep.toml`.
    pub name: &'static str,
    /// What holds when nothing is said; empty when that depends on other settings.
    pub default: &'static str,
    /// What it does, with its unit.
    pub meaning: &'static str,
}

/// All settings.
pub const SETTINGS: &[Setting] = &[
    setting(
        "database_url",
        "",
        "`postgres://user:password@host/name`; default: SQLite in the data directory. Also read from `DATABASE_URL`",
    ),
    setting("database_connections", "8", "connections a process keeps to the database, 2 to 200"),
    setting("data_dir", "data", "directory for the SQLite database, the secret and the demo credentials"),
    setting("listen", "127.0.0.1:8080", "address and port to serve on"),
    setting("base_url", "", "the address clients use, without a path; default: `http://` and `listen`"),
    setting(
        "secret",
        "",
        "master secret, at least 32 characters, the same on all replicas; default: made once and kept in `data_dir/secret`",
    ),
    setting(
        "access",
        "key",
        "`key`: everything under /v1 needs a credential; `open`: anybody reads what is public",
    ),
    setting("default_locale", "tr", "language of answers when the caller names none (BCP 47)"),
    setting("locales", "tr,en", "languages content may be written in, comma-separated (BCP 47)"),
    setting("log", "info", "what is logged: error, warn, info, debug, trace, or a tracing filter"),
];

const fn setting(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default, meaning }
}

/// Who may read what is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever has a credential.
    Key,
    /// Everybody.
    Open,
}

/// The configuration of one process.
#[derive(Clone)]
pub struct Config {
    /// Where the database is; `None` means SQLite in the data directory.
    pub database_url: Option<String>,
    /// Connections to the database.
    pub database_connections: u32,
    /// The data directory.
    pub data_dir: PathBuf,
    /// The address to serve on.
    pub listen: SocketAddr,
    /// The address clients use, without a trailing slash.
    pub base_url: String,
    /// The master secret, when it is configured.
    pub secret: Option<String>,
    /// Who may read what is public.
    pub access: Access,
    /// The language of answers when the caller names none.
    pub default_locale: String,
    /// The languages content may be written in.
    pub locales: Vec<String>,
    /// The log filter.
    pub log: String,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {0}")]
pub struct ConfigError(String);

impl Config {
    /// Reads `sogep.toml` and the environment.
    ///
    /// # Errors
    /// When a setting is unknown or its value cannot be used; the message names it.
    pub fn load() -> Result<Self, ConfigError> {
        let file = match std::fs::read_to_string("sogep.toml") {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(ConfigError(format!("sogep.toml cannot be read: {error}"))),
        };
        Self::from_sources(&file, std::env::vars())
    }

    /// Reads the text of a `sogep.toml` and, over it, environment variables.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_sources(
        file: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut values = from_file(file)?;
        values.extend(from_environment(environment)?);
        Self::from_values(&values)
    }

    fn from_values(values: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let get = |name: &str| values.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let or_default = |name: &'static str| {
            let default = SETTINGS.iter().find(|known| known.name == name).map_or("", |known| known.default);
            get(name).unwrap_or(default)
        };
        let listen: SocketAddr = or_default("listen")
            .parse()
            .map_err(|_bad| refused("listen", or_default("listen"), "an address such as 127.0.0.1:8080"))?;
        let default_locale = or_default("default_locale").to_owned();
        let locales: Vec<String> =
            or_default("locales").split(',').map(|locale| locale.trim().to_owned()).collect();
        for locale in locales.iter().chain([&default_locale]) {
            if locale.parse::<icu_locale_core::LanguageIdentifier>().is_err() {
                return Err(refused("locales", locale, "BCP 47 language tags"));
            }
        }
        if !locales.contains(&default_locale) {
            return Err(refused("default_locale", &default_locale, "one of `locales`"));
        }
        let secret = get("secret").map(str::to_owned);
        if secret.as_ref().is_some_and(|secret| secret.len() < 32) {
            return Err(ConfigError("`secret` is too short: at least 32 characters".to_owned()));
        }
        Ok(Self {
            database_url: get("database_url").map(database_url).transpose()?,
            database_connections: connections(or_default("database_connections"))?,
            data_dir: or_default("data_dir").into(),
            base_url: get("base_url").map_or_else(|| Ok(format!("http://{listen}")), base_url)?,
            listen,
            secret,
            access: match or_default("access") {
                "key" => Access::Key,
                "open" => Access::Open,
                other => return Err(refused("access", other, "`key` or `open`")),
            },
            default_locale,
            locales,
            log: log_filter(or_default("log"))?,
        })
    }

    /// Every setting and its effective value, secrets hidden.
    #[must_use]
    pub fn shown(&self) -> Vec<(&'static str, String)> {
        let shown = |name| match name {
            "database_url" => self
                .database_url
                .as_deref()
                .map_or_else(|| format!("sqlite in {}", self.data_dir.display()), without_password),
            "database_connections" => self.database_connections.to_string(),
            "data_dir" => self.data_dir.display().to_string(),
            "listen" => self.listen.to_string(),
            "base_url" => self.base_url.clone(),
            "secret" if self.secret.is_some() => "configured (hidden)".to_owned(),
            "secret" => format!("kept in {}", self.data_dir.join("secret").display()),
            "access" => format!("{:?}", self.access).to_lowercase(),
            "default_locale" => self.default_locale.clone(),
            "locales" => self.locales.join(","),
            _ => self.log.clone(),
        };
        SETTINGS.iter().map(|setting| (setting.name, shown(setting.name))).collect()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.shown()).finish()
    }
}

fn from_file(text: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let table: toml::Table = text.parse().map_err(|error| ConfigError(format!("sogep.toml: {error}")))?;
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

fn from_environment(
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

fn refused(name: &str, value: &str, wanted: &str) -> ConfigError {
    ConfigError(format!("`{name}` is `{value}`, wanted: {wanted}"))
}

fn database_url(text: &str) -> Result<String, ConfigError> {
    let url = Url::parse(text).map_err(|_bad| ConfigError("`database_url` is not a URL".to_owned()))?;
    match url.scheme() {
        "postgres" | "postgresql" | "sqlite" => Ok(text.to_owned()),
        other => Err(refused("database_url", &format!("{other}:…"), "postgres: or sqlite:")),
    }
}

fn base_url(text: &str) -> Result<String, ConfigError> {
    let wanted = "http:// or https:// and a host, without a path";
    let url = Url::parse(text).map_err(|_bad| refused("base_url", text, wanted))?;
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !plain || !url.username().is_empty() {
        return Err(refused("base_url", text, wanted));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn log_filter(text: &str) -> Result<String, ConfigError> {
    let wanted = "error, warn, info, debug, trace, or a tracing filter";
    let filter = tracing_subscriber::EnvFilter::try_new(text);
    filter.map(|_filter| text.to_owned()).map_err(|_bad| refused("log", text, wanted))
}

fn connections(text: &str) -> Result<u32, ConfigError> {
    text.parse()
        .ok()
        .filter(|number| (2..=200).contains(number))
        .ok_or_else(|| refused("database_connections", text, "a number from 2 to 200"))
}

fn without_password(url: &str) -> String {
    let Ok(mut url) = Url::parse(url) else { return "(hidden)".to_owned() };
    if url.password().is_some() && url.set_password(Some("hidden")).is_err() {
        return "(hidden)".to_owned();
    }
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::from_sources(file, environment).map_err(|error| error.to_string())
    }

    #[test]
    fn the_environment_outranks_the_file() {
        let config = load("listen = '127.0.0.1:1'", &[("SOGEP_LISTEN", "127.0.0.1:2")]);
        assert_eq!(config.map(|config| config.base_url), Ok("http://127.0.0.1:2".to_owned()));
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = load("", &[("SOGEP_LISTN", "x")]).unwrap_err();
        assert!(error.contains("SOGEP_LISTN") && error.contains("listen"), "{error}");
        let error = load("acess = 'key'", &[]).unwrap_err();
        assert!(error.contains("acess") && error.contains("access"), "{error}");
    }

    #[test]
    fn a_value_nobody_understands_is_refused() {
        for (name, value) in [
            ("SOGEP_LISTEN", "here"),
            ("SOGEP_ACCESS", "everyone"),
            ("SOGEP_SECRET", "changeme"),
            ("SOGEP_LOCALES", "türkçe"),
            ("SOGEP_DEFAULT_LOCALE", "de"),
            ("SOGEP_BASE_URL", "https://example.org/api"),
            ("SOGEP_DATABASE_CONNECTIONS", "0"),
            ("SOGEP_LOG", "a=b=c"),
            ("DATABASE_URL", "mysql://localhost/x"),
        ] {
            assert!(load("", &[(name, value)]).is_err(), "{name}={value}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let config =
            load("", &[("DATABASE_URL", "postgres://me:hunter2@db/x"), ("SOGEP_SECRET", &"s3cr".repeat(9))]);
        let shown = format!("{:?}", config.unwrap());
        assert!(!shown.contains("hunter2") && !shown.contains("s3cr"), "{shown}");
    }
}
