//! Entries as tables, for spreadsheets: one row an entry, one column a field.
//!
//! The columns follow from the schema of the kind (`layout`). What a cell holds (`cell`) reads
//! like what one would type, and what is written is read back exactly:
//!
//! | in the entry | in the cell |
//! |---|---|
//! | null, an empty list | nothing |
//! | an empty text | `\e` |
//! | a list | its items, joined by `\|`; in an item, `\|` and `\` have a `\` before them |
//! | people and partners | `role: Name <person:slug>`, without the role where there is only one to have |
//! | identifiers | `doi:10.5555/abc` |
//! | a list of objects | JSON |
//! | a language with no text at all | `\0` in its first column |
//!
//! A cell that a spreadsheet would take for a formula gets an apostrophe before it, and loses one
//! when it is read (`cell::defused`, `cell::plain`).

mod cell;
mod credit;
mod encoding;
mod layout;
mod read;
mod row;
mod words;
mod write;

pub use encoding::Delimiter;
pub use layout::{Layout, Names};
pub use read::{Rows, Table};
pub use row::Row;
pub use write::Writer;
