//! A file that is there whole or not at all, and never in the place of another.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use ee::random_token;

/// A file on its way. Nobody else may read it. Dropped before its end, nothing of it is left.
#[derive(Debug)]
pub(super) struct NewFile {
    file: File,
    path: PathBuf,
    temporary: PathBuf,
}

impl NewFile {
    /// Begins a file. Fails when there is one of this name.
    pub(super) fn begin(path: &Path) -> Result<Self> {
        refuse_existing(path)?;
        let temporary = suffixed(path, &format!(".{}.new", random_token()?));
        let file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&temporary)
            .with_context(|| cannot_write(path))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            temporary,
        })
    }

    /// Adds bytes.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write_all(bytes);
        written.with_context(|| cannot_write(&self.path))
    }

    /// Gives the file its name, once it is on the disk. Fails when somebody else was faster.
    pub(super) fn finish(self) -> Result<()> {
        self.link().map_err(|err| match err.kind() {
            ErrorKind::AlreadyExists => taken(&self.path),
            _ => anyhow::Error::new(err).context(cannot_write(&self.path)),
        })
    }

    fn link(&self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::hard_link(&self.temporary, &self.path)?;
        let parent = self.path.parent().filter(|it| !it.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // What has its name has lost this one only.
        drop(fs::remove_file(&self.temporary));
    }
}

/// Writes a file at once.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    let mut file = NewFile::begin(path)?;
    file.add(text.as_bytes())?;
    file.finish()
}

/// Returns a path with more at its end.
pub(super) fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Fails when there is something of this name.
pub(super) fn refuse_existing(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(taken(path));
    }
    if path.file_name().is_none() {
        bail!("`{}` is no name of a file", path.display());
    }
    Ok(())
}

fn taken(path: &Path) -> anyhow::Error {
    let path = path.display();
    anyhow::anyhow!("`{path}` is there already, and is not overwritten: choose another name")
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write `{}`", path.display())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let names = fs::read_dir(dir).unwrap();
        let names = names.map(|it| it.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("copy");

        let mut given_up = NewFile::begin(&path).unwrap();
        given_up.add(b"half").unwrap();
        assert!(!path.exists());
        drop(given_up);
        assert!(names(dir.path()).is_empty());

        write(&path, "whole").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(names(dir.path()), ["copy"]);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("copy");
        let late = NewFile::begin(&path).unwrap();
        write(&path, "first").unwrap();

        for refused in [NewFile::begin(&path).map(drop), late.finish()] {
            let err = refused.unwrap_err().to_string();
            assert!(err.contains("there already"), "{err}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        assert_eq!(names(dir.path()), ["copy"]);
        std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
        assert!(NewFile::begin(&dir.path().join("link")).is_err());
    }
}
