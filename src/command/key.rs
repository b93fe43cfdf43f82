//! `sogep key`: keys, from the command line.

use clap::{Subcommand, ValueEnum};
use sea_orm::{ColumnTrait, Condition};
use serde_json::json;

use super::{Failure, tell};
use crate::{
    app::App,
    auth::{Caller, Scope},
    entity::{api_key, vocabulary::KeyType},
    keys::{self, Key, NewKey},
};

/// How many keys are listed at once.
const PAGE: u64 = 100;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a key; its secret is printed this once.
    #[command(
        after_help = "Example: sogep key create --type secret --name \"Ortak arşiv\" --scope content:read --scope content:read:partners"
    )]
    Create {
        /// What it is for.
        #[arg(long, value_enum)]
        r#type: Type,
        /// What it is called.
        #[arg(long)]
        name: String,
        /// What a secret key may do: content:read, content:read:partners, content:write, content:publish.
        #[arg(long = "scope", value_parser = scope)]
        scopes: Vec<Scope>,
        /// The partner it is made for, by id or slug.
        #[arg(long)]
        partner: Option<String>,
        /// For how many days it is good.
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(i64).range(1..=366))]
        days: i64,
        /// Print the result as JSON.
        #[arg(long)]
        json: bool,
    },
    /// List keys, the newest first.
    #[command(after_help = "Example: sogep key list --json")]
    List {
        /// Print each key as a line of JSON.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key.
    #[command(after_help = "Example: sogep key revoke sogep_pk_4fTq0aZ81LmC")]
    Revoke {
        /// The key's id, or its first part.
        key: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Type {
    /// Safe in a browser; reads what is public.
    Publishable,
    /// For a server or a partner.
    Secret,
}

fn scope(text: &str) -> Result<Scope, String> {
    let unknown = "wanted: content:read, content:read:partners, content:write or content:publish";
    serde_json::from_value(text.into()).map_err(|_unknown| unknown.to_owned())
}

pub async fn run(app: &App, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create { r#type, name, scopes, partner, days, json } => {
            let new = json!({ "type": type_name(r#type), "name": name });
            // The same rules as over HTTP.
            app.contract.check("NewKey", &new)?;
            let kind = match r#type {
                Type::Publishable => KeyType::Publishable,
                Type::Secret => KeyType::Secret,
            };
            let new = NewKey { r#type: kind, name, scopes, partner, expires_in_days: days };
            let tx = app.db.begin().await?;
            let (secret, row) = keys::create(app, &tx, &Caller::SYSTEM, new).await?;
            tx.commit().await?;
            let until = row.expires_at.format("%Y-%m-%d").to_string();
            let key = Key::try_from(row)?;
            tell(
                json,
                &json!({ "secret": secret, "key": key }),
                &format!("{secret}\nIt is good until {until} and cannot be shown again."),
            )
        }
        Command::List { json } => {
            let mut after = None;
            loop {
                let rows = keys::page(app.db.reader(), after, PAGE).await?;
                let Some(last) = rows.last() else { return Ok(()) };
                after = Some((last.created_at, last.id));
                for row in rows {
                    let key = Key::try_from(row)?;
                    let state = if key.revoked_at.is_some() {
                        "revoked"
                    } else if key.expires_at <= app.clock.now() {
                        "expired"
                    } else {
                        "active"
                    };
                    let text = format!(
                        "{}  {}  {state}  until {}  {}",
                        key.id,
                        key.prefix,
                        key.expires_at.format("%Y-%m-%d"),
                        key.name
                    );
                    tell(json, &key, &text)?;
                }
            }
        }
        Command::Revoke { key } => {
            let prefix = crate::auth::key::prefix(&key).unwrap_or(&key).to_owned();
            let mut which = Condition::any().add(api_key::Column::Prefix.eq(prefix));
            if let Ok(id) = key.parse::<uuid::Uuid>() {
                which = which.add(api_key::Column::Id.eq(id));
            }
            let tx = app.db.begin().await?;
            let revoked = keys::revoke(app, &tx, which).await?;
            tx.commit().await?;
            if revoked == 0 {
                return Err(Failure::Refused("there is no such key in use".to_owned()));
            }
            super::say("Revoked.")
        }
    }
}

fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::Publishable => "publishable",
        Type::Secret => "secret",
    }
}
