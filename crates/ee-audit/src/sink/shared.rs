use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ee_core::{AuditLogger, Clock, Error, storage::AuditStore};
use jiff::Timestamp;
use tokio::sync::{Mutex as AsyncMutex, Notify, watch};

use super::{AuditSink, SinkHealth, SinkName, SinkOptions, SinkPause, SinkState, SinkStore};

/// What a runner and its handles have in common.
pub(super) struct Shared {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) live: Mutex<Live>,
    pub(super) log: Arc<dyn AuditStore>,
    pub(super) logger: Arc<dyn AuditLogger>,
    pub(super) name: SinkName,
    pub(super) options: SinkOptions,
    pub(super) pause: watch::Sender<Option<SinkPause>>,
    pub(super) sink: Arc<dyn AuditSink>,
    pub(super) state: AsyncMutex<SinkState>,
    pub(super) store: Arc<dyn SinkStore>,
    pub(super) wake: Notify,
}

/// What is known of a sink while the server runs.
#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) accepted: u64,
    pub(super) last_accepted_at: Option<Timestamp>,
    trouble: Option<Trouble>,
}

#[derive(Debug)]
struct Trouble {
    is_open: bool,
    reason: String,
    since: Timestamp,
}

impl Shared {
    /// Changes what outlives a restart. Nothing is changed when it cannot be saved.
    pub(super) async fn change(&self, change: impl FnOnce(&mut SinkState)) -> Result<(), Error> {
        let mut state = self.state.lock().await;
        let mut next = state.clone();
        change(&mut next);
        if next != *state {
            self.store.save(&self.name, &next).await?;
            *state = next;
        }
        Ok(())
    }

    pub(super) fn is_paused(&self) -> bool {
        self.pause.borrow().is_some()
    }

    pub(super) fn health(&self) -> SinkHealth {
        if let Some(pause) = &*self.pause.borrow() {
            return SinkHealth::Paused {
                reason: pause.reason.clone(),
                since: pause.since,
            };
        }
        match &self.live().trouble {
            Some(trouble) => SinkHealth::Failing {
                is_open: trouble.is_open,
                reason: trouble.reason.clone(),
                since: trouble.since,
            },
            None => SinkHealth::Working,
        }
    }

    pub(super) fn accepted(&self, events: usize) {
        let now = self.clock.now();
        let mut live = self.live();
        live.accepted += events as u64;
        live.last_accepted_at = Some(now);
        live.trouble = None;
    }

    pub(super) fn failing(&self, reason: String, is_open: bool) {
        let now = self.clock.now();
        let mut live = self.live();
        let since = live.trouble.as_ref().map_or(now, |trouble| trouble.since);
        live.trouble = Some(Trouble {
            is_open,
            reason,
            since,
        });
    }

    pub(super) fn working(&self) {
        self.live().trouble = None;
    }

    pub(super) fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("name", &self.name)
            .field("sink", &self.sink)
            .finish_non_exhaustive()
    }
}
