//! The answers that are kept, sealed: an answer may show a secret that is shown once.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header, response::Parts},
    response::Response,
};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    DatabaseTransaction, IntoActiveModel, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};
use serde::{Deserialize, Serialize};

use super::name::Name;
use crate::{
    app::App,
    auth::Grants,
    crypto::SecretError,
    entity::idempotency_key::{Column, Entity, Model},
    http::{Code, Error, Result, idempotency::REPLAYED},
};

/// How long an answer is kept.
pub const KEPT: TimeDelta = TimeDelta::hours(24);
/// How many rows are deleted or sealed anew in one transaction.
const BATCH: u64 = 500;
/// How many times that many are deleted in one run.
const BATCHES: usize = 100;

/// The headers that belong to an answer; all others are about the exchange, and made anew.
const HEADERS: [HeaderName; 7] = [
    header::CONTENT_TYPE,
    header::CONTENT_LANGUAGE,
    header::LOCATION,
    header::ETAG,
    header::LAST_MODIFIED,
    header::CACHE_CONTROL,
    header::VARY,
];

/// What is kept of an answer besides its status and body, in one line before the body.
#[derive(Serialize, Deserialize)]
struct Head {
    /// What the caller might do then.
    grants: Grants,
    headers: Vec<(String, String)>,
}

/// A part of a row that is sealed.
#[derive(Clone, Copy)]
enum Part {
    Fingerprint,
    Answer,
}

/// Under what a part of `row` is sealed: it opens in no other.
fn purpose(row: &Model, part: Part) -> String {
    let part = match part {
        Part::Fingerprint => "fingerprint",
        Part::Answer => "answer",
    };
    format!("once/{part}/{}", Name::of_row(row))
}

/// What is kept under `name` and still good.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl ConnectionTrait, name: &Name, now: DateTime<Utc>) -> Result<Option<Model>> {
    Ok(Entity::find().filter(name.condition()).filter(Column::ExpiresAt.gt(now)).one(db).await?)
}

/// The answer that `row` keeps, for a request with this fingerprint whose caller has `grants`.
///
/// # Errors
/// 422 when it answers another request, 403 when the caller might do more then.
pub fn answer(app: &App, row: &Model, fingerprint: &[u8], grants: Grants) -> Result<Response> {
    let torn = || Error::internal("a kept answer does not open, or is torn");
    let open = |sealed: &str, part: Part| app.secrets.open(sealed, &purpose(row, part)).ok_or_else(torn);
    if *open(&row.fingerprint, Part::Fingerprint)? != fingerprint {
        let detail = "this key was used for a request that said something else; take a new key".to_owned();
        return Err(Error::Problem(Code::IdempotencyKeyReused, detail));
    }
    let plain = open(&row.sealed_answer, Part::Answer)?;
    let mut lines = plain.splitn(2, |byte| *byte == b'\n');
    let (Some(head), Some(body)) = (lines.next(), lines.next()) else { return Err(torn()) };
    let head: Head = serde_json::from_slice(head).map_err(Error::internal)?;
    if !grants.cover(head.grants) {
        return Err(Error::Forbidden("the rights that the request was carried out with"));
    }
    let mut answer = Response::new(Body::from(body.to_vec()));
    let status = u16::try_from(row.status).map_err(Error::internal)?;
    *answer.status_mut() = StatusCode::from_u16(status).map_err(Error::internal)?;
    for (name, value) in head.headers {
        let name = HeaderName::try_from(name).map_err(Error::internal)?;
        answer.headers_mut().append(name, HeaderValue::try_from(value).map_err(Error::internal)?);
    }
    answer.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(answer)
}

/// Keeps an answer in the transaction of what it tells.
///
/// # Errors
/// When the database fails, or another answer is kept under the name.
pub async fn keep(
    app: &App,
    tx: &DatabaseTransaction,
    name: Name,
    fingerprint: &[u8],
    grants: Grants,
    (parts, body): (&Parts, &[u8]),
) -> Result<()> {
    let now = app.clock.now();
    let kept = |name: &HeaderName| {
        let values = parts.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.map(|value| (name.to_string(), value.to_owned())).collect::<Vec<_>>()
    };
    let head = Head { grants, headers: HEADERS.iter().flat_map(kept).collect() };
    let mut plain = serde_json::to_vec(&head).map_err(Error::internal)?;
    plain.push(b'\n');
    plain.extend_from_slice(body);
    // What has expired is found no more, and may not have been deleted yet.
    Entity::delete_many().filter(name.condition()).filter(Column::ExpiresAt.lte(now)).exec(tx).await?;
    let mut row = Model {
        caller_id: name.caller_id,
        operation: name.operation,
        key: name.key,
        fingerprint: String::new(),
        status: i16::try_from(parts.status.as_u16()).map_err(Error::internal)?,
        sealed_answer: String::new(),
        created_at: now,
        expires_at: now + KEPT,
    };
    let seal = |plain: &[u8], purpose: String| app.secrets.seal(plain, &purpose).map_err(Error::internal);
    // Sealed as well: with a bare hash, whoever has the database could try bodies that hold a password.
    row.fingerprint = seal(fingerprint, purpose(&row, Part::Fingerprint))?;
    row.sealed_answer = seal(&plain, purpose(&row, Part::Answer))?;
    Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
    Ok(())
}

/// Deletes the answers that are kept no longer, a batch at a time. Should there be more of them than
/// one run deletes, the next one goes on.
///
/// # Errors
/// When the database fails.
pub async fn delete_expired(app: &App) -> Result<()> {
    let columns = [Column::CallerId, Column::Operation, Column::Key];
    for _ in 0..BATCHES {
        let batch = Entity::find()
            .select_only()
            .columns(columns)
            .filter(Column::ExpiresAt.lte(app.clock.now()))
            .limit(BATCH)
            .into_query();
        let tx = app.db.begin().await?;
        let deleted = Entity::delete_many()
            .filter(Expr::tuple(columns.map(Expr::col)).in_subquery(batch))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        if deleted.rows_affected < BATCH {
            break;
        }
    }
    Ok(())
}

/// Seals everything anew under the present master secret; says how many answers that were.
///
/// # Errors
/// When the database or the cryptographic library fails.
pub async fn reseal(app: &App) -> Result<u64> {
    let mut resealed = 0;
    let mut after = None;
    loop {
        let tx = app.db.begin().await?;
        let mut page = Entity::find().cursor_by((Column::CallerId, Column::Operation, Column::Key));
        if let Some(after) = after.take() {
            page.after(after);
        }
        let rows = page.first(BATCH).all(&tx).await?;
        let Some(last) = rows.last() else { break };
        after = Some((last.caller_id, last.operation.clone(), last.key.clone()));
        for row in rows {
            let again = |sealed: &str, part| app.secrets.resealed(sealed, &purpose(&row, part));
            let both = (again(&row.fingerprint, Part::Fingerprint), again(&row.sealed_answer, Part::Answer));
            let failed = |error: SecretError| Error::internal(error);
            // They were sealed together, so either both are to be sealed anew or none is.
            let (Some(fingerprint), Some(answer)) = (both.0.map_err(failed)?, both.1.map_err(failed)?) else {
                continue;
            };
            Entity::update_many()
                .col_expr(Column::Fingerprint, Expr::value(fingerprint))
                .col_expr(Column::SealedAnswer, Expr::value(answer))
                .filter(Name::of_row(&row).condition())
                .exec(&tx)
                .await?;
            resealed += 1;
        }
        tx.commit().await?;
    }
    Ok(resealed)
}
