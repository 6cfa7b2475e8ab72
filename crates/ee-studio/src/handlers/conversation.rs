//! An agent's page with one conversation on it.

use axum::response::Response;
use ee_adapter_axum::HttpError;
use ee_core::{
    AgentId, Error, ErrorKind, MessageId, ThreadId,
    storage::{AgentRecord, MessageRecord, MessageRole, Page, ThreadRecord},
};
use ee_server::{Cx, permissions as p, threads};
use jiff::Timestamp;

use crate::{
    components::{Author, ChatMessage, MessageState, ThreadItem, ThreadList},
    layout::Section,
    pages::{AgentPage, agent_page},
    visit::Visit,
};

/// How many messages a page shows, the last ones.
const SHOWN_MESSAGES: u32 = 200;
/// How many conversations a page lists, the last ones.
const SHOWN_THREADS: u32 = 50;
/// The provider of the built-in model.
const BUILT_IN: &str = "echo/";

/// What an agent's page shows of the conversation.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) draft: String,
    pub(super) error: Option<String>,
    pub(super) messages: Vec<ChatMessage>,
    pub(super) thread: Option<ThreadId>,
}

/// Draws an agent's page.
pub(super) async fn draw(
    visit: &Visit,
    agent: &AgentRecord,
    conversation: Conversation,
) -> Result<Response, HttpError> {
    let (cx, id) = (&visit.cx, agent.id.as_str());
    let threads = thread_list(cx, &agent.id, conversation.thread.as_ref()).await?;
    let page = AgentPage {
        id: id.to_owned(),
        name: agent.name.clone(),
        description: agent.description.clone().unwrap_or_default(),
        model: agent.model.clone(),
        instructions: agent.instructions.clone(),
        built_in_model: agent.model.starts_with(BUILT_IN),
        may_execute: cx.allows_on(&p::AGENTS_EXECUTE, id),
        may_edit: cx.allows_on(&p::STORED_AGENTS_WRITE, id),
        may_delete: cx.allows_on(&p::STORED_AGENTS_DELETE, id),
        messages: conversation.messages,
        thread_id: conversation.thread.map(String::from),
        threads,
        draft: conversation.draft,
        chat_error: conversation.error,
    };
    let content = agent_page(&page);
    Ok(visit.page(&agent.name, Section::Agents, content).await)
}

async fn thread_list(
    cx: &Cx,
    agent: &AgentId,
    current: Option<&ThreadId>,
) -> Result<Option<ThreadList>, Error> {
    if !cx.allows_some(&p::MEMORY_READ) {
        return Ok(None);
    }
    let page = Page::new(0, SHOWN_THREADS)?;
    let found = threads::list(cx, Some(agent.clone()), None, page).await?;
    let item = |thread: threads::ThreadBody| ThreadItem {
        id: thread.id.into(),
        title: thread.title.unwrap_or_default(),
        updated_at: thread.updated_at,
    };
    Ok(Some(ThreadList {
        agent_id: agent.to_string(),
        threads: found.threads.into_iter().map(item).collect(),
        current: current.map(ToString::to_string),
    }))
}

/// Returns a conversation of the caller with this agent. Fails with [`ErrorKind::NotFound`].
pub(super) async fn find(cx: &Cx, agent: &AgentId, id: &ThreadId) -> Result<ThreadRecord, Error> {
    let thread = threads::get(cx, id).await?;
    if thread.agent_id.as_ref().is_some_and(|with| with != agent) {
        return Err(Error::new(ErrorKind::NotFound, "Thread not found"));
    }
    Ok(thread)
}

/// Tells whether the caller may read his conversation again.
pub(super) fn may_read(cx: &Cx, thread: &ThreadId) -> bool {
    cx.allows_on(&p::MEMORY_READ, thread.as_str())
}

/// Returns the last messages of a conversation of the caller, none where he may not read it.
pub(super) async fn messages(
    cx: &Cx,
    thread: &ThreadRecord,
    agent_name: &str,
) -> Result<Vec<ChatMessage>, Error> {
    if !may_read(cx, &thread.id) {
        return Ok(Vec::new());
    }
    let store = threads::store(cx)?;
    let last = store.last_messages(&thread.id, SHOWN_MESSAGES).await?;
    Ok(last
        .into_iter()
        .filter_map(|message| shown(message, agent_name))
        .collect())
}

fn shown(message: MessageRecord, agent_name: &str) -> Option<ChatMessage> {
    let at = Some(message.created_at);
    match message.role {
        MessageRole::Assistant => Some(from_agent(message.id, agent_name, message.text, at)),
        MessageRole::User => Some(from_user(message.id, message.text, at)),
        MessageRole::System => None,
    }
}

/// Describes an answer.
pub(super) fn from_agent(
    id: MessageId,
    agent_name: &str,
    text: String,
    sent_at: Option<Timestamp>,
) -> ChatMessage {
    ChatMessage {
        id: id.into(),
        author: Author::Agent,
        author_name: agent_name.to_owned(),
        text,
        state: MessageState::Complete,
        sent_at,
    }
}

/// Describes a question.
pub(super) fn from_user(id: MessageId, text: String, sent_at: Option<Timestamp>) -> ChatMessage {
    ChatMessage {
        id: id.into(),
        author: Author::User,
        author_name: "You".to_owned(),
        text,
        state: MessageState::Complete,
        sent_at,
    }
}
