use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use ee::{AuditAction, AuditEvent, AuditLogger, Delivery, Error, ErrorKind, storage::AuditRecord};

/// Keeps the record in memory.
#[derive(Debug, Default)]
pub struct MemoryAudit {
    carried: Mutex<Vec<AuditEvent>>,
    events: Mutex<Vec<AuditEvent>>,
    is_broken: AtomicBool,
    lets_ride: AtomicBool,
    wants_intents: AtomicBool,
}

impl MemoryAudit {
    /// Returns what was recorded and forgets it.
    pub fn take(&self) -> Vec<AuditEvent> {
        std::mem::take(&mut *lock(&self.events))
    }

    /// Returns the one event that was recorded since the last look.
    pub fn take_one(&self) -> AuditEvent {
        let mut events = self.take();
        assert_eq!(events.len(), 1, "{events:#?}");
        events.remove(0)
    }

    /// Returns what went with changes of the store and forgets it.
    pub fn take_carried(&self) -> Vec<AuditEvent> {
        std::mem::take(&mut *lock(&self.carried))
    }

    /// Lets every further write fail.
    pub fn break_off(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
    }

    /// Lets events go with the changes that they describe, where the catalogue says so.
    pub fn let_ride(&self) {
        self.lets_ride.store(true, Ordering::Relaxed);
    }

    /// Wants to be told of everything before it is done.
    pub fn demand_intents(&self) {
        self.wants_intents.store(true, Ordering::Relaxed);
    }
}

fn lock<T>(events: &Mutex<T>) -> MutexGuard<'_, T> {
    events.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl AuditLogger for MemoryAudit {
    async fn log(&self, event: AuditEvent) -> Result<(), Error> {
        if self.is_broken.load(Ordering::Relaxed) {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "the record cannot be written",
            ));
        }
        self.log_later(event);
        Ok(())
    }

    fn log_later(&self, event: AuditEvent) {
        lock(&self.events).push(event);
    }

    fn wants_ride(&self, action: &AuditAction) -> bool {
        self.lets_ride.load(Ordering::Relaxed) && action.card().delivery == Delivery::Outbox
    }

    fn carried(&self, record: AuditRecord) {
        lock(&self.carried).push(record.event);
    }

    fn wants_intent(&self, _action: &AuditAction) -> bool {
        self.wants_intents.load(Ordering::Relaxed)
    }
}
