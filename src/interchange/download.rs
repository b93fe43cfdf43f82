//! `GET /v1/{collection}:export`: a whole collection, as a file.
//!
//! It is sent while it is read, a batch of entries at a time, as one moment had it. Whoever takes it
//! too slowly gets no end of it.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, header},
    response::Response,
    routing::get,
};
use futures_util::stream::poll_fn;
use sea_orm::DatabaseTransaction;
use serde_json::{Value, json};
use tokio::sync::mpsc::{Sender, channel};

use super::{
    csv::{Delimiter, Names},
    export::{Format, Pages, Sheet},
};
use crate::{
    app::App,
    auth::{Caller, Editor},
    editorial::Kind,
    entity::vocabulary::AuditAction,
    http::{
        Error, Query, Result,
        places::{Class, Place},
        query::{Parameters, Values},
    },
    trail,
};

/// How long sending a collection may take.
const LONGEST: Duration = Duration::from_mins(5);
/// How many batches may wait to be sent.
const WAITING: usize = 2;

/// The route.
pub fn router<K: Kind>() -> Router<App> {
    Router::new().route(&format!("/v1/{}:export", K::COLLECTION), get(download::<K>))
}

/// How it is wanted.
#[derive(Debug)]
struct ExportParameters(Format);

impl Parameters for ExportParameters {
    const NAMES: &'static [&'static str] = &["format", "delimiter", "headers"];

    fn read(values: &mut Values<'_>) -> Self {
        let delimiters =
            [("comma", Delimiter::Comma), ("semicolon", Delimiter::Semicolon), ("tab", Delimiter::Tab)];
        let delimiter = values.one_of("delimiter", &delimiters).unwrap_or_default();
        let names = values.one_of("headers", &[("en", Names::En), ("tr", Names::Tr)]).unwrap_or_default();
        let formats = [("csv", Format::Csv { delimiter, names }), ("ndjson", Format::Ndjson)];
        let format = values.one_of("format", &formats).unwrap_or_default();
        for name in ["delimiter", "headers"] {
            if format == Format::Ndjson && values.get("format").is_some() && values.get(name).is_some() {
                values.refuse(name, "contradiction", "only a table has this");
            }
        }
        Self(format)
    }
}

/// `GET /v1/{collection}:export`
async fn download<K: Kind>(
    State(app): State<App>,
    Editor(caller): Editor,
    Query(ExportParameters(format)): Query<ExportParameters>,
) -> Result<Response> {
    let place = app.places.take(Some(Class::Bulk)).await?;
    let tx = app.db.begin().await?;
    let event = caller.did(AuditAction::ContentExported).on("collection", K::COLLECTION);
    trail::record(&tx, app.clock.now(), [event]).await?;
    tx.commit().await?;
    let tx = app.db.snapshot().await?;
    let (to, mut from) = channel(WAITING);
    let stream = poll_fn(move |context| from.poll_recv(context));
    let task = Sending { app, caller, format, to, _place: place };
    tokio::spawn(async move {
        let sent = tokio::time::timeout(LONGEST, task.send::<K>(&tx)).await;
        if let Ok(Err(error)) = &sent {
            tracing::warn!(%error, "an export broke off");
        }
        if !matches!(sent, Ok(Ok(()))) {
            let broken = Err(std::io::Error::other("the export broke off"));
            // Nobody may be there to hear it.
            let _unheard = task.to.try_send(broken);
        }
        let _ended = tx.rollback().await;
    });
    let mut response = Response::new(Body::from_stream(stream));
    let media_type = match format {
        Format::Ndjson => "application/x-ndjson",
        Format::Csv { .. } => "text/csv; charset=utf-8",
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    let name = format!("attachment; filename=\"{}.{}\"", K::COLLECTION, format.extension());
    headers.extend(HeaderValue::from_str(&name).ok().map(|name| (header::CONTENT_DISPOSITION, name)));
    Ok(response)
}

/// A collection that is being sent.
struct Sending {
    app: App,
    caller: Caller,
    format: Format,
    to: Sender<std::io::Result<Bytes>>,
    _place: Place,
}

impl Sending {
    async fn send<K: Kind>(&self, tx: &DatabaseTransaction) -> Result<()> {
        let mut sheet = Sheet::begin::<K>(&self.app, tx, self.format, Pieces::default()).await?;
        let mut pages = Pages::default();
        while let Some(entries) = pages.next::<K>(tx, &self.caller).await? {
            for entry in &entries {
                sheet.write(entry).map_err(Error::internal)?;
            }
            if !self.pass(&mut sheet).await? {
                return Ok(());
            }
        }
        let rest = sheet.end().map_err(Error::internal)?;
        // Whoever has gone does not miss it.
        let _gone = self.to.send(Ok(rest.take())).await;
        Ok(())
    }

    /// Sends what has been written; says whether somebody still takes it.
    async fn pass(&self, sheet: &mut Sheet<Pieces>) -> Result<bool> {
        let piece = sheet.flushed().map_err(Error::internal)?.take();
        Ok(self.to.send(Ok(piece)).await.is_ok())
    }
}

/// What has been written and not been sent.
#[derive(Clone, Default)]
pub struct Pieces(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Pieces {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)).into()
    }
}

impl std::io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Adds the operation to the document.
pub fn describe<K: Kind>(document: &mut Value) {
    let collection = K::COLLECTION;
    let parameter = |name: &str, words: [&str; 2], more: &[&str], description: &str| {
        let words: Vec<&str> = words.iter().chain(more).copied().collect();
        json!({
            "name": name, "in": "query", "required": false, "description": description,
            "schema": { "type": "string", "enum": words, "default": words.first() },
        })
    };
    let file = json!({ "type": "string" });
    document["paths"][format!("/v1/{collection}:export")] = json!({ "get": {
        "operationId": format!("export_{collection}"),
        "tags": [collection],
        "summary": format!("Download all {collection}"),
        "description": format!(
            "All {collection} but the trash, as one moment had them, as a table or as NDJSON; `POST /v1/{collection}:bulk` \
             takes both back. In a table a cell that a spreadsheet would take for a formula has an apostrophe before \
             it. Every download is noted in the audit trail. The file must be taken within five minutes."
        ),
        "x-permission": "edit",
        "parameters": [
            parameter("format", ["csv", "ndjson"], &[], "What to write."),
            parameter("delimiter", ["comma", "semicolon"], &["tab"], "What separates the cells of a table; Turkish Excel wants `semicolon`."),
            parameter("headers", ["en", "tr"], &[], "What the columns of a table are called: as the fields are, or in Turkish."),
        ],
        "responses": { "200": {
            "description": "The file",
            "headers": { "Content-Disposition": { "description": "The name of the file.", "schema": { "type": "string" } } },
            "content": { "text/csv": { "schema": file }, "application/x-ndjson": { "schema": file } },
        } },
    } });
}
