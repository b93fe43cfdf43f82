//! `sogep user`: accounts, from the command line.

use std::io::Read;

use clap::Subcommand;
use sea_orm::{ActiveValue::Set, IntoActiveModel, entity::prelude::*};
use serde_json::json;

use super::{Failure, tell};
use crate::{
    app::App,
    auth::{password, session},
    crypto,
    entity::{session as session_table, user, vocabulary::AccountRole},
    http::{Error, Result},
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create an account; prints a password unless one is given.
    #[command(after_help = "Example: sogep user create --email editor@example.org --role editor")]
    Create {
        /// The e-mail address to sign in with.
        #[arg(long)]
        email: String,
        /// What the account may do: viewer, author, editor, admin or owner.
        #[arg(long, value_parser = role)]
        role: AccountRole,
        /// The person's name.
        #[arg(long)]
        name: Option<String>,
        /// Read the password from standard input instead of making one.
        #[arg(long)]
        password_stdin: bool,
        /// Print the result as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Disable an account and end its sessions.
    #[command(after_help = "Example: sogep user disable --email editor@example.org")]
    Disable {
        /// The account's e-mail address.
        #[arg(long)]
        email: String,
        /// Print the result as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Give an account a new password, enable it, and end its sessions.
    #[command(after_help = "Example: sogep user reset --email editor@example.org")]
    Reset {
        /// The account's e-mail address.
        #[arg(long)]
        email: String,
        /// Read the password from standard input instead of making one.
        #[arg(long)]
        password_stdin: bool,
        /// Print the result as JSON.
        #[arg(long)]
        json: bool,
    },
}

fn role(text: &str) -> std::result::Result<AccountRole, String> {
    serde_json::from_value(text.into())
        .map_err(|_unknown| "wanted: viewer, author, editor, admin or owner".to_owned())
}

pub async fn run(app: &App, command: Command) -> std::result::Result<(), Failure> {
    match command {
        Command::Create { email, role, name, password_stdin, json } => {
            let password = chosen(password_stdin, &[&email, name.as_deref().unwrap_or_default()])?;
            let account = create(app, &email, role, name, &password).await?;
            let shown = (!password_stdin).then_some(&password);
            let text = match shown {
                Some(password) => format!("Created {}. Password: {password}", account.email),
                None => format!("Created {}.", account.email),
            };
            tell(
                json,
                &json!({ "id": account.id, "email": account.email, "role": account.role, "password": shown }),
                &text,
            )
        }
        Command::Disable { email, json } => {
            let account = change(app, &email, |account, now| account.disabled_at = Set(Some(now))).await?;
            tell(
                json,
                &json!({ "id": account.id, "email": account.email }),
                &format!("Disabled {}.", account.email),
            )
        }
        Command::Reset { email, password_stdin, json } => {
            let password = chosen(password_stdin, &[&email])?;
            let hash = password::hash(&password)?;
            let account = change(app, &email, |account, now| {
                account.password_hash = Set(hash);
                account.password_changed_at = Set(now);
                account.disabled_at = Set(None);
            })
            .await?;
            let shown = (!password_stdin).then_some(&password);
            let text = match shown {
                Some(password) => format!("New password of {}: {password}", account.email),
                None => format!("The password of {} is changed.", account.email),
            };
            tell(json, &json!({ "id": account.id, "email": account.email, "password": shown }), &text)
        }
    }
}

/// Creates an account.
pub async fn create(
    app: &App,
    email: &str,
    role: AccountRole,
    name: Option<String>,
    password: &str,
) -> Result<user::Model> {
    let email = canonical(email)?;
    let now = app.clock.now();
    let hash = password::hash(password)?;
    let tx = app.db.begin().await?;
    if user::Entity::find().filter(user::Column::Email.eq(&email)).one(&tx).await?.is_some() {
        return Err(Error::conflict(format!("there is an account {email} already")));
    }
    let row = user::ActiveModel {
        id: Set(app.clock.secret_id()),
        email: Set(email),
        name: Set(name),
        role: Set(role),
        password_hash: Set(hash),
        created_at: Set(now),
        password_changed_at: Set(now),
        disabled_at: Set(None),
    };
    let account = row.insert(&tx).await?;
    tx.commit().await?;
    Ok(account)
}

/// A password nobody has: 24 characters, 120 bits.
pub fn generated_password() -> Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let bytes = crypto::random::<24>().map_err(|_unspecified| Error::internal("no randomness"))?;
    let letters = bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32)));
    Ok(letters.map(|letter| char::from(*letter)).collect())
}

/// The address in the one form in which it is stored: only ASCII letters change their case, so that
/// no two addresses become one (SECURITY.md A-08).
fn canonical(email: &str) -> Result<String> {
    let email = email.trim().to_ascii_lowercase();
    let good = email.len() <= 254
        && email.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && domain.contains('.') && !domain.contains('@')
        })
        && email.bytes().all(|byte| byte.is_ascii_graphic());
    if good { Ok(email) } else { Err(Error::conflict("this is not an e-mail address in ASCII")) }
}

fn chosen(from_stdin: bool, about: &[&str]) -> std::result::Result<String, Failure> {
    if !from_stdin {
        return Ok(generated_password()?);
    }
    let mut text = String::new();
    let limit = password::MAX_BYTES as u64 + 2;
    std::io::stdin()
        .take(limit)
        .read_to_string(&mut text)
        .map_err(|error| Failure::Io("standard input".to_owned(), error))?;
    let password = text.trim_end_matches(['\r', '\n']).to_owned();
    password::check(&password, about).map_err(|refused| Failure::Refused(refused.to_string()))?;
    Ok(password)
}

/// Changes an account and ends its sessions.
async fn change(
    app: &App,
    email: &str,
    change: impl FnOnce(&mut user::ActiveModel, DateTimeUtc),
) -> Result<user::Model> {
    let email = canonical(email)?;
    let tx = app.db.begin().await?;
    let account = user::Entity::find().filter(user::Column::Email.eq(&email)).one(&tx).await?;
    let account = account.ok_or_else(|| Error::conflict(format!("there is no account {email}")))?;
    let id = account.id;
    let mut row = account.into_active_model();
    change(&mut row, app.clock.now());
    let account = row.update(&tx).await?;
    session::end_sessions(app, &tx, session_table::Column::UserId.eq(id)).await?;
    tx.commit().await?;
    Ok(account)
}
