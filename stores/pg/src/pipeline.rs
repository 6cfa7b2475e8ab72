//! Several requests on one connection without waiting in between.

use std::{future::poll_fn, pin::pin, task::Poll};

use ee_sql::{Done, Value};
use futures_util::{
    TryStreamExt as _,
    future::{MaybeDone, maybe_done},
};
use tokio_postgres::{Client, Error, Row, Statement};

use crate::values::{Param, read};

/// One thing that the server is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Request<'a> {
    /// SQL of ours without parameters.
    Command(&'a str),
    /// A text that is not kept, with its values.
    Once(&'a str, &'a [Value]),
    /// A statement that is prepared, with its values.
    Prepared(&'a Statement, &'a [Value]),
}

/// What came of one request.
#[derive(Debug)]
pub(crate) struct Answer<R> {
    changed: u64,
    /// What was made of the rows.
    pub(crate) rows: Vec<R>,
}

impl From<Answer<ee_sql::Row>> for Done {
    fn from(answer: Answer<ee_sql::Row>) -> Self {
        Self {
            changed: answer.changed,
            rows: answer.rows,
        }
    }
}

/// What came of several requests.
#[derive(Debug)]
pub(crate) struct Answers<R> {
    /// The answers to all, or the first error.
    pub(crate) done: Result<Vec<R>, Error>,
    /// Whether the last request was sent.
    pub(crate) was_last_sent: bool,
}

/// Sends all requests without waiting for an answer, then waits for all answers.
///
/// Each is a request of its own for the server: in a transaction, those behind one that failed fail as well, and what
/// ends the transaction undoes it. Behind one that could not even be sent, nothing more is.
pub(crate) async fn run(client: &Client, requests: &[Request<'_>]) -> Answers<Done> {
    let Answers {
        done,
        was_last_sent,
    } = run_and_read(client, requests, read).await;
    let done = done.map(|answers| answers.into_iter().map(Done::from).collect());
    Answers {
        done,
        was_last_sent,
    }
}

/// The same, and makes something of each row.
pub(crate) async fn run_and_read<R>(
    client: &Client,
    requests: &[Request<'_>],
    read: impl Fn(&Row) -> Result<R, Error> + Copy,
) -> Answers<Answer<R>> {
    let mut answers: Vec<_> = requests
        .iter()
        .map(|request| Box::pin(maybe_done(ask_and_read(client, *request, read))))
        .collect();
    let sent = poll_fn(|context| {
        let mut sent = 0;
        for answer in &mut answers {
            // The driver sends a request when its future is polled for the first time.
            let _ = answer.as_mut().poll(context);
            if matches!(**answer, MaybeDone::Done(Err(_))) {
                break;
            }
            sent += 1;
        }
        Poll::Ready(sent)
    })
    .await;
    let mut all = Vec::with_capacity(sent + 1);
    for answer in answers.iter_mut().take(sent + 1) {
        answer.as_mut().await;
        all.extend(answer.as_mut().take_output());
    }
    Answers {
        done: all.into_iter().collect(),
        was_last_sent: sent == requests.len(),
    }
}

/// Asks one thing.
pub(crate) async fn ask(client: &Client, request: Request<'_>) -> Result<Done, Error> {
    ask_and_read(client, request, read).await.map(Done::from)
}

async fn ask_and_read<R>(
    client: &Client,
    request: Request<'_>,
    read: impl Fn(&Row) -> Result<R, Error>,
) -> Result<Answer<R>, Error> {
    let rows = match request {
        Request::Command(sql) => {
            client.batch_execute(sql).await?;
            return Ok(Answer {
                changed: 0,
                rows: Vec::new(),
            });
        }
        Request::Once(sql, values) => {
            let params = values.iter().map(Param).map(|param| {
                let own_type = param.own_type();
                (param, own_type)
            });
            client.query_typed_raw(sql, params).await?
        }
        Request::Prepared(statement, values) => {
            let params = values.iter().map(Param);
            client.query_raw(statement, params).await?
        }
    };
    let mut stream = pin!(rows);
    let mut rows = Vec::new();
    while let Some(row) = stream.try_next().await? {
        rows.push(read(&row)?);
    }
    let changed = stream.rows_affected().unwrap_or_default();
    Ok(Answer { changed, rows })
}
