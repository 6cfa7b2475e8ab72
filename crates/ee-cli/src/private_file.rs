//! Files that nobody else may read.

use std::{
    fs::{DirBuilder, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use ee::random_token;

/// Replaces a file in one step; nobody else may read it.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let temporary = temporary(path, text)?;
    std::fs::rename(&temporary, path)
        .and_then(|()| sync_name(path))
        .with_context(|| cannot_write(path))
}

/// Makes a file in one step; nobody else may read it. False when there is one already, which stays as it is.
pub(crate) fn create(path: &Path, text: &str) -> Result<bool> {
    let temporary = temporary(path, text)?;
    let linked = std::fs::hard_link(&temporary, path);
    std::fs::remove_file(&temporary).with_context(|| cannot_write(path))?;
    match linked {
        Ok(()) => {
            sync_name(path).with_context(|| cannot_write(path))?;
            Ok(true)
        }
        Err(err) if err.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(err) => Err(err).with_context(|| cannot_write(path)),
    }
}

/// Makes a directory that nobody else may enter, and those above it, unless they are there.
pub(crate) fn create_dir(dir: &Path) -> io::Result<()> {
    let missing: Vec<_> = dir.ancestors().take_while(|it| !it.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    missing.into_iter().try_for_each(sync_name)
}

/// Makes the name of something as durable as what is in it: a cut of the power does not take it away again.
fn sync_name(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// Reads a file; `None` when there is none.
pub(crate) fn read(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(err) if err.kind() == ErrorKind::NotFound => Ok(None),
        Err(err) => Err(err).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Writes a file beside the one that is meant, under a name that no other process has.
fn temporary(path: &Path, text: &str) -> Result<PathBuf> {
    let context = || cannot_write(path);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", random_token()?));
    let temporary = PathBuf::from(name);
    let mut file: File = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&temporary)
        .with_context(context)?;
    file.set_permissions(Permissions::from_mode(0o600))
        .with_context(context)?;
    file.write_all(text.as_bytes()).with_context(context)?;
    file.sync_all().with_context(context)?;
    Ok(temporary)
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_that_make_a_file_one_does_and_nothing_is_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        let make = |text: String| create(&path, &text).unwrap().then_some(text);

        let made: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16)
                .map(|number| scope.spawn(move || make(format!("text {number}"))))
                .collect();
            threads
                .into_iter()
                .filter_map(|thread| thread.join().unwrap())
                .collect()
        });

        assert_eq!(made, [read(&path).unwrap().unwrap()]);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
