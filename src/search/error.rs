//! What can go wrong with an index.

use std::{fmt::Display, io};

/// Why the index could not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has the folder; try again later.
    #[error("another process has the folder of the index")]
    Busy,
    /// What is on the disk is not what was written there: rebuild.
    #[error("the index is damaged: {0}")]
    Damaged(String),
    /// The folder cannot be made or entered.
    #[error("the folder of the index cannot be used")]
    Folder(#[source] io::Error),
}

/// The result of what the index was asked for.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Something unexpected in the files.
    pub fn damaged(why: impl Display) -> Self {
        Self::Damaged(why.to_string())
    }
}

/// Reading a file of the index fails when it is not whole.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::damaged(error)
    }
}

impl From<tantivy::TantivyError> for Error {
    fn from(error: tantivy::TantivyError) -> Self {
        Self::damaged(error)
    }
}
