use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use ee_core::{Error, ErrorKind};
use serde::{Serialize, de::DeserializeOwned};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::{DeadLetter, SinkState, SinkStore};
use crate::sink::SinkName;

/// Ends the names of files that are not whole yet.
const NEW: &str = ".new";

/// Keeps what of sinks outlives a restart in small files: `SINK/state.json`, and one below `SINK/dead` for each dead
/// letter. A file is written beside the one that is meant and takes its place when it is on the disk.
///
/// One server owns the directory.
#[derive(Clone, Debug)]
pub struct FileSinkStore {
    dir: PathBuf,
    /// Who gives up waiting leaves work behind that is still done: nothing else is written meanwhile.
    writes: Arc<Mutex<()>>,
}

impl FileSinkStore {
    /// Names the directory. It is created with mode 0700 when something is kept.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            writes: Arc::default(),
        }
    }

    async fn replace<T: Serialize + Send + 'static>(
        &self,
        path: PathBuf,
        value: T,
    ) -> Result<(), Error> {
        let writes = Arc::clone(&self.writes);
        blocking(move || {
            let _turn = writes.lock().unwrap_or_else(PoisonError::into_inner);
            replace(&path, &value)
        })
        .await
    }

    fn state(&self, sink: &SinkName) -> PathBuf {
        self.dir.join(sink.as_str()).join("state.json")
    }

    fn dead(&self, sink: &SinkName) -> PathBuf {
        self.dir.join(sink.as_str()).join("dead")
    }
}

#[async_trait]
impl SinkStore for FileSinkStore {
    async fn load(&self, sink: &SinkName) -> Result<SinkState, Error> {
        let path = self.state(sink);
        blocking(move || Ok(read(&path)?.unwrap_or_default())).await
    }

    async fn save(&self, sink: &SinkName, state: &SinkState) -> Result<(), Error> {
        self.replace(self.state(sink), state.clone()).await
    }

    async fn put_dead_letter(&self, sink: &SinkName, letter: &DeadLetter) -> Result<(), Error> {
        let path = file_of(&self.dead(sink), letter.id);
        self.replace(path, letter.clone()).await
    }

    async fn dead_letters(
        &self,
        sink: &SinkName,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, Error> {
        let dir = self.dead(sink);
        blocking(move || {
            let mut ids = ids(&dir)?;
            ids.retain(|id| after.is_none_or(|after| *id > after));
            ids.sort_unstable();
            ids.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            // One that was removed in the meantime is not there any more.
            let letters = ids.into_iter().map(|id| read(&file_of(&dir, id)));
            letters.filter_map(Result::transpose).collect()
        })
        .await
    }

    async fn count_dead_letters(&self, sink: &SinkName) -> Result<u64, Error> {
        let dir = self.dead(sink);
        blocking(move || Ok(ids(&dir)?.len() as u64)).await
    }

    async fn remove_dead_letters(&self, sink: &SinkName, removed: &[Uuid]) -> Result<u64, Error> {
        let dir = self.dead(sink);
        let removed = removed.to_vec();
        blocking(move || {
            let mut count = 0;
            for id in removed {
                match fs::remove_file(file_of(&dir, id)) {
                    Ok(()) => count += 1,
                    Err(err) if err.kind() == io::ErrorKind::NotFound => {}
                    Err(err) => return Err(err),
                }
            }
            Ok(count)
        })
        .await
    }
}

async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> io::Result<R> + Send + 'static,
) -> Result<R, Error> {
    let done = spawn_blocking(work).await;
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(
            ErrorKind::Unavailable,
            "the state of an audit sink cannot be read or written",
        )
        .with_source(source)
    };
    match done {
        Ok(done) => done.map_err(|err| failed(err.into())),
        Err(err) => Err(failed(err.into())),
    }
}

fn file_of(dir: &Path, id: Uuid) -> PathBuf {
    dir.join(format!("{id}.json"))
}

/// Returns the ids that files of the directory are named after.
fn ids(dir: &Path) -> io::Result<Vec<Uuid>> {
    let files = match fs::read_dir(dir) {
        Ok(files) => files,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(err) => return Err(err),
    };
    let mut ids = Vec::new();
    for file in files {
        let name = file?.file_name();
        let id = name.to_str().and_then(|it| it.strip_suffix(".json"));
        ids.extend(id.and_then(|id| Uuid::try_parse(id).ok()));
    }
    Ok(ids)
}

/// Reads a file; `None` when there is none.
fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(err) => return Err(err),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|err| {
        let message = format!("`{}` cannot be read: {err}", path.display());
        io::Error::new(io::ErrorKind::InvalidData, message)
    })
}

/// Puts a file in the place of another in one step.
fn replace(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    create_dir(dir)?;
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(NEW);
    // What a crash has left there is overwritten.
    write(Path::new(&temporary), value)?;
    fs::rename(&temporary, path)?;
    File::open(dir)?.sync_all()
}

fn write(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.create(true).truncate(true).write(true).open(path)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    file.sync_all()
}

fn create_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)?;
    // A directory is as durable as its name in the one above it.
    for parent in dir.ancestors().skip(1).take(2) {
        if !parent.as_os_str().is_empty() {
            File::open(parent)?.sync_all()?;
        }
    }
    Ok(())
}
