//! One file, as long as it is open.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use jiff::{Timestamp, civil, tz::TimeZone};

use super::rotation::sync_directory;

/// The longest line that a crash can have left a part of.
const MAX_LINE: u64 = 1_024 * 1_024;

/// A file that nobody else writes.
#[derive(Debug)]
pub(super) struct LogFile {
    day: civil::Date,
    file: File,
    /// Whether it is a file, not a device or a pipe.
    is_regular: bool,
}

impl LogFile {
    /// Opens a file, or begins it. Fails when another process writes it.
    pub(super) fn open(path: &Path, now: Timestamp) -> io::Result<Self> {
        let is_new = !path.try_exists()?;
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.append(true).create(true).read(true).open(path)?;
        let metadata = file.metadata()?;
        let is_regular = metadata.is_file();
        let mut last = now;
        if is_regular {
            file.try_lock().map_err(|err| match err {
                TryLockError::Error(err) => err,
                TryLockError::WouldBlock => {
                    io::Error::new(io::ErrorKind::ResourceBusy, "another process writes it")
                }
            })?;
            make_private(&file)?;
            if metadata.len() > 0 {
                last = Timestamp::try_from(metadata.modified()?).map_err(io::Error::other)?;
                mend(&mut file)?;
            }
        }
        if is_new {
            sync_directory(path)?;
        }
        Ok(Self {
            day: last.to_zoned(TimeZone::UTC).date(),
            file,
            is_regular,
        })
    }

    /// Tells whether this is still the file of that name.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        match (self.file.metadata(), fs::metadata(path)) {
            (Ok(open), Ok(there)) => is_same(&open, &there),
            _ => false,
        }
    }

    /// Returns the day of its last line.
    pub(super) const fn day(&self) -> civil::Date {
        self.day
    }

    /// Returns its size; `None` for what cannot be renamed and begun anew.
    pub(super) fn rotatable_bytes(&self) -> io::Result<Option<u64>> {
        let bytes = self.file.metadata()?.len();
        Ok(self.is_regular.then_some(bytes))
    }

    /// Adds lines and waits until they are on the disk.
    pub(super) fn append(&mut self, lines: &[u8], now: Timestamp) -> io::Result<()> {
        if !self.is_regular {
            return self.file.write_all(lines);
        }
        let before = self.file.metadata()?.len();
        let written = self.file.write_all(lines);
        if let Err(err) = written.and_then(|()| self.file.sync_data()) {
            // What cannot be cut off now is cut off when the file is opened again.
            let _ = self.file.set_len(before);
            return Err(err);
        }
        self.day = now.to_zoned(TimeZone::UTC).date();
        Ok(())
    }
}

/// Cuts off what a crash has left of the last line. What does not begin as lines of ours do is left, and ended.
fn mend(file: &mut File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(MAX_LINE);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    (&*file).take(MAX_LINE).read_to_end(&mut tail)?;
    let torn = match tail.iter().rposition(|byte| *byte == b'\n') {
        Some(at) => tail.split_off(at + 1),
        None if start == 0 => tail,
        None => return file.write_all(b"\n"),
    };
    match torn.first() {
        None => Ok(()),
        // JSON, CEF, or what a file system puts where nothing was written yet.
        Some(b'{' | b'C' | 0) => {
            file.set_len(length - torn.len() as u64)?;
            file.sync_data()
        }
        Some(_) => file.write_all(b"\n"),
    }
}

#[cfg(unix)]
fn make_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let is_open = file.metadata()?.permissions().mode() & 0o077 != 0;
    if is_open {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_private(_file: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn is_same(open: &fs::Metadata, there: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    open.dev() == there.dev() && open.ino() == there.ino()
}

#[cfg(not(unix))]
fn is_same(_open: &fs::Metadata, _there: &fs::Metadata) -> bool {
    true
}
