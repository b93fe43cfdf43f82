//! `sogep key`: keys, from the command line.

use clap::{Subcommand, ValueEnum};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};
use serde_json::json;

use super::{Failure, tell};
use crate::{
    app::App,
    auth::{Caller, Scope},
    entity::api_key,
    keys::{self, Key, NewKey},
    trail,
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
        /// What a secret key may do: content:read, content:read:partners, content:write, content:publish, changes:read.
        #[arg(long = "scope", value_parser = scope)]
        scopes: Vec<Scope>,
        /// The partner it is made for, by id or slug.
        #[arg(long)]
        partner: Option<String>,
        /// For how many days it is good.
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(i64).range(1..=366))]
        days: i64,
        /// A web origin whose pages may use a publishable key; may be repeated.
        #[arg(long = "origin")]
        origins: Vec<String>,
        /// A network (CIDR) that a secret key may be used from; may be repeated.
        #[arg(long = "network")]
        networks: Vec<String>,
        /// Print the result as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Replace a key by a new one that may do the same; its secret is printed this once.
    #[command(after_help = "Example: sogep key rotate sogep_sk_4fTq0aZ81LmC --overlap-days 3")]
    Rotate {
        /// The key's id, or its first part.
        key: String,
        /// For how many days the old key stays good beside the new one; 0: it ends at once.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i64).range(0..=7))]
        overlap_days: i64,
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
    let unknown =
        "wanted: content:read, content:read:partners, content:write, content:publish or changes:read";
    serde_json::from_value(text.into()).map_err(|_unknown| unknown.to_owned())
}

pub async fn run(app: &App, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create { r#type, name, scopes, partner, days, origins, networks, json } => {
            let new = json!({
                "type": type_name(r#type), "name": name, "scopes": scopes, "partner": partner,
                "expires_in_days": days, "origins": origins, "networks": networks,
            });
            // The same rules as over HTTP.
            let new: NewKey = app.contract.decode("NewKey", new)?;
            let tx = app.db.begin().await?;
            let (secret, row, events) = keys::create(app, &tx, &Caller::SYSTEM, new).await?;
            trail::record(&tx, app.clock.now(), events).await?;
            tx.commit().await?;
            tell_secret(json, &secret, row)
        }
        Command::Rotate { key, overlap_days, json } => {
            let tx = app.db.begin().await?;
            let old = api_key::Entity::find().filter(named(&key)).one(&tx).await?;
            let old = old.ok_or_else(|| Failure::Refused("there is no such key".to_owned()))?;
            let (secret, row, events) = keys::rotate(app, &tx, &Caller::SYSTEM, old, overlap_days).await?;
            trail::record(&tx, app.clock.now(), events).await?;
            tx.commit().await?;
            tell_secret(json, &secret, row)
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
            let tx = app.db.begin().await?;
            let events = keys::revoke(app, &tx, &Caller::SYSTEM, named(&key)).await?;
            if events.is_empty() {
                return Err(Failure::Refused("there is no such key in use".to_owned()));
            }
            trail::record(&tx, app.clock.now(), events).await?;
            tx.commit().await?;
            super::say("Revoked.")
        }
    }
}

/// The key with this id, first part, or whole text.
fn named(key: &str) -> Condition {
    let prefix = crate::auth::key::prefix(key).unwrap_or(key);
    let which = Condition::any().add(api_key::Column::Prefix.eq(prefix));
    match key.parse::<uuid::Uuid>() {
        Ok(id) => which.add(api_key::Column::Id.eq(id)),
        Err(_no_id) => which,
    }
}

fn tell_secret(json: bool, secret: &str, row: api_key::Model) -> Result<(), Failure> {
    let until = row.expires_at.format("%Y-%m-%d").to_string();
    let key = Key::try_from(row)?;
    tell(
        json,
        &json!({ "secret": secret, "key": key }),
        &format!("{secret}\nIt is good until {until} and cannot be shown again."),
    )
}

fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::Publishable => "publishable",
        Type::Secret => "secret",
    }
}
