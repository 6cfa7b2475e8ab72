use std::{fmt, path::PathBuf};

use ee_core::storage::Page;
use rusqlite::{Connection, Params};
use tokio::sync::oneshot;

use crate::{
    Error, OpenError, SqliteConfig, open,
    point_reads::PointReads,
    queue::{Inbox, Queue},
    writer::{self, Change, Write, guarded},
};

type Read = Box<dyn FnOnce(&Connection) + Send>;

/// One SQLite file that keeps every storage domain.
///
/// One thread writes and a few read. The writer takes all changes that have queued while the disk
/// was busy with the last ones, makes each in a savepoint of its own, and commits them together;
/// a caller is answered when his change is on the disk. Several stores, also of several
/// processes, may have one file open.
///
/// A future that is dropped leaves nothing half done: a change that was queued is made whole,
/// another not at all. Dropping the store waits until what is queued is done; in async code,
/// [`close`](Self::close) does so without blocking.
pub struct SqliteStore {
    path: PathBuf,
    // The order of closing: the writer goes last and leaves one clean file.
    points: PointReads,
    readers: Queue<Read>,
    writer: Queue<Box<dyn Change>>,
}

impl SqliteStore {
    /// Opens the file, creates it if it does not exist, and brings its schema up to date.
    ///
    /// Blocks for as long as the disk takes. No async runtime is needed to open a store, nor a
    /// particular one to use it.
    pub fn open(config: SqliteConfig) -> Result<Self, OpenError> {
        let SqliteConfig {
            busy_timeout,
            path,
            queue,
            readers,
        } = config;
        let path = open::create(path)?;
        let conn = open::writer(&path, busy_timeout)?;
        let count = readers.max(1);
        let points = PointReads::open(&path, count)?;
        let readers = (0..count)
            .map(|_| open::reader(&path, busy_timeout))
            .collect::<Result<Vec<_>, _>>()?;
        let readers = readers.into_iter().map(|conn| {
            move |inbox: &Inbox<Read>| {
                while let Some(read) = inbox.wait() {
                    read(&conn);
                }
            }
        });
        Ok(Self {
            path,
            points,
            readers: Queue::start("ee-sqlite-read", queue, readers)?,
            writer: Queue::start(
                "ee-sqlite-write",
                queue,
                [|inbox: &Inbox<Box<dyn Change>>| writer::run(conn, inbox)],
            )?,
        })
    }

    /// Finishes what is queued and closes the file. Whatever is asked afterwards fails with
    /// [`ErrorKind::Unavailable`](ee_core::ErrorKind::Unavailable).
    pub async fn close(&self) {
        self.points.close();
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Makes a change and waits until it is on the disk. The operation completes "could not".
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ee_core::Error> {
        let (write, answer) = Write::new(operation, work);
        self.writer.push(Box::new(write))?;
        Ok(answer.await.map_err(|_| Error::Closed)??)
    }

    /// Reads on a thread of the store.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ee_core::Error> {
        let (reply, answer) = oneshot::channel();
        let read = move |conn: &Connection| {
            // Nobody waits when the caller was dropped.
            if !reply.is_closed() {
                let _ = reply.send(guarded(operation, || work(conn)));
            }
        };
        self.readers.push(Box::new(read))?;
        Ok(answer.await.map_err(|_| Error::Closed)??)
    }

    /// Reads one row by its key, here if that needs no waiting; see [`PointReads`].
    pub(crate) async fn read_point<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ee_core::Error> {
        match self.points.try_read(&work) {
            Some(result) => Ok(result.map_err(|source| Error::query(operation, source))?),
            None => self.read(operation, work).await,
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// What a page skips and shows.
pub(crate) struct Slice {
    pub(crate) limit: u32,
    pub(crate) offset: i64,
}

impl From<Page> for Slice {
    fn from(page: Page) -> Self {
        Self {
            limit: page.size,
            offset: i64::try_from(page.offset()).unwrap_or(i64::MAX),
        }
    }
}

/// Runs a query that counts.
pub(crate) fn total(conn: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<u64> {
    conn.prepare_cached(sql)?
        .query_row(params, |row| row.get(0))
        .map(i64::unsigned_abs)
}

/// Returns a number of rows as the domains tell it.
pub(crate) fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
