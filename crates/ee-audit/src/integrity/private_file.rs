//! Small files that nobody else may read.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use ee_core::random_token;

use super::IntegrityError;

/// Largest file that is read.
const LIMIT: u64 = 64 * 1_024;

/// Replaces a file in one step: whoever reads it finds the old text or the new one, also after a crash.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), IntegrityError> {
    let temporary = temporary(path, text)?;
    fs::rename(&temporary, path)
        .and_then(|()| sync_directory(path))
        .map_err(at(path))
}

/// Makes a file in one step. Fails when there is one already.
pub(super) fn create(path: &Path, text: &str) -> Result<(), IntegrityError> {
    let temporary = temporary(path, text)?;
    let linked = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)
        .and(linked)
        .and_then(|()| sync_directory(path))
        .map_err(at(path))
}

/// Reads a file; `None` when there is none. Fails when others may read or write it.
pub(super) fn read(path: &Path) -> Result<Option<String>, IntegrityError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(err) => return Err(at(path)(err)),
    };
    refuse_open(&file, path)?;
    let mut text = String::new();
    file.take(LIMIT)
        .read_to_string(&mut text)
        .map_err(at(path))?;
    Ok(Some(text))
}

/// Names a file in an error.
pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> IntegrityError {
    move |source| IntegrityError::File {
        path: path.to_owned(),
        source,
    }
}

/// Opens for writing what only its owner may read.
pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the name of a file as durable as what is in it.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// Writes a file beside the one that is meant, under a name that nobody else has.
fn temporary(path: &Path, text: &str) -> Result<PathBuf, IntegrityError> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(
        ".{}.new",
        random_token().map_err(IntegrityError::Random)?
    ));
    let temporary = PathBuf::from(name);
    let write = || -> io::Result<()> {
        let mut file = options().create_new(true).write(true).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(at(path))?;
    Ok(temporary)
}

#[cfg(unix)]
fn refuse_open(file: &File, path: &Path) -> Result<(), IntegrityError> {
    use std::os::unix::fs::MetadataExt as _;

    /// What others may do.
    const OTHERS: u32 = 0o077;

    let mode = file.metadata().map_err(at(path))?.mode() & 0o777;
    if mode & OTHERS == 0 {
        return Ok(());
    }
    let path = path.to_owned();
    Err(IntegrityError::FileMode { path, mode })
}

#[cfg(not(unix))]
fn refuse_open(_file: &File, _path: &Path) -> Result<(), IntegrityError> {
    Ok(())
}
