//! The files of an index, read piece by piece when they are needed.
//!
//! Not mapped into memory: whoever truncates a mapped file ends the process that reads it. A read that
//! fails is an error, and an error is a reason to rebuild. Nothing is flushed to the disk either: the
//! index is derived, every file carries a checksum, and what a power failure tears is made again.

use std::{
    collections::HashSet,
    fmt,
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use tantivy::{
    HasLen,
    directory::{
        AntiCallToken, Directory, DirectoryLock, FileHandle, Lock, OwnedBytes, TerminatingWrite,
        WatchCallback, WatchHandle, WritePtr,
        error::{DeleteError, LockError, OpenReadError, OpenWriteError},
    },
};

/// How long a checksum is.
const CHECKSUM: usize = 4;

/// A folder of files for the index.
#[derive(Clone, Debug)]
pub struct Files {
    folder: Arc<Path>,
    /// Which locks are held. One process has the folder ([`super::store`] sees to it): memory is enough.
    locks: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Files {
    /// The files in `folder`, which exists.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.into(), locks: Arc::default() }
    }

    fn path(&self, name: &Path) -> PathBuf {
        self.folder.join(name)
    }
}

impl Directory for Files {
    fn get_file_handle(&self, name: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        let open = || {
            let file = File::open(self.path(name))?;
            let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
            Ok(Opened { file, length: length.saturating_sub(CHECKSUM) })
        };
        match open() {
            Ok(opened) => Ok(Arc::new(opened)),
            Err(error) => Err(not_read(error, name)),
        }
    }

    fn delete(&self, name: &Path) -> Result<(), DeleteError> {
        fs::remove_file(self.path(name)).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                return DeleteError::FileDoesNotExist(name.to_owned());
            }
            DeleteError::IoError { io_error: Arc::new(error), filepath: name.to_owned() }
        })
    }

    fn exists(&self, name: &Path) -> Result<bool, OpenReadError> {
        self.path(name).try_exists().map_err(|error| not_read(error, name))
    }

    fn open_write(&self, name: &Path) -> Result<WritePtr, OpenWriteError> {
        match File::create_new(self.path(name)) {
            Ok(file) => Ok(BufWriter::new(Box::new(Written { file, sum: crc32fast::Hasher::new() }))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(OpenWriteError::FileAlreadyExists(name.to_owned()))
            }
            Err(error) => Err(OpenWriteError::wrap_io_error(error, name.to_owned())),
        }
    }

    fn atomic_read(&self, name: &Path) -> Result<Vec<u8>, OpenReadError> {
        read_checked(&self.path(name)).map_err(|error| not_read(error, name))
    }

    fn atomic_write(&self, name: &Path, data: &[u8]) -> io::Result<()> {
        write_checked(&self.path(name), data)
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        loop {
            let fresh =
                self.locks.lock().unwrap_or_else(PoisonError::into_inner).insert(lock.filepath.clone());
            if fresh {
                let held = Held { locks: Arc::clone(&self.locks), name: lock.filepath.clone() };
                return Ok(DirectoryLock::from(Box::new(held)));
            }
            if !lock.is_blocking {
                return Err(LockError::LockBusy);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn watch(&self, _: WatchCallback) -> tantivy::Result<WatchHandle> {
        // Whoever commits reads anew; nobody else writes here.
        Ok(WatchHandle::empty())
    }
}

fn not_read(error: io::Error, name: &Path) -> OpenReadError {
    if error.kind() == io::ErrorKind::NotFound {
        return OpenReadError::FileDoesNotExist(name.to_owned());
    }
    OpenReadError::wrap_io_error(error, name.to_owned())
}

/// Replaces the file at `path`, so that readers see all of the old or all of the new content.
///
/// # Errors
/// When the file cannot be written.
pub fn write_checked(path: &Path, data: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(data)?;
    file.write_all(&crc32fast::hash(data).to_le_bytes())?;
    drop(file);
    fs::rename(&beside, path)
}

/// Reads what [`write_checked`] wrote.
///
/// # Errors
/// When the file cannot be read, or is not as it was written.
pub fn read_checked(path: &Path) -> io::Result<Vec<u8>> {
    let mut data = fs::read(path)?;
    let checksum = data.split_last_chunk::<CHECKSUM>().map(|(_, sum)| u32::from_le_bytes(*sum));
    data.truncate(data.len().saturating_sub(CHECKSUM));
    if checksum == Some(crc32fast::hash(&data)) {
        return Ok(data);
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum is wrong"))
}

/// Whether a file of the engine is as it was written; read piece by piece.
///
/// # Errors
/// When the file cannot be read.
pub fn is_whole(path: &Path) -> io::Result<bool> {
    let file = File::open(path)?;
    let length = file.metadata()?.len().saturating_sub(CHECKSUM as u64);
    let mut sum = crc32fast::Hasher::new();
    let mut piece = vec![0; 1 << 18];
    let mut body = (&file).take(length);
    loop {
        let read = body.read(&mut piece)?;
        if read == 0 {
            break;
        }
        sum.update(&piece[..read]);
    }
    let mut written = [0; CHECKSUM];
    file.read_exact_at(&mut written, length)?;
    Ok(sum.finalize() == u32::from_le_bytes(written))
}

/// A lock, let go when it is dropped.
struct Held {
    locks: Arc<Mutex<HashSet<PathBuf>>>,
    name: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.locks.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

/// A file that is read. It stays readable after it was removed from the folder.
struct Opened {
    file: File,
    length: usize,
}

impl fmt::Debug for Opened {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a file of {} bytes", self.length)
    }
}

impl HasLen for Opened {
    fn len(&self) -> usize {
        self.length
    }
}

impl FileHandle for Opened {
    fn read_bytes(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
        if range.start > range.end || range.end > self.length {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the file is shorter"));
        }
        let mut bytes = vec![0; range.len()];
        self.file.read_exact_at(&mut bytes, range.start as u64)?;
        Ok(OwnedBytes::new(bytes))
    }
}

/// A file that is written; at its end comes its checksum.
struct Written {
    file: File,
    sum: crc32fast::Hasher,
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl TerminatingWrite for Written {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        let sum = self.sum.clone().finalize();
        self.file.write_all(&sum.to_le_bytes())
    }
}
