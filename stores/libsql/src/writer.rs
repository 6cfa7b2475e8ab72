//! The one thread that changes the file: it commits together what has queued.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use ee_core::storage::{self, ChangeHub};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use crate::{Error, queue::Inbox};

/// Most changes that one transaction holds: bounds how long the first of them waits.
const MAX_BATCH: usize = 256;

/// What the writer is asked to do.
pub(crate) enum Job {
    /// To make a change.
    Change(Box<dyn Change>),
    /// To see whether another process has changed the file.
    Look,
}

/// A queued change.
pub(crate) trait Change: Send {
    /// Makes the change; false when it failed and its savepoint is to be rolled back.
    fn apply(&mut self, conn: &Connection) -> bool;

    /// Tells the caller, after the transaction of the change has ended.
    fn answer(self: Box<Self>, committed: &Result<(), Arc<rusqlite::Error>>);
}

/// A change that a closure makes, which also returns what is told of it. It is made whole even when the caller has
/// stopped waiting.
pub(crate) struct Write<F, T> {
    hub: Option<Arc<ChangeHub>>,
    operation: &'static str,
    reply: oneshot::Sender<Result<T, Error>>,
    result: Option<Result<T, Error>>,
    tells: Vec<storage::Change>,
    work: Option<F>,
}

impl<F, T> Write<F, T>
where
    F: FnOnce(&Connection) -> Result<(T, Vec<storage::Change>), Error>,
{
    pub(crate) fn new(
        operation: &'static str,
        work: F,
    ) -> (Self, oneshot::Receiver<Result<T, Error>>) {
        let (reply, answer) = oneshot::channel();
        let write = Self {
            hub: None,
            operation,
            reply,
            result: None,
            tells: Vec::new(),
            work: Some(work),
        };
        (write, answer)
    }

    /// Has everybody told when the change is made, also when nobody waits for the answer any more.
    pub(crate) fn telling(mut self, hub: &Arc<ChangeHub>) -> Self {
        self.hub = Some(Arc::clone(hub));
        self
    }
}

impl<F, T> Change for Write<F, T>
where
    F: FnOnce(&Connection) -> Result<(T, Vec<storage::Change>), Error> + Send,
    T: Send,
{
    fn apply(&mut self, conn: &Connection) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        let result = guarded(self.operation, || work(conn)).map(|(value, tells)| {
            self.tells = tells;
            value
        });
        self.result.insert(result).is_ok()
    }

    fn answer(self: Box<Self>, committed: &Result<(), Arc<rusqlite::Error>>) {
        if let (Some(Ok(_)), Ok(()), Some(hub)) = (&self.result, committed, &self.hub) {
            for change in &self.tells {
                hub.tell(change);
            }
        }
        let answer = match (self.result, committed) {
            (Some(Err(own)), _) => Err(own),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (_, Err(source)) => Err(Error::Commit {
                operation: self.operation,
                source: Arc::clone(source),
            }),
            // Only a transaction that failed leaves a change undone.
            (None, Ok(())) => Err(Error::Closed),
        };
        // Nobody waits when the caller was dropped.
        let _ = self.reply.send(answer);
    }
}

/// Runs work of ours so that a defect in it ends the work and not the thread.
pub(crate) fn guarded<T>(
    operation: &'static str,
    work: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Error::Panicked { operation }))
}

/// Works until the queue is closed and empty.
pub(crate) fn run(mut conn: Connection, inbox: &Inbox<Job>, hub: &ChangeHub) {
    let mut foreign = Foreign(None);
    foreign.has_changed(&conn);
    while let Some(first) = inbox.wait() {
        let jobs = std::iter::once(first).chain(std::iter::from_fn(|| inbox.take()));
        let mut changes: Vec<_> = jobs
            .take(MAX_BATCH)
            .filter_map(|job| match job {
                Job::Change(change) => Some(change),
                Job::Look => None,
            })
            .collect();
        if !changes.is_empty() {
            let committed = commit_together(&mut conn, &mut changes).map_err(Arc::new);
            for change in changes {
                change.answer(&committed);
            }
        }
        if foreign.has_changed(&conn) {
            hub.tell(&storage::Change::Everything);
        }
    }
}

/// Notices what other connections have changed; the own changes of one do not count (`PRAGMA data_version`).
struct Foreign(Option<i64>);

impl Foreign {
    /// Tells whether somebody else may have changed the file since the last call.
    fn has_changed(&mut self, conn: &Connection) -> bool {
        let now = conn.pragma_query_value(None, "data_version", |row| row.get(0));
        let now: Option<i64> = now.ok();
        // Who cannot look cannot exclude it.
        let is_same = now.is_some() && now == self.0;
        self.0 = now;
        !is_same
    }
}

/// Makes each change in its own savepoint of one transaction and commits once.
fn commit_together(conn: &mut Connection, changes: &mut [Box<dyn Change>]) -> rusqlite::Result<()> {
    let mut transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for change in changes {
        let savepoint = transaction.savepoint()?;
        if change.apply(&savepoint) {
            savepoint.commit()?;
        } else {
            // A full disk, for one, makes SQLite roll the whole transaction back. Going on would
            // commit each later change on its own, and answer for earlier ones that are gone;
            // here there is no savepoint left to roll back to, and all of them fail.
            savepoint.finish()?;
        }
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Answer<T> = oneshot::Receiver<Result<T, Error>>;

    fn database() -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE kept (id INTEGER PRIMARY KEY)")
            .unwrap();
        conn
    }

    fn insert(id: i64) -> (Box<dyn Change>, Answer<usize>) {
        let (write, answer) = Write::new("insert", move |conn| {
            let insert = conn.execute("INSERT INTO kept VALUES (?1)", [id]);
            let inserted = insert.map_err(|err| Error::query("insert", err))?;
            Ok((inserted, Vec::new()))
        });
        (Box::new(write), answer)
    }

    fn statement(sql: &'static str) -> (Box<dyn Change>, Answer<()>) {
        let (write, answer) = Write::new("test", |conn| {
            let insert = conn.execute("INSERT INTO kept VALUES (99)", []);
            let both = insert.and_then(|_| conn.execute_batch(sql));
            both.map_err(|err| Error::query("test", err))?;
            Ok(((), Vec::new()))
        });
        (Box::new(write), answer)
    }

    fn run_batch(conn: &mut Connection, mut changes: Vec<Box<dyn Change>>) {
        let committed = commit_together(conn, &mut changes).map_err(Arc::new);
        for change in changes {
            change.answer(&committed);
        }
    }

    fn kept(conn: &Connection) -> Vec<i64> {
        let mut statement = conn.prepare("SELECT id FROM kept ORDER BY id").unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn a_failing_change_takes_nothing_with_it_but_itself() {
        let mut conn = database();
        let (one, mut one_done) = insert(1);
        let (bad, mut bad_done) = statement("SELECT nonsense");
        let (two, mut two_done) = insert(2);

        run_batch(&mut conn, vec![one, bad, two]);

        assert!(one_done.try_recv().unwrap().is_ok());
        assert!(matches!(bad_done.try_recv(), Ok(Err(Error::Query { .. }))));
        assert!(two_done.try_recv().unwrap().is_ok());
        assert_eq!(kept(&conn), [1, 2]);
    }

    #[test]
    fn a_panicking_change_takes_nothing_with_it_but_itself() {
        let mut conn = database();
        let (write, mut panicked) = Write::<_, ()>::new("panic", |conn| {
            conn.execute("INSERT INTO kept VALUES (99)", []).unwrap();
            panic!("a defect");
        });
        let (one, mut one_done) = insert(1);

        run_batch(&mut conn, vec![Box::new(write), one]);

        assert!(matches!(
            panicked.try_recv(),
            Ok(Err(Error::Panicked { operation: "panic" }))
        ));
        assert!(one_done.try_recv().unwrap().is_ok());
        assert_eq!(kept(&conn), [1]);
    }

    #[test]
    fn a_change_that_loses_the_transaction_fails_all_of_it() {
        let mut conn = database();
        let (one, mut one_done) = insert(1);
        // What SQLite does by itself when the disk is full.
        let (bad, mut bad_done) = statement("ROLLBACK; SELECT nonsense");
        let (two, mut two_done) = insert(2);

        run_batch(&mut conn, vec![one, bad, two]);

        let lost = one_done.try_recv().unwrap().unwrap_err();
        assert!(matches!(lost, Error::Commit { .. }));
        assert!(matches!(bad_done.try_recv(), Ok(Err(Error::Query { .. }))));
        assert!(matches!(two_done.try_recv(), Ok(Err(Error::Commit { .. }))));
        assert!(kept(&conn).is_empty());

        let (three, mut three_done) = insert(3);
        run_batch(&mut conn, vec![three]);
        assert!(three_done.try_recv().unwrap().is_ok());
        assert_eq!(kept(&conn), [3]);
    }

    #[test]
    fn a_failing_commit_fails_all() {
        let mut conn = database();
        conn.execute_batch(
            "PRAGMA foreign_keys = ON;
             CREATE TABLE child (of INTEGER REFERENCES kept DEFERRABLE INITIALLY DEFERRED);",
        )
        .unwrap();
        let (one, mut one_done) = insert(1);
        let (orphan, mut orphan_done) = statement("INSERT INTO child VALUES (7)");

        run_batch(&mut conn, vec![one, orphan]);

        for answer in [
            one_done.try_recv().unwrap().map(|_| ()),
            orphan_done.try_recv().unwrap(),
        ] {
            assert!(matches!(answer, Err(Error::Commit { .. })));
        }
        assert!(kept(&conn).is_empty());
    }

    #[test]
    fn a_change_whose_caller_has_gone_is_made_all_the_same() {
        let mut conn = database();
        let (one, answer) = insert(1);
        drop(answer);

        run_batch(&mut conn, vec![one]);

        assert_eq!(kept(&conn), [1]);
    }
}
