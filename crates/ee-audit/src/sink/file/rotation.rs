//! When a file is begun anew, and which of those before are kept.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use tracing::warn;

use super::{FileConfig, log_file::LogFile};

/// A file, and those that it was before.
pub(super) struct Rotated {
    config: FileConfig,
    open: Option<LogFile>,
}

impl Rotated {
    pub(super) const fn new(config: FileConfig) -> Self {
        Self { config, open: None }
    }

    /// Adds lines. When that fails, nothing of them is left, or only whole lines.
    pub(super) fn append(&mut self, lines: &[u8], now: Timestamp) -> io::Result<()> {
        let path = self.config.path.clone();
        let mut file = match self.open.take() {
            Some(file) if file.is_at(&path) => file,
            _ => LogFile::open(&path, now)?,
        };
        if self.is_due(&file, lines.len(), now)? {
            drop(file);
            self.rotate(now)?;
            file = LogFile::open(&path, now)?;
        }
        // After an error it is opened again, and looked through.
        file.append(lines, now)?;
        self.open = Some(file);
        Ok(())
    }

    fn is_due(&self, file: &LogFile, more: usize, now: Timestamp) -> io::Result<bool> {
        let Some(bytes) = file.rotatable_bytes()? else {
            return Ok(false);
        };
        let is_large = bytes.saturating_add(more as u64) > self.config.max_bytes;
        let is_old = self.config.daily && file.day() != now.to_zoned(TimeZone::UTC).date();
        Ok(bytes > 0 && (is_large || is_old))
    }

    fn rotate(&self, now: Timestamp) -> io::Result<()> {
        let path = &self.config.path;
        // Behind all that there are, also when the clock was set back: the first ones are removed first.
        let newest = rotated(path)?.pop().map(|(newest, _)| newest);
        let behind = newest.and_then(|it| it.checked_add(SignedDuration::from_micros(1)).ok());
        fs::rename(path, stamped(path, behind.map_or(now, |it| it.max(now))))?;
        sync_directory(path)?;
        if let Err(err) = self.forget() {
            warn!(error = %err, "cannot remove an old file of an audit sink");
        }
        Ok(())
    }

    /// Removes the oldest files but for those that are kept.
    fn forget(&self) -> io::Result<()> {
        let old = rotated(&self.config.path)?;
        let count = old.len().saturating_sub(self.config.keep);
        for (_, path) in old.into_iter().take(count) {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

/// Returns the files that were renamed here, the oldest first.
fn rotated(path: &Path) -> io::Result<Vec<(Timestamp, PathBuf)>> {
    let mut found = Vec::new();
    for file in fs::read_dir(directory(path))? {
        let file = file?;
        if let Some(at) = stamp(path, &file.file_name()) {
            found.push((at, file.path()));
        }
    }
    found.sort_unstable();
    Ok(found)
}

const STAMP: &str = "%Y%m%dT%H%M%S%6fZ";

/// Names a file after a moment.
fn stamped(path: &Path, at: Timestamp) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", at.strftime(STAMP)));
    PathBuf::from(name)
}

/// Returns the moment that [`stamped`] has given such a name; `None` for the name of another file.
fn stamp(path: &Path, name: &OsStr) -> Option<Timestamp> {
    let rest = name.as_encoded_bytes();
    let rest = rest.strip_prefix(path.file_name()?.as_encoded_bytes())?;
    let text = std::str::from_utf8(rest.strip_prefix(b".")?).ok()?;
    let at = civil::DateTime::strptime(STAMP, text).ok()?;
    let at = at.to_zoned(TimeZone::UTC).ok()?.timestamp();
    (stamped(path, at).file_name() == Some(name)).then_some(at)
}

/// Makes the names in the directory of a file durable.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(directory(path))?.sync_all()
}

fn directory(path: &Path) -> &Path {
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_were_renamed_here_are_removed_again() {
        let path = Path::new("/var/log/audit.log");
        let at: Timestamp = "2026-01-02T03:04:05.678901Z".parse().unwrap();

        let name = stamped(path, at);
        assert_eq!(name, Path::new("/var/log/audit.log.20260102T030405678901Z"));
        assert_eq!(stamp(path, name.file_name().unwrap()), Some(at));

        for other in [
            "audit.log",
            "audit.log.1",
            "audit.log.gz",
            "audit.log.20260102T030405678901Z.gz",
            "audit.log.20260102T030405Z",
            "audit.log.2026010aT030405678901Z",
            "audit.log.20261302T030405678901Z",
            "other.log.20260102T030405678901Z",
            "audit.log20260102T030405678901Z",
        ] {
            assert_eq!(stamp(path, other.as_ref()), None, "{other}");
        }
    }
}
