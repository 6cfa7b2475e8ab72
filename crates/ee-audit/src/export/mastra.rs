//! An event in the shape of Mastra.

use std::net::IpAddr;

use ee_core::{AuditEvent, AuditOutcome, AuditResource};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// An event with the eight fields of the specification and nothing else. Times have milliseconds, as JavaScript writes
/// them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MastraEvent<'a> {
    id: Uuid,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    actor: Actor<'a>,
    action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a AuditResource>,
    outcome: AuditOutcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Actor<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
}

impl<'a> MastraEvent<'a> {
    /// Shows an event.
    pub fn new(event: &'a AuditEvent) -> Self {
        let actor = &event.actor;
        Self {
            id: event.id,
            timestamp: format!("{:.3}", event.timestamp),
            created_at: None,
            actor: Actor {
                kind: actor.actor_type.as_str(),
                id: &actor.id,
                email: actor.email.as_deref(),
                ip: actor.ip,
                user_agent: actor.user_agent.as_deref(),
            },
            action: event.action.as_str(),
            resource: event.resource.as_ref(),
            outcome: event.outcome,
            metadata: (!event.metadata.is_empty()).then_some(&event.metadata),
            duration: event.duration,
        }
    }

    /// Tells the time as `createdAt` too, where newer clients look for it.
    #[must_use]
    pub fn with_created_at(mut self) -> Self {
        self.created_at = Some(self.timestamp.clone());
        self
    }
}
