use std::{
    fmt,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use ee_core::storage::ChangeHub;
use ee_sql::{
    Batch, Database, Dialect, Done, Look, Reach, Row, SchemaStatus, SqlStore, Statement, Then,
};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, error::Elapsed, sleep_until, timeout_at};
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::{
    Error, OpenError, PgConfig,
    connection::Loan,
    echoes::Echoes,
    listener::Listener,
    migrations,
    server::Server,
    texts::{KEPT, SEARCHES, Texts},
};

/// How often a transaction is tried when another one is in its way, and a read when its connection breaks.
const TRIES: u32 = 4;

/// What lies between two transactions that come back after they were in each other's way.
const STEP: Duration = Duration::from_millis(5);

/// How long a search takes at most; the server ends it a little earlier.
const SEARCH: Duration = Duration::from_millis(5_300);

/// When room for events is looked after again, and when if there was no room to be made.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);
const A_WHILE: SignedDuration = SignedDuration::from_mins(10);

/// One PostgreSQL database that keeps every storage domain, as a store.
pub type PgStore = SqlStore<PgDatabase>;

/// One PostgreSQL database.
///
/// A pool of connections reads and changes; one more listens to what other processes change. A change runs in a task
/// of its own: a caller that stops waiting leaves it to be made whole or not at all, and everybody is told of it.
///
/// A call takes no longer than the longer one of the two timeouts of [`PgConfig`] and 0.3 seconds, whatever the server
/// and the network do. The tokio runtime that the store was opened in has to live as long as the store.
pub struct PgDatabase {
    changes: TaskTracker,
    listener: Listener,
    pool: Arc<Connections>,
    target: String,
}

impl PgDatabase {
    /// Connects to the database, brings its schema up to date and begins to listen.
    pub async fn connect(config: PgConfig) -> Result<PgStore, OpenError> {
        let server = Server::new(&config)?;
        migrations::migrate(&server).await?;
        let target = server.target.clone();
        let manager = Manager::from_config(
            server.config.clone(),
            server.tls.clone(),
            ManagerConfig {
                // The driver knows when a connection has ended; asking would double the time of a read.
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let failed = |source| OpenError::Connect {
            source,
            target: target.clone(),
        };
        let pool = Pool::builder(manager)
            .max_size(config.pool_size.max(1))
            .build()
            .map_err(|_| failed(Error::Closed))?;
        let hub = Arc::new(ChangeHub::default());
        let listener = Listener::start(server, Arc::clone(&hub), pool.clone())
            .await
            .map_err(failed)?;
        Ok(SqlStore::new(Self {
            changes: TaskTracker::new(),
            pool: Arc::new(Connections {
                connect_timeout: config.connect_timeout,
                echoes: Arc::clone(&listener.echoes),
                hub,
                patience: config.patience(),
                pool,
                room_until: AtomicI64::new(i64::MIN),
                searches: Texts::up_to(SEARCHES),
                texts: Arc::new(Texts::up_to(KEPT)),
                turns: AtomicU32::new(0),
            }),
            listener,
            target,
        }))
    }

    /// Tells which schema the database has, and which one this program knows. Changes nothing.
    pub async fn schema(config: &PgConfig) -> Result<SchemaStatus, OpenError> {
        migrations::status(&Server::new(config)?).await
    }

    /// Brings the schema up to date, as [`connect`](Self::connect) does, and tells which one there was.
    pub async fn migrate(config: &PgConfig) -> Result<SchemaStatus, OpenError> {
        migrations::migrate(&Server::new(config)?).await
    }

    /// Finishes the changes that were begun and closes all connections. Whatever is asked afterwards fails with
    /// [`ErrorKind::Unavailable`](ee_core::ErrorKind::Unavailable).
    pub async fn close(&self) {
        self.changes.close();
        self.changes.wait().await;
        self.pool.pool.close();
        self.listener.stop().await;
    }
}

#[async_trait]
impl Database for PgDatabase {
    async fn query(
        &self,
        operation: &'static str,
        queries: Vec<Statement>,
    ) -> Result<Vec<Vec<Row>>, ee_core::Error> {
        let mut call = self.pool.call(operation);
        loop {
            let mut loan = call.loan().await?;
            let result = timeout_at(call.deadline, loan.query(&queries)).await;
            if let ControlFlow::Break(result) = call.judge(loan, result, Error::is_lost).await {
                return Ok(result?);
            }
        }
    }

    async fn find(
        &self,
        operation: &'static str,
        query: Statement,
    ) -> Result<Vec<Row>, ee_core::Error> {
        let mut call = self.pool.call(operation);
        loop {
            let loan = call.loan().await?;
            let result = timeout_at(call.deadline, loan.find(&query)).await;
            if let ControlFlow::Break(result) = call.judge(loan, result, Error::is_lost).await {
                return Ok(result?);
            }
        }
    }

    async fn execute(
        &self,
        operation: &'static str,
        batch: Batch,
    ) -> Result<Option<Vec<Done>>, ee_core::Error> {
        if self.changes.is_closed() {
            return Err(Error::Closed.into());
        }
        let pool = Arc::clone(&self.pool);
        let change = async move { pool.execute(operation, batch).await };
        match self.changes.spawn(change).await {
            Ok(done) => Ok(done?),
            Err(err) if err.is_panic() => Err(Error::Panicked { operation }.into()),
            Err(_) => Err(Error::Closed.into()),
        }
    }

    async fn exchange(
        &self,
        operation: &'static str,
        first: Vec<Statement>,
        then: Then,
    ) -> Result<Option<Vec<Done>>, ee_core::Error> {
        if self.changes.is_closed() {
            return Err(Error::Closed.into());
        }
        let pool = Arc::clone(&self.pool);
        let change = async move { pool.exchange(operation, first, then).await };
        match self.changes.spawn(change).await {
            Ok(done) => done,
            Err(err) if err.is_panic() => Err(Error::Panicked { operation }.into()),
            Err(_) => Err(Error::Closed.into()),
        }
    }

    async fn search(
        &self,
        operation: &'static str,
        query: Statement,
        reach: Reach,
    ) -> Result<Vec<Row>, ee_core::Error> {
        let mut call = self.pool.call(operation);
        call.deadline = call.deadline.max(Instant::now() + SEARCH);
        loop {
            let mut loan = call.loan().await?;
            let search = loan.search(&query, reach, &self.pool.searches);
            let result = timeout_at(call.deadline, search).await;
            if let ControlFlow::Break(result) = call.judge(loan, result, Error::is_lost).await {
                return Ok(result?);
            }
        }
    }

    async fn look<T: Send + 'static>(
        &self,
        operation: &'static str,
        query: Statement,
        look: Look<T>,
    ) -> Result<Vec<T>, ee_core::Error> {
        let mut call = self.pool.call(operation);
        call.deadline = call.deadline.max(Instant::now() + SEARCH);
        loop {
            let mut loan = call.loan().await?;
            let seen = loan.look(&query, &self.pool.searches, look);
            let result = timeout_at(call.deadline, seen).await;
            if let ControlFlow::Break(result) = call.judge(loan, result, Error::is_lost).await {
                return result?.into_iter().collect();
            }
        }
    }

    /// Makes tables for the months around, and drops those that a retention has emptied.
    async fn make_room(&self, now: Timestamp) {
        let room_until = &self.pool.room_until;
        let (until, micros) = (room_until.load(Ordering::Acquire), now.as_microsecond());
        let claimed = micros.saturating_add(A_WHILE.as_micros().try_into().unwrap_or(i64::MAX));
        let is_ours = micros >= until
            && room_until
                .compare_exchange(until, claimed, Ordering::AcqRel, Ordering::Acquire)
                .is_ok();
        if !is_ours {
            return;
        }
        // From last month on, since events may come late.
        let first = now.saturating_sub(A_DAY * 31).unwrap_or(now);
        let make = Statement::new("SELECT ee_audit_make_months(?1, 5)").bind(first);
        let before = now.saturating_sub(A_DAY * 62).unwrap_or(now);
        let drop = Statement::new("SELECT ee_audit_drop_months(?1)").bind(before);
        let patience = "SET LOCAL lock_timeout = 1000";
        for statement in [make, drop] {
            let batch = Batch::from(Statement::new(patience)).then(statement);
            if let Err(err) = self.execute("make room for events", batch).await {
                warn!(error = %err, "events are kept in one piece until there is room for their month");
                return;
            }
        }
        let done = now.saturating_add(A_DAY).unwrap_or(now);
        room_until.store(done.as_microsecond(), Ordering::Release);
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn go_on_numbering(
        &self,
        table: &'static str,
        column: &'static str,
    ) -> Result<(), ee_core::Error> {
        let sql = format!(
            "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), \
             (SELECT coalesce(max({column}), 0) + 1 FROM {table}), false)"
        );
        let batch = Batch::from(Statement::new(sql));
        self.execute("go on numbering rows", batch).await.map(drop)
    }

    fn hub(&self) -> &ChangeHub {
        &self.pool.hub
    }
}

impl fmt::Debug for PgDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgDatabase")
            .field("target", &self.target)
            .field("pool", &self.pool.pool.status())
            .finish_non_exhaustive()
    }
}

/// What calls share.
struct Connections {
    connect_timeout: Duration,
    echoes: Arc<Echoes>,
    hub: Arc<ChangeHub>,
    patience: Duration,
    pool: Pool,
    /// When room for events is looked after again, in microseconds.
    room_until: AtomicI64,
    searches: Texts,
    texts: Arc<Texts>,
    turns: AtomicU32,
}

impl Connections {
    fn call(&self, operation: &'static str) -> Call<'_> {
        let now = Instant::now();
        Call {
            connections: self,
            deadline: now + self.patience,
            operation,
            tries: TRIES,
        }
    }

    /// Does a batch and tells everybody.
    async fn execute(
        &self,
        operation: &'static str,
        batch: Batch,
    ) -> Result<Option<Vec<Done>>, Error> {
        let (number, notifications) = self.echoes.send(&batch.tells);
        let mut call = self.call(operation);
        let result = loop {
            let mut loan = match call.loan().await {
                Ok(loan) => loan,
                Err(err) => break Err(err),
            };
            let work = loan.execute(&batch, &notifications);
            let result = timeout_at(call.deadline, work).await;
            if let ControlFlow::Break(result) = call.judge(loan, result, |_| false).await {
                break result;
            }
        };
        self.tell(&batch, number, &result);
        result
    }

    /// Runs statements, then the batch that follows from what they return, and tells everybody.
    async fn exchange(
        &self,
        operation: &'static str,
        first: Vec<Statement>,
        then: Then,
    ) -> Result<Option<Vec<Done>>, ee_core::Error> {
        let mut call = self.call(operation);
        let (mut loan, rows) = loop {
            let mut loan = call.loan().await?;
            match timeout_at(call.deadline, loan.begin(&first)).await {
                Ok(Ok(rows)) => break (loan, rows),
                result => {
                    let judged = call.judge(loan, result, Error::is_lost).await;
                    if let ControlFlow::Break(result) = judged {
                        // Not reached with rows.
                        result?;
                    }
                }
            }
        };
        let batch = match then(rows) {
            Ok(batch) => batch,
            Err(err) => {
                // Whatever becomes of it: dropped in the midst of the transaction, the connection is closed.
                let _ = timeout_at(call.deadline, loan.undo()).await;
                return Err(err);
            }
        };
        let (number, notifications) = self.echoes.send(&batch.tells);
        // What follows is known for these rows alone, so it is not tried again.
        call.tries = 1;
        let work = loan.go_on(&batch, &notifications);
        let result = timeout_at(call.deadline, work).await;
        let result = match call.judge(loan, result, |_| false).await {
            ControlFlow::Break(result) => result,
            ControlFlow::Continue(()) => Err(Error::Timeout { operation }),
        };
        self.tell(&batch, number, &result);
        Ok(result?)
    }

    /// Tells everybody here of a batch that was done, or that may have been.
    fn tell(&self, batch: &Batch, number: u64, result: &Result<Option<Vec<Done>>, Error>) {
        if !matches!(result, Ok(Some(_))) {
            self.echoes.forget(number);
        }
        let may_be_done = match result {
            Ok(done) => done.is_some(),
            Err(err) => err.is_lost() || matches!(err, Error::Timeout { .. }),
        };
        if may_be_done {
            for change in &batch.tells {
                self.hub.tell(change);
            }
        }
    }
}

/// One call, with what is left of its time and its tries.
struct Call<'a> {
    connections: &'a Connections,
    deadline: Instant,
    operation: &'static str,
    tries: u32,
}

impl Call<'_> {
    async fn loan(&self) -> Result<Loan, Error> {
        let Connections {
            connect_timeout,
            pool,
            texts,
            ..
        } = self.connections;
        let operation = self.operation;
        let until = self.deadline.min(Instant::now() + *connect_timeout);
        let client = timeout_at(until, pool.get())
            .await
            .map_err(|_| Error::Timeout { operation })?
            .map_err(|err| Error::pool(operation, err))?;
        Ok(Loan::new(client, Arc::clone(texts)))
    }

    /// Gives the connection back or closes it, and tells whether to try again: what another transaction was in the way
    /// of, after a pause, and what else `is_harmless` to be done twice.
    async fn judge<T>(
        &mut self,
        loan: Loan,
        result: Result<Result<T, tokio_postgres::Error>, Elapsed>,
        is_harmless: impl Fn(&Error) -> bool,
    ) -> ControlFlow<Result<T, Error>> {
        let operation = self.operation;
        let err = match result {
            Ok(Ok(value)) => return ControlFlow::Break(Ok(value)),
            Ok(Err(err)) => Error::query(operation, err),
            Err(Elapsed { .. }) => {
                loan.discard();
                return ControlFlow::Break(Err(Error::Timeout { operation }));
            }
        };
        if err.is_lost() {
            loan.discard();
        } else {
            drop(loan);
        }
        self.tries -= 1;
        if self.tries > 0 && err.is_contention() {
            // Those who were in each other's way come back one after the other.
            let turn = self.connections.turns.fetch_add(1, Ordering::Relaxed) % 8;
            sleep_until(self.deadline.min(Instant::now() + STEP * turn)).await;
            ControlFlow::Continue(())
        } else if self.tries > 0 && is_harmless(&err) {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(Err(err))
        }
    }
}
