//! `sogep audit`: the audit trail, from the command line.

use std::path::PathBuf;

use clap::Subcommand;
use indicatif::ProgressBar;
use sea_orm::{ActiveEnum, EntityTrait, PaginatorTrait};
use serde_json::json;

use super::{Failure, exchange::bar, say, tell};
use crate::{
    app::App,
    audit,
    entity::audit as audit_table,
    trail::{self, Anchor},
};

/// How many lines are read at once.
const PAGE: u64 = 100;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what happened, the latest first.
    #[command(after_help = "Example: sogep audit list --last 20")]
    List {
        /// How many lines to show.
        #[arg(long, default_value_t = 100)]
        last: u64,
        /// Print each line as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check that no line was changed, removed, added or moved; names the first bad one.
    #[command(after_help = "Example: sogep audit verify --anchor anchor-2026-11.json")]
    Verify {
        /// A file that `sogep audit anchor` has written, to notice a cut or rebuilt trail.
        #[arg(long)]
        anchor: Option<PathBuf>,
        /// Print the result as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print where the trail ends now; keep it on another machine.
    #[command(after_help = "Example: sogep audit anchor > anchor-2026-11.json")]
    Anchor,
}

pub async fn run(app: &App, command: Command) -> Result<(), Failure> {
    match command {
        Command::List { last, json } => list(app, last, json).await,
        Command::Verify { anchor, json } => verify(app, anchor, json).await,
        Command::Anchor => {
            let anchor = trail::anchor(app.db.reader(), app.secrets.anchor_key(), app.clock.now()).await?;
            let anchor = anchor.ok_or_else(|| Failure::Refused("the trail has no line yet".to_owned()))?;
            say(&serde_json::to_string(&anchor).map_err(|error| Failure::Refused(error.to_string()))?)
        }
    }
}

async fn list(app: &App, last: u64, json: bool) -> Result<(), Failure> {
    let mut before = None;
    let mut wanted = last;
    while wanted > 0 {
        let lines = audit::latest(app.db.reader(), before, wanted.min(PAGE)).await?;
        let Some(end) = lines.last() else { return Ok(()) };
        before = Some(end.seq);
        for line in lines {
            wanted -= 1;
            let text = format!(
                "{}  {}  {} {}  {} {}  {}",
                line.seq,
                line.at.format("%Y-%m-%d %H:%M:%S"),
                line.action.to_value(),
                line.outcome.to_value(),
                line.actor_type.to_value(),
                line.actor_id.map(|id| id.to_string()).unwrap_or_default(),
                line.object_id.clone().unwrap_or_default(),
            );
            tell(json, &line, &text)?;
        }
    }
    Ok(())
}

async fn verify(app: &App, anchor: Option<PathBuf>, json: bool) -> Result<(), Failure> {
    let anchor: Option<Anchor> = match anchor {
        None => None,
        Some(path) => {
            let failed = |error| Failure::Io(path.display().to_string(), error);
            let text = std::fs::read_to_string(&path).map_err(failed)?;
            let read = serde_json::from_str(&text);
            Some(read.map_err(|_bad| Failure::Refused(format!("{} is not an anchor", path.display())))?)
        }
    };
    let lines = audit_table::Entity::find().count(app.db.reader()).await?;
    let bar: ProgressBar = bar(lines, "{bar:40} {pos}/{len} {elapsed}, {eta} to go");
    let key = anchor.as_ref().map_or(app.secrets.anchor_key(), |anchor| {
        let previous = app.secrets.previous_anchor_key().filter(|key| anchor.is_of(key));
        previous.unwrap_or(app.secrets.anchor_key())
    });
    let verified =
        trail::verify(app.db.reader(), anchor.as_ref().map(|anchor| (anchor, key)), &|_| bar.inc(1)).await;
    bar.finish_and_clear();
    let verified = verified.map_err(|broken| Failure::Refused(broken.to_string()))?;
    let record = json!({ "lines": verified.lines, "head": verified.head, "anchored": anchor.is_some() });
    tell(json, &record, &format!("{} lines, all as they were written.", verified.lines))
}
