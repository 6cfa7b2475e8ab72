//! The record of who did what.

mod action;

use std::{borrow::Cow, fmt, net::IpAddr};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use action::AuditAction;

use crate::Error;

/// What kind of actor acted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ActorType {
    /// A key without a person behind it.
    #[serde(alias = "api-key", alias = "api_key")]
    Apikey,
    /// The server itself.
    System,
    /// A person.
    User,
}

impl ActorType {
    /// Returns the spelling of the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apikey => "apikey",
            Self::System => "system",
            Self::User => "user",
        }
    }
}

/// Who acted (`AuditActor`, phase 5).
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditActor {
    /// What kind of actor.
    #[serde(rename = "type")]
    pub kind: ActorType,
    /// The user's id, `system`, or `anonymous`.
    pub id: String,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Address as judged by the adapter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// What the client calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

impl AuditActor {
    /// Describes an actor by kind and id.
    pub fn new(kind: ActorType, id: impl Into<String>) -> Self {
        Self {
            kind,
            id: id.into(),
            email: None,
            ip: None,
            user_agent: None,
        }
    }

    /// Somebody who did not say who he is.
    pub fn anonymous() -> Self {
        Self::new(ActorType::User, "anonymous")
    }

    /// The server itself.
    pub fn system() -> Self {
        Self::new(ActorType::System, "system")
    }
}

/// What was acted upon.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AuditResource {
    /// Kind of thing.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// Which one.
    pub id: String,
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl AuditResource {
    /// Describes a thing by kind and id.
    pub fn new(kind: impl Into<Cow<'static, str>>, id: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            id: id.into(),
            name: None,
        }
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditOutcome {
    /// Refused: not signed in, or not permitted.
    Denied,
    /// Tried and failed.
    Failure,
    /// Done.
    Success,
}

/// The request that an event came with.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditContext {
    /// Id of the request, also in its answer.
    pub request_id: String,
    /// HTTP method.
    pub method: String,
    /// Template of the matched route, never the raw URL.
    pub route: Cow<'static, str>,
    /// HTTP status of the answer.
    pub status: u16,
}

impl AuditContext {
    /// Describes a request.
    pub fn new(request_id: String, method: String, route: Cow<'static, str>, status: u16) -> Self {
        Self {
            request_id,
            method,
            route,
            status,
        }
    }
}

/// Who did what to which thing, and how it ended (`AuditEvent`, phase 5).
///
/// The eight fields of the specification keep their names; everything else is additive.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditEvent {
    /// UUID version 7, made at emission.
    pub id: Uuid,
    /// When it happened.
    pub timestamp: Timestamp,
    /// Who acted.
    pub actor: AuditActor,
    /// What was done.
    pub action: AuditAction,
    /// What was acted upon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<AuditResource>,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// What else is worth knowing.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Milliseconds from the arrival of the request to its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<u64>,
    /// Why it was refused or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The request behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<AuditContext>,
}

impl AuditEvent {
    /// Describes an event that happened at `timestamp`.
    pub fn new(
        timestamp: Timestamp,
        actor: AuditActor,
        action: AuditAction,
        outcome: AuditOutcome,
    ) -> Self {
        let millis = u64::try_from(timestamp.as_millisecond()).unwrap_or(0);
        let nanos = u32::try_from(timestamp.subsec_nanosecond()).unwrap_or(0);
        let id = Uuid::new_v7(uuid::Timestamp::from_unix(
            uuid::NoContext,
            millis / 1_000,
            nanos,
        ));
        Self {
            id,
            timestamp,
            actor,
            action,
            resource: None,
            outcome,
            metadata: serde_json::Map::new(),
            duration: None,
            reason: None,
            context: None,
        }
    }
}

/// Which events are wanted (`AuditFilter`, phase 5). Every given field must fit; lists mean "one of".
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AuditFilter {
    /// Actions, exact or with a `*` at the end (`agents.*`). Empty: all.
    pub actions: Vec<String>,
    /// Id of the actor.
    pub actor_id: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Outcomes. Empty: all.
    pub outcomes: Vec<AuditOutcome>,
    /// Not after.
    pub to: Option<Timestamp>,
}

impl AuditFilter {
    /// Tells whether the event is wanted.
    pub fn matches(&self, event: &AuditEvent) -> bool {
        let action = event.action.as_str();
        let fits = |wanted: &String| match wanted.strip_suffix('*') {
            Some(prefix) => action.starts_with(prefix),
            None => action == wanted,
        };
        (self.actions.is_empty() || self.actions.iter().any(fits))
            && (self.outcomes.is_empty() || self.outcomes.contains(&event.outcome))
            && self
                .actor_id
                .as_ref()
                .is_none_or(|id| *id == event.actor.id)
            && self.from.is_none_or(|from| event.timestamp >= from)
            && self.to.is_none_or(|to| event.timestamp <= to)
    }
}

/// Writes events (`IAuditLogger`, phase 5).
#[async_trait]
pub trait AuditLogger: fmt::Debug + Send + Sync + 'static {
    /// Writes one event. An error means that it may not have been kept.
    async fn log(&self, event: AuditEvent) -> Result<(), Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> AuditEvent {
        let at = "2026-01-02T03:04:05.678Z".parse().unwrap();
        AuditEvent::new(
            at,
            AuditActor::new(ActorType::User, "u1"),
            AuditAction::AGENT_CREATE,
            AuditOutcome::Success,
        )
    }

    #[test]
    fn an_event_has_the_names_of_the_wire() {
        let mut event = event();
        event.resource = Some(AuditResource::new("agent", "a1"));
        event.duration = Some(4);

        let mut json = serde_json::to_value(&event).unwrap();
        json.as_object_mut().unwrap().remove("id");

        assert_eq!(
            json,
            serde_json::json!({
                "timestamp": "2026-01-02T03:04:05.678Z",
                "actor": {"type": "user", "id": "u1"},
                "action": "agents.create",
                "resource": {"type": "agent", "id": "a1"},
                "outcome": "success",
                "duration": 4,
            })
        );
    }

    #[test]
    fn filters_combine_with_and() {
        let mut filter = AuditFilter {
            actions: vec!["agents.*".into()],
            ..AuditFilter::default()
        };
        assert!(filter.matches(&event()));

        filter.outcomes = vec![AuditOutcome::Denied];
        assert!(!filter.matches(&event()));
    }

    #[test]
    fn an_api_key_is_read_in_three_spellings() {
        for text in ["\"apikey\"", "\"api-key\"", "\"api_key\""] {
            assert_eq!(
                serde_json::from_str::<ActorType>(text).unwrap(),
                ActorType::Apikey
            );
        }
    }
}
