//! The directory of one log's archives, and who writes it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use ee_core::{AuditHash, Error, ErrorKind};
use sha2::{Digest as _, Sha256};

use super::{EVENTS, MANIFEST, unwritable};
use crate::durable::{create_directory, sync_directory};

/// Ends the names of files that are not whole yet.
pub(super) const NEW: &str = ".new";
/// Longest name of a log that is the name of a directory.
const LONGEST_NAME: usize = 100;

/// The directory of one log's archives, locked for this process as long as this lives.
#[derive(Debug)]
pub(in crate::retention) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Opens the directory of a log below that of all archives, or makes it, and ends what a crash has left half done.
    ///
    /// Fails with [`ErrorKind::Conflict`] while somebody else writes there, and with [`ErrorKind::Unavailable`].
    pub(in crate::retention) fn open(archives: &Path, partition: &str) -> Result<Self, Error> {
        let path = archives.join(name(partition));
        create_directory(&path).map_err(unwritable)?;
        let lock = private(OpenOptions::new().create(true).truncate(false)).open(path.join("lock"));
        let lock = lock.map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = "somebody else writes archives of this log at the moment";
                return Err(Error::new(ErrorKind::Conflict, message));
            }
            Err(TryLockError::Error(err)) => return Err(unwritable(err)),
        }
        let directory = Self { path, _lock: lock };
        directory.recover().map_err(unwritable)?;
        Ok(directory)
    }

    /// Returns where the archives of a log are, if there are any.
    pub(in crate::retention) fn find(archives: &Path, partition: &str) -> Option<PathBuf> {
        let path = archives.join(name(partition));
        path.is_dir().then_some(path)
    }

    pub(in crate::retention) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the names of a file with events and of its manifest.
    pub(super) fn names(&self, base: &str) -> (PathBuf, PathBuf) {
        let name = |end: &str| self.path.join(format!("{base}{end}"));
        (name(EVENTS), name(MANIFEST))
    }

    /// Makes files that are on the disk visible under their names: the manifest last.
    pub(super) fn publish(&self, base: &str) -> io::Result<()> {
        let (events, manifest) = self.names(base);
        fs::rename(new(&events), &events)?;
        sync_directory(&self.path)?;
        fs::rename(new(&manifest), &manifest)?;
        sync_directory(&self.path)
    }

    /// A crash between the two renames has left a new manifest without its new events: they have their name already.
    /// Before them, both are new, and nobody has relied on them.
    fn recover(&self) -> io::Result<()> {
        let mut left = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let Some(name) = name.to_str().and_then(|name| name.strip_suffix(NEW)) else {
                continue;
            };
            left.push(name.to_owned());
        }
        // A manifest goes before its events: alone, it would be taken for one that is behind.
        left.sort_unstable();
        for name in &left {
            let path = self.path.join(name);
            let base = name.strip_suffix(MANIFEST);
            let has_events = base.is_some_and(|base| left.contains(&format!("{base}{EVENTS}")));
            let is_behind = base.is_some_and(|base| self.names(base).0.exists()) && !has_events;
            if is_behind {
                fs::rename(new(&path), &path)?;
            } else {
                fs::remove_file(new(&path))?;
            }
        }
        sync_directory(&self.path)
    }
}

/// Names a file that is not whole yet.
pub(super) fn new(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(NEW);
    PathBuf::from(name)
}

/// Opens for writing what only its owner may read.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.write(true)
}

/// Names the directory of a log. Names of logs that are not names of files everywhere are hashed.
fn name(partition: &str) -> String {
    let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    let is_name = (1..=LONGEST_NAME).contains(&partition.len());
    if is_name && partition.bytes().all(is_plain) {
        return partition.to_owned();
    }
    let digest: [u8; 32] = Sha256::digest(partition).into();
    AuditHash::new(digest).to_string()
}
