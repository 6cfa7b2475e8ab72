use std::{fmt, sync::Arc};

use async_trait::async_trait;
use ee_core::storage::{Change, ChangeHub};
use ee_sql::{Batch, Database, Done, Row, SchemaStatus, SqlStore, Statement};
use tokio::sync::watch;

use crate::remote::{
    RemoteConfig, RemoteError, RemoteOpenError,
    client::Remote,
    feed::{self, Seen},
    schema,
    wire::Steps,
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

    fn hub(&self) -> &ChangeHub {
        &self.shared.hub
    }
}

/// Fails when the statement before it has changed nothing: a step cannot be made to hang on that by itself, and the
/// text is no JSON.
const GUARD: &str = "SELECT CASE WHEN changes() > 0 THEN 1 ELSE json('unmet') END";

const BUMP: &str =
    "UPDATE ee_revisions SET value = value + 1 WHERE name = 'changes' RETURNING value";

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
        let (done, told) = loop {
            tries += 1;
            match self.transaction(batch).await {
                Err(err) if err.is_unsent() && tries < 3 => {}
                Err(err) => {
                    // Nobody knows whether it was done.
                    if err.is_passing() && !batch.tells.is_empty() {
                        self.hub.tell(&Change::Everything);
                    }
                    return Err(err);
                }
                Ok(None) => return Ok(None),
                Ok(Some(done)) => break done,
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

    /// Runs the statements in one transaction and one request. Returns the number that shows others that something has
    /// changed, where the batch tells something.
    async fn transaction(
        &self,
        batch: &Batch,
    ) -> Result<Option<(Vec<Done>, Option<u64>)>, RemoteError> {
        let mut steps = Steps::default();
        steps.then("BEGIN IMMEDIATE", &[]);
        let mut places = Vec::with_capacity(batch.statements.len());
        let mut guards = Vec::new();
        for statement in &batch.statements {
            places.push(steps.statement(statement));
            if statement.must_change {
                guards.push(steps.then(GUARD, &[]));
            }
        }
        let bump = (!batch.tells.is_empty()).then(|| steps.then(BUMP, &[]));
        let commit = steps.then("COMMIT", &[]);
        steps.unless(commit, "ROLLBACK");
        let mut done = self.remote.run(steps).await?.steps()?;
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
