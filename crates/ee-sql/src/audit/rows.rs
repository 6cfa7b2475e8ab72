//! What stands in the tables for an event.

use std::net::{IpAddr, Ipv4Addr};

use ee_core::{AuditEvent, AuditField, AuditHash, storage::AuditRecord};
use jiff::Timestamp;
use uuid::Uuid;

use super::texts::{kept, list};
use crate::Value;

/// What is searched, the number first and then what [`searched`] returns.
pub(super) const EVENT: &[&str] = &[
    "number",
    "id",
    "ts",
    "action",
    "actor_id",
    "actor_kind",
    "actor_type",
    "address",
    "agent_id",
    "category",
    "duration",
    "email",
    "ip",
    "model",
    "organization",
    "outcome",
    "request_id",
    "resource_id",
    "resource_type",
    "roles",
    "run_id",
    "session_id",
    "stage",
    "thread_id",
    "trace_id",
];

/// What is kept as it is.
pub(super) const BODY: &[&str] = &["number", "id", "received_at", "canonical", "personal"];

/// What an event has got in its log.
pub(super) const LINK: &[&str] = &["number", "id", "leaf", "chain"];

/// A subtree.
pub(super) const NODE: &[&str] = &["log", "level", "idx", "hash"];

/// Returns the column of a field; roles stand in theirs as a list.
pub(super) const fn column(field: AuditField) -> Option<&'static str> {
    Some(match field {
        AuditField::Action => "e.action",
        AuditField::ActorId => "e.actor_id",
        AuditField::ActorKind => "e.actor_kind",
        AuditField::ActorType => "e.actor_type",
        AuditField::AgentId => "e.agent_id",
        AuditField::Category => "e.category",
        AuditField::Email => "e.email",
        AuditField::Ip => "e.ip",
        AuditField::Model => "e.model",
        AuditField::Organization => "e.organization",
        AuditField::Outcome => "e.outcome",
        AuditField::RequestId => "e.request_id",
        AuditField::ResourceId => "e.resource_id",
        AuditField::ResourceType => "e.resource_type",
        AuditField::Role => "e.roles",
        AuditField::RunId => "e.run_id",
        AuditField::SessionId => "e.session_id",
        AuditField::Stage => "e.stage",
        AuditField::ThreadId => "e.thread_id",
        AuditField::TraceId => "e.trace_id",
        // A newer core knows more than this schema.
        _ => return None,
    })
}

/// Returns an address so that those of a family stand in their order, and those of another one apart.
pub(super) fn address(ip: IpAddr) -> Value {
    Value::Blob(match ip {
        IpAddr::V4(ip) => address_v4(ip).to_vec(),
        IpAddr::V6(ip) => [&[6][..], &ip.octets()].concat(),
    })
}

/// Returns an address of the older family.
pub(super) fn address_v4(ip: Ipv4Addr) -> [u8; 5] {
    let [a, b, c, d] = ip.octets();
    [4, a, b, c, d]
}

/// Returns what an event has in a field, as it is compared.
pub(super) fn value(field: AuditField, event: &AuditEvent) -> Value {
    if field == AuditField::Role {
        let roles = &event.actor.roles;
        let roles = (!roles.is_empty()).then(|| list(roles.iter().map(|role| kept(role))));
        return roles.into();
    }
    let text = field.value(event);
    let text = text.map(|text| match field {
        AuditField::Email => kept(&text.to_lowercase()).into_owned(),
        _ => kept(&text).into_owned(),
    });
    text.into()
}

/// Returns what is searched of an event, in the order of [`EVENT`] without the number.
pub(super) fn searched(event: &AuditEvent) -> Vec<Value> {
    let of = |field| value(field, event);
    vec![
        event.id.into(),
        event.timestamp.into(),
        of(AuditField::Action),
        of(AuditField::ActorId),
        of(AuditField::ActorKind),
        of(AuditField::ActorType),
        event.actor.ip.map_or(Value::Null, address),
        of(AuditField::AgentId),
        of(AuditField::Category),
        event.duration.into(),
        of(AuditField::Email),
        of(AuditField::Ip),
        of(AuditField::Model),
        of(AuditField::Organization),
        of(AuditField::Outcome),
        of(AuditField::RequestId),
        of(AuditField::ResourceId),
        of(AuditField::ResourceType),
        of(AuditField::Role),
        of(AuditField::RunId),
        of(AuditField::SessionId),
        of(AuditField::Stage),
        of(AuditField::ThreadId),
        of(AuditField::TraceId),
    ]
}

/// An event on its way into a log.
#[derive(Debug)]
pub(super) struct NewEvent {
    pub(super) action: String,
    body: Vec<Value>,
    pub(super) id: Uuid,
    pub(super) leaf: AuditHash,
    searched: Vec<Value>,
}

impl NewEvent {
    /// Does what can be done before the place in the log is known.
    pub(super) fn new(record: AuditRecord, now: Timestamp) -> Self {
        let AuditRecord {
            canonical,
            event,
            personal,
            ..
        } = record;
        Self {
            action: event.action.as_str().to_owned(),
            id: event.id,
            leaf: AuditHash::of_leaf(canonical.as_bytes()),
            searched: searched(&event),
            body: vec![
                event.id.into(),
                now.into(),
                canonical.into(),
                personal.into(),
            ],
        }
    }

    /// Adds it to the rows of both tables.
    pub(super) fn add_to(self, number: u64, bodies: &mut Vec<Value>, events: &mut Vec<Value>) {
        bodies.push(number.into());
        bodies.extend(self.body);
        events.push(number.into());
        events.extend(self.searched);
    }
}
