//! One entry as it comes in: a document, or a row of a CSV table.

use serde_json::Value;

use super::{
    csv::Row,
    engine::{Source, source_of},
};

/// An entry as it comes in.
#[derive(Clone, Debug)]
pub enum Record {
    /// A JSON document; it says all there is to say.
    Document(Value),
    /// A row; what has no column stays as it is.
    Row(Row),
}

impl Record {
    /// The slug it gives.
    pub fn slug(&self) -> Option<String> {
        match self {
            Self::Document(value) => value.get("slug")?.as_str().map(str::to_owned),
            Self::Row(row) => row.text("/slug").map(str::to_owned),
        }
    }

    /// The source it gives.
    pub fn source(&self) -> Option<Source> {
        match self {
            Self::Document(value) => source_of(value),
            Self::Row(row) => {
                let part = |pointer| row.text(pointer).map(str::to_owned);
                part("/source/name").zip(part("/source/id"))
            }
        }
    }
}
