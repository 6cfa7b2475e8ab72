use std::sync::{Mutex, PoisonError};

use ee::{AuditEvent, AuditLogger, AuditOutcome, Error, async_trait};

/// Keeps what is recorded.
#[derive(Debug, Default)]
pub struct Record(Mutex<Vec<AuditEvent>>);

impl Record {
    /// Tells whether there is such an event.
    pub fn has(&self, action: &str, actor: &str, outcome: AuditOutcome) -> bool {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().any(|event| {
            event.action.as_str() == action && event.actor.id == actor && event.outcome == outcome
        })
    }

    /// Tells whether an event belongs to this request.
    pub fn knows_request(&self, id: &str) -> bool {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut contexts = events.iter().filter_map(|event| event.context.as_ref());
        contexts.any(|context| context.request_id == id)
    }
}

#[async_trait]
impl AuditLogger for Record {
    async fn log(&self, event: AuditEvent) -> Result<(), Error> {
        self.log_later(event);
        Ok(())
    }

    fn log_later(&self, event: AuditEvent) {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(event);
    }
}
