use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use ee::{AuditEvent, AuditLogger, Error, ErrorKind};

/// Keeps the record in memory.
#[derive(Debug, Default)]
pub struct MemoryAudit {
    events: Mutex<Vec<AuditEvent>>,
    is_broken: AtomicBool,
}

impl MemoryAudit {
    /// Returns what was recorded and forgets it.
    pub fn take(&self) -> Vec<AuditEvent> {
        std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the one event that was recorded since the last look.
    pub fn take_one(&self) -> AuditEvent {
        let mut events = self.take();
        assert_eq!(events.len(), 1, "{events:#?}");
        events.remove(0)
    }

    /// Lets every further write fail.
    pub fn break_off(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
    }
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
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event);
    }
}
