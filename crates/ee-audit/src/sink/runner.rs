use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use ee_core::{
    AuditAction, AuditActor, AuditFilter, AuditLogger, AuditOutcome, Clock, Error,
    storage::AuditStore,
};
use serde_json::Map;
use tokio::{
    select,
    sync::{Mutex as AsyncMutex, Notify, watch},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    AuditSink, SinkCursor, SinkHandle, SinkName, SinkOptions, SinkPause, SinkState, SinkStore,
    breaker::Breaker, push::Pushed, shared::Shared,
};

/// What a [`SinkRunner`] is made of.
#[derive(Debug)]
pub struct SinkParts {
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Which events are delivered.
    pub filter: AuditFilter,
    /// Where the logs are.
    pub log: Arc<dyn AuditStore>,
    /// Records what becomes of the sink.
    pub logger: Arc<dyn AuditLogger>,
    /// What the sink is called.
    pub name: SinkName,
    /// How it is delivered to.
    pub options: SinkOptions,
    /// The sink.
    pub sink: Arc<dyn AuditSink>,
    /// Keeps what of it outlives a restart.
    pub store: Arc<dyn SinkStore>,
}

/// Delivers every log to one sink.
#[derive(Debug)]
pub struct SinkRunner {
    pub(super) breaker: Breaker,
    /// Logs whose cursors fit.
    checked: HashSet<String>,
    pub(super) filter: AuditFilter,
    reads: Breaker,
    pub(super) saves: Breaker,
    pub(super) shared: Arc<Shared>,
}

/// Why a runner does not go on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Halt {
    Paused,
    Stopped,
}

impl SinkRunner {
    /// Puts a runner together, and a handle to it. Fails when what was saved cannot be read.
    pub async fn open(parts: SinkParts) -> Result<(Self, SinkHandle), Error> {
        let state = parts.store.load(&parts.name).await?;
        let shared = Arc::new(Shared {
            clock: parts.clock,
            live: Mutex::default(),
            log: parts.log,
            logger: parts.logger,
            name: parts.name,
            options: parts.options,
            pause: watch::Sender::new(state.paused.clone()),
            sink: parts.sink,
            state: AsyncMutex::new(state),
            store: parts.store,
            wake: Notify::new(),
        });
        let handle = SinkHandle::new(Arc::clone(&shared));
        let runner = Self {
            breaker: Breaker::default(),
            checked: HashSet::new(),
            filter: parts.filter,
            reads: Breaker::default(),
            saves: Breaker::default(),
            shared,
        };
        Ok((runner, handle))
    }

    /// Delivers until the server stops. A delivery under way has one more second then.
    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            match self.turn(&shutdown).await {
                Ok(true) => {}
                Ok(false) => select! {
                    () = self.shared.wake.notified() => {}
                    () = sleep(self.shared.options.poll) => {}
                    () = shutdown.cancelled() => return,
                },
                Err(Halt::Paused) => {
                    let mut pause = self.shared.pause.subscribe();
                    let resumed = async {
                        // It is not closed as long as there is a runner.
                        let _ = pause.wait_for(Option::is_none).await;
                    };
                    select! {
                        () = resumed => {}
                        () = shutdown.cancelled() => return,
                    }
                }
                Err(Halt::Stopped) => return,
            }
        }
    }

    /// Delivers one batch of each log and one of what was asked for once more. Tells whether there was anything.
    async fn turn(&mut self, stop: &CancellationToken) -> Result<bool, Halt> {
        self.halt(stop)?;
        let partitions = match self.shared.log.partitions().await {
            Ok(partitions) => partitions,
            Err(err) => return self.not_read(&err, stop).await,
        };
        let mut moved = false;
        for partition in partitions {
            moved |= self.follow(&partition, stop).await?;
        }
        moved |= self.replay(stop).await?;
        Ok(moved)
    }

    /// Delivers what comes next in a log.
    async fn follow(&mut self, partition: &str, stop: &CancellationToken) -> Result<bool, Halt> {
        let cursor = self.cursor(partition).await;
        if !self.checked.contains(partition) {
            match self.corrected(partition, cursor).await {
                Ok(None) => {}
                Ok(Some(corrected)) => return Err(self.correct(partition, corrected, stop).await),
                Err(err) => return self.not_read(&err, stop).await,
            }
            self.checked.insert(partition.to_owned());
        }
        let after = self.cursor(partition).await.seq;
        let limit = self.shared.options.batch_events;
        let mut entries = match self.shared.log.feed(partition, after, limit).await {
            Ok(entries) => entries,
            Err(err) => return self.not_read(&err, stop).await,
        };
        if self.reads.has_failed() {
            self.reads.reset();
            self.shared.working();
        }
        let Some(end) = entries.last().map(SinkCursor::at) else {
            return Ok(false);
        };
        entries.retain(|entry| self.filter.matches(&entry.record.event));
        let Pushed { done, halt, .. } = self.push(&entries, stop).await;
        let reached = match halt {
            None => Some(end),
            Some(_) => done
                .checked_sub(1)
                .and_then(|at| entries.get(at))
                .map(SinkCursor::at),
        };
        if let Some(reached) = reached {
            self.save(stop, |state| {
                state.cursors.insert(partition.to_owned(), reached);
            })
            .await?;
        }
        halt.map_or(Ok(true), Err)
    }

    async fn cursor(&self, partition: &str) -> SinkCursor {
        let state = self.shared.state.lock().await;
        state
            .cursors
            .get(partition)
            .copied()
            .unwrap_or(SinkCursor::START)
    }

    /// Returns where a cursor would fit that stands behind the end of the log, or at another event than the one that was
    /// delivered: the log was taken from a copy, and what came after it has got the same numbers.
    async fn corrected(
        &self,
        partition: &str,
        cursor: SinkCursor,
    ) -> Result<Option<SinkCursor>, Error> {
        let Some(before) = cursor.seq.checked_sub(1) else {
            return Ok(None);
        };
        let log = &self.shared.log;
        let found = log.feed(partition, before, 1).await?;
        match found.first() {
            Some(entry) if entry.seq == cursor.seq => {
                let corrected = SinkCursor::at(entry);
                let fits = cursor.id.is_nil() || cursor.id == corrected.id;
                return Ok((!fits).then_some(corrected));
            }
            // It was removed after its time.
            Some(_) => return Ok(None),
            None => {}
        }
        let seq = log.head(partition).await?.size();
        let id = uuid::Uuid::nil();
        Ok((seq < cursor.seq).then_some(SinkCursor { id, seq }))
    }

    /// Corrects a cursor that does not fit, and stops: an operator has to know that events are not what they were.
    async fn correct(
        &mut self,
        partition: &str,
        corrected: SinkCursor,
        stop: &CancellationToken,
    ) -> Halt {
        let saved = self.save(stop, |state| {
            state.cursors.insert(partition.to_owned(), corrected);
        });
        match saved.await {
            Ok(()) => {
                let reason = format!("the log `{partition}` is not the one that was delivered");
                self.pause(reason).await
            }
            Err(halt) => halt,
        }
    }

    /// Saves a change, however long it takes: what was delivered since would be delivered again.
    pub(super) async fn save(
        &mut self,
        stop: &CancellationToken,
        change: impl Fn(&mut SinkState) + Send + Sync,
    ) -> Result<(), Halt> {
        while let Err(err) = self.shared.change(&change).await {
            self.not_saved(&err, stop).await?;
        }
        self.saved();
        Ok(())
    }

    pub(super) fn saved(&mut self) {
        if self.saves.has_failed() {
            self.saves.reset();
            self.shared.working();
        }
    }

    pub(super) async fn not_saved(
        &mut self,
        err: &Error,
        stop: &CancellationToken,
    ) -> Result<(), Halt> {
        warn!(sink.name = %self.shared.name, error = %err, "cannot save the state of an audit sink");
        let wait = self.saves.failed(&self.shared.options, None);
        self.shared
            .failing("its state cannot be saved".to_owned(), self.saves.is_open());
        self.rest(wait, stop).await
    }

    /// Waits until the log may be readable again.
    pub(super) async fn not_read(
        &mut self,
        err: &Error,
        stop: &CancellationToken,
    ) -> Result<bool, Halt> {
        warn!(sink.name = %self.shared.name, error = %err, "an audit sink cannot read the log");
        let wait = self.reads.failed(&self.shared.options, None);
        self.shared
            .failing("the log cannot be read".to_owned(), self.reads.is_open());
        self.rest(wait, stop).await.map(|()| true)
    }

    /// Stops until an operator says that it goes on.
    pub(super) async fn pause(&self, reason: String) -> Halt {
        let shared = &self.shared;
        let since = shared.clock.now();
        warn!(sink.name = %shared.name, reason, "an audit sink is paused");
        shared.pause.send_replace(Some(SinkPause {
            reason: reason.clone(),
            since,
        }));
        let actor = AuditActor::system();
        let (action, outcome) = (AuditAction::AUDIT_SINK_PAUSED, AuditOutcome::Failure);
        shared
            .report(actor, action, outcome, Some(reason), Map::new())
            .await;
        Halt::Paused
    }

    /// Tells whether it must not go on.
    pub(super) fn halt(&self, stop: &CancellationToken) -> Result<(), Halt> {
        if stop.is_cancelled() {
            Err(Halt::Stopped)
        } else if self.shared.is_paused() {
            Err(Halt::Paused)
        } else {
            Ok(())
        }
    }

    /// Waits, unless it must not go on.
    pub(super) async fn rest(&self, time: Duration, stop: &CancellationToken) -> Result<(), Halt> {
        let mut pause = self.shared.pause.subscribe();
        let paused = async {
            let _ = pause.wait_for(Option::is_some).await;
        };
        select! {
            () = stop.cancelled() => Err(Halt::Stopped),
            () = paused => Err(Halt::Paused),
            () = sleep(time) => Ok(()),
        }
    }
}

/// Returns the numbers of cursors.
pub(super) fn positions(state: &SinkState) -> BTreeMap<String, u64> {
    let cursors = state.cursors.iter();
    cursors
        .map(|(partition, cursor)| (partition.clone(), cursor.seq))
        .collect()
}
