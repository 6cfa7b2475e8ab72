use std::{fmt, ops::RangeInclusive, sync::Arc, time::Duration};

use ee_core::{
    AuditAction, AuditActor, AuditEvent, AuditOutcome, AuditResource, Clock, Error, ErrorKind,
    storage::{AuditEntry, AuditRecord},
};
use serde_json::{Map, Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    AuditSink, DeadLetter, DeliveryError, SinkHealth, SinkName, SinkPause, SinkReplay, SinkStatus,
    runner::positions, shared::Shared,
};

/// Most replays that wait.
const MAX_REPLAYS: usize = 16;

/// Says to a sink what to do, and how it is. Clones are of the same sink.
#[derive(Clone)]
pub struct SinkHandle {
    is_recorded: bool,
    shared: Arc<Shared>,
}

impl SinkHandle {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self {
            is_recorded: true,
            shared,
        }
    }

    /// Returns a handle to the same sink for whoever records by himself what he says to it.
    #[must_use]
    pub fn unrecorded(mut self) -> Self {
        self.is_recorded = false;
        self
    }

    /// Returns what the sink is called.
    pub fn name(&self) -> &SinkName {
        &self.shared.name
    }

    /// Says that there may be something new in a log. It never waits.
    pub fn wake(&self) {
        self.shared.wake.notify_one();
    }

    /// Stops the deliveries, also after a restart. A delivery under way comes to its end.
    pub async fn pause(&self, actor: AuditActor, reason: &str) -> Result<(), Error> {
        let pause = SinkPause {
            reason: reason.to_owned(),
            since: self.shared.clock.now(),
        };
        let saved = pause.clone();
        self.shared
            .change(|state| state.paused = Some(saved))
            .await?;
        self.shared.pause.send_replace(Some(pause));
        let action = AuditAction::AUDIT_SINK_PAUSED;
        self.report(actor, action, Some(reason.to_owned()), Map::new())
            .await;
        Ok(())
    }

    /// Goes on where it was.
    pub async fn resume(&self, actor: AuditActor) -> Result<(), Error> {
        self.shared.change(|state| state.paused = None).await?;
        if self.shared.pause.send_replace(None).is_some() {
            let action = AuditAction::AUDIT_SINK_RESUMED;
            self.report(actor, action, None, Map::new()).await;
        }
        Ok(())
    }

    /// Sends events of a log once more, between the new ones.
    ///
    /// Fails with [`ErrorKind::Invalid`] where the log has no such events, and with [`ErrorKind::Conflict`] when too many
    /// replays wait.
    pub async fn replay(
        &self,
        actor: AuditActor,
        partition: &str,
        seqs: RangeInclusive<u64>,
    ) -> Result<(), Error> {
        let (first, last) = seqs.into_inner();
        if first == 0 || first > last {
            let message = "is not a number from 1 to the last one";
            return Err(Error::invalid_field("from", message));
        }
        let end = self.shared.log.head(partition).await?.size();
        if last > end {
            let message = format!("is behind the end of the log, which is {end}");
            return Err(Error::invalid_field("to", message));
        }
        let replay = SinkReplay::Events {
            partition: partition.to_owned(),
            next: first,
            last,
        };
        let told = json!({ "firstSeq": first, "lastSeq": last, "partition": partition });
        self.add(actor, replay, told).await
    }

    /// Sends the events of all dead letters once more; those that are taken are no dead letters any more.
    ///
    /// Fails with [`ErrorKind::Conflict`] when too many replays wait.
    pub async fn replay_dead_letters(&self, actor: AuditActor) -> Result<(), Error> {
        let replay = SinkReplay::DeadLetters { after: None };
        self.add(actor, replay, json!({ "deadLetters": true }))
            .await
    }

    /// Returns dead letters by the ids of their events, those behind one of them.
    pub async fn dead_letters(
        &self,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, Error> {
        let shared = &self.shared;
        shared.store.dead_letters(&shared.name, after, limit).await
    }

    /// Forgets dead letters and returns how many there were. Their events stay in the log.
    pub async fn remove_dead_letters(&self, ids: &[Uuid]) -> Result<u64, Error> {
        let shared = &self.shared;
        shared.store.remove_dead_letters(&shared.name, ids).await
    }

    /// Sends one event that is in no log, also while the sink is paused.
    pub async fn test(&self) -> Result<(), DeliveryError> {
        let shared = &self.shared;
        test_sink(&*shared.sink, &*shared.clock, shared.options.timeout).await
    }

    /// Tells how it is.
    pub fn health(&self) -> SinkHealth {
        self.shared.health()
    }

    /// Tells everything that is worth knowing. Fails when the log or what was saved cannot be read.
    pub async fn status(&self) -> Result<SinkStatus, Error> {
        let shared = &self.shared;
        let (positions, replays) = {
            let state = shared.state.lock().await;
            (positions(&state), state.replays.len())
        };
        let mut lag = 0;
        for partition in shared.log.partitions().await? {
            let end = shared.log.head(&partition).await?.size();
            lag += end.saturating_sub(positions.get(&partition).copied().unwrap_or(0));
        }
        let dead_letters = shared.store.count_dead_letters(&shared.name).await?;
        let (accepted, last_accepted_at) = {
            let live = shared.live();
            (live.accepted, live.last_accepted_at)
        };
        Ok(SinkStatus {
            name: shared.name.clone(),
            kind: shared.sink.kind(),
            health: shared.health(),
            accepted,
            dead_letters,
            lag,
            last_accepted_at,
            positions,
            replays,
        })
    }

    async fn add(&self, actor: AuditActor, replay: SinkReplay, told: Value) -> Result<(), Error> {
        let mut is_full = false;
        self.shared
            .change(|state| {
                is_full = state.replays.len() >= MAX_REPLAYS;
                if !is_full {
                    state.replays.push(replay);
                }
            })
            .await?;
        if is_full {
            return Err(Error::new(
                ErrorKind::Conflict,
                "too many replays of the audit sink wait",
            ));
        }
        self.wake();
        let metadata = match told {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        self.report(actor, AuditAction::AUDIT_SINK_REPLAY, None, metadata)
            .await;
        Ok(())
    }

    async fn report(
        &self,
        actor: AuditActor,
        action: AuditAction,
        reason: Option<String>,
        metadata: Map<String, Value>,
    ) {
        if !self.is_recorded {
            return;
        }
        let outcome = AuditOutcome::Success;
        self.shared
            .report(actor, action, outcome, reason, metadata)
            .await;
    }
}

impl fmt::Debug for SinkHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SinkHandle")
            .field(&self.shared.name)
            .finish()
    }
}

/// Sends a sink one event that is in no log: `audit.sink.test`, number 0 of the log `test`.
pub async fn test_sink(
    sink: &dyn AuditSink,
    clock: &dyn Clock,
    longest: Duration,
) -> Result<(), DeliveryError> {
    let now = clock.now();
    let unready = |_| DeliveryError::later("the event of the test cannot be made");
    let action = AuditAction::AUDIT_SINK_TEST;
    let mut event = AuditEvent::new(now, AuditActor::system(), action, AuditOutcome::Success);
    event.resource = Some(AuditResource::new("audit-sink", "test"));
    let entry = AuditEntry {
        record: AuditRecord::new(event).map_err(unready)?,
        partition: "test".to_owned(),
        received_at: now,
        seq: 0,
    };
    let delivered = timeout(longest, sink.deliver(&[entry])).await;
    delivered.unwrap_or_else(|_| Err(DeliveryError::later("no answer in time")))
}
