//! The command line.

mod account;
mod audit;
mod exchange;
mod inspect;
mod key;
mod secret;
mod serve;
mod session;

pub use secret::reseal;

use std::io::Write;

use clap::{Parser, Subcommand};
use serde::Serialize;

use crate::{
    app::App,
    clock::Clock,
    config::{Config, ConfigError},
    crypto::{Keyring, KeyringError, SecretError, Secrets},
    db::{Db, DbError},
    http::{Error, FieldError},
    kinds,
    mail::{MailError, MailSettings, Mailer, Transport},
    router,
};

/// Content API of a civil-society organisation.
#[derive(Debug, Parser)]
#[command(
    name = "sogep",
    version,
    arg_required_else_help = true,
    after_help = "Example: sogep serve --demo\nSettings: environment SOGEP_*, or sogep.toml; see them with `sogep doctor`."
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API; create and migrate the database first if need be.
    #[command(after_help = "Example: SOGEP_LISTEN=127.0.0.1:8080 sogep serve")]
    Serve {
        /// Begin with sample content, an owner account and keys. Only on an empty database, only on loopback.
        #[arg(long)]
        demo: bool,
    },
    /// Bring the database's schema up to date.
    #[command(
        after_help = "Example: DATABASE_URL=postgres://owner@host/sogep sogep migrate --grant-to sogep_app"
    )]
    Migrate {
        /// A PostgreSQL role that is to serve: it may read and write, but not change the schema, nor
        /// any line of the audit trail.
        #[arg(long)]
        grant_to: Option<String>,
    },
    /// Print the OpenAPI document.
    #[command(after_help = "Example: sogep openapi > openapi/openapi.json")]
    Openapi,
    /// Manage accounts.
    #[command(subcommand)]
    User(account::Command),
    /// Manage keys.
    #[command(subcommand)]
    Key(key::Command),
    /// See who is signed in, and end it.
    #[command(subcommand)]
    Session(session::Command),
    /// Read and check the audit trail.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Manage the keys that sign access tokens.
    #[command(subcommand)]
    SigningKey(secret::SigningKey),
    /// Replace the master secret.
    #[command(subcommand)]
    Secret(secret::Secret),
    /// Store the organisation's profile that comes with the program, if there is none.
    #[command(after_help = "Examples: sogep seed --demo\n          sogep seed --entries 100000 --seed 7")]
    Seed(exchange::Filling),
    /// Read collections from NDJSON or CSV files.
    #[command(after_help = "Example: sogep import --dry-run topics.ndjson publications.csv")]
    Import(exchange::Import),
    /// Write collections to NDJSON or CSV files.
    #[command(
        after_help = "Examples: sogep export backup/\n          sogep export tables/ --format csv --collection publications --delimiter semicolon"
    )]
    Export(exchange::Export),
    /// Show the effective configuration and what is wrong with it.
    #[command(after_help = "Example: sogep doctor --json")]
    Doctor {
        /// Print the findings as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Ask the running service whether it is ready; fails when it is not.
    #[command(after_help = "Example: sogep healthcheck")]
    Healthcheck,
}

/// Why a command failed. Its text is the one line the user reads.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The master secret cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The signing keys cannot be used.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Messages cannot be sent as configured.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// Something was not acceptable.
    #[error("{0}")]
    Refused(String),
    /// A file or socket failed.
    #[error("{0}: {1}")]
    Io(String, #[source] std::io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let places = match &error {
            Error::Invalid(errors) => {
                let place = |error: &FieldError| {
                    format!("{} {}", error.pointer.as_deref().unwrap_or_default(), error.detail)
                };
                format!("; {}", errors.iter().map(place).collect::<Vec<_>>().join("; "))
            }
            Error::Internal(source) => format!(": {source}"),
            Error::Unavailable(source) => format!(": {source}"),
            _ => String::new(),
        };
        Self::Refused(format!("{error}{places}"))
    }
}

impl From<sea_orm::DbErr> for Failure {
    fn from(error: sea_orm::DbErr) -> Self {
        Error::from(error).into()
    }
}

/// Runs the command that the arguments name.
///
/// # Errors
/// When it fails; the message is one line.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    if let Command::Openapi = arguments.command {
        let text = serde_json::to_string_pretty(&router::document())
            .map_err(|error| Failure::Refused(error.to_string()))?;
        return say(&text);
    }
    let config = Config::load()?;
    // Other commands speak for themselves; their logs are only what goes wrong.
    let serves = matches!(arguments.command, Command::Serve { .. });
    crate::telemetry::begin(if serves { &config.log } else { "warn" });
    match arguments.command {
        Command::Openapi => Ok(()),
        Command::Serve { demo } => serve::serve(config, demo).await,
        Command::Migrate { grant_to } => {
            let db = Db::connect(&config).await?;
            db.migrate(&config.data_dir).await?;
            if let Some(role) = grant_to {
                db.grant_to(&role).await?;
            }
            say("The schema is up to date.")
        }
        Command::User(command) => account::run(&open(config).await?, command).await,
        Command::Key(command) => key::run(&open(config).await?, command).await,
        Command::Session(command) => session::run(&open(config).await?, command).await,
        Command::Audit(command) => audit::run(&open(config).await?, command).await,
        Command::SigningKey(command) => secret::signing_key(&open(config).await?, command).await,
        Command::Secret(command) => secret::secret(&open(config).await?, command).await,
        Command::Seed(filling) => exchange::seed(&open(config).await?, filling).await,
        Command::Import(import) => exchange::import(&open(config).await?, import).await,
        Command::Export(export) => exchange::export(&open(config).await?, export).await,
        Command::Doctor { json } => inspect::doctor(config, json).await,
        Command::Healthcheck => inspect::healthcheck(&config).await,
    }
}

/// The parts of the service, on a database whose schema is up to date.
async fn open(config: Config) -> Result<App, Failure> {
    let clock = Clock::default();
    let secrets = Secrets::load(&config)?;
    let db = Db::connect(&config).await?;
    db.migrate(&config.data_dir).await?;
    let keyring = Keyring::load(&db, &clock, &secrets).await?;
    let mailer = Mailer::new(mail_settings(&config))?;
    let app = App::new(db, clock, config, secrets, keyring, router::contract(), mailer);
    kinds::catch_up(&app).await?;
    Ok(app)
}

/// How messages are sent.
fn mail_settings(config: &Config) -> MailSettings {
    let transport = match &config.mail.url {
        Some(url) => Transport::Smtp(url.to_string()),
        None => Transport::Folder(config.data_dir.join("mail")),
    };
    MailSettings { transport, from: config.mail.from.clone() }
}

/// Prints a line.
fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    match written {
        // Whoever reads has had enough.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Io("standard output".to_owned(), error))
        }
        _ => Ok(()),
    }
}

/// Prints a record as one line of JSON, or else a line of text.
fn tell(json: bool, record: &impl Serialize, text: &str) -> Result<(), Failure> {
    if json {
        let line = serde_json::to_string(record).map_err(|error| Failure::Refused(error.to_string()))?;
        say(&line)
    } else {
        say(text)
    }
}
