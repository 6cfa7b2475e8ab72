//! Connections of the pool, on loan.

use std::{ops::Deref, sync::Arc};

use deadpool_postgres::{ClientWrapper, Object};
use ee_sql::{Batch, Done, Row, Statement};
use futures_util::future::try_join_all;
use tokio_postgres::Error;

use crate::{
    pipeline::{self, Request},
    texts::{Text, Texts},
};

/// `maEE`: the first half of the names of our locks.
pub(crate) const LOCKS: i32 = 0x6d61_4545;

/// Several queries see one state of the database.
const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

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

    /// Does a batch as one transaction, which ends with the notifications. `None` when a statement that must change
    /// something did not: then nothing was done.
    pub(crate) async fn execute(
        &mut self,
        batch: &Batch,
        notifications: &[Statement],
    ) -> Result<Option<Vec<Done>>, Error> {
        let Batch {
            alone, statements, ..
        } = batch;
        let ready = self.prepare_all(statements).await?;
        if let ([ready], [statement]) = (&*ready, &**statements)
            && notifications.is_empty()
            && alone.is_empty()
        {
            let done = pipeline::ask(self, ready.request(statement)).await?;
            let is_undone = statement.must_change && done.changed == 0;
            return Ok((!is_undone).then(|| vec![done]));
        }
        let ready_notifications = self.prepare_all(notifications).await?;

        let locks: Vec<Statement> = alone.iter().map(|name| lock(name)).collect();
        let ready_locks = self.prepare_all(&locks).await?;
        let own = 1 + locks.len();

        let mut requests = vec![Request::Command(BEGIN)];
        requests.extend(requests_for(&ready_locks, &locks));
        let mut done = Vec::with_capacity(own + statements.len());
        self.is_in_transaction = true;
        for (ready, statement) in ready.iter().zip(statements) {
            requests.push(ready.request(statement));
            if statement.must_change {
                let answers = pipeline::run(self, &requests).await.done;
                requests.clear();
                match answers {
                    Ok(answers) => done.extend(answers),
                    Err(err) => return self.undo().await.and(Err(err)),
                }
                if done.last().is_none_or(|done| done.changed == 0) {
                    self.undo().await?;
                    return Ok(None);
                }
            }
        }
        requests.extend(requests_for(&ready_notifications, notifications));
        requests.push(Request::Command("COMMIT"));
        done.extend(self.end(&requests).await?);
        Ok(Some(between(done, own, statements.len())))
    }

    /// Sends requests the last of which ends the transaction.
    async fn end(&mut self, requests: &[Request<'_>]) -> Result<Vec<Done>, Error> {
        let answers = pipeline::run(self, requests).await;
        match answers.done {
            Err(err) if !answers.was_last_sent => self.undo().await.and(Err(err)),
            // Where one has failed, the end has undone all.
            done => {
                self.is_in_transaction = false;
                done
            }
        }
    }

    async fn undo(&mut self) -> Result<(), Error> {
        pipeline::ask(self, Request::Command("ROLLBACK")).await?;
        self.is_in_transaction = false;
        Ok(())
    }

    async fn prepare(&self, statement: &Statement) -> Result<Ready, Error> {
        match self.texts.get(&statement.sql) {
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
