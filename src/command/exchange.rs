//! `sogep seed`, `sogep import`, `sogep export`.

use std::{io::IsTerminal, path::PathBuf};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{Failure, say, tell};
use crate::{
    app::App,
    auth::Caller,
    content::{
        self,
        generated::{self, Generated},
    },
    entity::vocabulary::AuditAction,
    interchange::{
        Collection,
        csv::{Delimiter, Names},
        export::{self, Format},
        import::{self, Input, Job, Report},
    },
    synonyms, trail,
};

#[derive(Debug, Args)]
pub struct Filling {
    /// Also store the sample content.
    #[arg(long)]
    demo: bool,
    /// Also generate so many publications, with topics, people, projects, events and partners; only on a
    /// database without content. To see how the service does with a million.
    #[arg(long, value_name = "N", conflicts_with = "demo", value_parser = clap::value_parser!(u64).range(1..))]
    entries: Option<u64>,
    /// What the generated entries follow from: the same seed makes the same ones.
    #[arg(long, value_name = "S", default_value_t = 1, requires = "entries")]
    seed: u64,
}

#[derive(Debug, Args)]
pub struct Export {
    /// The directory to write to; it must not hold such files yet.
    directory: PathBuf,
    /// What to write.
    #[arg(long, value_enum, default_value_t)]
    format: FileFormat,
    /// Only this collection; can be given several times.
    #[arg(long, value_enum)]
    collection: Vec<Collection>,
    /// What separates the cells of a table; Turkish Excel wants `semicolon`.
    #[arg(long, value_enum, default_value_t)]
    delimiter: Delimiter,
    /// What the columns of a table are called: as the fields are, or in Turkish.
    #[arg(long, value_enum, default_value_t)]
    headers: Names,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// What an export is written as.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum FileFormat {
    /// One JSON document a line.
    #[default]
    Ndjson,
    /// Tables, for spreadsheets.
    Csv,
}

#[derive(Debug, Args)]
pub struct Import {
    /// The files, one collection each, named after it: publications.ndjson, publications.csv.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The collection, for files with other names.
    #[arg(long, value_enum)]
    collection: Option<Collection>,
    /// Check everything, keep nothing.
    #[arg(long)]
    dry_run: bool,
    /// Leave bad lines out instead of refusing all.
    #[arg(long)]
    keep_going: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

pub async fn seed(app: &App, Filling { demo, entries, seed }: Filling) -> Result<(), Failure> {
    let stored = content::seed_profile(app).await?;
    synonyms::seed(app).await?;
    say(if stored { "Stored the profile." } else { "There is a profile already." })?;
    if demo {
        say(&summary(&load_demo(app).await?))?;
    }
    if let Some(publications) = entries {
        let generated = Generated { publications, seed };
        // Lines are made twice: to reserve places, and to write.
        let bar = bar(2 * generated.total(), "{bar:40} {percent}% {elapsed}, {eta} to go");
        let report = generated::store(app, generated, &|read| bar.inc(read)).await?;
        bar.finish_and_clear();
        say(&summary(&report))?;
    }
    Ok(())
}

/// Stores the sample content.
pub async fn load_demo(app: &App) -> Result<Report, Failure> {
    let inputs = content::DEMO.map(|(collection, text)| (collection, Input::Embedded(text))).to_vec();
    let job = Job { inputs, dry_run: false, keep_going: false };
    let report = import::import(app, &job, &|_| {}).await?;
    match report.errors.first() {
        None => Ok(report),
        Some(error) => Err(Failure::Refused(format!("the sample content is bad: {error:?}"))),
    }
}

pub async fn import(app: &App, arguments: Import) -> Result<(), Failure> {
    let mut inputs = Vec::new();
    let mut bytes = 0;
    for path in arguments.files {
        let collection = arguments.collection.or_else(|| Collection::of_file(&path)).ok_or_else(|| {
            Failure::Refused(format!("{} is not named after a collection; say --collection", path.display()))
        })?;
        let metadata =
            std::fs::metadata(&path).map_err(|error| Failure::Io(path.display().to_string(), error))?;
        if !metadata.is_file() {
            return Err(Failure::Refused(format!(
                "{} is not a file; lines are read more than once",
                path.display()
            )));
        }
        bytes += metadata.len();
        inputs.push((collection, Input::File(path)));
    }
    // Lines are read twice: to reserve places, and to write.
    let bar = bar(2 * bytes, "{bar:40} {percent}% {elapsed}, {eta} to go");
    let job = Job { inputs, dry_run: arguments.dry_run, keep_going: arguments.keep_going };
    let report = import::import(app, &job, &|read| bar.inc(read)).await?;
    bar.finish_and_clear();
    if !arguments.json {
        for error in &report.errors {
            let pointer = error.pointer.as_deref().unwrap_or_default();
            let column = error.column.as_ref().map(|name| format!(", column `{name}`")).unwrap_or_default();
            say(&format!("{} line {}{column}: {pointer}: {}", error.collection, error.line, error.detail))?;
        }
    }
    tell(arguments.json, &report, &summary(&report))?;
    if report.failed > 0 && !report.imported {
        return Err(Failure::Refused(format!("{} lines are bad; nothing is imported", report.failed)));
    }
    Ok(())
}

pub async fn export(app: &App, arguments: Export) -> Result<(), Failure> {
    let Export { directory, format, collection, delimiter, headers, json } = arguments;
    let format = match format {
        FileFormat::Ndjson => Format::Ndjson,
        FileFormat::Csv => Format::Csv { delimiter, names: headers },
    };
    let all = Collection::ALL;
    let chosen: Vec<Collection> =
        all.into_iter().filter(|one| collection.is_empty() || collection.contains(one)).collect();
    let bar = bar(export::count(app).await?, "{bar:40} {pos}/{len} {elapsed}, {eta} to go");
    let counts = export::export(app, &directory, &chosen, format, &|written| bar.inc(written)).await?;
    bar.finish_and_clear();
    let tx = app.db.begin().await?;
    let exported = |collection: &Collection| {
        Caller::SYSTEM.did(AuditAction::ContentExported).on("collection", collection)
    };
    trail::record(&tx, app.clock.now(), chosen.iter().map(exported).collect::<Vec<_>>()).await?;
    tx.commit().await?;
    for (collection, count) in counts {
        let record = json!({ "collection": collection.to_string(), "entries": count });
        tell(json, &record, &format!("{collection}: {count}"))?;
    }
    Ok(())
}

fn summary(report: &Report) -> String {
    let kept = if report.imported { "Imported" } else { "Checked, nothing kept" };
    let Report { created, updated, unchanged, failed, .. } = report;
    format!("{kept}: {created} new, {updated} changed, {unchanged} the same, {failed} bad.")
}

/// A progress bar; none when nobody watches.
pub fn bar(length: u64, template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_bad| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}
