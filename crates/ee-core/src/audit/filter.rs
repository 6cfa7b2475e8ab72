//! Which events are wanted.

use std::{borrow::Cow, net::IpAddr};

use jiff::Timestamp;

use super::AuditEvent;

/// What events are searched by.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum AuditField {
    /// What was done.
    Action,
    /// Id of who acted.
    ActorId,
    /// What kind of actor, finer.
    ActorKind,
    /// What kind of actor.
    ActorType,
    /// Agent of an act with a model.
    AgentId,
    /// The first part of the action.
    Category,
    /// E-mail address of who acted.
    Email,
    /// Address where he was.
    Ip,
    /// Model of an act with one.
    Model,
    /// Organization of who acted.
    Organization,
    /// How it ended.
    Outcome,
    /// Request behind it.
    RequestId,
    /// Which thing was acted upon.
    ResourceId,
    /// What kind of thing.
    ResourceType,
    /// A role of who acted.
    Role,
    /// Run of a workflow or an agent.
    RunId,
    /// Session of who acted.
    SessionId,
    /// Whether it is about to be done, or was.
    Stage,
    /// Conversation.
    ThreadId,
    /// Trace.
    TraceId,
}

impl AuditField {
    /// Lists all of them.
    pub const ALL: [Self; 20] = [
        Self::Action,
        Self::ActorId,
        Self::ActorKind,
        Self::ActorType,
        Self::AgentId,
        Self::Category,
        Self::Email,
        Self::Ip,
        Self::Model,
        Self::Organization,
        Self::Outcome,
        Self::RequestId,
        Self::ResourceId,
        Self::ResourceType,
        Self::Role,
        Self::RunId,
        Self::SessionId,
        Self::Stage,
        Self::ThreadId,
        Self::TraceId,
    ];

    /// Returns the name of the parameter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::ActorId => "actorId",
            Self::ActorKind => "actorKind",
            Self::ActorType => "actorType",
            Self::AgentId => "agentId",
            Self::Category => "category",
            Self::Email => "email",
            Self::Ip => "ip",
            Self::Model => "model",
            Self::Organization => "org",
            Self::Outcome => "outcome",
            Self::RequestId => "requestId",
            Self::ResourceId => "resourceId",
            Self::ResourceType => "resourceType",
            Self::Role => "role",
            Self::RunId => "runId",
            Self::SessionId => "sessionId",
            Self::Stage => "stage",
            Self::ThreadId => "threadId",
            Self::TraceId => "traceId",
        }
    }

    /// Finds the field of a parameter.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == name)
    }

    /// Returns what an event has there; a role is one of several, see [`values`](Self::values).
    pub fn value(self, event: &AuditEvent) -> Option<Cow<'_, str>> {
        let text = |text: &'static str| Some(Cow::Borrowed(text));
        let actor = &event.actor;
        match self {
            Self::Action => Some(event.action.as_str().into()),
            Self::ActorId => Some((&*actor.id).into()),
            Self::ActorKind => actor.kind.and_then(|kind| text(kind.as_str())),
            Self::ActorType => text(actor.actor_type.as_str()),
            Self::AgentId => event
                .ai
                .as_ref()
                .and_then(|ai| some_of(ai.agent_id.as_ref())),
            Self::Category => Some(event.action.category().into()),
            Self::Email => some_of(actor.email.as_ref()),
            Self::Ip => actor.ip.map(|ip| ip.to_string().into()),
            Self::Model => event.ai.as_ref().and_then(|ai| some_of(ai.model.as_ref())),
            Self::Organization => some_of(actor.organization_id.as_ref()),
            Self::Outcome => text(event.outcome.as_str()),
            Self::RequestId => event.context.as_ref().map(|it| (&*it.request_id).into()),
            Self::ResourceId => event.resource.as_ref().map(|it| (&*it.id).into()),
            Self::ResourceType => event.resource.as_ref().map(|it| (&*it.kind).into()),
            Self::Role => actor.roles.first().map(|role| (&**role).into()),
            Self::RunId => event.ai.as_ref().and_then(|ai| some_of(ai.run_id.as_ref())),
            Self::SessionId => some_of(actor.session_id.as_ref()),
            Self::Stage => text(event.stage.as_str()),
            Self::ThreadId => event
                .ai
                .as_ref()
                .and_then(|ai| some_of(ai.thread_id.as_ref())),
            Self::TraceId => event
                .context
                .as_ref()
                .and_then(|it| some_of(it.trace_id.as_ref())),
        }
    }

    /// Returns everything that an event has there.
    pub fn values(self, event: &AuditEvent) -> Vec<Cow<'_, str>> {
        match self {
            Self::Role => event.actor.roles.iter().map(|it| (&**it).into()).collect(),
            _ => self.value(event).into_iter().collect(),
        }
    }
}

fn some_of(text: Option<&String>) -> Option<Cow<'_, str>> {
    text.map(|text| text.as_str().into())
}

/// What the value of a field must be like.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AuditTest {
    /// Ends so, such as `.delete`.
    EndsWith(String),
    /// Is this.
    Is(String),
    /// Begins so, such as `agents.`.
    StartsWith(String),
}

impl AuditTest {
    /// Returns the same for small letters.
    #[must_use]
    pub fn lowercase(&self) -> Self {
        match self {
            Self::EndsWith(end) => Self::EndsWith(end.to_lowercase()),
            Self::Is(whole) => Self::Is(whole.to_lowercase()),
            Self::StartsWith(start) => Self::StartsWith(start.to_lowercase()),
        }
    }

    fn fits(&self, value: &str) -> bool {
        match self {
            Self::EndsWith(end) => value.ends_with(&**end),
            Self::Is(whole) => value == whole,
            Self::StartsWith(start) => value.starts_with(&**start),
        }
    }
}

/// Which events are wanted (`AuditFilter`, phase 5).
///
/// What an event does not have fits no test; so a `Not` of a test fits it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AuditFilter {
    /// The actor was at one of the addresses from the first to the last.
    Addresses {
        /// The lowest.
        first: IpAddr,
        /// The highest, of the same family.
        last: IpAddr,
    },
    /// Every one of these fits; without any, everything does.
    All(Vec<Self>),
    /// One of these fits; without any, nothing does.
    Any(Vec<Self>),
    /// It took so many milliseconds or more.
    AtLeast(u64),
    /// It happened before.
    Before(Timestamp),
    /// The field is like this. E-mail addresses are compared without case.
    Field(AuditField, AuditTest),
    /// It does not fit.
    Not(Box<Self>),
    /// It happened then or later.
    Since(Timestamp),
    /// Each of the words begins one of the event's [words](AuditEvent::words).
    Words(Vec<String>),
}

impl AuditFilter {
    /// Fits everything.
    pub const EVERYTHING: Self = Self::All(Vec::new());

    /// Fits what has exactly this there.
    pub fn is(field: AuditField, value: impl Into<String>) -> Self {
        Self::Field(field, AuditTest::Is(value.into()))
    }

    /// Fits what both fit.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All(mut all), Self::All(others)) => {
                all.extend(others);
                Self::All(all)
            }
            (Self::All(mut all), other) | (other, Self::All(mut all)) => {
                all.push(other);
                Self::All(all)
            }
            (one, other) => Self::All(vec![one, other]),
        }
    }

    /// Tells whether the event is wanted.
    pub fn matches(&self, event: &AuditEvent) -> bool {
        match self {
            Self::Addresses { first, last } => event
                .actor
                .ip
                .is_some_and(|ip| ip.is_ipv4() == first.is_ipv4() && (first..=last).contains(&&ip)),
            Self::All(all) => all.iter().all(|it| it.matches(event)),
            Self::Any(any) => any.iter().any(|it| it.matches(event)),
            Self::AtLeast(millis) => event.duration.is_some_and(|it| it >= *millis),
            Self::Before(end) => event.timestamp < *end,
            Self::Field(AuditField::Email, test) => {
                let email = event.actor.email.as_deref().map(str::to_lowercase);
                email.is_some_and(|email| test.lowercase().fits(&email))
            }
            Self::Field(field, test) => field.values(event).iter().any(|it| test.fits(it)),
            Self::Not(not) => !not.matches(event),
            Self::Since(start) => event.timestamp >= *start,
            Self::Words(words) => {
                let all = event.words();
                let is_there = |word: &String| all.iter().any(|it| it.starts_with(&**word));
                words.iter().all(is_there)
            }
        }
    }
}

impl Default for AuditFilter {
    fn default() -> Self {
        Self::EVERYTHING
    }
}

impl AuditEvent {
    /// Returns what a search for words looks at, in lower case: action, actor, resource, reason and texts of the metadata.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut add = |text: &str| words.extend(words_of(text));
        add(self.action.as_str());
        add(self.action.label());
        add(&self.actor.id);
        let resource = self.resource.iter().chain(&self.targets);
        for thing in resource {
            add(&thing.kind);
            add(&thing.id);
            add(thing.name.as_deref().unwrap_or_default());
        }
        for text in [&self.actor.email, &self.actor.name, &self.reason] {
            add(text.as_deref().unwrap_or_default());
        }
        for value in self.metadata.values() {
            add(value.as_str().unwrap_or_default());
        }
        words.sort_unstable();
        words.dedup();
        words
    }
}

/// Cuts a text into words: runs of letters and digits, in lower case.
pub fn words_of(text: &str) -> impl Iterator<Item = String> {
    // Small letters first: some capital ones become a letter and a mark, and a mark ends a word.
    let text = text.to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.into_iter()
}

/// Which part of the events is wanted, by the time when they happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditQuery {
    /// Which events.
    pub filter: AuditFilter,
    /// Only those behind this place, in the order of the list.
    pub after: Option<AuditPlace>,
    /// Whether the oldest comes first.
    pub is_ascending: bool,
    /// Most events of the part.
    pub limit: u32,
}

impl AuditQuery {
    /// Most events of one part.
    pub const MAX_LIMIT: u32 = 1_000;

    /// Asks for the newest.
    pub fn newest(filter: AuditFilter, limit: u32) -> Self {
        Self {
            filter,
            after: None,
            is_ascending: false,
            limit: limit.clamp(1, Self::MAX_LIMIT),
        }
    }
}

/// Where an event stands among those of the same and of other times.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct AuditPlace {
    /// When it happened.
    pub timestamp: Timestamp,
    /// Which event.
    pub id: uuid::Uuid,
}
