//! A small house: people with roles, sessions, agents and workflows, all in memory.

mod accounts;
mod agents;
mod people;
mod workflows;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ee_core::{AuditEvent, AuditLogger, Error};

pub(crate) use accounts::{Accounts, Factor};
pub(crate) use agents::Agents;
pub(crate) use people::{People, Ways};
pub(crate) use workflows::Workflows;

/// Keeps what is recorded.
#[derive(Debug, Default)]
pub(crate) struct Record(pub(crate) Mutex<Vec<AuditEvent>>);

#[async_trait]
impl AuditLogger for Record {
    async fn log(&self, event: AuditEvent) -> Result<(), Error> {
        self.log_later(event);
        Ok(())
    }

    fn log_later(&self, event: AuditEvent) {
        self.0.lock().unwrap().push(event);
    }
}

impl Record {
    /// Action and outcome of each event as one text.
    pub(crate) fn lines(&self) -> Vec<String> {
        let events = self.0.lock().unwrap();
        events
            .iter()
            .map(|event| format!("{} {:?} {}", event.action, event.outcome, event.actor.id))
            .collect()
    }
}

/// Shares one thing between the server and the test.
pub(crate) type Shared<T> = Arc<T>;
