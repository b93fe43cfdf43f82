//! Pages of lists: what a caller sends to get one, and where it ends.

use aws_lc_rs::hmac;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Error, FieldError, Result,
    cursor::Position,
    query::{Parameters, Values},
};

/// Where a page ends.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageInfo {
    /// How many entries a page has.
    #[schema(minimum = 1, maximum = 100, example = 20)]
    pub limit: u64,
    /// Send it as `cursor` for the next page; null on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// Which page is wanted.
#[derive(Debug)]
pub struct PageParameters {
    /// How many entries it has.
    pub limit: u64,
    cursor: Option<String>,
}

impl Parameters for PageParameters {
    const NAMES: &'static [&'static str] = &["limit", "cursor"];

    fn read(values: &mut Values<'_>) -> Self {
        Self { limit: values.number("limit", 1, 100, 20), cursor: values.get("cursor").map(str::to_owned) }
    }
}

impl PageParameters {
    /// The last row of the page before, in the list described by `list`; none on the first page.
    ///
    /// # Errors
    /// 400 when the cursor was not issued for this list.
    pub fn after(&self, key: &hmac::Key, list: &str) -> Result<Option<Position>> {
        opened(self.cursor.as_deref(), key, list)
    }

    /// How many rows to ask for: one more than the page, to know whether there is another.
    #[must_use]
    pub fn wanted(&self) -> u64 {
        self.limit + 1
    }

    /// Cuts `rows` to the page and says where it ends.
    pub fn cut<T>(
        &self,
        rows: &mut Vec<T>,
        position: impl FnOnce(&T) -> Position,
        key: &hmac::Key,
        list: &str,
    ) -> PageInfo {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| more);
        PageInfo { limit: self.limit, next_cursor: last.map(|last| position(last).seal(key, list)) }
    }
}

/// The position that `cursor` holds for the list described by `list`.
///
/// # Errors
/// 400 when it was not issued for this list.
pub fn opened(cursor: Option<&str>, key: &hmac::Key, list: &str) -> Result<Option<Position>> {
    let Some(cursor) = cursor else { return Ok(None) };
    let position = Position::open(cursor, key, list).ok_or_else(|| {
        let detail = "this is not a cursor of this list; begin again without one";
        Error::Parameters(vec![FieldError::parameter("cursor", "format", detail)])
    })?;
    Ok(Some(position))
}
