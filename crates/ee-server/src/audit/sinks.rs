//! The places that events are taken to. Where they are is a matter of the configuration alone.

use ee_audit::sink::{SinkHandle, SinkName};
use ee_core::{AuditActor, Error, ErrorKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Asked;
use crate::{AuditNote, Cx, Reply};

/// Most characters of a reason.
const MOST_CHARS: usize = 500;

/// All sinks and how they are.
#[derive(Debug, JsonSchema, Serialize)]
pub struct SinksView {
    /// Name, kind, health, position and lag of each.
    pub sinks: Vec<Value>,
}

/// Body of `POST /audit/sinks/:name/pause`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct PauseBody {
    /// Why.
    pub reason: String,
}

/// Body of `POST /audit/sinks/:name/replay`: either numbers of a log, or the dead letters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", expecting = "an object")]
pub struct ReplayBody {
    /// Whether what was refused is sent once more.
    pub dead_letters: Option<bool>,
    /// Number of the first event.
    pub from: Option<u64>,
    /// Which log; the one that this server writes to when absent.
    pub partition: Option<String>,
    /// Number of the last event.
    pub to: Option<u64>,
}

/// Whether a sink has taken an event.
#[derive(Debug, JsonSchema, Serialize)]
pub struct SinkTested {
    /// Whether it has.
    pub delivered: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `GET /audit/sinks`.
pub async fn sinks(cx: &Cx, asked: Asked) -> Result<SinksView, Error> {
    asked.end()?;
    Ok(SinksView {
        sinks: all(cx).await?,
    })
}

/// Returns how all sinks are.
pub(super) async fn all(cx: &Cx) -> Result<Vec<Value>, Error> {
    let mut all = Vec::new();
    for sink in &cx.record()?.sinks {
        all.push(view(sink).await?);
    }
    Ok(all)
}

/// `POST /audit/sinks/:name/test`: sends one event that is in no log.
pub async fn test_sink(cx: &Cx, name: &SinkName) -> Result<Reply<SinkTested>, Error> {
    let tested = find(cx, name)?.test().await;
    let reason = tested.err().map(|err| err.to_string());
    let mut note = AuditNote::about("audit-sink", name.as_str(), None);
    note.failure.clone_from(&reason);
    let body = SinkTested {
        delivered: reason.is_none(),
        reason,
    };
    Ok(Reply::new(body).noted(note))
}

/// `POST /audit/sinks/:name/pause`: nothing is sent until somebody says so.
pub async fn pause_sink(cx: &Cx, name: &SinkName, body: PauseBody) -> Result<Reply<Value>, Error> {
    let sink = find(cx, name)?;
    let reason = body.reason.trim();
    if reason.is_empty() || reason.chars().count() > MOST_CHARS {
        let message = format!("must have 1 to {MOST_CHARS} characters");
        return Err(Error::invalid_field("reason", message));
    }
    sink.pause(AuditActor::system(), reason).await?;
    let note = AuditNote::default().with("reason", reason);
    Ok(Reply::new(view(&sink).await?).noted(note))
}

/// `POST /audit/sinks/:name/resume`: goes on where it was.
pub async fn resume_sink(cx: &Cx, name: &SinkName) -> Result<Reply<Value>, Error> {
    let sink = find(cx, name)?;
    sink.resume(AuditActor::system()).await?;
    Ok(Reply::new(view(&sink).await?))
}

/// `POST /audit/sinks/:name/replay`: sends events once more.
pub async fn replay_sink(
    cx: &Cx,
    name: &SinkName,
    body: ReplayBody,
) -> Result<Reply<Value>, Error> {
    let sink = find(cx, name)?;
    let actor = AuditActor::system();
    let note = AuditNote::default();
    let note = match (body.dead_letters.unwrap_or(false), body.from, body.to) {
        (true, None, None) if body.partition.is_none() => {
            sink.replay_dead_letters(actor).await?;
            note.with("deadLetters", true)
        }
        (false, Some(from), Some(to)) => {
            let own = &cx.record()?.partition;
            let partition = body.partition.as_deref().unwrap_or(own);
            sink.replay(actor, partition, from..=to).await?;
            note.with("firstSeq", from)
                .with("lastSeq", to)
                .with("partition", partition)
        }
        _ => {
            let message = "goes with `to`, or neither is there and `deadLetters` is true";
            return Err(Error::invalid_field("from", message));
        }
    };
    Ok(Reply::new(view(&sink).await?).noted(note))
}

/// Finds a sink. The guard records what is said to it.
fn find(cx: &Cx, name: &SinkName) -> Result<SinkHandle, Error> {
    let mut sinks = cx.record()?.sinks.iter();
    let sink = sinks.find(|sink| sink.name() == name);
    sink.map(|sink| sink.clone().unrecorded()).ok_or_else(|| {
        let message = "there is no such audit sink";
        Error::new(ErrorKind::NotFound, message)
    })
}

async fn view(sink: &SinkHandle) -> Result<Value, Error> {
    serde_json::to_value(sink.status().await?).map_err(|err| {
        let message = "the state of an audit sink cannot be written as JSON";
        Error::new(ErrorKind::Internal, message).with_source(err)
    })
}
