use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AgentId, Error, UserId};

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
    /// Name for people.
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

/// Keeps agents.
#[async_trait]
pub trait AgentStore: std::fmt::Debug + Send + Sync + 'static {
    /// Keeps a new agent. Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the id is taken.
    async fn create(&self, agent: AgentRecord) -> Result<(), Error>;

    /// Returns an agent.
    async fn find(&self, id: &AgentId) -> Result<Option<AgentRecord>, Error>;

    /// Returns all agents by name, then id.
    async fn list(&self) -> Result<Vec<AgentRecord>, Error>;

    /// Replaces an agent. False when there is none.
    async fn update(&self, agent: AgentRecord) -> Result<bool, Error>;

    /// Deletes an agent. False when there is none.
    async fn delete(&self, id: &AgentId) -> Result<bool, Error>;
}
