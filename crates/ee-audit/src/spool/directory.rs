//! The files of a spool, and who owns them.

use std::{
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use super::{
    SpoolFsync, SpoolOpenError, SpoolPosition,
    segment::{self, HEADER_BYTES},
    state::Segment,
};
use crate::durable::{create_directory, sync_directory};

const CURSOR: &str = "cursor";
const LOCK: &str = "lock";
const RESERVE: &str = "reserve";
const QUARANTINE: &str = "quarantine";
const SEGMENT: &str = "segment";

/// No spool comes to such a number. Others can be counted on from.
const MAX_NUMBER: u64 = u64::MAX / 2;

/// The directory of a spool, locked for this process as long as this lives.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    _lock: File,
}

/// What stands in the directory of a spool, by number.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) quarantined: Vec<u64>,
    pub(super) segments: Vec<u64>,
}

impl Directory {
    /// Creates the directory if there is none, and locks it.
    pub(super) fn open(path: &Path) -> Result<Self, SpoolOpenError> {
        let failed = |action| {
            let path = path.to_owned();
            move |source| SpoolOpenError::Io {
                action,
                path,
                source,
            }
        };
        create_directory(path).map_err(failed("create"))?;
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed("protect"))?;
        let lock = private(OpenOptions::new().create(true).truncate(false))
            .open(path.join(LOCK))
            .map_err(failed("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(SpoolOpenError::Locked {
                dir: path.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(failed("lock")(source)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn segment(&self, number: u64) -> PathBuf {
        segment_path(&self.path, number)
    }

    /// Begins a segment. Nothing is left of one that could not be begun.
    pub(super) fn create_segment(&self, number: u64, fsync: SpoolFsync) -> io::Result<File> {
        let path = self.segment(number);
        let file = private(OpenOptions::new().create_new(true)).open(&path)?;
        self.begin(&file, number, fsync).inspect_err(|_| {
            // One that stays is empty, and another number is taken next.
            let _ = fs::remove_file(&path);
        })?;
        Ok(file)
    }

    fn begin(&self, mut file: &File, number: u64, fsync: SpoolFsync) -> io::Result<()> {
        file.write_all(&segment::header(number))?;
        if fsync != SpoolFsync::None {
            file.sync_all()?;
            sync_directory(&self.path)?;
        }
        Ok(())
    }

    /// Cuts a segment off behind so many bytes.
    pub(super) fn cut(&self, number: u64, end: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.segment(number))?;
        file.set_len(end)?;
        file.sync_all()
    }

    /// Gives up segments that are acknowledged. One with damaged bytes is put aside instead, for whoever wants to know
    /// what has happened to it.
    pub(super) fn retire(&self, segments: &[Segment]) {
        for segment in segments {
            let path = self.segment(segment.number);
            // One that stays is given up at the next start. It is not read again before.
            let _ = if segment.is_damaged {
                fs::rename(&path, path.with_extension(QUARANTINE))
            } else {
                fs::remove_file(&path)
            };
        }
    }

    /// Keeps how far the events are acknowledged: always the old place or the new one.
    pub(super) fn save_cursor(&self, cursor: SpoolPosition) -> io::Result<()> {
        let path = self.path.join(CURSOR);
        let temporary = path.with_extension("new");
        let mut options = OpenOptions::new();
        let mut file = private(options.create(true).truncate(true)).open(&temporary)?;
        file.write_all(&cursor.to_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, &path)
    }

    /// Puts bytes aside which nobody needs, so that there is room for a last event when the disk is full.
    pub(super) fn put_reserve(&self, bytes: &[u8]) -> io::Result<()> {
        let path = self.path.join(RESERVE);
        let mut options = OpenOptions::new();
        let mut file = private(options.create(true).truncate(true)).open(&path)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        written.inspect_err(|_| {
            let _ = fs::remove_file(&path);
        })
    }

    /// Tells how many bytes were put aside.
    pub(super) fn reserve(&self) -> u64 {
        fs::metadata(self.path.join(RESERVE)).map_or(0, |it| it.len())
    }

    pub(super) fn release_reserve(&self) -> io::Result<()> {
        fs::remove_file(self.path.join(RESERVE))
    }
}

pub(super) fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:020}.{SEGMENT}"))
}

/// Lists what there is, the oldest first.
pub(super) fn list(dir: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    for entry in fs::read_dir(dir)? {
        let name = PathBuf::from(entry?.file_name());
        let number = name.file_stem().and_then(|stem| number(stem.to_str()?));
        let extension = name.extension().and_then(|it| it.to_str());
        match (number, extension) {
            (Some(number), Some(SEGMENT)) => listing.segments.push(number),
            (Some(number), Some(QUARANTINE)) => listing.quarantined.push(number),
            _ => {}
        }
    }
    listing.segments.sort_unstable();
    listing.quarantined.sort_unstable();
    Ok(listing)
}

fn number(stem: &str) -> Option<u64> {
    let is_ours = stem.len() == 20 && stem.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_ours.then(|| stem.parse().ok())?;
    number.filter(|it| *it < MAX_NUMBER)
}

/// Reads how far the events are acknowledged. `None` when nothing whole tells: everything is handed out again then.
pub(super) fn cursor(dir: &Path) -> io::Result<Option<SpoolPosition>> {
    match fs::read(dir.join(CURSOR)) {
        Ok(bytes) => Ok(SpoolPosition::from_bytes(&bytes)
            .filter(|it| it.offset >= HEADER_BYTES && it.segment < MAX_NUMBER)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(err),
    }
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.read(true).write(true).mode(0o600)
}
