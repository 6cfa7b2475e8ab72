//! A log in the order in which the store has taken its events: whoever follows it by its numbers misses nothing.

use std::{collections::VecDeque, time::Duration};

use ee_audit::query::to_text;
use ee_core::{AuditFilter, AuditQuery, Error, storage::AuditEntry};
use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    Asked,
    asked::number,
    reader::{Reading, Turn},
    search::in_time,
    shown, shown_all,
};
use crate::{Cx, Op};

/// How often a log is looked at for something new.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long nothing is said to somebody who listens.
const SILENCE: Duration = Duration::from_secs(15);
/// Longest time that an answer waits for something new.
const LONGEST_WAIT: u64 = 30;
/// Events of a log that are read at once.
const BATCH: u32 = 200;
/// What a number of an event can be in every store.
const MOST: u64 = i64::MAX as u64;
/// Name of the header by which a browser goes on with a stream.
const LAST_EVENT_ID: &str = "Last-Event-ID";
/// Parameters of a search that a stream has not.
const NOT_OF_STREAMS: [&str; 3] = ["count", "cursor", "order"];

/// The next events of a log.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditFeed {
    /// The events, in the order of the log.
    pub events: Vec<Value>,
    /// Number of the last event of the log.
    pub head: u64,
    /// How many milliseconds ago the store has taken the last one of these events; 0 when nothing stands behind it.
    pub lag_ms: u64,
    /// What `after` is for the events behind these.
    pub next: u64,
    /// Which log.
    pub partition: String,
}

/// `GET /audit/feed`: the events of a log behind a number. It waits for one where there is none.
pub async fn feed(cx: &Cx, mut asked: Asked) -> Result<AuditFeed, Error> {
    let parts = cx.record()?;
    let whole = asked.clone();
    let partition = asked.take("partition")?;
    let partition = partition.unwrap_or_else(|| parts.partition.clone());
    let after = asked.take_number("after", 0..=MOST)?.unwrap_or(0);
    let most = u64::from(AuditQuery::MAX_LIMIT);
    let limit = asked.take_number("limit", 1..=most)?.unwrap_or(50);
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let wait = asked.take_number("wait", 0..=LONGEST_WAIT)?.unwrap_or(0);
    asked.end()?;
    let _turn = cx.begin_reading(Reading::Follow)?;
    cx.record_reading(Op::FeedAudit, &whole, String::new())
        .await?;
    let end = Instant::now() + Duration::from_secs(wait);
    let wanted = async {
        loop {
            let entries = in_time(parts.logs.feed(&partition, after, limit)).await?;
            if !entries.is_empty() || Instant::now() >= end {
                return Ok::<_, Error>(entries);
            }
            sleep(LOOK_EVERY).await;
        }
    };
    let entries = cx.unless_revoked(wanted).await??;
    let head = in_time(parts.logs.head(&partition)).await?.size();
    let next = entries.last().map_or(after, |entry| entry.seq);
    let lag = match entries.last() {
        Some(last) if next < head => {
            let now = cx.server().clock.now();
            now.duration_since(last.received_at).as_millis()
        }
        _ => 0,
    };
    Ok(AuditFeed {
        events: shown_all(entries)?,
        head,
        lag_ms: u64::try_from(lag).unwrap_or(0),
        next,
        partition,
    })
}

/// `GET /audit/stream`: events as server-sent events (WHATWG HTML §9.2), each with its number as the id, from behind
/// `Last-Event-ID` or `after`, else from now on. It ends when the caller may not read any more, or after `limit` events.
pub async fn stream(
    cx: &Cx,
    mut asked: Asked,
    last_event_id: Option<&str>,
) -> Result<BoxStream<'static, String>, Error> {
    let parts = cx.record()?;
    let whole = asked.clone();
    let partition = asked.take("partition")?;
    let partition = partition.unwrap_or_else(|| parts.partition.clone());
    let after = asked.take_number("after", 0..=MOST)?;
    let limit = asked.take_number("limit", 1..=MOST)?;
    asked.refuse(&NOT_OF_STREAMS)?;
    let filter = asked.search(cx)?.filter;
    let after = match last_event_id {
        Some(text) => Some(number(LAST_EVENT_ID, text, 0..=MOST)?),
        None => after,
    };
    let turn = cx.begin_reading(Reading::Follow)?;
    cx.record_reading(Op::StreamAudit, &whole, to_text(&filter))
        .await?;
    let after = match after {
        Some(after) => after,
        None => in_time(parts.logs.head(&partition)).await?.size(),
    };
    let follower = Follower {
        _turn: turn,
        after,
        cx: cx.clone(),
        filter,
        // Whoever is cut off before the first event goes on here as well.
        ready: VecDeque::from([format!("retry: 2000\nid: {after}\n\n")]),
        left: limit,
        partition,
    };
    let blocks = stream::unfold(Some(follower), Follower::next).boxed();
    let blocks = cx.until_revoked(blocks).map(Result::flatten);
    Ok(blocks
        .map(|block| block.unwrap_or_else(|err| failed(&err)))
        .boxed())
}

/// Somebody who follows a log.
struct Follower {
    _turn: Turn,
    after: u64,
    cx: Cx,
    filter: AuditFilter,
    /// How many events are still wanted.
    left: Option<u64>,
    partition: String,
    ready: VecDeque<String>,
}

type Next = Option<(Result<String, Error>, Option<Follower>)>;

impl Follower {
    /// Returns the next block. After an error there is none.
    async fn next(follower: Option<Self>) -> Next {
        let mut follower = follower?;
        match follower.block().await {
            Ok(Some(block)) => Some((Ok(block), Some(follower))),
            Ok(None) => None,
            Err(err) => Some((Err(err), None)),
        }
    }

    async fn block(&mut self) -> Result<Option<String>, Error> {
        let silent_until = Instant::now() + SILENCE;
        loop {
            if let Some(block) = self.ready.pop_front() {
                return Ok(Some(block));
            }
            if self.left == Some(0) {
                return Ok(None);
            }
            let logs = &self.cx.record()?.logs;
            let entries = in_time(logs.feed(&self.partition, self.after, BATCH)).await?;
            if !entries.is_empty() {
                self.take(entries)?;
            } else if Instant::now() >= silent_until {
                // Says how far it is, which a browser remembers, and is no event.
                return Ok(Some(format!("id: {}\n\n", self.after)));
            } else {
                sleep(LOOK_EVERY).await;
            }
        }
    }

    fn take(&mut self, entries: Vec<AuditEntry>) -> Result<(), Error> {
        for entry in entries {
            if self.left == Some(0) {
                return Ok(());
            }
            self.after = entry.seq;
            if !self.filter.matches(&entry.record.event) {
                continue;
            }
            self.left = self.left.map(|left| left.saturating_sub(1));
            let seq = entry.seq;
            self.ready
                .push_back(format!("id: {seq}\ndata: {}\n\n", shown(entry)?));
        }
        Ok(())
    }
}

/// Says why it ends here.
fn failed(err: &Error) -> String {
    let told = json!({ "code": err.kind().code(), "error": err.message() });
    format!("event: error\ndata: {told}\n\n")
}
