//! The index on the disk: opened or made anew, written, rebuilt beside itself.
//!
//! The folder holds `lock`, one folder per generation, and `current`, which names the generation that is
//! used. A rebuild fills the next generation and then names it.

use std::{
    fs::{self, DirBuilder, File, Permissions, TryLockError},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use serde::{Deserialize, Serialize};
use tantivy::{
    Index as Engine, IndexSettings, IndexWriter, TantivyDocument,
    indexer::{IndexWriterOptions, NoMergePolicy, UserOperation},
    store::Compressor,
};
use uuid::Uuid;

use super::{
    directory::{Files, read_checked, write_checked},
    error::{Error, Result},
    record::Entry,
    schema::Schema,
    snapshot::Snapshot,
};

/// How analysis and schema are arranged: raise it when either changes.
const VERSION: u32 = 1;
/// Memory for what is written between two commits, in bytes.
const WRITER_BYTES: usize = 20_000_000;
/// The same while everything is written.
const REBUILD_BYTES: usize = 25_000_000;
/// How many bytes of text a rebuild writes between two commits.
const WAITING_BYTES: usize = 5_000_000;

/// How far the index is filled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Which database the entries come from.
    pub database: String,
    /// The last change of its log that is in the index.
    pub change: i64,
}

/// How large the index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Entries.
    pub entries: usize,
    /// Entries times their languages.
    pub rows: usize,
    /// Bytes on the disk.
    pub bytes: u64,
}

/// What a commit leaves as a note.
#[derive(Serialize, Deserialize)]
struct Note {
    fingerprint: String,
    position: Option<Position>,
}

/// The search index of this process. All that reads sees the state after the last commit.
pub struct Index {
    folder: PathBuf,
    fingerprint: String,
    pub(super) schema: Schema,
    current: RwLock<Arc<Generation>>,
    emptied_because: Option<String>,
    lock: Mutex<File>,
}

/// One index on the disk, open.
struct Generation {
    number: u64,
    folder: PathBuf,
    engine: Engine,
    writer: Mutex<IndexWriter>,
    snapshot: RwLock<Arc<Snapshot>>,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Index").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Index {
    /// Opens the index in `folder`, which is made when it is missing.
    ///
    /// An index that is missing, damaged, or of another version or `fingerprint` is opened empty:
    /// [`Self::position`] is then `None`, and [`Self::rebuild`] is to be called.
    ///
    /// # Errors
    /// [`Error::Busy`] while another process has the folder, [`Error::Folder`] when it cannot be used.
    pub fn open(folder: &Path, fingerprint: &str) -> Result<Self> {
        let fingerprint = format!("{VERSION} {} {fingerprint}", env!("CARGO_PKG_VERSION"));
        let schema = Schema::new();
        let lock = enter(folder)?;
        let number = fs::read(folder.join("current")).ok();
        let number = number.and_then(|_| read_checked(&folder.join("current")).ok());
        let number: Option<u64> = number.and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok());
        let opened = match number {
            None => Err(Error::damaged("there is none yet")),
            Some(number) => guarded(|| Generation::open(folder, number, &schema, &fingerprint, WRITER_BYTES)),
        };
        let (generation, emptied_because) = match opened {
            Ok(generation) => (generation, None),
            Err(why) => {
                let number = number.unwrap_or_default().wrapping_add(1);
                let generation = Generation::create(folder, number, &schema, &fingerprint, WRITER_BYTES)?;
                name_current(folder, number)?;
                (generation, Some(why.to_string()))
            }
        };
        remove_others(folder, &generation.folder);
        Ok(Self {
            folder: folder.to_owned(),
            fingerprint,
            schema,
            current: RwLock::new(Arc::new(generation)),
            emptied_because,
            lock: Mutex::new(lock),
        })
    }

    /// Why the index was opened empty, for the log; `None` when it was not.
    #[must_use]
    pub fn emptied_because(&self) -> Option<&str> {
        self.emptied_because.as_deref()
    }

    fn current(&self) -> Arc<Generation> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The state after the last commit.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.current().snapshot()
    }

    /// How far the index is filled; `None` when it never was.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        let snapshot = self.snapshot();
        let note: Note = serde_json::from_str(snapshot.payload.as_deref()?).ok()?;
        note.position
    }

    /// Replaces the entries `put`, takes out the entries `remove`, and notes how far the index is filled.
    /// When it returns, all of it is found.
    ///
    /// # Errors
    /// [`Error::Damaged`] when somebody was at the files: the index must be rebuilt.
    pub fn apply(&self, put: &[Entry], remove: &[Uuid], position: &Position) -> Result<()> {
        let generation = self.current();
        if !generation.is_intact() {
            return Err(Error::damaged("files are missing or have changed"));
        }
        guarded(|| {
            let mut writer = generation.writer.lock().unwrap_or_else(PoisonError::into_inner);
            for id in remove {
                writer.delete_term(self.schema.entry(*id));
            }
            self::put(&writer, &self.schema, put)?;
            commit(&mut writer, &self.fingerprint, Some(position))?;
            generation.reload(&self.schema)
        })
    }

    /// Begins a new index beside this one, which goes on serving until the new one is finished.
    ///
    /// # Errors
    /// [`Error::Busy`] when another process took the folder, [`Error::Folder`] when it cannot be used.
    pub fn rebuild(&self) -> Result<Rebuild<'_>> {
        if !self.folder.join("lock").exists() {
            // Somebody removed the folder, and the lock with it.
            *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = enter(&self.folder)?;
        }
        let number = self.current().number.wrapping_add(1);
        let generation =
            Generation::create(&self.folder, number, &self.schema, &self.fingerprint, REBUILD_BYTES)?;
        // All is merged at the end, once: what the engine merges by itself could then not be merged again.
        generation
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .set_merge_policy(Box::new(NoMergePolicy));
        Ok(Rebuild { index: self, generation, waiting: 0 })
    }

    /// Whether the files on the disk are those that were written; a few system calls.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.current().is_intact()
    }

    /// How large the index is.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let generation = self.current();
        let snapshot = generation.snapshot();
        let counts = snapshot.counts(2);
        let files = fs::read_dir(&generation.folder).into_iter().flatten().flatten();
        let bytes = files.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum();
        Stats { entries: counts.entries, rows: counts.rows, bytes }
    }
}

/// A new index that is being filled beside the one that serves. Dropping it gives up.
pub struct Rebuild<'a> {
    index: &'a Index,
    generation: Generation,
    /// Bytes of text since the last commit.
    waiting: usize,
}

impl Rebuild<'_> {
    /// Adds entries, or replaces those that were added before.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the files cannot be written.
    pub fn put(&mut self, entries: &[Entry]) -> Result<()> {
        let mut writer = self.generation.writer.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            put(&writer, &self.index.schema, std::slice::from_ref(entry))?;
            let texts = entry.rows.iter().flat_map(|row| &row.texts);
            self.waiting += texts.map(|(_, text)| text.len()).sum::<usize>();
            // Whoever gives faster than is written would fill the memory.
            if self.waiting >= WAITING_BYTES {
                commit(&mut writer, &self.index.fingerprint, None)?;
                self.waiting = 0;
            }
        }
        Ok(())
    }

    /// Takes entries out again.
    pub fn remove(&mut self, entries: &[Uuid]) {
        let writer = self.generation.writer.lock().unwrap_or_else(PoisonError::into_inner);
        for id in entries {
            writer.delete_term(self.index.schema.entry(*id));
        }
    }

    /// Ends the filling and lets the new index serve.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the files cannot be written; the former index goes on serving.
    pub fn finish(self, position: &Position) -> Result<()> {
        let Self { index, generation, .. } = self;
        let Generation { number, folder, engine, writer, .. } = generation;
        let mut writer = writer.into_inner().unwrap_or_else(PoisonError::into_inner);
        commit(&mut writer, &index.fingerprint, Some(position))?;
        let segments = engine.searchable_segment_ids()?;
        if segments.len() > 1 {
            writer.merge(&segments).wait()?;
        }
        writer.wait_merging_threads()?;
        drop(engine);
        // Opened anew: the memory for writing everything is given back.
        let generation =
            Generation::open(&index.folder, number, &index.schema, &index.fingerprint, WRITER_BYTES)?;
        name_current(&index.folder, number)?;
        let former = {
            let mut current = index.current.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *current, Arc::new(generation))
        };
        drop(former);
        remove_others(&index.folder, &folder);
        Ok(())
    }
}

impl Generation {
    fn path(folder: &Path, number: u64) -> PathBuf {
        folder.join(format!("generation-{number}"))
    }

    fn create(base: &Path, number: u64, schema: &Schema, fingerprint: &str, bytes: usize) -> Result<Self> {
        let folder = Self::path(base, number);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(Error::Folder)?;
        }
        DirBuilder::new().mode(0o700).create(&folder).map_err(Error::Folder)?;
        let settings = IndexSettings { docstore_compression: Compressor::None, ..IndexSettings::default() };
        let engine = Engine::builder()
            .schema(schema.fields())
            .settings(settings)
            .tokenizers(Schema::tokenizers())
            .open_or_create(Files::new(&folder))?;
        let mut writer = writer(&engine, bytes)?;
        commit(&mut writer, fingerprint, None)?;
        Self::with(number, folder, engine, writer, schema)
    }

    fn open(base: &Path, number: u64, schema: &Schema, fingerprint: &str, bytes: usize) -> Result<Self> {
        let folder = Self::path(base, number);
        let mut engine = Engine::open(Files::new(&folder))?;
        let note = engine.load_metas()?.payload.and_then(|note| serde_json::from_str::<Note>(&note).ok());
        if note.is_none_or(|note| note.fingerprint != fingerprint) || engine.schema() != schema.fields() {
            return Err(Error::damaged("it is of another version"));
        }
        engine.set_tokenizers(Schema::tokenizers());
        let writer = writer(&engine, bytes)?;
        Self::with(number, folder, engine, writer, schema)
    }

    fn with(
        number: u64,
        folder: PathBuf,
        engine: Engine,
        writer: IndexWriter,
        schema: &Schema,
    ) -> Result<Self> {
        let snapshot = Snapshot::load(&engine, schema, &folder, None)?;
        let (writer, snapshot) = (Mutex::new(writer), RwLock::new(Arc::new(snapshot)));
        Ok(Self { number, folder, engine, writer, snapshot })
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn reload(&self, schema: &Schema) -> Result<()> {
        let fresh = Arc::new(Snapshot::load(&self.engine, schema, &self.folder, Some(&self.snapshot()))?);
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    fn is_intact(&self) -> bool {
        self.folder.join("meta.json").exists()
            && self.snapshot().files().all(|(name, length)| {
                fs::metadata(self.folder.join(name)).is_ok_and(|metadata| metadata.len() == length)
            })
    }
}

fn writer(engine: &Engine, bytes: usize) -> Result<IndexWriter> {
    let options = IndexWriterOptions::builder()
        .memory_budget_per_thread(bytes)
        .num_worker_threads(1)
        .num_merge_threads(1)
        .build();
    Ok(engine.writer_with_options(options)?)
}

/// Replaces the entries. The rows of one go to the engine together, and stay together.
fn put(writer: &IndexWriter, schema: &Schema, entries: &[Entry]) -> Result<()> {
    for entry in entries {
        let rows = schema.documents(entry).map(UserOperation::Add);
        let operations: Vec<UserOperation<TantivyDocument>> =
            std::iter::once(UserOperation::Delete(schema.entry(entry.id))).chain(rows).collect();
        writer.run(operations)?;
    }
    Ok(())
}

fn commit(writer: &mut IndexWriter, fingerprint: &str, position: Option<&Position>) -> Result<()> {
    let note = Note { fingerprint: fingerprint.to_owned(), position: position.cloned() };
    let note = serde_json::to_string(&note).map_err(Error::damaged)?;
    let mut prepared = writer.prepare_commit()?;
    prepared.set_payload(&note);
    prepared.commit()?;
    Ok(())
}

/// Makes the folder, for its owner alone, and takes its lock.
fn enter(folder: &Path) -> Result<File> {
    let entered = || {
        DirBuilder::new().mode(0o700).recursive(true).create(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        File::create(folder.join("lock"))
    };
    let lock = entered().map_err(Error::Folder)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::Busy),
        Err(TryLockError::Error(error)) => Err(Error::Folder(error)),
    }
}

fn name_current(folder: &Path, number: u64) -> Result<()> {
    write_checked(&folder.join("current"), number.to_string().as_bytes()).map_err(Error::Folder)
}

/// Removes all generations but `kept`. What cannot be removed is tried again next time.
fn remove_others(folder: &Path, kept: &Path) {
    let Ok(inside) = fs::read_dir(folder) else { return };
    for found in inside.flatten() {
        let is_generation = found.file_name().to_string_lossy().starts_with("generation-");
        if is_generation && found.path() != kept {
            let _ = fs::remove_dir_all(found.path());
        }
    }
}

/// Does `what`. Decoders may panic over bytes that nobody wrote: that is damage, not a fault of ours.
pub(super) fn guarded<T>(what: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(what)).unwrap_or_else(|_| Err(Error::damaged("a file cannot be decoded")))
}
