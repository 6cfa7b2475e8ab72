use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Page, Paged};
use crate::{AgentId, Error, MessageId, ThreadId, UserId, Visible};

/// A conversation.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ThreadRecord {
    /// With which agent, if with one.
    pub agent_id: Option<AgentId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Identity.
    pub id: ThreadId,
    /// What the client keeps beside it.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Whose it is. Taken from the caller's identity and never from a request.
    pub owner: UserId,
    /// The client's own label for grouping (`resourceId` on the wire).
    pub resource_id: String,
    /// Title for people.
    pub title: Option<String>,
    /// When it was last changed or written to.
    pub updated_at: Timestamp,
}

impl ThreadRecord {
    /// Describes a new conversation.
    pub fn new(id: ThreadId, owner: UserId, resource_id: String, now: Timestamp) -> Self {
        Self {
            agent_id: None,
            created_at: now,
            id,
            metadata: serde_json::Map::new(),
            owner,
            resource_id,
            title: None,
            updated_at: now,
        }
    }
}

/// Who said a message.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageRole {
    /// The model.
    Assistant,
    /// The one who set the conversation up.
    System,
    /// The person.
    User,
}

/// One message of a conversation.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MessageRecord {
    /// When it was said.
    pub created_at: Timestamp,
    /// Identity.
    pub id: MessageId,
    /// Who said it.
    pub role: MessageRole,
    /// What was said, Markdown.
    pub text: String,
}

impl MessageRecord {
    /// Describes a message.
    pub const fn new(
        id: MessageId,
        role: MessageRole,
        text: String,
        created_at: Timestamp,
    ) -> Self {
        Self {
            created_at,
            id,
            role,
            text,
        }
    }
}

/// Which conversations are wanted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ThreadFilter {
    /// With this agent only.
    pub agent_id: Option<AgentId>,
    /// Whose.
    pub owner: UserId,
    /// With this label only.
    pub resource_id: Option<String>,
    /// None but these.
    pub visible: Visible,
}

impl ThreadFilter {
    /// Asks for all conversations of somebody that may be shown.
    pub const fn of(owner: UserId, visible: Visible) -> Self {
        Self {
            agent_id: None,
            owner,
            resource_id: None,
            visible,
        }
    }
}

/// Keeps conversations and their messages.
#[async_trait]
pub trait ThreadStore: std::fmt::Debug + Send + Sync + 'static {
    /// Keeps a new conversation. Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the id is taken.
    async fn create(&self, thread: ThreadRecord) -> Result<(), Error>;

    /// Returns a conversation.
    async fn find(&self, id: &ThreadId) -> Result<Option<ThreadRecord>, Error>;

    /// Returns conversations, the last written first.
    async fn list(&self, filter: &ThreadFilter, page: Page) -> Result<Paged<ThreadRecord>, Error>;

    /// Replaces title, metadata, agent and time of change. False when there is none.
    async fn update(&self, thread: ThreadRecord) -> Result<bool, Error>;

    /// Deletes a conversation with its messages and the grants that permit something with it, in one step. False when
    /// there is none: then all grants stay.
    async fn delete(&self, id: &ThreadId) -> Result<bool, Error>;

    /// Adds messages in this order and moves the conversation's time of change to the last one's.
    /// Fails with [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when there is no such conversation.
    async fn append(&self, id: &ThreadId, messages: Vec<MessageRecord>) -> Result<(), Error>;

    /// Returns messages in the order in which they were added.
    async fn messages(&self, id: &ThreadId, page: Page) -> Result<Paged<MessageRecord>, Error>;

    /// Returns the last `limit` messages in the order in which they were added.
    async fn last_messages(&self, id: &ThreadId, limit: u32) -> Result<Vec<MessageRecord>, Error>;
}
