//! Takes events.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use ee_core::{
    AuditAction, AuditActor, AuditEvent, AuditLogger, AuditOutcome, AuditStage, Clock, Error,
    ErrorKind,
    storage::{AuditRecord, AuditStore},
};
use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tracing::error;

use super::{Health, StoreWriter, gaps::Gaps, inbox::Inbox};
use crate::{
    policy::{Mode, Policy},
    redact::Redactor,
    spool::{Spool, SpoolError},
};

/// How long somebody waits for the store before the answer is that nothing was done.
const STRICT_TIMEOUT: Duration = Duration::from_secs(2);
/// When to come again, for those who are sent away.
const COME_AGAIN: Duration = Duration::from_secs(5);

/// What happens to an event for which the spool has no room.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFull {
    /// It is counted, and the record says so when there is room again.
    DropCounted,
    /// What it describes is not done, or not answered.
    #[default]
    Reject,
}

/// What a [`Recorder`] is made of.
#[derive(Debug)]
pub struct RecorderParts {
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Is shown every event that is kept.
    pub console: Option<Arc<dyn AuditLogger>>,
    /// Which server of several this is.
    pub instance: Option<String>,
    /// What happens when the spool is full.
    pub on_full: OnFull,
    /// Which log the events go to.
    pub partition: String,
    /// How surely which events are kept.
    pub policy: Policy,
    /// Takes secrets out.
    pub redactor: Redactor,
    /// Keeps events until the store has them. Without one, the store is waited for.
    pub spool: Option<Arc<Spool>>,
    /// Where the logs are.
    pub store: Arc<dyn AuditStore>,
}

/// Takes events and sees to it that they are kept as surely as the policy says (`IAuditLogger`, phase 5).
///
/// Somebody has to run the [`StoreWriter`] that comes with it.
pub struct Recorder {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) clock: Arc<dyn Clock>,
    console: Option<Arc<dyn AuditLogger>>,
    pub(super) gaps: Gaps,
    pub(super) health: Arc<Health>,
    pub(super) inbox: Inbox,
    instance: Option<String>,
    /// Whether the spool has no room, and the record says so.
    is_full_told: AtomicBool,
    pub(super) on_full: OnFull,
    pub(super) partition: String,
    pub(super) policy: Policy,
    pub(super) redactor: Redactor,
    pub(super) spool: Option<Arc<Spool>>,
    pub(super) store: Arc<dyn AuditStore>,
}

impl Recorder {
    /// Puts both together.
    pub fn new(parts: RecorderParts) -> (Self, StoreWriter) {
        let shared = Arc::new(Shared {
            clock: parts.clock,
            console: parts.console,
            gaps: Gaps::default(),
            health: Arc::default(),
            inbox: Inbox::default(),
            instance: parts.instance,
            is_full_told: AtomicBool::new(false),
            on_full: parts.on_full,
            partition: parts.partition,
            policy: parts.policy,
            redactor: parts.redactor,
            spool: parts.spool,
            store: parts.store,
        });
        let writer = StoreWriter::new(Arc::clone(&shared));
        (Self { shared }, writer)
    }

    /// Returns what is counted.
    pub fn health(&self) -> &Arc<Health> {
        &self.shared.health
    }
}

#[async_trait]
impl AuditLogger for Recorder {
    /// Fails with [`ErrorKind::Unavailable`] when the event is not kept as surely as the policy says.
    async fn log(&self, event: AuditEvent) -> Result<(), Error> {
        self.shared.log(event).await
    }

    fn log_later(&self, event: AuditEvent) {
        self.shared.log_later(event);
    }

    fn wants_intent(&self, action: &AuditAction) -> bool {
        self.shared.policy.mode(action) == Mode::Strict
    }

    fn wants_ride(&self, action: &AuditAction) -> bool {
        self.shared.policy.mode(action) == Mode::Outbox
    }

    fn prepare(&self, event: AuditEvent) -> Result<AuditRecord, Error> {
        self.shared.prepare(event)
    }

    fn carried(&self, record: AuditRecord) {
        let shared = &self.shared;
        shared
            .health
            .emitted(&record.event.action, record.event.outcome);
        shared.show(&record);
        // The writer moves it into the log.
        shared.inbox.wake();
    }
}

impl Shared {
    async fn log(&self, event: AuditEvent) -> Result<(), Error> {
        let mode = self.mode(&event);
        if mode == Mode::Off {
            return Ok(());
        }
        let record = self.record(event)?;
        let lost = (record.event.stage != AuditStage::Intent).then(|| record.event.action.clone());
        let at = record.event.timestamp;
        let shown = self.console.is_some().then(|| record.clone());
        let kept = match (mode, &self.spool) {
            (Mode::Off, _) => Ok(()),
            (Mode::BestEffort, _) => {
                self.push(record);
                Ok(())
            }
            (Mode::Spooled, Some(spool)) => self.spool(spool, record).await,
            (Mode::Strict | Mode::Outbox | Mode::Spooled, _) => self.store(record).await,
        };
        match (&kept, shown) {
            (Ok(()), Some(record)) => self.show(&record),
            (Ok(()), None) => {}
            (Err(_), _) => {
                self.health.refused();
                // What was to be done is not done. What was done, or refused, is missing in the record.
                if let Some(action) = lost {
                    self.gaps.count(&action, at);
                }
            }
        }
        kept
    }

    /// Shows the console what is kept.
    fn show(&self, record: &AuditRecord) {
        if let Some(console) = &self.console {
            console.log_later(record.event.clone());
        }
    }

    /// Does what can be done without waiting.
    pub(super) fn log_later(&self, event: AuditEvent) {
        if self.mode(&event) == Mode::Off {
            return;
        }
        let record = self.record(event);
        if let Ok(record) = &record {
            self.show(record);
        }
        match (record, &self.spool) {
            // On its way when this returns, unless the answer is there already.
            (Ok(record), Some(spool)) => {
                if let Some(Err(_)) = spool.append(&record).now_or_never() {
                    self.push(record);
                }
            }
            (Ok(record), None) => self.push(record),
            (Err(err), _) => error!(error = %err, "an audit event could not be written"),
        }
    }

    fn mode(&self, event: &AuditEvent) -> Mode {
        match self.policy.mode(&event.action) {
            // A refusal is recorded whatever was refused.
            Mode::Off if event.outcome == AuditOutcome::Denied => Mode::Spooled,
            // No change has carried it.
            Mode::Outbox => Mode::Spooled,
            // The act is over: it cannot be kept from happening any more, so its end need not wait for the store.
            Mode::Strict if event.stage == AuditStage::Result => Mode::Spooled,
            mode => mode,
        }
    }

    pub(super) fn record(&self, event: AuditEvent) -> Result<AuditRecord, Error> {
        self.health.emitted(&event.action, event.outcome);
        self.prepare(event)
    }

    fn prepare(&self, mut event: AuditEvent) -> Result<AuditRecord, Error> {
        if let Some(context) = &mut event.context {
            context.instance_id.clone_from(&self.instance);
        }
        AuditRecord::new(self.redactor.redact(event))
    }

    fn push(&self, record: AuditRecord) {
        if let Some(lost) = self.inbox.push(record) {
            self.lose(&lost);
        }
    }

    pub(super) fn lose(&self, record: &AuditRecord) {
        self.health.lost();
        self.gaps
            .count(&record.event.action, record.event.timestamp);
    }

    async fn spool(&self, spool: &Spool, record: AuditRecord) -> Result<(), Error> {
        match spool.append(&record).await {
            Ok(()) => {
                self.is_full_told.store(false, Ordering::Relaxed);
                self.health.spooled();
                self.inbox.wake();
                Ok(())
            }
            Err(err) => {
                if matches!(err, SpoolError::Full) {
                    self.tell_full(spool).await;
                }
                // The store may be there all the same; whoever finds it away need not wait for it once more.
                let is_away = self.health.is_in_trouble();
                if !is_away && self.store(record.clone()).await.is_ok() {
                    Ok(())
                } else if matches!(err, SpoolError::Full) && self.on_full == OnFull::DropCounted {
                    self.lose(&record);
                    Ok(())
                } else {
                    Err(unavailable().with_source(err))
                }
            }
        }
    }

    /// Has the record say once that there is no room for others. There is some that is kept for this.
    async fn tell_full(&self, spool: &Spool) {
        if self.is_full_told.swap(true, Ordering::Relaxed) {
            return;
        }
        error!("the audit spool is full");
        let (action, outcome) = (AuditAction::AUDIT_SPOOL_FULL, AuditOutcome::Failure);
        let event = AuditEvent::new(self.clock.now(), AuditActor::system(), action, outcome);
        let Ok(record) = self.record(event) else {
            return;
        };
        if spool.append_reserved(&record).await.is_ok() {
            self.health.spooled();
            self.show(&record);
        }
    }

    async fn store(&self, record: AuditRecord) -> Result<(), Error> {
        let answer = self.inbox.wait_for(record)?;
        match timeout(STRICT_TIMEOUT, answer).await {
            Ok(Ok(stored)) => stored,
            Ok(Err(_)) | Err(_) => Err(unavailable()),
        }
    }
}

fn unavailable() -> Error {
    let message = "the audit record cannot be written";
    Error::new(ErrorKind::Unavailable, message).with_retry_after(COME_AGAIN)
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("partition", &self.shared.partition)
            .finish_non_exhaustive()
    }
}
