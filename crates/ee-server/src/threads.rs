//! Conversations as the wire has them. Everybody sees those of his own that he may read, and no other.

use ee_core::{
    AgentId, Error, ErrorKind, MessageId, ThreadId, Visible,
    storage::{MessageRecord, MessageRole, Page, Paged, ThreadFilter, ThreadRecord, ThreadStore},
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{AuditNote, Cx, Reply, permissions};

const MAX_METADATA_BYTES: usize = 16_384;
const MAX_TITLE_CHARS: usize = 200;

/// A conversation.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadBody {
    /// Identity.
    pub id: ThreadId,
    /// The client's label for grouping.
    pub resource_id: String,
    /// Title for people.
    pub title: Option<String>,
    /// What the client keeps beside it.
    pub metadata: Map<String, Value>,
    /// When it was created.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it was last changed or written to.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
}

impl From<ThreadRecord> for ThreadBody {
    fn from(thread: ThreadRecord) -> Self {
        Self {
            id: thread.id,
            resource_id: thread.resource_id,
            title: thread.title,
            metadata: thread.metadata,
            created_at: thread.created_at,
            updated_at: thread.updated_at,
        }
    }
}

/// One page of conversations.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Threads {
    /// The conversations of the page, the last written first.
    pub threads: Vec<ThreadBody>,
    /// All of them.
    pub total: u64,
    /// Counted from 0.
    pub page: u32,
    /// Size of the page.
    pub per_page: u32,
    /// Whether more follow.
    pub has_more: bool,
}

/// One message.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageBody {
    /// Identity.
    pub id: MessageId,
    /// Who said it.
    pub role: MessageRole,
    /// When.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// In which conversation.
    pub thread_id: ThreadId,
    /// The conversation's label.
    pub resource_id: String,
    /// What was said, as one part of text.
    pub content: Value,
}

/// One page of messages.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Messages {
    /// The messages of the page, in their order.
    pub messages: Vec<MessageBody>,
    /// All of them.
    pub total: u64,
    /// Counted from 0.
    pub page: u32,
    /// Size of the page.
    pub per_page: u32,
    /// Whether more follow.
    pub has_more: bool,
}

/// Body of `POST /memory/threads`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", expecting = "an object")]
pub struct CreateThreadBody {
    /// With which agent.
    pub agent_id: Option<AgentId>,
    /// The client's label for grouping; the caller's id when absent.
    pub resource_id: Option<String>,
    /// Title for people.
    pub title: Option<String>,
    /// What the client keeps beside it.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// Identity, random when absent.
    pub thread_id: Option<ThreadId>,
    /// Not used.
    pub request_context: Option<Value>,
}

/// Body of `PATCH /memory/threads/:threadId`: what is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", expecting = "an object")]
pub struct PatchThreadBody {
    /// Title for people.
    pub title: Option<String>,
    /// What the client keeps beside it.
    pub metadata: Option<Map<String, Value>>,
    /// The client's label for grouping. It cannot be changed; the same one is accepted.
    pub resource_id: Option<String>,
    /// Not used.
    pub request_context: Option<Value>,
}

/// `GET /memory/threads`: exactly those of the caller's own that he may read.
pub async fn list(
    cx: &Cx,
    agent_id: Option<AgentId>,
    resource_id: Option<String>,
    page: Page,
) -> Result<Threads, Error> {
    let mut filter = ThreadFilter::of(cx.owner()?, Visible::EVERYTHING);
    filter.agent_id = agent_id;
    filter.resource_id = resource_id;
    let found = permitted(cx, filter, page).await?;
    let has_more = page.offset() + (found.rows.len() as u64) < found.total;
    let threads = found.rows.into_iter().map(ThreadBody::from).collect();
    Ok(Threads {
        threads,
        total: found.total,
        page: page.number,
        per_page: page.size,
        has_more,
    })
}

/// Returns one page of the threads that the caller may read. Few of his own are judged one by one where his grants name
/// many.
async fn permitted(
    cx: &Cx,
    mut filter: ThreadFilter,
    page: Page,
) -> Result<Paged<ThreadRecord>, Error> {
    let (permission, threads) = (&permissions::MEMORY_READ, store(cx)?);
    if cx.names_many(permission).is_some() {
        let all = threads.list(&filter, Page::new(0, Page::MAX_SIZE)?).await?;
        if all.total == all.rows.len() as u64 {
            let judge = cx.judge(permission).await?;
            return Ok(judge.page(&all.rows, |it| it.id.as_str(), page));
        }
    }
    filter.visible = cx.visible(permission).await?;
    threads.list(&filter, page).await
}

/// `GET /memory/threads/:threadId`.
pub async fn get(cx: &Cx, id: &ThreadId) -> Result<ThreadRecord, Error> {
    let owner = cx.owner()?;
    let thread = store(cx)?.find(id).await?;
    // Somebody else's conversation answers exactly like an unknown one.
    thread
        .filter(|thread| thread.owner == owner)
        .ok_or_else(not_found)
}

/// `POST /memory/threads`.
pub async fn create(cx: &Cx, body: CreateThreadBody) -> Result<Reply<ThreadBody>, Error> {
    check(
        body.title.as_deref(),
        Some(&body.metadata),
        body.resource_id.as_deref(),
    )?;
    let owner = cx.owner()?;
    let id = body.thread_id.unwrap_or_else(ThreadId::random);
    let resource_id = body.resource_id.unwrap_or_else(|| owner.to_string());
    let mut thread = ThreadRecord::new(id, owner, resource_id, cx.now());
    thread.agent_id = body.agent_id;
    thread.metadata = body.metadata;
    thread.title = body.title;
    store(cx)?.create(thread.clone()).await?;
    let note = AuditNote::about("thread", thread.id.as_str(), thread.title.clone());
    Ok(Reply::new(thread.into()).noted(note))
}

/// `PATCH /memory/threads/:threadId`.
pub async fn update(cx: &Cx, id: &ThreadId, body: PatchThreadBody) -> Result<ThreadBody, Error> {
    check(body.title.as_deref(), body.metadata.as_ref(), None)?;
    let mut thread = get(cx, id).await?;
    if body
        .resource_id
        .is_some_and(|resource_id| resource_id != thread.resource_id)
    {
        return Err(Error::invalid_field("resourceId", "cannot be changed"));
    }
    thread.title = body.title.or(thread.title);
    thread.metadata = body.metadata.unwrap_or(thread.metadata);
    thread.updated_at = cx.now();
    if store(cx)?.update(thread.clone()).await? {
        Ok(thread.into())
    } else {
        Err(not_found())
    }
}

/// `DELETE /memory/threads/:threadId`.
pub async fn delete(cx: &Cx, id: &ThreadId) -> Result<Value, Error> {
    let thread = get(cx, id).await?;
    if store(cx)?.delete(&thread.id).await? {
        Ok(json!({ "result": "Thread deleted" }))
    } else {
        Err(not_found())
    }
}

/// `GET /memory/threads/:threadId/messages`.
pub async fn messages(cx: &Cx, id: &ThreadId, page: Page) -> Result<Messages, Error> {
    let thread = get(cx, id).await?;
    let found = store(cx)?.messages(&thread.id, page).await?;
    let has_more = page.offset() + (found.rows.len() as u64) < found.total;
    let messages = found
        .rows
        .into_iter()
        .map(|message| body(&thread, message))
        .collect();
    Ok(Messages {
        messages,
        total: found.total,
        page: page.number,
        per_page: page.size,
        has_more,
    })
}

fn body(thread: &ThreadRecord, message: MessageRecord) -> MessageBody {
    let content = json!({
        "format": 2,
        "parts": [{ "type": "text", "text": message.text }],
        "content": message.text,
    });
    MessageBody {
        id: message.id,
        role: message.role,
        created_at: message.created_at,
        thread_id: thread.id.clone(),
        resource_id: thread.resource_id.clone(),
        content,
    }
}

fn check(
    title: Option<&str>,
    metadata: Option<&Map<String, Value>>,
    resource_id: Option<&str>,
) -> Result<(), Error> {
    if title.is_some_and(|title| title.chars().count() > MAX_TITLE_CHARS) {
        return Err(Error::invalid_field(
            "title",
            format!("must not be longer than {MAX_TITLE_CHARS} characters"),
        ));
    }
    if resource_id.is_some_and(|id| id.is_empty() || id.len() > ee_core::MAX_ID_BYTES) {
        return Err(Error::invalid_field(
            "resourceId",
            format!("must have 1 to {} bytes", ee_core::MAX_ID_BYTES),
        ));
    }
    let bytes = metadata.map_or(0, |metadata| {
        Value::Object(metadata.clone()).to_string().len()
    });
    if bytes > MAX_METADATA_BYTES {
        return Err(Error::invalid_field(
            "metadata",
            format!("must not be longer than {MAX_METADATA_BYTES} bytes"),
        ));
    }
    Ok(())
}

/// Returns where conversations are kept. Fails with [`ErrorKind::Unsupported`].
pub fn store(cx: &Cx) -> Result<&dyn ThreadStore, Error> {
    Ok(cx.agents()?.threads())
}

fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "Thread not found")
}
