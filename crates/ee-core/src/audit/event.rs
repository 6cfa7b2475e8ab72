//! What happened.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{ActorType, AuditAction, AuditActor, AuditParty, Severity};

/// What was acted upon.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AuditResource {
    /// Kind of thing.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// Which one.
    pub id: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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

impl AuditOutcome {
    /// Lists all of them, by name.
    pub const ALL: [Self; 3] = [Self::Denied, Self::Failure, Self::Success];

    /// Returns the spelling of the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Failure => "failure",
            Self::Success => "success",
        }
    }

    /// Reads the spelling of the wire.
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// Whether something is about to be done, or was.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditStage {
    /// About to be done. Lists leave these out unless asked.
    Intent,
    /// Done, refused or failed.
    #[default]
    Result,
}

impl AuditStage {
    /// Returns the spelling of the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Result => "result",
        }
    }
}

/// The request that an event came with.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditContext {
    /// Id of the request, also in its answer.
    pub request_id: String,
    /// HTTP method.
    pub method: String,
    /// Template of the matched route, never the raw URL.
    pub route: Cow<'static, str>,
    /// HTTP status of the answer; 0 while there is none.
    pub status: u16,
    /// Which server of several it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// Id of the trace (W3C Trace Context).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// Id of the span within it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_id: Option<String>,
}

impl AuditContext {
    /// Describes a request.
    pub fn new(request_id: String, method: String, route: Cow<'static, str>, status: u16) -> Self {
        Self {
            request_id,
            method,
            route,
            status,
            instance_id: None,
            trace_id: None,
            span_id: None,
        }
    }
}

/// Why something was permitted or refused.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditPermission {
    /// What was needed, such as `agents:write:support`.
    pub required: String,
    /// The role or permission that covered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched_role: Option<String>,
    /// The subject of the grant that covered it, or forbade it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched_grant: Option<String>,
}

impl AuditPermission {
    /// Describes what was needed.
    pub fn new(required: impl Into<String>) -> Self {
        Self {
            required: required.into(),
            ..Self::default()
        }
    }
}

/// One thing that is different afterwards.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AuditChange {
    /// Where, as a JSON pointer (RFC 6901).
    pub path: String,
    /// What stood there; absent where nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What stands there now; absent where nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

impl AuditChange {
    /// Describes a change of one value.
    pub fn new(path: impl Into<String>, before: Option<Value>, after: Option<Value>) -> Self {
        Self {
            path: path.into(),
            before,
            after,
        }
    }
}

/// What a model had to do with it. Never what was said.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditAi {
    /// Which agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Which model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Which provider of models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Which run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Which conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// Which step of a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_id: Option<String>,
    /// Which call of a tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// Tokens that were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// Tokens that were written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_tokens: Option<u64>,
    /// Why the model stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// Bytes of what was said to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_bytes: Option<u64>,
    /// Bytes of what it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
    /// What was said to it, where the configuration keeps that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// What it said, where the configuration keeps that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
}

/// What a reader cannot see, and why.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AuditRedaction {
    /// Where, as a JSON pointer (RFC 6901).
    pub path: String,
    /// What was done to it.
    pub method: RedactionMethod,
}

impl AuditRedaction {
    /// Describes a redaction.
    pub fn new(path: impl Into<String>, method: RedactionMethod) -> Self {
        Self {
            path: path.into(),
            method,
        }
    }
}

/// How a value was made unreadable.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RedactionMethod {
    /// It was erased later, since somebody asked for it.
    Erased,
    /// A keyed digest stands for it: equal values can be told.
    Hmac,
    /// It is gone.
    Removed,
    /// A part of it is gone, since it was too large.
    Truncated,
}

/// Who did what to which thing, and how it ended (`AuditEvent`, phase 5).
///
/// The eight fields of the specification keep their names and places; everything else is additive. It is written with
/// `schemaVersion`, `code`, `category`, `crud` and `severity`, which follow from the action and the outcome.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditEvent {
    /// UUID version 7, made at emission; those of one process only grow.
    pub id: Uuid,
    /// When it happened, to the microsecond.
    #[serde(alias = "createdAt")]
    pub timestamp: Timestamp,
    /// Who acted.
    pub actor: AuditActor,
    /// What was done.
    pub action: AuditAction,
    /// What was acted upon.
    #[serde(default)]
    pub resource: Option<AuditResource>,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// What else is worth knowing.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// Milliseconds from the arrival of the request to its answer.
    #[serde(default)]
    pub duration: Option<u64>,
    /// What a model had to do with it.
    #[serde(default)]
    pub ai: Option<Box<AuditAi>>,
    /// What is different afterwards.
    #[serde(default)]
    pub changes: Vec<AuditChange>,
    /// The request behind it.
    #[serde(default)]
    pub context: Option<Box<AuditContext>>,
    /// Who was behind it, where the actor was played by somebody else.
    #[serde(default)]
    pub impersonated_by: Option<AuditParty>,
    /// For whom it was done.
    #[serde(default)]
    pub on_behalf_of: Option<AuditParty>,
    /// Why it was permitted or refused.
    #[serde(default)]
    pub permission: Option<AuditPermission>,
    /// Why it was refused or failed.
    #[serde(default)]
    pub reason: Option<String>,
    /// What a reader cannot see.
    #[serde(default)]
    pub redactions: Vec<AuditRedaction>,
    /// Whether it is about to be done, or was.
    #[serde(default)]
    pub stage: AuditStage,
    /// What else was acted upon.
    #[serde(default)]
    pub targets: Vec<AuditResource>,
}

impl Serialize for AuditEvent {
    /// Leaves out what is empty.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("timestamp", &self.timestamp)?;
        map.serialize_entry("actor", &self.actor)?;
        map.serialize_entry("action", &self.action)?;
        entry(&mut map, "resource", self.resource.as_ref())?;
        map.serialize_entry("outcome", &self.outcome)?;
        entry(&mut map, "metadata", full(&self.metadata, Map::is_empty))?;
        entry(&mut map, "duration", self.duration.as_ref())?;
        entry(&mut map, "ai", self.ai.as_ref())?;
        map.serialize_entry("category", self.action.category())?;
        entry(&mut map, "changes", full(&self.changes, Vec::is_empty))?;
        map.serialize_entry("code", &self.code())?;
        entry(&mut map, "context", self.context.as_ref())?;
        map.serialize_entry("crud", &self.action.card().crud)?;
        entry(&mut map, "impersonatedBy", self.impersonated_by.as_ref())?;
        entry(&mut map, "onBehalfOf", self.on_behalf_of.as_ref())?;
        entry(&mut map, "permission", self.permission.as_ref())?;
        entry(&mut map, "reason", self.reason.as_ref())?;
        entry(
            &mut map,
            "redactions",
            full(&self.redactions, Vec::is_empty),
        )?;
        map.serialize_entry("schemaVersion", &Self::SCHEMA_VERSION)?;
        map.serialize_entry("severity", &self.severity())?;
        map.serialize_entry("stage", &self.stage)?;
        entry(&mut map, "targets", full(&self.targets, Vec::is_empty))?;
        map.end()
    }
}

fn entry<M: SerializeMap>(
    map: &mut M,
    name: &'static str,
    value: Option<&impl Serialize>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(name, value))
}

fn full<T>(value: &T, is_empty: impl Fn(&T) -> bool) -> Option<&T> {
    (!is_empty(value)).then_some(value)
}

impl AuditEvent {
    /// Version of what is written.
    pub const SCHEMA_VERSION: u16 = 1;

    /// Describes an event that happened at `timestamp`.
    pub fn new(
        timestamp: Timestamp,
        actor: AuditActor,
        action: AuditAction,
        outcome: AuditOutcome,
    ) -> Self {
        Self {
            id: super::id::next(timestamp),
            timestamp: super::id::to_micros(timestamp),
            actor,
            action,
            resource: None,
            outcome,
            metadata: Map::new(),
            duration: None,
            ai: None,
            changes: Vec::new(),
            context: None,
            impersonated_by: None,
            on_behalf_of: None,
            permission: None,
            reason: None,
            redactions: Vec::new(),
            stage: AuditStage::default(),
            targets: Vec::new(),
        }
    }

    /// Returns the stable code of the action with a letter for the outcome, such as `MA-2003I`.
    pub fn code(&self) -> String {
        let letter = match self.outcome {
            AuditOutcome::Denied => 'W',
            AuditOutcome::Failure => 'E',
            AuditOutcome::Success => 'I',
        };
        format!("MA-{:04}{letter}", self.action.card().number)
    }

    /// Returns how much it matters.
    pub fn severity(&self) -> Severity {
        self.action.severity(self.outcome)
    }

    /// Tells whether the actor is of this type.
    pub fn is_by(&self, actor_type: ActorType) -> bool {
        self.actor.actor_type == actor_type
    }
}
