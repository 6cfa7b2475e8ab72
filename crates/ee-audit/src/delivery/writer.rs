//! Moves events into the store.

use std::{fmt, sync::Arc, time::Duration};

use ee_core::{
    AuditAction, AuditActor, AuditEvent, AuditOutcome, Error, ErrorKind, storage::AuditRecord,
};
use serde_json::json;
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};
use uuid::Uuid;

use super::{inbox::Waiting, recorder::Shared};
use crate::spool::{SpoolDamage, SpoolPosition};

/// Most events of one transaction, and most bytes that are read out of the spool for it.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// How often it is looked for events that changes of the store have left, beside each time that there is something else.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long the store may take for one batch.
const STORE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long is waited after a failure, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a writer that is to end goes on to empty what waits.
const LAST_TURNS: Duration = Duration::from_secs(5);

/// Moves events into the store, one batch after another, in the order in which they were taken.
pub struct StoreWriter {
    shared: Arc<Shared>,
}

/// Events of one transaction, and who is told of its end.
#[derive(Default)]
struct Batch {
    /// What says that others were lost.
    gap: Option<AuditRecord>,
    loose: Vec<AuditRecord>,
    spooled: Vec<(SpoolPosition, AuditRecord)>,
    waiting: Vec<Waiting>,
}

impl Batch {
    fn len(&self) -> usize {
        let gap = usize::from(self.gap.is_some());
        gap + self.loose.len() + self.spooled.len() + self.waiting.len()
    }

    fn records(&self) -> Vec<AuditRecord> {
        let spooled = self.spooled.iter().map(|(_, record)| record);
        let waiting = self.waiting.iter().map(|waiting| &waiting.record);
        let all = spooled.chain(waiting).chain(&self.loose).chain(&self.gap);
        all.cloned().collect()
    }
}

impl StoreWriter {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Works until `shutdown` ends, and then on for as long as something waits and the store takes it, for five seconds
    /// at most. What is in the spool then is stored after the next start.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        let mut pause = FIRST_PAUSE;
        loop {
            match self.turn().await {
                Ok(0) => {
                    pause = FIRST_PAUSE;
                    tokio::select! {
                        () = &mut shutdown => break,
                        () = self.shared.inbox.changed() => {}
                        () = sleep(LOOK_EVERY) => {}
                    }
                }
                Ok(_) => pause = FIRST_PAUSE,
                Err(_) => {
                    tokio::select! {
                        () = &mut shutdown => break,
                        () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                    }
                }
            }
        }
        let rest = async { while matches!(self.turn().await, Ok(1..)) {} };
        if timeout(LAST_TURNS, rest).await.is_err() {
            warn!("the audit record has not stored everything; it goes on after the next start");
        }
    }

    /// Stores one batch and returns how many events it had.
    pub async fn turn(&self) -> Result<usize, Error> {
        let shared = &self.shared;
        let batch = self.take().await;
        let mut count = batch.len();
        if count > 0 {
            match self.append(batch.records()).await {
                Ok(refused) => self.done(batch, &refused).await,
                Err(err) => {
                    self.undone(batch, &err);
                    return Err(self.noted(err));
                }
            }
        }
        let most = u32::try_from(BATCH).unwrap_or(u32::MAX);
        let left = shared
            .store
            .append_left(&shared.partition, most, shared.clock.now());
        let left = self.within(left).await.map_err(|err| self.noted(err))?;
        count += left as usize;
        Ok(count)
    }

    async fn take(&self) -> Batch {
        let shared = &self.shared;
        let mut batch = Batch {
            waiting: shared.inbox.take_waiting(BATCH),
            ..Batch::default()
        };
        if let Some(spool) = &shared.spool {
            let most = BATCH.saturating_sub(batch.waiting.len()).max(1);
            match spool.next_batch(most, BATCH_BYTES).await {
                Ok(found) => {
                    for damage in &found.damaged {
                        self.tell_damage(damage);
                    }
                    batch.spooled = found.records;
                }
                Err(err) => error!(error = %err, "the audit spool cannot be read"),
            }
        }
        batch.loose = shared.inbox.take_loose(BATCH);
        if let Some(gap) = shared.gaps.take(shared.clock.now()) {
            match AuditRecord::new(gap.clone()) {
                Ok(record) => batch.gap = Some(record),
                Err(_) => shared.gaps.put_back(&gap),
            }
        }
        batch
    }

    /// Has the record say that a part of the spool is lost.
    fn tell_damage(&self, damage: &SpoolDamage) {
        error!(?damage, "a part of the audit spool cannot be read");
        let (action, outcome) = (AuditAction::AUDIT_SPOOL_CORRUPT, AuditOutcome::Failure);
        let now = self.shared.clock.now();
        let mut event = AuditEvent::new(now, AuditActor::system(), action, outcome);
        event.reason = Some("a part of the spool cannot be read".to_owned());
        let SpoolDamage {
            segment,
            start,
            end,
            ..
        } = damage;
        let place = json!({"segment": segment, "start": start, "end": end});
        event.metadata.insert("damage".to_owned(), place);
        self.shared.log_later(event);
    }

    /// Adds records and returns the ids of those that the store refuses for what they are; the others are added all the
    /// same. Where it refuses all of them, it is not what they are: they stay where they wait.
    async fn append(&self, records: Vec<AuditRecord>) -> Result<Vec<Uuid>, Error> {
        let shared = &self.shared;
        let append = |records| {
            let now = shared.clock.now();
            self.within(shared.store.append(&shared.partition, records, now))
        };
        match append(records.clone()).await {
            Ok(_) => return Ok(Vec::new()),
            Err(err) if err.kind() == ErrorKind::Unavailable => return Err(err),
            Err(err) => warn!(error = %err, "the store refuses a batch of audit events"),
        }
        let mut refused = Vec::new();
        for record in &records {
            match append(vec![record.clone()]).await {
                Ok(_) => {}
                Err(err) if err.kind() == ErrorKind::Unavailable => return Err(err),
                Err(err) => refused.push((record, err)),
            }
        }
        let is_all = refused.len() == records.len();
        if let Some(at) = refused
            .iter()
            .position(|(_, err)| err.kind() != ErrorKind::Invalid)
            && is_all
        {
            return Err(refused.swap_remove(at).1);
        }
        let refused = refused.into_iter().map(|(record, err)| {
            error!(id = %record.event.id, error = %err, "the store refuses an audit event");
            shared.lose(record);
            record.event.id
        });
        Ok(refused.collect())
    }

    async fn within<T>(&self, act: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let hangs = || Error::new(ErrorKind::Unavailable, "the store does not answer");
        timeout(STORE_TIMEOUT, act).await.map_err(|_| hangs())?
    }

    async fn done(&self, batch: Batch, refused: &[Uuid]) {
        if let Some(trouble) = self.shared.health.stored(batch.len()) {
            info!(since = %trouble.since, "the store takes audit events again");
        }
        if let (Some(spool), Some((position, _))) = (&self.shared.spool, batch.spooled.last()) {
            // What is not forgotten is stored once more after a start, and the store knows it.
            if let Err(err) = spool.acknowledge(*position).await {
                warn!(error = %err, "the audit spool cannot forget what is stored");
            }
        }
        for waiting in batch.waiting {
            let stored = if refused.contains(&waiting.record.event.id) {
                let message = "the store refuses the audit event";
                Err(Error::new(ErrorKind::Internal, message))
            } else {
                Ok(())
            };
            // Whoever does not wait any more need not be told.
            let _ = waiting.reply.send(stored);
        }
    }

    fn undone(&self, batch: Batch, error: &Error) {
        if let Some(gap) = &batch.gap {
            self.shared.gaps.put_back(&gap.event);
        }
        for record in self.shared.inbox.put_back(batch.loose) {
            self.shared.lose(&record);
        }
        for waiting in batch.waiting {
            let error = Error::new(ErrorKind::Unavailable, error.message().to_owned());
            let _ = waiting.reply.send(Err(error));
        }
    }

    /// Says it once, at the beginning of a trouble.
    fn noted(&self, error: Error) -> Error {
        if self.shared.health.failed(&error, self.shared.clock.now()) {
            error!(error = %error, "audit events cannot be stored");
        }
        error
    }
}

impl fmt::Debug for StoreWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreWriter")
            .field("partition", &self.shared.partition)
            .finish_non_exhaustive()
    }
}
