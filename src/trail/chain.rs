//! How the lines of the trail hold together, and how a break is found.

use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};
use serde::{Deserialize, Serialize};

use crate::{
    crypto::{hexadecimal, sha256},
    entity::audit,
    http::{Error, Result},
};

/// What the first line follows.
pub(super) const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// How many lines are read at once.
const PAGE: u64 = 1_000;

/// A place in the trail that was written down elsewhere: what is cut off behind it, or rebuilt before
/// it, no longer fits (SECURITY.md L-05).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// The number of the line.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
    /// When it was written down.
    pub at: DateTime<Utc>,
    /// What proves that this service wrote it down (HMAC-SHA-256, hexadecimal).
    pub mac: String,
}

impl Anchor {
    /// Whether it was written down with this key.
    #[must_use]
    pub fn is_of(&self, key: &hmac::Key) -> bool {
        let expected = mac(key, self.seq, &self.hash, self.at);
        aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_bytes(), self.mac.as_bytes()).is_ok()
    }
}

/// A trail that holds together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// How many lines it has.
    pub lines: i64,
    /// The hash of the last one.
    pub head: String,
}

/// Why a trail does not hold together, at its first bad line.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// A line is not the one that was written.
    #[error("line {0} is not as it was written: {1}")]
    Line(i64, &'static str),
    /// The trail does not fit what was written down.
    #[error("the trail does not fit the anchor at line {0}: {1}")]
    Anchor(i64, &'static str),
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Error),
}

/// The hash of a line: over the hash of the line before and everything in this one.
pub(super) fn hash(row: &audit::Model) -> Result<String> {
    let text = serde_json::to_string(&(
        &row.previous,
        row.seq,
        row.at.timestamp_nanos_opt(),
        (row.action, row.outcome),
        (row.actor_type, row.actor_id),
        (&row.object_type, &row.object_id),
        &row.reason,
        &row.fields,
        &row.request_id,
    ))
    .map_err(Error::internal)?;
    Ok(sha256(text.as_bytes()))
}

/// The last line, to be kept elsewhere; none while there is no line.
///
/// # Errors
/// When the database fails.
pub async fn anchor(db: &impl ConnectionTrait, key: &hmac::Key, at: DateTime<Utc>) -> Result<Option<Anchor>> {
    let head = audit::Entity::find().order_by_desc(audit::Column::Seq).one(db).await?;
    Ok(head.map(|head| {
        let mac = mac(key, head.seq, &head.hash, at);
        Anchor { seq: head.seq, hash: head.hash, at, mac }
    }))
}

fn mac(key: &hmac::Key, seq: i64, hash: &str, at: DateTime<Utc>) -> String {
    let text = format!("{seq} {hash} {}", at.timestamp_millis());
    hexadecimal(hmac::sign(key, text.as_bytes()).as_ref())
}

/// What is wrong with a page behind the line `read_to` that cannot be read: a line that holds what none
/// can hold, or else the database.
async fn unreadable(db: &impl ConnectionTrait, read_to: i64, error: DbErr) -> Broken {
    let numbers: Result<Vec<i64>, DbErr> = audit::Entity::find()
        .select_only()
        .column(audit::Column::Seq)
        .filter(audit::Column::Seq.gt(read_to))
        .order_by_asc(audit::Column::Seq)
        .limit(PAGE)
        .into_tuple()
        .all(db)
        .await;
    for seq in numbers.into_iter().flatten() {
        if audit::Entity::find_by_id(seq).one(db).await.is_err() {
            return Broken::Line(seq, "it holds what no line can hold");
        }
    }
    Broken::Unreadable(error.into())
}

/// Reads the whole trail and checks that every line is as it was written; calls `progress` with the
/// number of each line it has checked.
///
/// # Errors
/// [`Broken`] at the first line that is changed, missing, added or out of order.
pub async fn verify(
    db: &impl ConnectionTrait,
    anchor: Option<(&Anchor, &hmac::Key)>,
    progress: &(dyn Fn(i64) + Sync),
) -> Result<Verified, Broken> {
    if let Some((anchor, key)) = anchor
        && !anchor.is_of(key)
    {
        return Err(Broken::Anchor(
            anchor.seq,
            "it was not written by this service under this master secret",
        ));
    }
    let mut last = (0, BEGINNING.to_owned());
    let mut read_to = i64::MIN;
    loop {
        let page = audit::Entity::find()
            .filter(audit::Column::Seq.gt(read_to))
            .order_by_asc(audit::Column::Seq)
            .limit(PAGE)
            .all(db)
            .await;
        let rows = match page {
            Ok(rows) => rows,
            Err(error) => return Err(unreadable(db, read_to, error).await),
        };
        let Some(end) = rows.last() else { break };
        read_to = end.seq;
        for row in rows {
            if row.seq != last.0 + 1 {
                let place = row.seq.min(last.0 + 1);
                return Err(Broken::Line(place, "a line is missing, or does not belong here"));
            }
            if row.previous != last.1 {
                return Err(Broken::Line(row.seq, "it does not follow the line before"));
            }
            if hash(&row)? != row.hash {
                return Err(Broken::Line(row.seq, "something in it was changed"));
            }
            if let Some((anchor, _)) = anchor
                && anchor.seq == row.seq
                && anchor.hash != row.hash
            {
                return Err(Broken::Anchor(row.seq, "another line stands there"));
            }
            progress(row.seq);
            last = (row.seq, row.hash);
        }
    }
    match anchor {
        Some((anchor, _)) if anchor.seq > last.0 => {
            Err(Broken::Anchor(anchor.seq, "the trail ends before it"))
        }
        _ => Ok(Verified { lines: last.0, head: last.1 }),
    }
}
