//! The record in the shape of Mastra, for clients of both generations.

use ee_audit::{
    export::MastraEvent,
    query::{Context, Counting, MastraPage, MastraSearch, to_text},
};
use ee_core::{Error, ErrorKind, storage::AuditEntry};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    Asked, EventId,
    event::find,
    reader::Reading,
    search::{in_time, read_newest},
};
use crate::{Cx, Op};

/// A part of the record, as each generation of clients asks for it.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MastraList {
    /// The events, the newest first.
    pub events: Vec<Value>,
    /// How many fit in all.
    pub total: u64,
    /// How many were left out (older clients).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u32>,
    /// Most events of the part (older clients).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Which page, from 0 (newer clients).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// Most events of a page, `false` for as many as one answer holds (newer clients).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_page: Option<Value>,
    /// Whether there is another page (newer clients).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_more: Option<bool>,
}

/// `GET /audit`.
pub async fn mastra_list(cx: &Cx, asked: Asked) -> Result<MastraList, Error> {
    let parts = cx.record()?;
    let MastraSearch { page, search, .. } =
        MastraSearch::read(asked.pairs(), &Context::new(cx.now()))?;
    let filter = cx.readable(search.filter)?;
    let _turn = cx.begin_reading(Reading::Search)?;
    cx.record_reading(Op::ListAuditLogs, &asked, to_text(&filter))
        .await?;
    let (offset, limit) = (page.offset(), page.limit());
    let entries = read_newest(cx, &filter, offset, limit).await?;
    let most = search.count.most().unwrap_or(Counting::CAP);
    let total = in_time(parts.search.count(&filter, most)).await?;
    let end = u64::from(offset) + u64::from(limit);
    let events = entries.iter().map(shown);
    let mut list = MastraList {
        events: events.collect::<Result<_, _>>()?,
        total: total.counted,
        offset: None,
        limit: None,
        page: None,
        per_page: None,
        has_more: None,
    };
    match page {
        MastraPage::Offset { offset, limit } => {
            list.offset = Some(offset);
            list.limit = Some(limit);
        }
        MastraPage::Page { page, per_page } => {
            list.page = Some(page);
            list.per_page = Some(per_page.map_or(Value::Bool(false), Value::from));
            list.has_more = Some(end < total.counted);
        }
    }
    Ok(list)
}

/// `GET /audit/:id`.
pub async fn mastra_event(cx: &Cx, id: EventId, asked: Asked) -> Result<Value, Error> {
    asked.end()?;
    let _turn = cx.begin_reading(Reading::Search)?;
    shown(&find(cx, id, Op::GetAuditLog).await?)
}

/// The eight fields hold nothing of what was said to models.
fn shown(entry: &AuditEntry) -> Result<Value, Error> {
    let event = MastraEvent::new(&entry.record.event).with_created_at();
    serde_json::to_value(event).map_err(|err| {
        Error::new(ErrorKind::Internal, "an event cannot be written as JSON").with_source(err)
    })
}
