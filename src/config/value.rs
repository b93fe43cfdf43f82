//! The values of settings, read strictly.

use std::{net::SocketAddr, ops::RangeInclusive, str::FromStr};

use ipnet::IpNet;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::{AdminListen, ConfigError, refused};
use crate::entity::vocabulary::AccountRole;

/// A comma-separated list of what `read` reads.
pub(super) fn list<T>(
    text: &str,
    read: impl Fn(&str) -> Result<T, ConfigError>,
) -> Result<Vec<T>, ConfigError> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(read).collect()
}

/// Whether `text` is an origin as browsers send it (RFC 6454, section 6.2): scheme, host and port, in
/// lower case.
#[must_use]
pub fn is_origin(text: &str) -> bool {
    !text.contains('*')
        && Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
        })
}

pub(super) fn origin(text: &str) -> Result<String, ConfigError> {
    let wanted = "a web origin such as https://admin.example.org, without a path";
    if is_origin(text) { Ok(text.to_owned()) } else { Err(refused("cors_origins", text, wanted)) }
}

/// A network, or one address.
pub(super) fn network(text: &str) -> Result<IpNet, ConfigError> {
    let address = || std::net::IpAddr::from_str(text).map(IpNet::from);
    let wanted = "an address or a network such as 10.0.0.0/8";
    text.parse().or_else(|_not_a_network| address()).map_err(|_bad| refused("trusted_proxies", text, wanted))
}

/// The least role that needs a second factor.
pub(super) fn second_factor(text: Option<&str>, base_url: &str) -> Result<Option<AccountRole>, ConfigError> {
    match text {
        None if is_loopback(base_url) => Ok(None),
        None => Ok(Some(AccountRole::Editor)),
        Some("none") => Ok(None),
        Some(text) => serde_json::from_value(text.into()).map(Some).map_err(|_unknown| {
            refused("second_factor", text, "viewer, author, editor, admin, owner or none")
        }),
    }
}

fn is_loopback(url: &str) -> bool {
    match Url::parse(url).ok().as_ref().and_then(Url::host) {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Whether plain HTTP may be served on `listen` (SECURITY.md C-04).
pub(super) fn plain_http(text: &str, name: &str, listen: SocketAddr) -> Result<(), ConfigError> {
    match text {
        "anywhere" => Ok(()),
        "loopback" if listen.ip().is_loopback() => Ok(()),
        "loopback" => Err(ConfigError(format!(
            "`{name}` is `{listen}`, which other machines can reach without TLS; put a proxy that speaks TLS before it and set `plain_http` to `anywhere`"
        ))),
        other => Err(refused("plain_http", other, "`loopback` or `anywhere`")),
    }
}

/// Where the second listener is.
pub(super) fn admin_listen(
    text: &str,
    is_named: bool,
    listen: SocketAddr,
) -> Result<Option<AdminListen>, ConfigError> {
    if text == "off" {
        return Ok(None);
    }
    let wanted = "an address such as 127.0.0.1:9090, or `off`";
    let address: SocketAddr = text.parse().map_err(|_bad| refused("admin_listen", text, wanted))?;
    if address == listen && address.port() != 0 {
        return Err(refused("admin_listen", text, "another address than that of `listen`"));
    }
    Ok(Some(AdminListen { address, is_named }))
}

/// The page that invitations lead to.
pub(super) fn account_url(text: &str) -> Result<String, ConfigError> {
    let good = Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.fragment().is_none());
    if good {
        Ok(text.to_owned())
    } else {
        Err(refused("account_url", text, "an https: address without `#`"))
    }
}

/// What stands in secrets that somebody has typed, and hardly ever in random ones.
const SAMPLES: [&str; 22] = [
    "secret", "passwor", "parola", "sifre", "change", "replace", "example", "sample", "develop", "product",
    "default", "sogep", "admin", "master", "qwert", "asdfg", "zxcvb", "12345", "abcde", "your-", "insert",
    "random",
];

/// A master secret. One that is guessed opens everything, so one that looks like a sample is refused
/// (SECURITY.md A-12).
pub(super) fn secret(name: &str, text: &str) -> Result<Zeroizing<String>, ConfigError> {
    if text.len() < 32 {
        return Err(ConfigError(format!("`{name}` is too short: at least 32 characters")));
    }
    let different = text.bytes().collect::<std::collections::HashSet<_>>().len();
    let steps =
        text.as_bytes().windows(2).filter(|pair| matches!(pair, [a, b] if a.abs_diff(*b) <= 1)).count();
    let lower = text.to_lowercase();
    let is_typed = SAMPLES.iter().any(|sample| lower.contains(sample));
    if different < 10 || steps * 2 > text.len() || is_typed {
        return Err(ConfigError(format!(
            "`{name}` looks like a sample or a typed one; make one with `openssl rand -base64 32`"
        )));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// A whole number within `range`.
pub(super) fn number(name: &str, text: &str, range: RangeInclusive<u32>) -> Result<u32, ConfigError> {
    let wanted = || format!("a number from {} to {}", range.start(), range.end());
    text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| refused(name, text, &wanted()))
}

pub(super) fn database_url(text: &str) -> Result<String, ConfigError> {
    let url = Url::parse(text).map_err(|_bad| ConfigError("`database_url` is not a URL".to_owned()))?;
    match url.scheme() {
        "postgres" | "postgresql" | "sqlite" => Ok(text.to_owned()),
        other => Err(refused("database_url", &format!("{other}:…"), "postgres: or sqlite:")),
    }
}

pub(super) fn base_url(text: &str) -> Result<String, ConfigError> {
    let wanted = "http:// or https:// and a host, without a path";
    let url = Url::parse(text).map_err(|_bad| refused("base_url", text, wanted))?;
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !plain || !url.username().is_empty() {
        return Err(refused("base_url", text, wanted));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

pub(super) fn log_filter(text: &str) -> Result<String, ConfigError> {
    let wanted = "error, warn, info, debug, trace, or a tracing filter";
    // A bare word that is no level would be taken for the name of a module, and all else fall silent.
    let levels = ["error", "warn", "info", "debug", "trace", "off"];
    let is_level = |word: &str| levels.contains(&word.to_lowercase().as_str());
    if text.split(',').map(str::trim).any(|part| !part.contains('=') && !is_level(part)) {
        return Err(refused("log", text, wanted));
    }
    let filter = tracing_subscriber::EnvFilter::try_new(text);
    filter.map(|_filter| text.to_owned()).map_err(|_bad| refused("log", text, wanted))
}

pub(super) fn without_password(url: &str) -> String {
    let Ok(mut url) = Url::parse(url) else { return "(hidden)".to_owned() };
    if url.password().is_some() && url.set_password(Some("hidden")).is_err() {
        return "(hidden)".to_owned();
    }
    url.to_string()
}
