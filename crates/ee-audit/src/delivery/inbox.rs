//! What waits in memory for the store.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use ee_core::{Error, ErrorKind, storage::AuditRecord};
use tokio::sync::{Notify, oneshot};

/// Most events that somebody waits for. Behind them, nothing is done that must be recorded first.
const MOST_WAITING: usize = 8_192;
/// Most events that nobody waits for.
const MOST_LOOSE: usize = 8_192;

/// An event that somebody waits for.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) record: AuditRecord,
    pub(super) reply: oneshot::Sender<Result<(), Error>>,
}

/// Events on their way to the store that are in no spool.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    changed: Notify,
    queues: Mutex<Queues>,
}

#[derive(Debug, Default)]
struct Queues {
    loose: VecDeque<AuditRecord>,
    waiting: VecDeque<Waiting>,
}

impl Inbox {
    /// Queues an event and returns where the answer comes. Fails with [`ErrorKind::Unavailable`] when too many wait.
    pub(super) fn wait_for(
        &self,
        record: AuditRecord,
    ) -> Result<oneshot::Receiver<Result<(), Error>>, Error> {
        let (reply, answer) = oneshot::channel();
        let mut queues = self.queues();
        if queues.waiting.len() >= MOST_WAITING {
            let message = "the record cannot keep up: nothing is done that it must hold";
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        queues.waiting.push_back(Waiting { record, reply });
        drop(queues);
        self.changed.notify_one();
        Ok(answer)
    }

    /// Queues an event that nobody waits for, and returns the oldest one if there is no room for both.
    pub(super) fn push(&self, record: AuditRecord) -> Option<AuditRecord> {
        let mut queues = self.queues();
        let lost = if queues.loose.len() >= MOST_LOOSE {
            queues.loose.pop_front()
        } else {
            None
        };
        queues.loose.push_back(record);
        drop(queues);
        self.changed.notify_one();
        lost
    }

    /// Puts events back in front that could not be stored, and returns those that there is no room for.
    pub(super) fn put_back(&self, records: Vec<AuditRecord>) -> Vec<AuditRecord> {
        let mut queues = self.queues();
        let mut lost = Vec::new();
        for record in records.into_iter().rev() {
            if queues.loose.len() < MOST_LOOSE {
                queues.loose.push_front(record);
            } else {
                lost.push(record);
            }
        }
        lost
    }

    /// Takes up to so many that somebody waits for.
    pub(super) fn take_waiting(&self, most: usize) -> Vec<Waiting> {
        let mut queues = self.queues();
        let count = most.min(queues.waiting.len());
        queues.waiting.drain(..count).collect()
    }

    /// Takes up to so many that nobody waits for.
    pub(super) fn take_loose(&self, most: usize) -> Vec<AuditRecord> {
        let mut queues = self.queues();
        let count = most.min(queues.loose.len());
        queues.loose.drain(..count).collect()
    }

    /// Wakes up the writer.
    pub(super) fn wake(&self) {
        self.changed.notify_one();
    }

    /// Waits until there is something.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
