use std::{
    fmt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use ee_core::storage::{Change, ChangeHub};
use ee_sql::{
    Batch, Database, Dialect, Done, Look, Reach, Row, SchemaStatus, SqlStore, Statement, Then,
};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{
    Error, OpenError, SqliteConfig, execute, migrations, open,
    point_reads::PointReads,
    queue::{Inbox, Queue, Ticker},
    writer::{self, Job, Write, guarded},
};

type Read = Box<dyn FnOnce(&Connection) + Send>;

/// How long one search may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is looked whether another process has changed the file.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// One SQLite file that keeps every storage domain, as a store.
pub type SqliteStore = SqlStore<SqliteFile>;

/// One SQLite file.
///
/// One thread writes and a few read. The writer takes all changes that have queued while the disk
/// was busy with the last ones, makes each in a savepoint of its own, and commits them together;
/// a caller is answered when his change is on the disk. Several stores, also of several
/// processes, may have one file open; what one changes, the others are told within a second.
///
/// A future that is dropped leaves nothing half done: a change that was queued is made whole,
/// another not at all. Dropping the file waits until what is queued is done; in async code,
/// [`close`](Self::close) does so without blocking.
pub struct SqliteFile {
    hub: Arc<ChangeHub>,
    path: PathBuf,
    // The order of closing: the writer goes last and leaves one clean file.
    points: PointReads,
    readers: Queue<Read>,
    _looks: Ticker,
    writer: Queue<Job>,
}

impl SqliteFile {
    /// Opens the file, creates it if it does not exist, and brings its schema up to date.
    ///
    /// Blocks for as long as the disk takes. No async runtime is needed to open a store, nor a
    /// particular one to use it.
    pub fn open(config: SqliteConfig) -> Result<SqliteStore, OpenError> {
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
        let readers = Queue::start("ee-sqlite-read", queue, readers)?;
        let hub = Arc::new(ChangeHub::default());
        let work = {
            let hub = Arc::clone(&hub);
            move |inbox: &Inbox<Job>| writer::run(conn, inbox, &hub)
        };
        let writer = Queue::start("ee-sqlite-write", queue, [work])?;
        Ok(SqlStore::new(Self {
            hub,
            path,
            points,
            readers,
            _looks: writer.tick("ee-sqlite-look", LOOK_EVERY, || Job::Look)?,
            writer,
        }))
    }

    /// Tells which schema the file has, and which one this program knows. Changes nothing and creates nothing.
    pub fn schema(config: &SqliteConfig) -> Result<SchemaStatus, OpenError> {
        match open::existing(&config.path, config.busy_timeout)? {
            Some(conn) => migrations::status(&conn, &config.path),
            None => Ok(migrations::none()),
        }
    }

    /// Brings the schema up to date, as [`open`](Self::open) does, and tells which one there was.
    pub fn migrate(config: &SqliteConfig) -> Result<SchemaStatus, OpenError> {
        let before = Self::schema(config)?;
        let path = open::create(config.path.clone())?;
        open::writer(&path, config.busy_timeout)?;
        Ok(before)
    }

    /// Finishes what is queued and closes the file. Whatever is asked afterwards fails with
    /// [`ErrorKind::Unavailable`](ee_core::ErrorKind::Unavailable).
    pub async fn close(&self) {
        self.points.close();
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Reads on a thread of the store.
    async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ee_core::Error> {
        let (reply, answer) = oneshot::channel();
        let read = move |conn: &Connection| {
            // Nobody waits when the caller was dropped.
            if !reply.is_closed() {
                let work = || work(conn).map_err(|source| Error::query(operation, source));
                let _ = reply.send(guarded(operation, work));
            }
        };
        self.readers.push(Box::new(read))?;
        Ok(answer.await.map_err(|_| Error::Closed)??)
    }

    /// Makes a change on the thread that writes. `None` when a statement that must change something did not.
    async fn write(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<(Vec<Done>, Vec<Change>), Error> + Send + 'static,
    ) -> Result<Option<Vec<Done>>, ee_core::Error> {
        let (write, answer) = Write::new(operation, work);
        let write = write.telling(&self.hub);
        self.writer.push(Job::Change(Box::new(write)))?;
        match answer.await.map_err(|_| Error::Closed)? {
            Ok(done) => Ok(Some(done)),
            Err(Error::Query {
                source: rusqlite::Error::StatementChangedRows(0),
                ..
            }) => Ok(None),
            Err(Error::Unfit { source }) => Err(source),
            Err(err) => Err(err.into()),
        }
    }
}

#[async_trait]
impl Database for SqliteFile {
    async fn query(
        &self,
        operation: &'static str,
        queries: Vec<Statement>,
    ) -> Result<Vec<Vec<Row>>, ee_core::Error> {
        self.read(operation, move |conn| {
            let snapshot = conn.unchecked_transaction()?;
            let rows = |query| execute::query(&snapshot, query);
            queries.iter().map(rows).collect()
        })
        .await
    }

    /// Reads here if that needs no waiting; see [`PointReads`].
    async fn find(
        &self,
        operation: &'static str,
        query: Statement,
    ) -> Result<Vec<Row>, ee_core::Error> {
        match self.points.try_read(|conn| execute::query(conn, &query)) {
            Some(result) => Ok(result.map_err(|source| Error::query(operation, source))?),
            None => {
                self.read(operation, move |conn| execute::query(conn, &query))
                    .await
            }
        }
    }

    async fn execute(
        &self,
        operation: &'static str,
        batch: Batch,
    ) -> Result<Option<Vec<Done>>, ee_core::Error> {
        // There is one writer: every batch runs alone.
        let work = move |conn: &Connection| {
            let done = execute::batch(conn, &batch);
            let done = done.map_err(|source| Error::query(operation, source))?;
            Ok((done, batch.tells))
        };
        self.write(operation, work).await
    }

    async fn exchange(
        &self,
        operation: &'static str,
        first: Vec<Statement>,
        then: Then,
    ) -> Result<Option<Vec<Done>>, ee_core::Error> {
        let work = move |conn: &Connection| {
            let failed = |source| Error::query(operation, source);
            let rows = |statement| execute::run(conn, statement).map(|done| done.rows);
            let rows = first.iter().map(rows).collect::<Result<_, _>>();
            let batch = then(rows.map_err(failed)?).map_err(|source| Error::Unfit { source })?;
            let done = execute::batch(conn, &batch).map_err(failed)?;
            Ok((done, batch.tells))
        };
        self.write(operation, work).await
    }

    async fn search(
        &self,
        operation: &'static str,
        query: Statement,
        _reach: Reach,
    ) -> Result<Vec<Row>, ee_core::Error> {
        self.read(operation, move |conn| {
            let _limit = open::Limit::until(Instant::now() + PATIENCE);
            execute::query(conn, &query)
        })
        .await
    }

    async fn look<T: Send + 'static>(
        &self,
        operation: &'static str,
        query: Statement,
        look: Look<T>,
    ) -> Result<Vec<T>, ee_core::Error> {
        self.read(operation, move |conn| {
            let _limit = open::Limit::until(Instant::now() + PATIENCE);
            execute::look(conn, &query, look)
        })
        .await?
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn hub(&self) -> &ChangeHub {
        &self.hub
    }
}

impl fmt::Debug for SqliteFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteFile")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
