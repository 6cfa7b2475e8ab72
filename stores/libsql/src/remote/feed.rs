//! Notices what other processes change.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ee_core::storage::Change;
use ee_sql::Row;
use tokio::{sync::watch, time};

use crate::remote::{RemoteError, client::Remote, database::Shared, wire::Steps};

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// Longest time of one look.
const LOOK_TIME: Duration = Duration::from_millis(300);

const LOOK: &str = "SELECT value FROM ee_revisions WHERE name = 'changes'";

/// The number of changes that this process knows of.
#[derive(Debug)]
pub(crate) struct Seen(AtomicU64);

impl Seen {
    /// Takes the number after a change of our own. False when somebody else has changed something in between.
    pub(crate) fn own(&self, value: u64) -> bool {
        let before = self.0.fetch_max(value, Ordering::AcqRel);
        before + 1 >= value
    }

    /// Takes the number that was looked up. False when it is news.
    fn looked(&self, value: u64) -> bool {
        self.0.fetch_max(value, Ordering::AcqRel) >= value
    }
}

/// Looks for the first time.
pub(crate) async fn seen(remote: &Remote) -> Result<Seen, RemoteError> {
    look(remote).await.map(|value| Seen(AtomicU64::new(value)))
}

/// Looks until the store is closed or gone. While it cannot be looked, everything may have changed.
pub(crate) async fn run(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let shared = {
        let weak = Arc::downgrade(&shared);
        drop(shared);
        weak
    };
    loop {
        let wait = time::timeout(LOOK_EVERY, stopped.changed()).await;
        // The sender is gone with the store, or says that it is closed.
        if wait.is_ok() {
            return;
        }
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let looked = time::timeout(LOOK_TIME, look(&shared.remote)).await;
        let is_news = match looked {
            Ok(Ok(value)) => !shared.seen.looked(value),
            Ok(Err(_)) | Err(_) => true,
        };
        if is_news {
            shared.hub.tell(&Change::Everything);
        }
    }
}

async fn look(remote: &Remote) -> Result<u64, RemoteError> {
    let steps = || {
        let mut steps = Steps::default();
        steps.then(LOOK, &[]);
        steps
    };
    let mut done = remote.read(steps).await?.steps()?;
    value(done.take(0)?.rows)?.ok_or(RemoteError::Malformed)
}

/// Reads the number.
pub(crate) fn value(rows: Vec<Row>) -> Result<Option<u64>, RemoteError> {
    let row = rows.into_iter().next();
    row.map(|mut row| row.take().map_err(|_| RemoteError::Malformed))
        .transpose()
}
