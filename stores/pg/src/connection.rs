//! Connections of the pool, on loan.

use std::{ops::Deref, sync::Arc};

use deadpool_postgres::{ClientWrapper, Object};
use ee_sql::{Batch, Done, Look, Reach, Row, Statement};
use futures_util::future::try_join_all;
use tokio::try_join;
use tokio_postgres::Error;

use crate::{
    copy,
    pipeline::{self, Answers, Request},
    texts::{Text, Texts},
    values::{columns, read},
};

/// `maEE`: the first half of the names of our locks.
pub(crate) const LOCKS: i32 = 0x6d61_4545;

/// Several queries see one state of the database.
const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// A page goes along an index in its order: whatever reads and sorts all that fits is slow where much does. The plan is
/// made once for all values, since making it takes longer than a page.
const BEGIN_PAGE: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
    SET LOCAL statement_timeout = 5000; SET LOCAL jit = off; SET LOCAL enable_seqscan = off; \
    SET LOCAL enable_bitmapscan = off; SET LOCAL max_parallel_workers_per_gather = 0; \
    SET LOCAL plan_cache_mode = force_generic_plan";

const BEGIN_WHOLE: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
    SET LOCAL statement_timeout = 5000; SET LOCAL jit = off";

/// Each statement sees what was committed before it: one behind a lock sees what the last holder has done.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// A connection that goes back to the pool when it is dropped, unless it is in the middle of a transaction: then it is
/// closed, and the server undoes the transaction.
#[derive(Debug)]
pub(crate) struct Loan {
    /// `None` while it is dropped.
    client: Option<Object>,
    is_in_transaction: bool,
    texts: Arc<Texts>,
}

impl Loan {
    pub(crate) const fn new(client: Object, texts: Arc<Texts>) -> Self {
        Self {
            client: Some(client),
            is_in_transaction: false,
            texts,
        }
    }

    /// Closes the connection.
    pub(crate) fn discard(mut self) {
        self.is_in_transaction = true;
    }

    /// Returns the rows of one query.
    pub(crate) async fn find(&self, query: &Statement) -> Result<Vec<Row>, Error> {
        let ready = self.prepare(query).await?;
        let done = pipeline::ask(self, ready.request(query)).await?;
        Ok(done.rows)
    }

    /// Returns the rows of each query, all of one state of the database.
    pub(crate) async fn query(&mut self, queries: &[Statement]) -> Result<Vec<Vec<Row>>, Error> {
        let ready = self.prepare_all(queries).await?;
        let mut requests = Vec::with_capacity(queries.len() + 2);
        if queries.len() > 1 {
            requests.push(Request::Command(BEGIN_READING));
        }
        requests.extend(requests_for(&ready, queries));
        if queries.len() > 1 {
            requests.push(Request::Command("COMMIT"));
            self.is_in_transaction = true;
            let done = self.end(&requests).await?;
            Ok(rows(between(done, 1, queries.len())))
        } else {
            pipeline::run(self, &requests).await.done.map(rows)
        }
    }

    /// Returns the rows of a query that may have much to look at.
    pub(crate) async fn search(
        &mut self,
        query: &Statement,
        reach: Reach,
        texts: &Texts,
    ) -> Result<Vec<Row>, Error> {
        self.search_and_read(query, reach, texts, read).await
    }

    /// Looks at the rows of a query that goes along an index.
    pub(crate) async fn look<T>(
        &mut self,
        query: &Statement,
        texts: &Texts,
        look: Look<T>,
    ) -> Result<Vec<Result<T, ee_core::Error>>, Error> {
        let read = |row: &tokio_postgres::Row| columns(row).map(|columns| look(&columns));
        self.search_and_read(query, Reach::Page, texts, read).await
    }

    async fn search_and_read<R>(
        &mut self,
        query: &Statement,
        reach: Reach,
        texts: &Texts,
        read: impl Fn(&tokio_postgres::Row) -> Result<R, Error> + Copy,
    ) -> Result<Vec<R>, Error> {
        let ready = self.prepare_as(texts.get(&query.sql)).await?;
        let begin = match reach {
            Reach::Page => BEGIN_PAGE,
            Reach::Whole => BEGIN_WHOLE,
        };
        let requests = [
            Request::Command(begin),
            ready.request(query),
            Request::Command("COMMIT"),
        ];
        self.is_in_transaction = true;
        let answers = pipeline::run_and_read(self, &requests, read).await;
        let done = self.ended(answers).await?;
        // Commands return no rows.
        Ok(done.into_iter().flat_map(|answer| answer.rows).collect())
    }

    /// Begins a transaction with statements and leaves it open.
    pub(crate) async fn begin(&mut self, first: &[Statement]) -> Result<Vec<Vec<Row>>, Error> {
        let ready = self.prepare_all(first).await?;
        let mut requests = vec![Request::Command(BEGIN)];
        requests.extend(requests_for(&ready, first));
        self.is_in_transaction = true;
        match pipeline::run(self, &requests).await.done {
            Ok(done) => Ok(rows(between(done, 1, first.len()))),
            Err(err) => self.undo().await.and(Err(err)),
        }
    }

    /// Does a batch as one transaction, which ends with the notifications. `None` when a statement that must change
    /// something did not: then nothing was done.
    pub(crate) async fn execute(
        &mut self,
        batch: &Batch,
        notifications: &[Statement],
    ) -> Result<Option<Vec<Done>>, Error> {
        if let [statement] = &*batch.statements
            && notifications.is_empty()
            && batch.alone.is_empty()
            && batch.rows.is_empty()
        {
            let ready = self.prepare(statement).await?;
            let done = pipeline::ask(self, ready.request(statement)).await?;
            let is_undone = statement.must_change && done.changed == 0;
            return Ok((!is_undone).then(|| vec![done]));
        }
        self.go_on(batch, notifications).await
    }

    /// Does a batch as one transaction, or as the end of one that has [begun](Self::begin).
    pub(crate) async fn go_on(
        &mut self,
        batch: &Batch,
        notifications: &[Statement],
    ) -> Result<Option<Vec<Done>>, Error> {
        let Batch {
            alone, statements, ..
        } = batch;
        let locks: Vec<Statement> = alone.iter().map(|name| lock(name)).collect();
        let (ready, ready_locks, ready_notifications) = try_join!(
            self.prepare_all(statements),
            self.prepare_all(&locks),
            self.prepare_all(notifications),
        )?;
        let mut requests = Vec::with_capacity(statements.len() + locks.len() + 2);
        if !self.is_in_transaction {
            requests.push(Request::Command(BEGIN));
        }
        requests.extend(requests_for(&ready_locks, &locks));
        let own = requests.len();

        let mut done = Vec::with_capacity(own + statements.len());
        self.is_in_transaction = true;
        for (ready, statement) in ready.iter().zip(statements) {
            requests.push(ready.request(statement));
            if statement.must_change {
                done.extend(self.part(&mut requests).await?);
                if done.last().is_none_or(|done| done.changed == 0) {
                    self.undo().await?;
                    return Ok(None);
                }
            }
        }
        if !batch.rows.is_empty() {
            done.extend(self.part(&mut requests).await?);
            // They are sent one behind the other, in this order; the server is at one while the next is written.
            let client: &ClientWrapper = self;
            let inserts = batch.rows.iter().map(|rows| copy::insert(client, rows));
            if let Err(err) = try_join_all(inserts).await {
                return self.undo().await.and(Err(err));
            }
        }
        requests.extend(requests_for(&ready_notifications, notifications));
        requests.push(Request::Command("COMMIT"));
        done.extend(self.end(&requests).await?);
        Ok(Some(between(done, own, statements.len())))
    }

    /// Sends requests in the midst of the transaction, which is undone when one fails.
    async fn part(&mut self, requests: &mut Vec<Request<'_>>) -> Result<Vec<Done>, Error> {
        let answers = pipeline::run(self, requests).await.done;
        requests.clear();
        match answers {
            Ok(answers) => Ok(answers),
            Err(err) => self.undo().await.and(Err(err)),
        }
    }

    /// Sends requests the last of which ends the transaction.
    async fn end(&mut self, requests: &[Request<'_>]) -> Result<Vec<Done>, Error> {
        let answers = pipeline::run(self, requests).await;
        self.ended(answers).await
    }

    async fn ended<R>(&mut self, answers: Answers<R>) -> Result<Vec<R>, Error> {
        match answers.done {
            Err(err) if !answers.was_last_sent => self.undo().await.and(Err(err)),
            // Where one has failed, the end has undone all.
            done => {
                self.is_in_transaction = false;
                done
            }
        }
    }

    /// Undoes the transaction.
    pub(crate) async fn undo(&mut self) -> Result<(), Error> {
        pipeline::ask(self, Request::Command("ROLLBACK")).await?;
        self.is_in_transaction = false;
        Ok(())
    }

    async fn prepare(&self, statement: &Statement) -> Result<Ready, Error> {
        self.prepare_as(self.texts.get(&statement.sql)).await
    }

    async fn prepare_as(&self, text: Text) -> Result<Ready, Error> {
        match text {
            Text::Kept(sql) => self.prepare_cached(&sql).await.map(Ready::Prepared),
            Text::Passing(sql) => Ok(Ready::Once(sql)),
        }
    }

    /// Prepares what is not prepared yet, in one round trip.
    async fn prepare_all(&self, statements: &[Statement]) -> Result<Vec<Ready>, Error> {
        try_join_all(statements.iter().map(|it| self.prepare(it))).await
    }
}

impl Deref for Loan {
    type Target = ClientWrapper;

    #[expect(clippy::expect_used, reason = "nobody sees it when it is dropped")]
    fn deref(&self) -> &ClientWrapper {
        self.client.as_ref().expect("only `drop` takes it")
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if self.is_in_transaction {
            drop(self.client.take().map(Object::take));
        }
    }
}

/// A statement that can be sent.
#[derive(Debug)]
enum Ready {
    Once(String),
    Prepared(tokio_postgres::Statement),
}

impl Ready {
    fn request<'a>(&'a self, statement: &'a Statement) -> Request<'a> {
        match self {
            Self::Once(sql) => Request::Once(sql, &statement.params),
            Self::Prepared(prepared) => Request::Prepared(prepared, &statement.params),
        }
    }
}

fn requests_for<'a>(
    ready: &'a [Ready],
    statements: &'a [Statement],
) -> impl Iterator<Item = Request<'a>> {
    let both = ready.iter().zip(statements);
    both.map(|(ready, statement)| ready.request(statement))
}

fn rows(done: Vec<Done>) -> Vec<Vec<Row>> {
    done.into_iter().map(|done| done.rows).collect()
}

/// Waits until no other transaction has the lock of this name. It goes with the transaction.
fn lock(name: &str) -> Statement {
    let sql = format!("SELECT pg_advisory_xact_lock({LOCKS}, hashtext(?1))");
    Statement::new(sql).bind(name)
}

/// Leaves out so many answers, and those behind the ones that are wanted.
fn between(answers: Vec<Done>, skipped: usize, count: usize) -> Vec<Done> {
    answers.into_iter().skip(skipped).take(count).collect()
}
