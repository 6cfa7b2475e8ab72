//! The record as clients read it: searches, following, single events with their proofs, copies, and the sinks.
//!
//! Three rules hold everywhere here. Whoever reads is recorded himself, what was said to models is shown to nobody who
//! does not hold [`AUDIT_CONTENT`](crate::permissions::AUDIT_CONTENT), and a parameter that nobody knows is refused.

mod asked;
mod copy;
mod digest;
mod event;
mod follow;
mod mastra;
mod multipart;
mod own;
mod reader;
mod scan;
mod search;
mod sinks;
mod status;
mod zones;

use std::sync::Arc;

use ee_audit::{
    delivery::Health,
    export::hide_content,
    format::{Product, native},
    integrity::{SigningKey, VerifierKeys},
    query::Cursors,
    redact::Redactor,
    sink::SinkHandle,
    spool::Spool,
};
use ee_core::{
    AuditTableFormat, Error, ErrorKind,
    storage::{AuditEntry, AuditProofStore, AuditSearch, AuditStore},
};
use serde_json::Value;

/// Names a sink in a path.
pub use ee_audit::sink::SinkName;
pub use {
    asked::Asked,
    copy::{AuditCopy, export},
    digest::{DigestBody, DigestView, hash},
    event::{AuditDetail, EventId, RawEvent, event, proof, raw},
    follow::{AuditFeed, feed, stream},
    mastra::{MastraList, mastra_event, mastra_list},
    search::{
        AuditCountView, AuditFacets, AuditHistogram, AuditPage, BucketView, FacetValue, events,
        facets, histogram,
    },
    sinks::{
        PauseBody, ReplayBody, SinkTested, SinksView, pause_sink, replay_sink, resume_sink, sinks,
        test_sink,
    },
    status::{AuditStatus, CheckpointView, LogView, SpoolView, status},
};

pub(crate) use {reader::Readers, status::logs};

use crate::Cx;

/// What reading the record needs.
#[derive(Debug)]
pub struct AuditParts {
    /// Seals where lists go on.
    pub cursors: Cursors,
    /// What begins the name of every log in its checkpoints.
    pub deployment: String,
    /// Counts what becomes of events.
    pub health: Arc<Health>,
    /// Who may have signed checkpoints.
    pub known: VerifierKeys,
    /// The logs.
    pub logs: Arc<dyn AuditStore>,
    /// The log that this server writes to.
    pub partition: String,
    /// What writes the events, as copies in foreign formats tell it.
    pub product: Product,
    /// What proves that nothing was changed.
    pub proofs: Arc<dyn AuditProofStore>,
    /// Makes the digests that stand in the record in place of values.
    pub redactor: Redactor,
    /// Whether acts are refused when the spool has no room for their events.
    pub refuses_when_full: bool,
    /// Searches the logs.
    pub search: Arc<dyn AuditSearch>,
    /// Sign what is said of copies. Without any, nothing is.
    pub signers: Vec<SigningKey>,
    /// The places that events are taken to.
    pub sinks: Vec<SinkHandle>,
    /// Where events wait for the store.
    pub spool: Option<Arc<Spool>>,
    /// Writes copies as Apache Parquet; absent where none are written.
    pub table: Option<&'static dyn AuditTableFormat>,
}

impl Cx {
    /// Returns what reading the record needs. Fails with [`ErrorKind::Unsupported`] where the server keeps none.
    pub fn record(&self) -> Result<&AuditParts, Error> {
        self.server().record.as_ref().ok_or_else(|| {
            let message = "this server keeps no audit record that can be read";
            Error::new(ErrorKind::Unsupported, message)
        })
    }
}

/// Returns an event as lists show it: without what was said to models.
fn shown(mut entry: AuditEntry) -> Result<Value, Error> {
    hide_content(&mut entry)?;
    Ok(native(&entry))
}

fn shown_all(entries: Vec<AuditEntry>) -> Result<Vec<Value>, Error> {
    entries.into_iter().map(shown).collect()
}

fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "Audit event not found")
}
