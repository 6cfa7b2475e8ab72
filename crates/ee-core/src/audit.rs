//! The record of who did what.

mod action;
mod actor;
mod canonical;
mod chain;
mod event;
mod filter;
mod glance;
mod id;
mod outline;
mod record;
mod ride;
mod table;

use std::fmt;

use async_trait::async_trait;

pub use action::{ActionCard, AuditAction, Crud, Delivery, Severity};
pub use actor::{ActorKind, ActorType, AuditActor, AuditParty};
pub use chain::{AUDIT_NODE_WIDTH, AuditHash, AuditHead, AuditLink, AuditNode};
pub use event::{
    AuditAi, AuditChange, AuditContext, AuditEvent, AuditOutcome, AuditPermission, AuditRedaction,
    AuditResource, AuditStage, RedactionMethod,
};
pub use filter::{AuditField, AuditFilter, AuditPlace, AuditQuery, AuditTest, words_of};
pub use glance::AuditGlance;
pub use ride::AuditRide;
pub use table::{AuditCellKind, AuditColumn, AuditTable, AuditTableFormat};

use crate::{Error, storage::AuditRecord};

/// Writes events (`IAuditLogger`, phase 5).
#[async_trait]
pub trait AuditLogger: fmt::Debug + Send + Sync + 'static {
    /// Writes one event. An error means that it may not have been kept.
    async fn log(&self, event: AuditEvent) -> Result<(), Error>;

    /// Writes one event without anybody waiting for it: the request is gone.
    fn log_later(&self, event: AuditEvent);

    /// Tells whether the event of such an act is to be kept in the transaction of the change that it describes
    /// ([`AuditRide`]).
    fn wants_ride(&self, _action: &AuditAction) -> bool {
        false
    }

    /// Gets an event ready for such a transaction. Fails when it cannot be made.
    fn prepare(&self, event: AuditEvent) -> Result<AuditRecord, Error> {
        AuditRecord::new(event)
    }

    /// Is told that such a transaction was committed: the event need not be written any more.
    fn carried(&self, _record: AuditRecord) {}

    /// Tells whether such an act has to be recorded before it is done, as an event of the stage
    /// [`Intent`](AuditStage::Intent). Without that event, it must not be done.
    fn wants_intent(&self, _action: &AuditAction) -> bool {
        false
    }
}
