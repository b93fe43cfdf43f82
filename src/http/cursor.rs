//! Where a page of a list ends and the next begins: opaque, and good only where it was issued.

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use uuid::Uuid;

/// A cursor is as long as its sort key, which is bounded when it is made; this is well above.
const MAX_LENGTH: usize = 4096;
const TAG_LENGTH: usize = 16;

/// The last row of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its sort key.
    pub sort_key: String,
    /// Its id.
    pub id: Uuid,
}

impl Position {
    /// The cursor that continues after this row, in the list described by `list`.
    #[must_use]
    pub fn seal(&self, key: &hmac::Key, list: &str) -> String {
        let mut bytes = self.id.as_bytes().to_vec();
        bytes.extend_from_slice(self.sort_key.as_bytes());
        let tag = hmac::sign(key, &signed(list, &bytes));
        bytes.extend(tag.as_ref().iter().take(TAG_LENGTH));
        BASE64.encode(bytes)
    }

    /// Reads a cursor that was issued for the list described by `list`; `None` for any other.
    #[must_use]
    pub fn open(cursor: &str, key: &hmac::Key, list: &str) -> Option<Self> {
        if cursor.len() > MAX_LENGTH {
            return None;
        }
        let bytes = BASE64.decode(cursor).ok()?;
        let (content, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_LENGTH)?)?;
        let expected = hmac::sign(key, &signed(list, content));
        let expected = expected.as_ref().get(..TAG_LENGTH)?;
        aws_lc_rs::constant_time::verify_slices_are_equal(expected, tag).ok()?;
        let (id, sort_key) = content.split_at_checked(16)?;
        Some(Self { sort_key: String::from_utf8(sort_key.to_vec()).ok()?, id: Uuid::from_slice(id).ok()? })
    }
}

/// A place in a log. Whoever holds its cursor does not learn how many lines there are before it: lines
/// that others may read would show in the difference.
///
/// Source: RFC 5297 for the construction: the tag of the number also makes the mask that hides it, so a
/// place has one cursor, and a cursor that was changed is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(pub i64);

impl Mark {
    /// The cursor of this place in the log described by `log`.
    #[must_use]
    pub fn seal(self, key: &hmac::Key, log: &str) -> String {
        let number = self.0.to_be_bytes();
        let tag = Self::tag(key, log, &number);
        let mut bytes = tag.to_vec();
        bytes.extend(Self::masked(key, &tag, number));
        BASE64.encode(bytes)
    }

    /// Reads a cursor that was issued for the log described by `log`; `None` for any other.
    #[must_use]
    pub fn open(cursor: &str, key: &hmac::Key, log: &str) -> Option<Self> {
        if cursor.len() > MAX_LENGTH {
            return None;
        }
        let bytes = BASE64.decode(cursor).ok()?;
        let (tag, hidden) = bytes.split_at_checked(TAG_LENGTH)?;
        let number = Self::masked(key, tag, hidden.try_into().ok()?);
        aws_lc_rs::constant_time::verify_slices_are_equal(&Self::tag(key, log, &number), tag).ok()?;
        Some(Self(i64::from_be_bytes(number)))
    }

    fn tag(key: &hmac::Key, log: &str, number: &[u8]) -> [u8; TAG_LENGTH] {
        let mut tag = [0; TAG_LENGTH];
        let full = hmac::sign(key, &signed(&format!("mark|{log}"), number));
        tag.iter_mut().zip(full.as_ref()).for_each(|(to, from)| *to = *from);
        tag
    }

    fn masked(key: &hmac::Key, tag: &[u8], mut number: [u8; 8]) -> [u8; 8] {
        let mask = hmac::sign(key, &signed("mask", tag));
        number.iter_mut().zip(mask.as_ref()).for_each(|(to, from)| *to ^= *from);
        number
    }
}

fn signed(list: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = list.as_bytes().to_vec();
    bytes.push(0);
    bytes.extend_from_slice(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_only_where_it_was_issued_and_unchanged() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"test");
        let position = Position { sort_key: "2024-05".to_owned(), id: Uuid::from_u128(7) };
        let cursor = position.seal(&key, "publications");
        assert_eq!(Position::open(&cursor, &key, "publications"), Some(position));
        assert_eq!(Position::open(&cursor, &key, "projects"), None);
        let other = hmac::Key::new(hmac::HMAC_SHA256, b"other");
        assert_eq!(Position::open(&cursor, &other, "publications"), None);
        for index in 0..cursor.len() {
            let mut changed = cursor.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(Position::open(&changed, &key, "publications"), None, "{changed}");
        }
        assert_eq!(Position::open("", &key, "publications"), None);
        assert_eq!(Position::open(&"A".repeat(9000), &key, "publications"), None);
    }

    #[test]
    fn a_mark_is_good_only_for_its_log_and_tells_nothing() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"test");
        let cursor = Mark(7).seal(&key, "changes");
        assert_eq!(cursor, Mark(7).seal(&key, "changes"), "a place has one cursor");
        assert_eq!(Mark::open(&cursor, &key, "changes"), Some(Mark(7)));
        assert_eq!(Mark::open(&cursor, &key, "other"), None);
        let other = Mark(8).seal(&key, "changes");
        let alike = cursor.bytes().zip(other.bytes()).filter(|(a, b)| a == b).count();
        assert!(alike < cursor.len() / 2, "{cursor} {other}");
        for index in 0..cursor.len() {
            let mut changed = cursor.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            assert_eq!(Mark::open(&String::from_utf8(changed).unwrap(), &key, "changes"), None);
        }
        for wrong in [
            "",
            "AA",
            &"A".repeat(9000),
            &Position { sort_key: String::new(), id: Uuid::nil() }.seal(&key, "changes"),
        ] {
            assert_eq!(Mark::open(wrong, &key, "changes"), None, "{wrong}");
        }
    }
}
