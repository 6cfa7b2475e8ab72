//! A copy that was interrupted goes on.

use std::sync::atomic::{AtomicUsize, Ordering};

use ee::{
    Error, ErrorKind, async_trait,
    sql::{
        Batch, Database, Dialect, Done, Row, SqlStore, Statement, Then,
        copy::{CopyError, unfinished},
    },
    storage::{ChangeHub, ThreadStore},
};

use super::{
    databases::{Any, Place, SOURCE, assert_equal, copy},
    fill::{a_little_of_everything, id, messages},
};

/// When the connection breaks.
#[derive(Clone, Copy, Debug)]
enum Break {
    /// The batch was done, and nobody hears of it.
    After,
    /// Everything is done but the last thing.
    AtEnd,
    /// The batch did not arrive.
    Before,
    /// It does not: somebody else finishes the copy.
    Unmarked,
}

/// Does so many batches; behind them nothing works any more.
#[derive(Debug)]
pub(crate) struct Breaking {
    how: Break,
    inner: Any,
    left: AtomicUsize,
}

fn broken() -> Error {
    Error::new(ErrorKind::Unavailable, "the connection broke")
}

#[async_trait]
impl Database for Breaking {
    async fn query(
        &self,
        operation: &'static str,
        queries: Vec<Statement>,
    ) -> Result<Vec<Vec<Row>>, Error> {
        self.inner.query(operation, queries).await
    }

    async fn execute(
        &self,
        operation: &'static str,
        batch: Batch,
    ) -> Result<Option<Vec<Done>>, Error> {
        let left = self.left.fetch_sub(1, Ordering::Relaxed);
        match self.how {
            Break::AtEnd if operation == "mark the copy as finished" => Err(broken()),
            Break::Unmarked if left == 1 => {
                let sql = "DELETE FROM ee_revisions WHERE name LIKE 'copy of %'";
                self.inner.run(sql).await;
                self.inner.execute(operation, batch).await
            }
            _ if left > 0 => self.inner.execute(operation, batch).await,
            Break::After => {
                self.inner.execute(operation, batch).await?;
                Err(broken())
            }
            Break::AtEnd | Break::Before | Break::Unmarked => Err(broken()),
        }
    }

    async fn exchange(
        &self,
        operation: &'static str,
        first: Vec<Statement>,
        then: Then,
    ) -> Result<Option<Vec<Done>>, Error> {
        self.inner.exchange(operation, first, then).await
    }

    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    async fn go_on_numbering(
        &self,
        table: &'static str,
        column: &'static str,
    ) -> Result<(), Error> {
        self.inner.go_on_numbering(table, column).await
    }

    fn hub(&self) -> &ChangeHub {
        self.inner.hub()
    }
}

/// Breaks at every so many batches and finishes what is there; returns how many batches a copy has, rounded up to that.
async fn broken_at(every: usize, how: Break, fresh: impl AsyncFn() -> Place) -> usize {
    let from = Place::file();
    let source = from.open().await;
    a_little_of_everything(&source).await;
    messages(&source, 1_100, "").await;
    for at in (0..).step_by(every) {
        let to = fresh().await;
        let target = to.open().await;
        let breaking = Breaking {
            how,
            inner: target.database().clone(),
            left: AtomicUsize::new(at),
        };

        let Err(error) = copy(&source, &breaking).await else {
            return at;
        };
        assert!(
            format!("{error:?}").contains("the connection broke"),
            "{error:?}"
        );
        let marked = unfinished(target.database()).await.unwrap();
        let has_begun = at > 0 || matches!(how, Break::After);
        let copied = copy(&source, target.database()).await;

        match copied {
            Ok(copied) => {
                assert_eq!(marked.is_some(), has_begun);
                assert_eq!(marked.as_deref().unwrap_or(SOURCE), SOURCE);
                assert_eq!(copied.is_resumed, has_begun);
                assert_equal(&copied);
            }
            // Its last batch has taken the mark away: it is finished.
            Err(error) => {
                assert_eq!(marked, None);
                assert!(
                    error.to_string().contains("the target is not empty"),
                    "{error}"
                );
            }
        }
        assert_eq!(unfinished(target.database()).await.unwrap(), None);
    }
    unreachable!()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_breaks_before_any_batch_goes_on() {
    let batches = broken_at(1, Break::Before, async || Place::file()).await;

    assert!(batches > 20, "{batches}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_breaks_behind_any_batch_goes_on() {
    let batches = broken_at(1, Break::After, async || Place::file()).await;

    assert!(batches > 20, "{batches}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_to_a_server_that_goes_away_goes_on() {
    broken_at(7, Break::After, Place::pg).await;
    broken_at(7, Break::After, Place::remote).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_to_a_target_that_somebody_else_has_finished() {
    for to in [Place::file(), Place::pg().await, Place::remote().await] {
        let (from, at) = (Place::file(), 4);
        let (source, target) = (from.open().await, to.open().await);
        messages(&source, 2_000, "").await;
        let breaking = Breaking {
            how: Break::Unmarked,
            inner: target.database().clone(),
            left: AtomicUsize::new(at),
        };

        let error = copy(&source, &breaking).await.unwrap_err();

        assert!(matches!(error, CopyError::Finished), "{error:?}");
        // The mark, the conversation and one part of its messages.
        let kept = target.last_messages(&id("of 2000"), 5_000).await.unwrap();
        assert_eq!(kept.len(), 500);
    }
}

/// Leaves a copy in which nothing is missing but the last word.
pub(crate) async fn all_but_finished(source: &SqlStore<Any>, target: &Any) {
    let breaking = Breaking {
        how: Break::AtEnd,
        inner: target.clone(),
        left: AtomicUsize::new(usize::MAX),
    };

    let error = copy(source, &breaking).await.unwrap_err();

    assert!(matches!(error, CopyError::Mark { .. }), "{error:?}");
}
