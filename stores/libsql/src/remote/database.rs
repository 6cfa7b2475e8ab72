use std::{fmt, sync::Arc};

use async_trait::async_trait;
use ee_core::storage::{Change, ChangeHub};
use ee_sql::{Batch, Database, Dialect, Done, Reach, Row, SchemaStatus, SqlStore, Statement, Then};
use tokio::sync::{Mutex, watch};

use crate::remote::{
    RemoteConfig, RemoteError, RemoteOpenError,
    client::{Remote, Stream},
    feed::{self, Seen},
    schema,
    wire::{Steps, StepsDone},
};

/// A libSQL server that keeps every storage domain, as a store.
pub type RemoteStore = SqlStore<RemoteDatabase>;

/// A libSQL server over HTTP.
///
/// A batch is one request. A read is asked again when the server does not answer; a change is only when it cannot have
/// arrived. What this process changes is told here at once; a number in the database, looked
/// at three times a second, shows what others have changed.
pub struct RemoteDatabase {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
}

pub(crate) struct Shared {
    /// Held by an exchange from its first statement to its last: those of one process wait here and not at the server.
    exchange: Mutex<()>,
    pub(crate) hub: ChangeHub,
    pub(crate) remote: Remote,
    pub(crate) seen: Seen,
}

impl RemoteDatabase {
    /// Connects and brings the schema up to date. Needs a tokio runtime, here and as long as the store lives.
    pub async fn open(config: RemoteConfig) -> Result<RemoteStore, RemoteOpenError> {
        let remote = Remote::new(config)?;
        schema::migrate(&remote).await?;
        let seen = feed::seen(&remote).await.map_err(RemoteOpenError::Server)?;
        let shared = Arc::new(Shared {
            exchange: Mutex::default(),
            hub: ChangeHub::default(),
            remote,
            seen,
        });
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(feed::run(Arc::clone(&shared), stopped));
        Ok(SqlStore::new(Self { shared, stop }))
    }

    /// Tells which schema the database has, and changes nothing.
    pub async fn schema(config: RemoteConfig) -> Result<SchemaStatus, RemoteOpenError> {
        schema::status(&Remote::new(config)?).await
    }

    /// Stops looking for changes. Whatever is asked afterwards fails with
    /// [`ErrorKind::Unavailable`](ee_core::ErrorKind::Unavailable).
    pub fn close(&self) {
        self.stop.send_replace(true);
    }

    fn check_open(&self) -> Result<(), RemoteError> {
        if *self.stop.borrow() {
            return Err(RemoteError::Closed);
        }
        Ok(())
    }
}

impl fmt::Debug for RemoteDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteDatabase").finish_non_exhaustive()
    }
}

#[async_trait]
impl Database for RemoteDatabase {
    async fn query(
        &self,
        operation: &'static str,
        queries: Vec<Statement>,
    ) -> Result<Vec<Vec<Row>>, ee_core::Error> {
        let done = async {
            self.check_open()?;
            self.shared.query(&queries).await
        };
        done.await.map_err(|err: RemoteError| err.during(operation))
    }

    async fn execute(
        &self,
        operation: &'static str,
        batch: Batch,
    ) -> Result<Option<Vec<Done>>, ee_core::Error> {
        self.check_open().map_err(|err| err.during(operation))?;
        let shared = Arc::clone(&self.shared);
        // A task of its own: a caller that stops waiting neither ends it halfway nor keeps others from being told.
        let done = tokio::spawn(async move { shared.execute(&batch).await });
        let done = done.await.unwrap_or(Err(RemoteError::Malformed));
        done.map_err(|err| err.during(operation))
    }

    async fn exchange(
        &self,
        operation: &'static str,
        first: Vec<Statement>,
        then: Then,
    ) -> Result<Option<Vec<Done>>, ee_core::Error> {
        self.check_open().map_err(|err| err.during(operation))?;
        let shared = Arc::clone(&self.shared);
        let done = tokio::spawn(async move { shared.exchange(operation, &first, then).await });
        done.await
            .unwrap_or_else(|_| Err(RemoteError::Malformed.during(operation)))
    }

    async fn search(
        &self,
        operation: &'static str,
        query: Statement,
        _reach: Reach,
    ) -> Result<Vec<Row>, ee_core::Error> {
        let found = async {
            self.check_open()?;
            // What took too long is not asked again.
            self.shared.query_once(&[query]).await
        };
        let found = found.await.map_err(|err| err.during(operation))?;
        Ok(found.into_iter().flatten().collect())
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn hub(&self) -> &ChangeHub {
        &self.shared.hub
    }
}

/// Most rows of one statement.
const TOGETHER: usize = 32;

/// Fails when the statement before it has changed nothing: a step cannot be made to hang on that by itself, and the
/// text is no JSON.
const GUARD: &str = "SELECT CASE WHEN changes() > 0 THEN 1 ELSE json('unmet') END";

const BUMP: &str =
    "UPDATE ee_revisions SET value = value + 1 WHERE name = 'changes' RETURNING value";

/// What a batch has done, and the count of changes behind it.
type Told = (Vec<Done>, Option<u64>);

impl Shared {
    async fn query(&self, queries: &[Statement]) -> Result<Vec<Vec<Row>>, RemoteError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.query_once(queries).await {
                Err(err) if err.is_passing() && tries < 3 => {}
                result => return result,
            }
        }
    }

    async fn query_once(&self, queries: &[Statement]) -> Result<Vec<Vec<Row>>, RemoteError> {
        let mut steps = Steps::default();
        if queries.len() > 1 {
            steps.then("BEGIN", &[]);
        }
        let places: Vec<usize> = queries.iter().map(|query| steps.statement(query)).collect();
        let mut done = self.remote.run(steps).await?.steps()?;
        let rows = |place| done.take(place).map(|done| done.rows);
        places.into_iter().map(rows).collect()
    }

    /// Does a batch and tells of it.
    async fn execute(&self, batch: &Batch) -> Result<Option<Vec<Done>>, RemoteError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.transaction(batch, None).await {
                Err(err) if err.is_unsent() && tries < 3 => {}
                result => return self.tell(batch, result),
            }
        }
    }

    /// Runs statements, then the batch that follows from what they return, and tells of it.
    async fn exchange(
        &self,
        operation: &'static str,
        first: &[Statement],
        then: Then,
    ) -> Result<Option<Vec<Done>>, ee_core::Error> {
        let _one_at_a_time = self.exchange.lock().await;
        let begun = self.begin(first).await;
        let (rows, stream) = begun.map_err(|err| err.during(operation))?;
        match then(rows) {
            Ok(batch) => {
                let done = self.transaction(&batch, Some(stream)).await;
                self.tell(&batch, done).map_err(|err| err.during(operation))
            }
            Err(err) => {
                self.undo(stream).await;
                Err(err)
            }
        }
    }

    /// Begins a transaction with statements and leaves it open. Nothing of it is kept when this fails, so that it is
    /// tried again.
    async fn begin(&self, first: &[Statement]) -> Result<(Vec<Vec<Row>>, Stream), RemoteError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut steps = Steps::default();
            steps.then("BEGIN IMMEDIATE", &[]);
            let places: Vec<usize> = first.iter().map(|it| steps.statement(it)).collect();
            let (mut answer, stream) = match self.remote.begin(steps).await {
                Err(err) if err.is_passing() && tries < 3 => continue,
                result => result?,
            };
            let taken = answer.steps().and_then(|mut done| {
                let rows = |place: &usize| done.take(*place).map(|done| done.rows);
                places.iter().map(rows).collect()
            });
            match taken {
                Ok(rows) => return Ok((rows, stream)),
                Err(err) => {
                    self.undo(stream).await;
                    return Err(err);
                }
            }
        }
    }

    async fn undo(&self, stream: Stream) {
        let mut undo = Steps::default();
        undo.then("ROLLBACK", &[]);
        // The server undoes it by itself otherwise.
        let _ = self.remote.end(stream, undo).await;
    }

    /// Tells everybody of a batch that was done, or that may have been.
    fn tell(
        &self,
        batch: &Batch,
        result: Result<Option<Told>, RemoteError>,
    ) -> Result<Option<Vec<Done>>, RemoteError> {
        let (done, told) = match result {
            Ok(Some(done)) => done,
            Ok(None) => return Ok(None),
            Err(err) => {
                // Nobody knows whether it was done.
                if err.is_passing() && !batch.tells.is_empty() {
                    self.hub.tell(&Change::Everything);
                }
                return Err(err);
            }
        };
        for change in &batch.tells {
            self.hub.tell(change);
        }
        if let Some(value) = told
            && !self.seen.own(value)
        {
            self.hub.tell(&Change::Everything);
        }
        Ok(Some(done))
    }

    /// Runs the statements in one request: as one transaction, or as the end of one. Returns the number that shows others
    /// that something has changed, where the batch tells something.
    async fn transaction(
        &self,
        batch: &Batch,
        stream: Option<Stream>,
    ) -> Result<Option<(Vec<Done>, Option<u64>)>, RemoteError> {
        let rows = batch.rows.iter().flat_map(|rows| rows.statements(TOGETHER));
        let rows: Vec<Statement> = rows.collect();
        let mut steps = Steps::default();
        // A step of its own first, on whose success the others hang.
        let is_begun = stream.is_some();
        steps.then(
            if is_begun {
                "SELECT 1"
            } else {
                "BEGIN IMMEDIATE"
            },
            &[],
        );
        let mut places = Vec::with_capacity(batch.statements.len());
        let mut guards = Vec::new();
        for statement in &batch.statements {
            places.push(steps.statement(statement));
            if statement.must_change {
                guards.push(steps.then(GUARD, &[]));
            }
        }
        for rows in &rows {
            steps.statement(rows);
        }
        let bump = (!batch.tells.is_empty()).then(|| steps.then(BUMP, &[]));
        let commit = steps.then("COMMIT", &[]);
        steps.unless(commit, "ROLLBACK");
        let answer = match stream {
            Some(stream) => self.remote.end(stream, steps).await,
            None => self.remote.run(steps).await,
        };
        let mut done: StepsDone = answer?.steps()?;
        if guards.iter().any(|guard| done.has_failed(*guard)) {
            return Ok(None);
        }
        let take = |place: &usize| done.take(*place);
        let all = places.iter().map(take).collect::<Result<_, _>>()?;
        let told = match bump {
            Some(place) => feed::value(done.take(place)?.rows)?,
            None => None,
        };
        done.take(commit)?;
        Ok(Some((all, told)))
    }
}
