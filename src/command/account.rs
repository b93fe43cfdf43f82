//! `sogep user`: accounts, from the command line.

use std::io::Read;

use clap::{Args, Subcommand};
use sea_orm::{ActiveValue::Set, ColumnTrait, IntoActiveModel, entity::prelude::*};
use serde_json::json;

use super::{Failure, tell};
use crate::{
    app::App,
    auth::{Caller, factor, one_time, password, session},
    crypto,
    entity::{
        session as session_table, user,
        vocabulary::{AccountRole, AuditAction, OneTimePurpose},
    },
    http::Result,
    trail::{self, Event},
    users::{self, Name, NewUser, User, UserPatch},
};

/// How many accounts are listed at once.
const PAGE: u64 = 100;

#[derive(Debug, Args)]
pub struct Whose {
    /// The account's e-mail address.
    #[arg(long)]
    email: String,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct New {
    /// The e-mail address to sign in with.
    #[arg(long)]
    email: String,
    /// What the account may do: viewer, author, editor, admin or owner.
    #[arg(long, value_parser = role)]
    role: AccountRole,
    /// The person's name.
    #[arg(long)]
    name: Option<String>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create an account; prints a password unless one is given.
    #[command(after_help = "Example: sogep user create --email editor@example.org --role editor")]
    Create {
        #[command(flatten)]
        new: New,
        /// Read the password from standard input instead of making one.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Create an account and print a link to choose its password, good for 72 hours; sends nothing.
    #[command(after_help = "Example: sogep user invite --email editor@example.org --role editor")]
    Invite {
        #[command(flatten)]
        new: New,
    },
    /// List accounts, the oldest first.
    #[command(after_help = "Example: sogep user list --json")]
    List {
        /// Print each account as a line of JSON.
        #[arg(long)]
        json: bool,
    },
    /// Change an account's role, name or e-mail address.
    #[command(after_help = "Example: sogep user change --email editor@example.org --role viewer")]
    Change {
        #[command(flatten)]
        whose: Whose,
        /// What it may do from now on.
        #[arg(long, value_parser = role)]
        role: Option<AccountRole>,
        /// The person's name from now on.
        #[arg(long)]
        name: Option<String>,
        /// The e-mail address from now on; ends its sessions.
        #[arg(long)]
        new_email: Option<String>,
    },
    /// Disable an account, and with it its sessions and keys.
    #[command(after_help = "Example: sogep user disable --email editor@example.org")]
    Disable(Whose),
    /// Enable a disabled account again.
    #[command(after_help = "Example: sogep user enable --email editor@example.org")]
    Enable(Whose),
    /// Delete an account: erase all but its id, end its sessions, revoke its keys.
    #[command(after_help = "Example: sogep user delete --email editor@example.org")]
    Delete(Whose),
    /// Give an account a new password, enable it, and end its sessions.
    #[command(after_help = "Example: sogep user reset --email editor@example.org --link")]
    Reset {
        #[command(flatten)]
        whose: Whose,
        /// Read the password from standard input instead of making one.
        #[arg(long, conflicts_with = "link")]
        password_stdin: bool,
        /// Print a link to choose a password, good for an hour, and leave all else as it is.
        #[arg(long)]
        link: bool,
    },
    /// Remove the second factor of somebody who has lost it, and end their sessions.
    #[command(after_help = "Example: sogep user remove-second-factor --email editor@example.org")]
    RemoveSecondFactor(Whose),
    /// End all sessions of an account.
    #[command(after_help = "Example: sogep user end-sessions --email editor@example.org")]
    EndSessions(Whose),
}

fn role(text: &str) -> std::result::Result<AccountRole, String> {
    serde_json::from_value(text.into())
        .map_err(|_unknown| "wanted: viewer, author, editor, admin or owner".to_owned())
}

pub async fn run(app: &App, command: Command) -> std::result::Result<(), Failure> {
    match command {
        Command::Create { new, password_stdin } => {
            let password = chosen(app, password_stdin, &new.email, new.name.as_deref()).await?;
            let json = new.json;
            let account = create(app, &new.email, new.role, new.name, &password).await?;
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
        Command::Invite { new } => {
            let json = new.json;
            let tx = app.db.begin().await?;
            let (row, mut events) =
                users::create(app, &tx, &Caller::SYSTEM, checked(app, new)?, String::new()).await?;
            let token = users::invite(app, &tx, &Caller::SYSTEM, &row, &mut events).await?;
            trail::record(&tx, app.clock.now(), events).await?;
            tx.commit().await?;
            tell_link(app, json, &row, &token)
        }
        Command::List { json } => list(app, json).await,
        Command::Change { whose, role, name, new_email } => {
            let patch = UserPatch {
                email: new_email,
                name: name.map_or(Name::Keep, Name::Set),
                role,
                disabled: None,
            };
            change(app, whose, patch, "Changed").await
        }
        Command::Disable(whose) => {
            change(app, whose, UserPatch { disabled: Some(true), ..UserPatch::default() }, "Disabled").await
        }
        Command::Enable(whose) => {
            change(app, whose, UserPatch { disabled: Some(false), ..UserPatch::default() }, "Enabled").await
        }
        Command::Delete(whose) => {
            let tx = app.db.begin().await?;
            let row = users::by_email(&tx, &whose.email).await?;
            let id = row.id;
            let events = users::delete(app, &tx, &Caller::SYSTEM, row).await?;
            trail::record(&tx, app.clock.now(), events).await?;
            tx.commit().await?;
            tell(whose.json, &json!({ "id": id, "email": whose.email }), &format!("Deleted {}.", whose.email))
        }
        Command::Reset { whose, link: true, .. } => {
            let tx = app.db.begin().await?;
            let row = users::by_email(&tx, &whose.email).await?;
            let token = one_time::issue(app, &tx, row.id, OneTimePurpose::PasswordReset).await?;
            let event = Caller::SYSTEM.did(AuditAction::AuthnPasswordReset).on("user", row.id);
            trail::record(&tx, app.clock.now(), [event]).await?;
            tx.commit().await?;
            tell_link(app, whose.json, &row, &token)
        }
        Command::Reset { whose, password_stdin, .. } => reset(app, whose, password_stdin).await,
        Command::RemoveSecondFactor(whose) => {
            let tx = app.db.begin().await?;
            let row = users::by_email(&tx, &whose.email).await?;
            if !factor::is_active(&row) {
                return Err(Failure::Refused(format!("{} has no second factor", row.email)));
            }
            factor::remove(&tx, &row).await?;
            let event = Caller::SYSTEM.did(AuditAction::AuthnFactorRemoved).on("user", row.id);
            end(app, tx, row, event, whose.json, "Removed the second factor of").await
        }
        Command::EndSessions(whose) => {
            let tx = app.db.begin().await?;
            let row = users::by_email(&tx, &whose.email).await?;
            let event = Caller::SYSTEM.did(AuditAction::SessionEnded).on("user", row.id);
            end(app, tx, row, event, whose.json, "Ended all sessions of").await
        }
    }
}

/// Ends the sessions of an account, and the transaction.
async fn end(
    app: &App,
    tx: sea_orm::DatabaseTransaction,
    row: user::Model,
    event: Event,
    json: bool,
    done: &str,
) -> std::result::Result<(), Failure> {
    session::end_sessions(app, &tx, session_table::Column::UserId.eq(row.id)).await?;
    trail::record(&tx, app.clock.now(), [event]).await?;
    tx.commit().await?;
    tell(json, &json!({ "id": row.id, "email": row.email }), &format!("{done} {}.", row.email))
}

async fn list(app: &App, json: bool) -> std::result::Result<(), Failure> {
    let mut after = None;
    loop {
        let rows = users::page(app.db.reader(), after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some((last.created_at, last.id));
        for row in rows {
            let user = User::from(row);
            let factor = if user.second_factor { ", second factor" } else { "" };
            let text = format!("{}  {:?}, {:?}{factor}", user.email, user.role, user.status);
            tell(json, &user, &text)?;
        }
    }
}

async fn change(app: &App, whose: Whose, patch: UserPatch, done: &str) -> std::result::Result<(), Failure> {
    let tx = app.db.begin().await?;
    let row = users::by_email(&tx, &whose.email).await?;
    let (row, events) = users::change(app, &tx, &Caller::SYSTEM, row, patch).await?;
    trail::record(&tx, app.clock.now(), events).await?;
    tx.commit().await?;
    let text = format!("{done} {}.", row.email);
    tell(whose.json, &User::from(row), &text)
}

async fn reset(app: &App, whose: Whose, password_stdin: bool) -> std::result::Result<(), Failure> {
    let password = chosen(app, password_stdin, &whose.email, None).await?;
    let hash = password::hash(&password)?;
    let tx = app.db.begin().await?;
    let row = users::by_email(&tx, &whose.email).await?;
    let row = one_time::replace_password(app, &tx, &row, hash, None).await?;
    let mut events = vec![Caller::SYSTEM.did(AuditAction::AuthnPasswordChange).on("user", row.id)];
    if row.disabled_at.is_some() {
        let mut enabled = row.clone().into_active_model();
        enabled.disabled_at = Set(None);
        enabled.update(&tx).await?;
        events.push(Caller::SYSTEM.did(AuditAction::UserEnabled).on("user", row.id));
    }
    trail::record(&tx, app.clock.now(), events).await?;
    tx.commit().await?;
    let shown = (!password_stdin).then_some(&password);
    let text = match shown {
        Some(password) => format!("New password of {}: {password}", row.email),
        None => format!("The password of {} is changed.", row.email),
    };
    tell(whose.json, &json!({ "id": row.id, "email": row.email, "password": shown }), &text)
}

fn tell_link(app: &App, json: bool, row: &user::Model, token: &str) -> std::result::Result<(), Failure> {
    let link = one_time::link(app, token);
    let record = json!({ "id": row.id, "email": row.email, "link": link, "token": token });
    tell(json, &record, &format!("For {}, once:\n{link}", row.email))
}

/// The new account, by the rules that hold over HTTP.
fn checked(app: &App, new: New) -> Result<NewUser> {
    let New { email, role, name, .. } = new;
    app.contract.decode("NewUser", json!({ "email": email, "role": role, "name": name }))
}

/// Creates an account with a password.
pub async fn create(
    app: &App,
    email: &str,
    role: AccountRole,
    name: Option<String>,
    password: &str,
) -> Result<user::Model> {
    let hash = password::hash(password)?;
    let new = checked(app, New { email: email.to_owned(), role, name, json: false })?;
    let tx = app.db.begin().await?;
    let (row, events) = users::create(app, &tx, &Caller::SYSTEM, new, hash).await?;
    trail::record(&tx, app.clock.now(), events).await?;
    tx.commit().await?;
    Ok(row)
}

/// A password nobody has: 24 characters, 120 bits.
pub fn generated_password() -> Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let bytes = crypto::random::<24>()?;
    let letters = bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32)));
    Ok(letters.map(|letter| char::from(*letter)).collect())
}

async fn chosen(
    app: &App,
    from_stdin: bool,
    email: &str,
    name: Option<&str>,
) -> std::result::Result<String, Failure> {
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
    let names = one_time::organisation_names(app).await?;
    let about: Vec<&str> = names.iter().map(String::as_str).chain([email]).chain(name).collect();
    password::check(&password, &about).map_err(|refused| Failure::Refused(refused.to_string()))?;
    Ok(password)
}
