//! `sogep session`: who is signed in, from the command line.

use clap::Subcommand;
use serde_json::json;
use uuid::Uuid;

use super::{Failure, say, tell};
use crate::{app::App, auth::Caller, sessions, users};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the live sessions of an account, the latest first.
    #[command(after_help = "Example: sogep session list --email editor@example.org")]
    List {
        /// The account's e-mail address.
        #[arg(long)]
        email: String,
        /// Print each session as a line of JSON.
        #[arg(long)]
        json: bool,
    },
    /// End a session.
    #[command(after_help = "Example: sogep session end 6f1c0b6e-4a7d-4832-9d1e-0a1b2c3d4e5f")]
    End {
        /// The session's id.
        id: Uuid,
    },
}

pub async fn run(app: &App, command: Command) -> Result<(), Failure> {
    match command {
        Command::List { email, json } => {
            let tx = app.db.begin().await?;
            let account = users::by_email(&tx, &email).await?;
            for row in sessions::living(app, &tx, account.id).await? {
                let device = row.device.as_deref().unwrap_or("unknown device");
                let text = format!("{}  since {}  {device}", row.id, row.created_at.format("%Y-%m-%d %H:%M"));
                let record = json!({
                    "id": row.id, "device": row.device, "second_factor": row.second_factor,
                    "created_at": row.created_at, "last_used_at": row.last_used_at, "expires_at": row.expires_at,
                });
                tell(json, &record, &text)?;
            }
            Ok(())
        }
        Command::End { id } => {
            let tx = app.db.begin().await?;
            sessions::end(app, &tx, &Caller::SYSTEM, id)
                .await
                .map_err(|_absent| Failure::Refused(format!("there is no session {id}")))?;
            tx.commit().await?;
            say("Ended.")
        }
    }
}
