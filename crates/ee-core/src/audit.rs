//! The record of who did what.

mod action;
mod actor;
mod canonical;
mod chain;
mod event;
mod filter;
mod id;
mod record;

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

use crate::Error;

/// Writes events (`IAuditLogger`, phase 5).
#[async_trait]
pub trait AuditLogger: fmt::Debug + Send + Sync + 'static {
    /// Writes one event. An error means that it may not have been kept.
    async fn log(&self, event: AuditEvent) -> Result<(), Error>;

    /// Writes one event without anybody waiting for it: the request is gone.
    fn log_later(&self, event: AuditEvent);

    /// Tells whether such an act has to be recorded before it is done, as an event of the stage
    /// [`Intent`](AuditStage::Intent). Without that event, it must not be done.
    fn wants_intent(&self, _action: &AuditAction) -> bool {
        false
    }
}
