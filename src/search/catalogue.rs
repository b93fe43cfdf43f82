//! The index of this process, opened when it is first needed.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use tokio::{
    sync::{Mutex, OnceCell},
    task::spawn_blocking,
};

use super::{Error, Index, Result, Stats};

/// How the texts of entries get into the index: raise it when that changes, and it is filled anew.
pub const FINGERPRINT: &str = "2";
/// How many processes may share a data directory, each with a folder of its own: one that is being
/// replaced still has its own when the next begins.
const FOLDERS: usize = 8;

/// The index in its folder, and whose turn it is to write it.
#[derive(Debug)]
pub struct Catalogue {
    folder: PathBuf,
    index: OnceCell<Arc<Index>>,
    turn: Mutex<()>,
    behind: AtomicI64,
}

impl Catalogue {
    /// The catalogue in `folder`. Nothing is opened yet.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, index: OnceCell::new(), turn: Mutex::default(), behind: AtomicI64::default() }
    }

    /// The folder of the index, unless another process has it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Notes how many changes the index has not taken in.
    pub fn note_behind(&self, changes: i64) {
        self.behind.store(changes, Ordering::Relaxed);
    }

    /// How large the index is, and how many changes it had not taken in when one last looked; none before
    /// it was opened.
    #[must_use]
    pub fn watched(&self) -> Option<(Stats, i64)> {
        let index = self.index.get()?;
        Some((index.stats(), self.behind.load(Ordering::Relaxed)))
    }

    /// The turn to write: whoever holds it is the only one in this process.
    pub fn turn(&self) -> &Mutex<()> {
        &self.turn
    }

    /// The index, opened if it is not open yet.
    ///
    /// # Errors
    /// [`Error::Busy`] while other processes have all folders, [`Error::Folder`] when it cannot be used.
    pub async fn index(&self) -> Result<Arc<Index>> {
        let open = || async {
            let folder = self.folder.clone();
            let opened = spawn_blocking(move || open(&folder)).await;
            opened.unwrap_or_else(|panic| Err(Error::damaged(panic))).map(Arc::new)
        };
        self.index.get_or_try_init(open).await.cloned()
    }
}

/// The index in `folder`, or in one beside it while another process has that.
fn open(folder: &Path) -> Result<Index> {
    let mut opened = Index::open(folder, FINGERPRINT);
    for number in 2..=FOLDERS {
        if !matches!(opened, Err(Error::Busy)) {
            break;
        }
        opened = Index::open(&folder.with_extension(number.to_string()), FINGERPRINT);
    }
    opened
}
