//! One event per line, with everything that it has.

use ee_core::{
    AuditEvent, Error,
    storage::{AuditEntry, AuditRecord},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(flatten)]
    event: &'a AuditEvent,
    partition: &'a str,
    received_at: Timestamp,
    seq: u64,
    #[serde(flatten)]
    evidence: Option<Evidence<'a>>,
}

#[derive(Serialize)]
struct Evidence<'a> {
    canonical: &'a str,
    leaf: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    personal: Option<&'a str>,
}

/// Writes an event without the end of its line.
pub(super) fn write(out: &mut Vec<u8>, entry: &AuditEntry, evidence: bool) -> Result<(), Error> {
    let record = &entry.record;
    let evidence = evidence.then(|| Evidence {
        canonical: &record.canonical,
        leaf: record.leaf().to_string(),
        personal: record.personal.as_deref(),
    });
    let line = Line {
        event: &record.event,
        partition: &entry.partition,
        received_at: entry.received_at,
        seq: entry.seq,
        evidence,
    };
    super::json(out, &line)
}

/// A line of a copy, as it is read again.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExportLine {
    /// The event as it is shown.
    #[serde(flatten)]
    pub event: AuditEvent,
    /// Which log it is in.
    pub partition: String,
    /// When the store took it.
    pub received_at: Timestamp,
    /// Its number there.
    pub seq: u64,
    /// What was hashed.
    #[serde(default)]
    pub canonical: Option<String>,
    /// The hash, in hex.
    #[serde(default)]
    pub leaf: Option<String>,
    /// What the commitments stand for.
    #[serde(default)]
    pub personal: Option<String>,
}

impl ExportLine {
    /// Returns what was hashed as an event of the record. `None` for a copy without evidence.
    ///
    /// Fails with [`ErrorKind::Internal`](ee_core::ErrorKind::Internal) where that is no event.
    pub fn entry(&self) -> Result<Option<AuditEntry>, Error> {
        let Some(canonical) = &self.canonical else {
            return Ok(None);
        };
        Ok(Some(AuditEntry {
            record: AuditRecord::restore(canonical.clone(), self.personal.clone())?,
            partition: self.partition.clone(),
            received_at: self.received_at,
            seq: self.seq,
        }))
    }
}
