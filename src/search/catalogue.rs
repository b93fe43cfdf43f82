//! The index of this process, opened when it is first needed.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex as Lock, PoisonError},
};

use tokio::{sync::Mutex, task::spawn_blocking};

use super::{Error, Index, Result};

/// How the texts of entries get into the index: raise it when that changes, and it is filled anew.
const FINGERPRINT: &str = "1";

/// The index in its folder, and whose turn it is to write it.
#[derive(Debug)]
pub struct Catalogue {
    folder: PathBuf,
    index: Lock<Option<Arc<Index>>>,
    turn: Mutex<()>,
}

impl Catalogue {
    /// The catalogue in `folder`. Nothing is opened yet.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, index: Lock::default(), turn: Mutex::default() }
    }

    /// The turn to write: whoever holds it is the only one in this process.
    pub fn turn(&self) -> &Mutex<()> {
        &self.turn
    }

    /// The index, opened if it is not open yet.
    ///
    /// # Errors
    /// [`Error::Busy`] while another process has the folder, [`Error::Folder`] when it cannot be used.
    pub async fn index(self: &Arc<Self>) -> Result<Arc<Index>> {
        let this = Arc::clone(self);
        let opened = spawn_blocking(move || {
            let mut index = this.index.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(index) = &*index {
                return Ok(Arc::clone(index));
            }
            let opened = Arc::new(Index::open(&this.folder, FINGERPRINT)?);
            *index = Some(Arc::clone(&opened));
            Ok(opened)
        });
        opened.await.unwrap_or_else(|panic| Err(Error::damaged(panic)))
    }
}
