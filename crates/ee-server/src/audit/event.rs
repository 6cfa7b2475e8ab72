//! One event: with what belongs to it, with its proof, and as it was hashed.

use ee_audit::{
    export::hide_content,
    format::native,
    integrity::{InclusionProof, LogName},
};
use ee_core::{
    AuditAction, AuditField, AuditFilter, AuditQuery, Error, ErrorKind, storage::AuditEntry,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Asked, not_found, reader::Reading, search::in_time, shown_all};
use crate::{AuditNote, Cx, Op, permissions::AUDIT_CONTENT};

/// Most events that are shown to belong to one.
const MOST_RELATED: u32 = 100;

/// Id of an event in a path: a UUID as it is usually written.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct EventId(pub(super) Uuid);

impl EventId {
    /// Returns it as it is usually written.
    pub fn text(self) -> String {
        self.0.to_string()
    }
}

impl TryFrom<String> for EventId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        let id = Uuid::try_parse(&text).ok();
        let is_usual = |id: &Uuid| id.to_string() == text;
        id.filter(is_usual)
            .map(Self)
            .ok_or_else(|| Error::invalid_field("eventId", "is not the id of an event"))
    }
}

/// An event with what was asked for beside it.
#[derive(Debug, JsonSchema, Serialize)]
pub struct AuditDetail {
    /// The event.
    pub event: Value,
    /// Events of the same request, run, conversation or session, the newest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related: Option<Vec<Value>>,
}

/// An event as it is kept and hashed.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RawEvent {
    /// The text that was hashed (RFC 8785), with commitments in place of what can be erased.
    pub canonical: String,
    /// Hash of everything in the log up to it, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// Hash of the text (RFC 6962), in hex.
    pub leaf: String,
    /// Which log it is in.
    pub partition: String,
    /// When the store took it.
    #[schemars(with = "String")]
    pub received_at: Timestamp,
    /// Its number there.
    pub seq: u64,
}

/// `GET /audit/events/:id`.
pub async fn event(cx: &Cx, id: EventId, mut asked: Asked) -> Result<AuditDetail, Error> {
    let wants_related = match asked.take("include")?.as_deref() {
        None => false,
        Some("related") => true,
        Some(_) => return Err(Error::invalid_field("include", "must be `related`")),
    };
    let wants_content = asked.take_flag("content")?;
    asked.end()?;
    cx.check_content(wants_content)?;
    let _turn = cx.begin_reading(Reading::Search)?;
    let mut entry = find(cx, id, Op::GetAuditEvent).await?;
    let related = if wants_related {
        Some(shown_all(related(cx, &entry).await?)?)
    } else {
        None
    };
    if wants_content {
        let note = AuditNote::about("audit-event", id.0.to_string(), None);
        cx.record_as(Op::GetAuditEvent, AuditAction::AUDIT_CONTENT_READ, note)
            .await?;
    } else {
        hide_content(&mut entry)?;
    }
    Ok(AuditDetail {
        event: native(&entry),
        related,
    })
}

/// `GET /audit/events/:id/proof`: a text that proves to whoever has the public keys that the event is in its log.
pub async fn proof(cx: &Cx, id: EventId, asked: Asked) -> Result<String, Error> {
    asked.end()?;
    let parts = cx.record()?;
    let _turn = cx.begin_reading(Reading::Search)?;
    let entry = find(cx, id, Op::ProveAuditEvent).await?;
    let log = LogName {
        deployment: &parts.deployment,
        partition: &entry.partition,
    };
    let canonical = entry.record.canonical;
    let proof =
        InclusionProof::build(&*parts.proofs, log, entry.seq, canonical, &parts.known).await;
    match proof {
        Ok(Some(proof)) => Ok(proof.to_string()),
        Ok(None) => {
            let message = "no signed checkpoint covers this audit event yet";
            Err(Error::new(ErrorKind::NotFound, message))
        }
        // It is not the caller who is wrong.
        Err(err) if err.kind() == ErrorKind::Invalid => {
            let message = "the log is not what was signed: verify it";
            Err(Error::new(ErrorKind::Conflict, message).with_source(err))
        }
        Err(err) => Err(err),
    }
}

/// `GET /audit/events/:id/raw`: the event as it is kept.
pub async fn raw(cx: &Cx, id: EventId, asked: Asked) -> Result<RawEvent, Error> {
    asked.end()?;
    let _turn = cx.begin_reading(Reading::Search)?;
    let entry = find(cx, id, Op::GetRawAuditEvent).await?;
    let before = entry.seq.saturating_sub(1);
    let links = cx.record()?.proofs.links(&entry.partition, before, 1);
    let links = in_time(links).await?;
    let link = links.first().filter(|link| link.seq == entry.seq);
    Ok(RawEvent {
        chain: link.map(|link| link.chain.to_string()),
        leaf: entry.record.leaf().to_string(),
        canonical: entry.record.canonical,
        partition: entry.partition,
        received_at: entry.received_at,
        seq: entry.seq,
    })
}

/// Finds an event and records that it is read.
pub(super) async fn find(cx: &Cx, id: EventId, op: Op) -> Result<AuditEntry, Error> {
    let readable = cx.readable(AuditFilter::EVERYTHING)?;
    let entry = in_time(cx.record()?.logs.find_event(id.0)).await?;
    let entry = entry.filter(|it| readable.matches(&it.record.event));
    let entry = entry.ok_or_else(not_found)?;
    cx.record_reading_of(op, &id.0.to_string()).await?;
    Ok(entry)
}

/// Returns the other events of the same request, run, conversation or session.
async fn related(cx: &Cx, entry: &AuditEntry) -> Result<Vec<AuditEntry>, Error> {
    let event = &entry.record.event;
    let same = |field: AuditField| {
        let value = field.value(event)?;
        (!value.is_empty()).then(|| AuditFilter::is(field, value))
    };
    let fields = [
        AuditField::RequestId,
        AuditField::RunId,
        AuditField::SessionId,
        AuditField::ThreadId,
    ];
    let same: Vec<AuditFilter> = fields.into_iter().filter_map(same).collect();
    if same.is_empty() {
        return Ok(Vec::new());
    }
    let readable = cx.readable(AuditFilter::Any(same))?;
    let query = AuditQuery::newest(readable, MOST_RELATED);
    let mut entries = in_time(cx.record()?.search.search(&query)).await?;
    entries.retain(|other| other.record.event.id != event.id);
    Ok(entries)
}

impl Cx {
    /// Fails with [`ErrorKind::Forbidden`] when somebody wants to read what was said to models and may not.
    pub(super) fn check_content(&self, is_wanted: bool) -> Result<(), Error> {
        if !is_wanted || self.allows(&AUDIT_CONTENT) {
            return Ok(());
        }
        let message = format!("Missing required permission: {AUDIT_CONTENT}");
        Err(Error::new(ErrorKind::Forbidden, message))
    }
}
