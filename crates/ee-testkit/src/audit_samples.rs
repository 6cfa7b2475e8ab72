//! Events of the record, and filters for them, that a store may mistake.

#![expect(
    clippy::indexing_slicing,
    reason = "a case stops at the first thing that is not so"
)]

use std::net::IpAddr;

use ee_core::{
    ActorKind, ActorType, AuditAction, AuditActor, AuditAi, AuditContext, AuditEvent, AuditField,
    AuditFilter, AuditHead, AuditOutcome, AuditResource, AuditStage, AuditTest,
    storage::{AuditEntry, AuditProofStore, AuditRecord, AuditStore, AuditStoredLink},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    dice::Dice,
    samples::{TICK, at},
};

/// The log of most samples.
pub(crate) const LOG: &str = "default";

/// Texts that are alike at one end, and those that databases make something else of.
const TEXTS: [&str; 24] = [
    "",
    " ",
    "a",
    "A",
    "ab",
    "aB",
    "b",
    "ä",
    "a%",
    "a_b",
    "%",
    "x'y",
    "x\"y",
    "\\",
    "\0",
    "a\0",
    "\0b",
    "\u{ffff}",
    "a\u{10ffff}",
    "null",
    "[\"a\"]",
    "10.0.0.1",
    "'; DROP TABLE ee_audit_events; --",
    "🙂",
];

const ACTIONS: [&str; 10] = [
    "agents.create",
    "agents.delete",
    "agents.stream",
    "auth.login.sso",
    "users.delete",
    "agents",
    "agents2.create",
    "plugin.own-thing",
    "_._",
    "A.b",
];

const ADDRESSES: [&str; 8] = [
    "10.0.0.1",
    "10.0.0.2",
    "10.0.1.0",
    "192.0.2.7",
    "255.255.255.255",
    "::",
    "::ffff:10.0.0.1",
    "2001:db8::7",
];

const EMAILS: [&str; 4] = ["Ada@Example.com", "ada@example.com", "BOB@x.org", "İ@x"];

const SENTENCES: [&str; 6] = [
    "Rate limit reached",
    "rate LIMITS were reached twice",
    "Straße nach İstanbul",
    "a-b_c d.e",
    "42 and 4",
    "",
];

const WORDS: [&str; 16] = [
    "rate",
    "limit",
    "limits",
    "re",
    "straße",
    "stra",
    "STRASSE",
    "i",
    "i\u{307}stanbul",
    "42",
    "4",
    "agents",
    "a b",
    "\"",
    "a*",
    "delete",
];

/// A long text, of which two differ in the last letter alone.
fn long(last: char) -> String {
    let mut text = "long-".repeat(1_000);
    text.push(last);
    text
}

/// A plain event of one moment.
pub(crate) fn event(seconds: i64) -> AuditEvent {
    let actor = AuditActor::new(ActorType::User, "anna");
    let (action, outcome) = (AuditAction::LOGIN_SSO, AuditOutcome::Success);
    AuditEvent::new(at(seconds), actor, action, outcome)
}

/// Gets an event ready.
pub(crate) fn record(event: AuditEvent) -> AuditRecord {
    AuditRecord::new(event).unwrap()
}

/// Plain events, ready.
pub(crate) fn records(count: usize) -> Vec<AuditRecord> {
    let seconds = 0..i64::try_from(count).unwrap();
    seconds.map(|seconds| record(event(seconds))).collect()
}

impl Dice {
    fn text(&mut self) -> String {
        match self.roll(12) {
            0 => long('x'),
            1 => long('y'),
            _ => (*self.pick(&TEXTS)).to_owned(),
        }
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.roll(3) > 0).then(|| make(self))
    }

    fn address(&mut self) -> IpAddr {
        self.pick(&ADDRESSES).parse().unwrap()
    }

    /// Moments that often meet, over days.
    fn time(&mut self) -> Timestamp {
        let hours = *self.pick(&[-50_i64, -1, 0, 0, 0, 1, 7, 30]);
        let micros = i32::try_from(self.roll(3)).unwrap();
        at(0) + SignedDuration::from_hours(hours) + TICK * micros
    }

    /// An event of which hardly anything is plain.
    pub(crate) fn event(&mut self) -> AuditEvent {
        let actor_type = *self.pick(&[ActorType::Apikey, ActorType::System, ActorType::User]);
        let mut actor = AuditActor::new(actor_type, self.text());
        actor.kind = self.maybe(|dice| *dice.pick(&ActorKind::ALL));
        actor.email = self.maybe(|dice| (*dice.pick(&EMAILS)).to_owned());
        actor.ip = self.maybe(Self::address);
        actor.organization_id = self.maybe(Self::text);
        actor.session_id = self.maybe(Self::text);
        actor.roles = (0..self.roll(3)).map(|_| self.text()).collect();
        let action = AuditAction::new(self.pick::<&str>(&ACTIONS)).unwrap();
        let outcome = *self.pick(&AuditOutcome::ALL);
        let mut event = AuditEvent::new(self.time(), actor, action, outcome);
        // In no order: neither of time nor of the log.
        event.id = Uuid::from_u64_pair(self.bits(), self.bits());
        event.resource = self.maybe(|dice| {
            let mut resource = AuditResource::new(dice.text(), dice.text());
            resource.name = dice.maybe(|dice| (*dice.pick(&SENTENCES)).to_owned());
            resource
        });
        event.duration = self.maybe(|dice| *dice.pick(&[0, 5, 10, 1 << 40]));
        event.reason = self.maybe(|dice| (*dice.pick(&SENTENCES)).to_owned());
        if self.roll(2) == 0 {
            let text = Value::from(*self.pick(&SENTENCES));
            event.metadata.insert(self.text(), text);
        }
        event.context = self.maybe(|dice| {
            let (request, method) = (dice.text(), "POST".to_owned());
            let mut context = AuditContext::new(request, method, "/api".into(), 200);
            context.trace_id = dice.maybe(Self::text);
            Box::new(context)
        });
        event.ai = self.maybe(|dice| {
            let mut ai = AuditAi::default();
            ai.agent_id = dice.maybe(Self::text);
            ai.model = dice.maybe(Self::text);
            ai.run_id = dice.maybe(Self::text);
            ai.thread_id = dice.maybe(Self::text);
            Box::new(ai)
        });
        if self.roll(4) == 0 {
            event.stage = AuditStage::Intent;
        }
        event
    }

    /// A value that one of the events has in the field, or a part of it, or none at all.
    fn value(&mut self, field: AuditField, events: &[AuditEvent]) -> String {
        let event = self.pick(events);
        let mut value = match field.values(event).into_iter().next() {
            Some(value) if self.roll(4) > 0 => value.into_owned(),
            _ => self.text(),
        };
        if field == AuditField::Email && self.roll(2) == 0 {
            value = value.to_lowercase();
        }
        if self.roll(3) == 0 {
            let middle = value.floor_char_boundary(value.len() / 2);
            let (start, end) = value.split_at(middle);
            value = if self.roll(2) == 0 { start } else { end }.to_owned();
        }
        value
    }

    /// A filter that fits some of the events.
    pub(crate) fn filter(&mut self, events: &[AuditEvent], depth: u32) -> AuditFilter {
        let kinds = if depth == 0 { 9 } else { 13 };
        match self.roll(kinds) {
            0 => AuditFilter::Addresses {
                first: self.address(),
                last: self.address(),
            },
            1 => AuditFilter::AtLeast(*self.pick(&[0, 5, 6, 10, 1 << 40, u64::MAX >> 1])),
            2 => AuditFilter::Before(self.time()),
            3 => AuditFilter::Since(self.time()),
            4 => {
                let count = 1 + self.roll(2);
                let words = (0..count).map(|_| (*self.pick(&WORDS)).to_owned());
                AuditFilter::Words(words.collect())
            }
            5..9 => {
                let field = *self.pick(&AuditField::ALL);
                let value = self.value(field, events);
                let test = match self.roll(5) {
                    0 => AuditTest::EndsWith(value),
                    1 => AuditTest::StartsWith(value),
                    _ => AuditTest::Is(value),
                };
                AuditFilter::Field(field, test)
            }
            9 => AuditFilter::Not(Box::new(self.filter(events, depth - 1))),
            10 => AuditFilter::Any(self.filters(events, depth - 1)),
            11 => {
                let field = *self.pick(&AuditField::ALL);
                let count = self.roll(4);
                let values = (0..count).map(|_| self.value(field, events));
                let values = values.map(|value| AuditFilter::is(field, value));
                AuditFilter::Any(values.collect())
            }
            _ => AuditFilter::All(self.filters(events, depth - 1)),
        }
    }

    fn filters(&mut self, events: &[AuditEvent], depth: u32) -> Vec<AuditFilter> {
        let count = self.roll(4);
        (0..count).map(|_| self.filter(events, depth)).collect()
    }
}

/// Every link of a log, read in parts.
pub(crate) async fn links(store: &impl AuditProofStore, partition: &str) -> Vec<AuditStoredLink> {
    let mut links: Vec<AuditStoredLink> = Vec::new();
    loop {
        let after = links.last().map_or(0, |link| link.seq);
        let part = store.links(partition, after, 300).await.unwrap();
        if part.is_empty() {
            return links;
        }
        links.extend(part);
    }
}

/// Every event of a log, read in parts.
pub(crate) async fn feed(store: &impl AuditStore, partition: &str) -> Vec<AuditEntry> {
    let mut entries: Vec<AuditEntry> = Vec::new();
    loop {
        let after = entries.last().map_or(0, |entry| entry.seq);
        let part = store.feed(partition, after, 300).await.unwrap();
        if part.is_empty() {
            return entries;
        }
        entries.extend(part);
    }
}

/// Asserts that a log is one line from its beginning to its end: no number is missing, none is there twice, and every
/// hash is the right one. Returns the ids in order.
pub(crate) async fn verified<S>(store: &S, partition: &str) -> Vec<Uuid>
where
    S: AuditProofStore + AuditStore,
{
    let links = links(store, partition).await;
    let mut head = AuditHead::genesis(partition);
    let mut nodes = Vec::new();
    for link in &links {
        let expected = head.push(link.leaf);
        assert_eq!((expected.seq, expected.chain), (link.seq, link.chain));
        nodes.extend(expected.nodes);
    }
    assert_eq!(store.head(partition).await.unwrap(), head);
    let kept = store.nodes(partition, 1, 0, u32::MAX).await.unwrap();
    nodes.retain(|node| node.level == 1);
    assert_eq!(kept, nodes);
    for entry in feed(store, partition).await {
        let link = &links[usize::try_from(entry.seq).unwrap() - 1];
        assert_eq!(
            (entry.record.event.id, entry.record.leaf()),
            (link.id, link.leaf)
        );
        assert_eq!(entry.partition, partition);
    }
    links.into_iter().map(|link| link.id).collect()
}
