//! Every setting: its name, default and meaning.
//!
//! A setting comes from an optional `sogep.toml` in the working directory and, over it, from the
//! environment: `SOGEP_` and the name in capitals. Secrets may come from a file: `SOGEP_SECRET_FILE`.
//! A name nobody knows or a value nobody understands stops the start.

mod source;
#[cfg(test)]
mod tests;
mod value;

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use ipnet::IpNet;
use zeroize::Zeroizing;

use crate::entity::vocabulary::AccountRole;

pub use value::is_origin;

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
    setting(
        "data_dir",
        "data",
        "directory for the SQLite database, the secret, the search index and the demo credentials",
    ),
    setting("listen", "127.0.0.1:8080", "address and port to serve on"),
    setting(
        "admin_listen",
        "127.0.0.1:9090",
        "address and port of `/metrics`, for whoever watches the service; it asks for no credential. `off`: none",
    ),
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
    setting(
        "second_factor",
        "",
        "the least role that needs a second factor: viewer, author, editor, admin, owner, or `none`; default: `editor`, and `none` while `base_url` is on loopback",
    ),
    setting(
        "cors_origins",
        "",
        "web origins whose pages may call the service with any credential, comma-separated, such as `https://admin.example.org`",
    ),
    setting(
        "trusted_proxies",
        "",
        "addresses or networks (CIDR) of proxies whose `X-Forwarded-For` is believed, comma-separated",
    ),
    setting(
        "plain_http",
        "loopback",
        "where plain HTTP may be served: `loopback`, or `anywhere` when a proxy that speaks TLS stands before it",
    ),
    setting(
        "rate_limit_read",
        "3000",
        "reads a minute for each account or key (a publishable key: for each of its visitors' addresses)",
    ),
    setting("rate_limit_write", "300", "writes a minute for each account or key"),
    setting("rate_limit_anonymous", "300", "requests a minute without a credential, for each address"),
    setting(
        "rate_limit_sign_in",
        "20",
        "sign-ins and other uses of passwords and one-time links a minute, for each address",
    ),
    setting(
        "mail_url",
        "",
        "`smtps://user:password@host` or `smtp://…` (STARTTLS); default: messages are written to `data_dir/mail`",
    ),
    setting("mail_from", "sogep@localhost", "the address that messages come from"),
    setting(
        "account_url",
        "",
        "the page that invitations and password resets lead to; the token follows as `#token=…`; default: `base_url`/docs",
    ),
    setting(
        "previous_secret",
        "",
        "the master secret before the present one, while `sogep secret reseal` has not run everywhere",
    ),
    setting(
        "four_eyes",
        "off",
        "`on`: what is published must have been reviewed by another than who sent it or changed it last",
    ),
    setting(
        "trash_days",
        "30",
        "days after which what lies in the trash is deleted for good, 1 to 3650; its tombstone stays",
    ),
    setting("default_locale", "tr", "language of answers when the caller names none (BCP 47)"),
    setting("locales", "tr,en", "languages content may be written in, comma-separated (BCP 47)"),
    setting("cache", "64", "memory for finished answers, in MiB, 0 to 65536; 0: none are kept"),
    setting("log", "info", "what is logged: error, warn, info, debug, trace, or a tracing filter"),
];

const fn setting(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default, meaning }
}

/// Settings that hold a secret, or an address with a password.
const SECRETS: [&str; 3] = ["secret", "database_url", "mail_url"];

/// Who may read what is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever has a credential.
    Key,
    /// Everybody.
    Open,
}

/// Requests a minute that one caller may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Reads with a credential.
    pub read: u32,
    /// Writes with a credential.
    pub write: u32,
    /// Anything without a credential, by address.
    pub anonymous: u32,
    /// Uses of passwords, refresh tokens and one-time links, by address.
    pub sign_in: u32,
}

/// How messages are sent.
#[derive(Clone)]
pub struct Mail {
    /// The SMTP server, with its password; none: a folder in the data directory.
    pub url: Option<Zeroizing<String>>,
    /// The address that messages come from.
    pub from: String,
}

/// Where the second listener is, which tells how the service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdminListen {
    /// The address.
    pub address: SocketAddr,
    /// Whether somebody has named it: then the service does not start without it.
    pub is_named: bool,
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
    /// Where the second listener is, if there is one.
    pub admin_listen: Option<AdminListen>,
    /// The address clients use, without a trailing slash.
    pub base_url: String,
    /// The master secret, when it is configured.
    pub secret: Option<Zeroizing<String>>,
    /// The master secret before it, while something is still sealed with that.
    pub previous_secret: Option<Zeroizing<String>>,
    /// Who may read what is public.
    pub access: Access,
    /// The least role that needs a second factor.
    pub second_factor: Option<AccountRole>,
    /// Web origins whose pages may call with any credential (RFC 6454, as browsers send them).
    pub cors_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Requests a minute, by class.
    pub rate_limits: RateLimits,
    /// How messages are sent.
    pub mail: Mail,
    /// Where invitations and password resets lead.
    pub account_url: String,
    /// Whether two must have seen what is published.
    pub four_eyes: bool,
    /// Days after which what lies in the trash is deleted for good.
    pub trash_days: u32,
    /// The language of answers when the caller names none.
    pub default_locale: String,
    /// The languages content may be written in.
    pub locales: Vec<String>,
    /// Memory for finished answers, in MiB.
    pub cache: u32,
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
            Ok(text) => {
                if SECRETS.iter().any(|name| text.contains(name)) {
                    source::refuse_exposed("it may hold a secret", Path::new("sogep.toml"))?;
                }
                text
            }
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
        let mut values = source::from_file(file)?;
        values.extend(source::from_environment(environment)?);
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
        value::plain_http(or_default("plain_http"), "listen", listen)?;
        let admin_listen =
            value::admin_listen(or_default("admin_listen"), get("admin_listen").is_some(), listen)?;
        if let Some(AdminListen { address, .. }) = admin_listen {
            value::plain_http(or_default("plain_http"), "admin_listen", address)?;
        }
        let base_url = get("base_url").map_or_else(|| Ok(format!("http://{listen}")), value::base_url)?;
        let default_locale = or_default("default_locale").to_owned();
        let locales: Vec<String> =
            or_default("locales").split(',').map(|locale| locale.trim().to_owned()).collect();
        for locale in locales.iter().chain([&default_locale]) {
            if locale.parse::<icu_locale_core::LanguageIdentifier>().is_err() {
                return Err(refused("locales", locale, "BCP 47 language tags"));
            }
        }
        let limit = |name: &'static str| value::number(name, or_default(name), 1..=1_000_000_000);
        if !locales.contains(&default_locale) {
            return Err(refused("default_locale", &default_locale, "one of `locales`"));
        }
        Ok(Self {
            database_url: get("database_url").map(value::database_url).transpose()?,
            database_connections: value::number(
                "database_connections",
                or_default("database_connections"),
                2..=200,
            )?,
            data_dir: or_default("data_dir").into(),
            second_factor: value::second_factor(get("second_factor"), &base_url)?,
            cors_origins: value::list(or_default("cors_origins"), value::origin)?,
            trusted_proxies: value::list(or_default("trusted_proxies"), value::network)?,
            rate_limits: RateLimits {
                read: limit("rate_limit_read")?,
                write: limit("rate_limit_write")?,
                anonymous: limit("rate_limit_anonymous")?,
                sign_in: limit("rate_limit_sign_in")?,
            },
            mail: Mail {
                url: get("mail_url").map(|url| Zeroizing::new(url.to_owned())),
                from: or_default("mail_from").to_owned(),
            },
            account_url: get("account_url")
                .map_or_else(|| Ok(format!("{base_url}/docs")), value::account_url)?,
            base_url,
            listen,
            admin_listen,
            secret: get("secret").map(|text| value::secret("secret", text)).transpose()?,
            previous_secret: get("previous_secret")
                .map(|text| value::secret("previous_secret", text))
                .transpose()?,
            access: match or_default("access") {
                "key" => Access::Key,
                "open" => Access::Open,
                other => return Err(refused("access", other, "`key` or `open`")),
            },
            four_eyes: match or_default("four_eyes") {
                "off" => false,
                "on" => true,
                other => return Err(refused("four_eyes", other, "`on` or `off`")),
            },
            trash_days: value::number("trash_days", or_default("trash_days"), 1..=3650)?,
            default_locale,
            locales,
            cache: value::number("cache", or_default("cache"), 0..=65_536)?,
            log: value::log_filter(or_default("log"))?,
        })
    }

    /// Every setting and its effective value, secrets hidden.
    #[must_use]
    pub fn shown(&self) -> Vec<(&'static str, String)> {
        let shown = |name| match name {
            "database_url" => self
                .database_url
                .as_deref()
                .map_or_else(|| format!("sqlite in {}", self.data_dir.display()), value::without_password),
            "database_connections" => self.database_connections.to_string(),
            "data_dir" => self.data_dir.display().to_string(),
            "listen" => self.listen.to_string(),
            "admin_listen" => {
                self.admin_listen.map_or_else(|| "off".to_owned(), |admin| admin.address.to_string())
            }
            "base_url" => self.base_url.clone(),
            "secret" if self.secret.is_some() => "configured (hidden)".to_owned(),
            "secret" => format!("kept in {}", self.data_dir.join("secret").display()),
            "previous_secret" if self.previous_secret.is_some() => "configured (hidden)".to_owned(),
            "previous_secret" => "none".to_owned(),
            "access" => format!("{:?}", self.access).to_lowercase(),
            "second_factor" => self
                .second_factor
                .map_or_else(|| "none".to_owned(), |role| format!("{role:?}").to_lowercase()),
            "cors_origins" => self.cors_origins.join(","),
            "trusted_proxies" => {
                self.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
            }
            "plain_http" if self.listen.ip().is_loopback() => "loopback".to_owned(),
            "plain_http" => "anywhere".to_owned(),
            "rate_limit_read" => self.rate_limits.read.to_string(),
            "rate_limit_write" => self.rate_limits.write.to_string(),
            "rate_limit_anonymous" => self.rate_limits.anonymous.to_string(),
            "rate_limit_sign_in" => self.rate_limits.sign_in.to_string(),
            "mail_url" => self.mail.url.as_ref().map_or_else(
                || format!("folder {}", self.data_dir.join("mail").display()),
                |url| value::without_password(url),
            ),
            "mail_from" => self.mail.from.clone(),
            "account_url" => self.account_url.clone(),
            "four_eyes" => if self.four_eyes { "on" } else { "off" }.to_owned(),
            "trash_days" => self.trash_days.to_string(),
            "default_locale" => self.default_locale.clone(),
            "locales" => self.locales.join(","),
            "cache" => self.cache.to_string(),
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

/// The sentence that refuses a value.
fn refused(name: &str, value: &str, wanted: &str) -> ConfigError {
    ConfigError(format!("`{name}` is `{value}`, wanted: {wanted}"))
}
