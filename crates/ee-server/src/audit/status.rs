//! Whether the record is well.

use ee_audit::{
    integrity::{Checkpoint, LogName},
    spool::SpoolStatus,
};
use ee_core::{Error, ErrorKind};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Asked, search::in_time, sinks};
use crate::Cx;

/// How the record is.
#[derive(Debug, JsonSchema, Serialize)]
pub struct AuditStatus {
    /// What became of events since the start, and what is in their way.
    pub health: Value,
    /// The logs.
    pub logs: Vec<LogView>,
    /// The places that events are taken to.
    pub sinks: Vec<Value>,
    /// Where events wait for the store; absent where they wait nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spool: Option<SpoolView>,
}

/// A log.
#[derive(Debug, JsonSchema, Serialize)]
pub struct LogView {
    /// The last checkpoint that was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<CheckpointView>,
    /// Its name.
    pub partition: String,
    /// How many events it has.
    pub size: u64,
}

/// A checkpoint.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointView {
    /// Whether a known key has signed it for this log.
    pub is_verified: bool,
    /// The signed note.
    pub note: String,
    /// When it was signed, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub signed_at: Option<Timestamp>,
    /// Over how many events.
    pub size: u64,
}

/// Where events wait for the store.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SpoolView {
    /// Bytes that it takes.
    pub bytes: u64,
    /// Whether the last write failed.
    pub is_failing: bool,
    /// Whether there is no room for another event.
    pub is_full: bool,
    /// When the oldest event that waits happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub oldest: Option<Timestamp>,
    /// How many events wait.
    pub records: u64,
    /// Events since the start that were refused or could not be written.
    pub refused: u64,
}

impl From<SpoolStatus> for SpoolView {
    fn from(status: SpoolStatus) -> Self {
        Self {
            bytes: status.bytes,
            is_failing: status.is_failing,
            is_full: status.is_full,
            oldest: status.oldest,
            records: status.records,
            refused: status.refused,
        }
    }
}

/// `GET /audit/status`.
pub async fn status(cx: &Cx, asked: Asked) -> Result<AuditStatus, Error> {
    asked.end()?;
    let parts = cx.record()?;
    let logs = logs(cx).await?;
    let health = serde_json::to_value(parts.health.report()).map_err(|err| {
        let message = "the state of the audit record cannot be written as JSON";
        Error::new(ErrorKind::Internal, message).with_source(err)
    })?;
    Ok(AuditStatus {
        health,
        logs,
        sinks: sinks::all(cx).await?,
        spool: parts.spool.as_ref().map(|spool| spool.status().into()),
    })
}

/// Returns how far the logs are.
pub(crate) async fn logs(cx: &Cx) -> Result<Vec<LogView>, Error> {
    let parts = cx.record()?;
    let mut names = in_time(parts.logs.partitions()).await?;
    if !names.contains(&parts.partition) {
        names.push(parts.partition.clone());
    }
    let mut logs = Vec::new();
    for partition in names {
        logs.push(log(cx, partition).await?);
    }
    Ok(logs)
}

async fn log(cx: &Cx, partition: String) -> Result<LogView, Error> {
    let parts = cx.record()?;
    let size = in_time(parts.logs.head(&partition)).await?.size();
    let last = in_time(parts.proofs.last_checkpoint(&partition)).await?;
    let name = LogName {
        deployment: &parts.deployment,
        partition: &partition,
    };
    let origin = name.origin()?;
    let checkpoint = last.map(|(size, note)| {
        let verified = Checkpoint::verify(&note, &origin, &parts.known).ok();
        let verified = verified.filter(|checkpoint| checkpoint.size == size);
        CheckpointView {
            is_verified: verified.is_some(),
            note,
            signed_at: verified.map(|checkpoint| checkpoint.time),
            size,
        }
    });
    Ok(LogView {
        checkpoint,
        partition,
        size,
    })
}
