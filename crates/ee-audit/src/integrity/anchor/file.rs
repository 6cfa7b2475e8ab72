//! A file that is only ever appended to.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use ee_core::{Error, ErrorKind};
use serde::{Deserialize, Serialize};

use super::Anchor;
use crate::integrity::{Checkpoint, IntegrityError, private_file::at};

/// Appends checkpoints to a file, one a line, as JSON. On a medium that cannot be written twice, or another machine,
/// nobody takes them back.
#[derive(Clone, Debug)]
pub struct FileAnchor {
    name: String,
    path: PathBuf,
}

#[derive(Deserialize, Serialize)]
struct Line {
    note: String,
}

impl FileAnchor {
    /// Appends to this file, which is made when it is not there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = format!("file:{}", path.display());
        Self { name, path }
    }

    /// Reads all checkpoints of a file, the oldest first. A line that a crash has torn is passed over.
    pub fn read(path: &Path) -> Result<Vec<String>, IntegrityError> {
        let mut notes = Vec::new();
        each(path, |note| notes.push(note))?;
        Ok(notes)
    }

    fn append(&self, note: &str) -> Result<(), IntegrityError> {
        let note = note.to_owned();
        let line = serde_json::to_string(&Line { note });
        let line = line.map_err(|_| IntegrityError::NoteForm)? + "\n";
        write(&self.path, &line).map_err(at(&self.path))
    }

    fn last(&self, origin: &str) -> Result<Option<String>, IntegrityError> {
        let mut last = None;
        each(&self.path, |note| {
            if Checkpoint::unverified(&note).is_ok_and(|it| it.origin == origin) {
                last = Some(note);
            }
        })?;
        Ok(last)
    }
}

/// Does it off the threads that serve requests: it waits for the disk.
async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> Result<T, IntegrityError> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(run).await;
    let done = done.map_err(|err| {
        Error::new(ErrorKind::Unavailable, "the anchor was not reached").with_source(err)
    })?;
    Ok(done?)
}

#[async_trait]
impl Anchor for FileAnchor {
    fn name(&self) -> &str {
        &self.name
    }

    async fn publish(&self, note: &str) -> Result<(), Error> {
        let (anchor, note) = (self.clone(), note.to_owned());
        blocking(move || anchor.append(&note)).await
    }

    async fn latest(&self, origin: &str) -> Result<Option<String>, Error> {
        let (anchor, origin) = (self.clone(), origin.to_owned());
        blocking(move || anchor.last(&origin)).await
    }
}

/// Appends a line, behind the end of one that a crash has torn.
fn write(path: &Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .read(true)
        .open(path)?;
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let separator = if last == [b'\n'] { "" } else { "\n" };
    file.write_all(format!("{separator}{line}").as_bytes())?;
    file.sync_all()
}

/// Reads the notes of a file that may not be there.
fn each(path: &Path, mut take: impl FnMut(String)) -> Result<(), IntegrityError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(err) => return Err(at(path)(err)),
    };
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(at(path))?;
        if let Ok(line) = serde_json::from_slice::<Line>(&line) {
            take(line.note);
        }
    }
    Ok(())
}
