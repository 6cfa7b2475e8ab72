use std::sync::Arc;

use ee_core::{Error, ErrorKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many runs are taken on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RunLimits {
    /// Runs that are at work at the same time.
    pub concurrent: usize,
    /// Runs that wait for their turn. One more is refused.
    pub queued: usize,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            concurrent: 32,
            queued: 256,
        }
    }
}

/// Lets runs in and lets them wait.
#[derive(Debug)]
pub(super) struct Admission {
    all: Arc<Semaphore>,
    at_work: Arc<Semaphore>,
}

/// A run that was let in, until it is dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    _place: OwnedSemaphorePermit,
    at_work: Arc<Semaphore>,
}

impl Admission {
    pub(super) fn new(limits: RunLimits) -> Self {
        let concurrent = limits.concurrent.clamp(1, Semaphore::MAX_PERMITS / 2);
        let queued = limits.queued.min(Semaphore::MAX_PERMITS / 2);
        Self {
            all: Arc::new(Semaphore::new(concurrent + queued)),
            at_work: Arc::new(Semaphore::new(concurrent)),
        }
    }

    /// Lets a run in. Fails with [`ErrorKind::RateLimited`] when too many wait already.
    pub(super) fn admit(&self) -> Result<Admitted, Error> {
        match self.all.clone().try_acquire_owned() {
            Ok(place) => Ok(Admitted {
                _place: place,
                at_work: self.at_work.clone(),
            }),
            Err(_) => Err(Error::new(
                ErrorKind::RateLimited,
                "too many runs are at work, try again later",
            )),
        }
    }
}

impl Admitted {
    /// Waits for the turn, which lasts until the permit is dropped. Nobody closes the semaphore.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        self.at_work.clone().acquire_owned().await.ok()
    }
}
