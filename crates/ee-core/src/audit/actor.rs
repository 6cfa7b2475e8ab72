//! Who acted.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What kind of actor acted (`AuditActor.type`, phase 5).
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

    /// Reads any spelling that clients use: `apikey`, `api-key` and `api_key` are one.
    pub fn find(text: &str) -> Option<Self> {
        match text {
            "apikey" | "api-key" | "api_key" => Some(Self::Apikey),
            "system" => Some(Self::System),
            "user" => Some(Self::User),
            _ => None,
        }
    }
}

/// What an actor is, finer than [`ActorType`].
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ActorKind {
    /// An agent with credentials of its own.
    Agent,
    /// Somebody who did not say who he is.
    Anonymous,
    /// A key of a person.
    ApiKey,
    /// A person.
    Human,
    /// Something that runs by the clock.
    Scheduler,
    /// A program with credentials of its own.
    Service,
    /// Somebody of the operator who acts for a person.
    Support,
}

impl ActorKind {
    /// Lists all of them, by name.
    pub const ALL: [Self; 7] = [
        Self::Agent,
        Self::Anonymous,
        Self::ApiKey,
        Self::Human,
        Self::Scheduler,
        Self::Service,
        Self::Support,
    ];

    /// Returns the spelling of the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Anonymous => "anonymous",
            Self::ApiKey => "api_key",
            Self::Human => "human",
            Self::Scheduler => "scheduler",
            Self::Service => "service",
            Self::Support => "support",
        }
    }

    /// Reads the spelling of the wire.
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Who acted (`AuditActor`, phase 5). The first five fields are those of the specification.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditActor {
    /// What kind of actor.
    #[serde(rename = "type")]
    pub actor_type: ActorType,
    /// The user's id, `system`, or `anonymous`.
    pub id: String,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Address as judged by the adapter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// What the client calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// How he proved who he is, such as `password` or `sso`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_method: Option<String>,
    /// Which key it was, never the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_id: Option<String>,
    /// What it is, finer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ActorKind>,
    /// Name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The organization of the identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// The roles that he had then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Public id of the session, never its token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

impl AuditActor {
    /// Describes an actor by type and id.
    pub fn new(actor_type: ActorType, id: impl Into<String>) -> Self {
        Self {
            actor_type,
            id: id.into(),
            email: None,
            ip: None,
            user_agent: None,
            auth_method: None,
            credential_id: None,
            kind: None,
            name: None,
            organization_id: None,
            roles: Vec::new(),
            session_id: None,
        }
    }

    /// Somebody who did not say who he is.
    pub fn anonymous() -> Self {
        let mut actor = Self::new(ActorType::User, "anonymous");
        actor.kind = Some(ActorKind::Anonymous);
        actor
    }

    /// The server itself.
    pub fn system() -> Self {
        Self::new(ActorType::System, "system")
    }
}

/// Somebody else behind an act: for whom it was done, or who was behind it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AuditParty {
    /// What kind of actor.
    #[serde(rename = "type")]
    pub actor_type: ActorType,
    /// His id.
    pub id: String,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

impl AuditParty {
    /// Describes somebody by type and id.
    pub fn new(actor_type: ActorType, id: impl Into<String>) -> Self {
        Self {
            actor_type,
            id: id.into(),
            email: None,
        }
    }
}
