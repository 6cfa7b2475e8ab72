use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Page, Paged};
use crate::{AgentId, Error, UserId, Visible};

/// A stored agent.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AgentRecord {
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it, if that is known.
    pub created_by: Option<UserId>,
    /// A sentence about it.
    pub description: Option<String>,
    /// Identity.
    pub id: AgentId,
    /// System prompt.
    pub instructions: String,
    /// Model as `provider/name`, such as `openai/gpt-5-mini` or `echo/dev`.
    pub model: String,
    /// Name for people, of at most 1,000 bytes: lists go along an index of it.
    pub name: String,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl AgentRecord {
    /// Describes a new agent.
    pub const fn new(
        id: AgentId,
        name: String,
        instructions: String,
        model: String,
        now: Timestamp,
    ) -> Self {
        Self {
            created_at: now,
            created_by: None,
            description: None,
            id,
            instructions,
            model,
            name,
            updated_at: now,
        }
    }
}

/// Which agents are wanted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AgentFilter {
    /// What is searched in place of a model that is empty.
    pub default_model: String,
    /// With this in the name, the description, the id or the model, in capital or small letters of English.
    pub search: Option<String>,
    /// None but these.
    pub visible: Visible,
}

impl AgentFilter {
    /// Asks for all that may be shown.
    pub const fn of(visible: Visible) -> Self {
        Self {
            default_model: String::new(),
            search: None,
            visible,
        }
    }
}

/// Keeps agents.
#[async_trait]
pub trait AgentStore: std::fmt::Debug + Send + Sync + 'static {
    /// Keeps a new agent and, in the same step, the grant of its owner
    /// ([`GrantRecord::of_owner`](super::GrantRecord::of_owner)), if it has one. Fails with
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the id is taken: then nobody is granted anything.
    async fn create(&self, agent: AgentRecord, owner: Option<&UserId>) -> Result<(), Error>;

    /// Returns an agent.
    async fn find(&self, id: &AgentId) -> Result<Option<AgentRecord>, Error>;

    /// Returns the agents that may be shown by name, then id.
    async fn list(&self, visible: &Visible) -> Result<Vec<AgentRecord>, Error>;

    /// Returns one page of agents by name, then id.
    async fn page(&self, filter: &AgentFilter, page: Page) -> Result<Paged<AgentRecord>, Error>;

    /// Replaces an agent. False when there is none.
    async fn update(&self, agent: AgentRecord) -> Result<bool, Error>;

    /// Deletes an agent with the grants that permit something with it, in one step: who had one gets nothing of a later
    /// agent with its id. Those that forbid stay, or whoever may delete could free himself. False when there is none:
    /// then all grants stay.
    async fn delete(&self, id: &AgentId) -> Result<bool, Error>;
}
