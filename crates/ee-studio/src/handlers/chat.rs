use axum::response::Response;
use ee_adapter_axum::{FormBody, HttpError, PathParams};
use ee_core::{
    AgentId, Error, ErrorKind, MessageId, ThreadId,
    host::{ChatMessage, ChatRequest, ChatThread},
    storage::{AgentRecord, MessageRole},
};
use ee_server::{Cx, agents, chat as ask, threads};
use http::StatusCode;
use serde::Deserialize;

use super::{
    conversation::{self, Conversation},
    failed, lines,
};
use crate::{
    paths,
    visit::{Visit, see_other, sentence},
};

const MAX_MESSAGE_CHARS: usize = 32_000;

/// What the form under a conversation sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fields {
    message: String,
    thread_id: String,
}

/// A question and where it is kept.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) request: ChatRequest,
    pub(super) thread: ThreadId,
}

/// Turns the form into a question in a conversation of the caller, a new one when none is named.
///
/// Fails with [`ErrorKind::Invalid`] for the message and [`ErrorKind::NotFound`] for the conversation.
pub(super) async fn question(cx: &Cx, agent: &AgentId, fields: &Fields) -> Result<Question, Error> {
    let text = lines(&fields.message);
    let owner = cx.owner()?;
    let thread = if fields.thread_id.is_empty() {
        ChatThread {
            id: ThreadId::random(),
            resource_id: owner.to_string(),
            owner,
        }
    } else {
        let id = ThreadId::new(fields.thread_id.as_str())?;
        let found = conversation::find(cx, agent, &id).await?;
        ChatThread {
            id: found.id,
            resource_id: found.resource_id,
            owner,
        }
    };
    if text.trim().is_empty() {
        return Err(Error::new(ErrorKind::Invalid, "Write a message first"));
    }
    if text.chars().count() > MAX_MESSAGE_CHARS {
        let message = format!("A message has {MAX_MESSAGE_CHARS} characters at most");
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    let id = thread.id.clone();
    let said = ChatMessage {
        role: MessageRole::User,
        text,
    };
    let mut request = ChatRequest::new(agent.clone(), vec![said]);
    request.thread = Some(thread);
    Ok(Question {
        request,
        thread: id,
    })
}

/// Tells the person why an agent did not answer; what is our own fault is for the log.
pub(super) fn reason(error: &HttpError) -> String {
    if error.status == StatusCode::INTERNAL_SERVER_ERROR {
        "The agent could not answer. Try again.".to_owned()
    } else {
        sentence(error.text())
    }
}

/// Asks and waits for the whole answer, for browsers without the script.
pub(crate) async fn chat(
    visit: Visit,
    PathParams(id): PathParams<AgentId>,
    FormBody(fields): FormBody<Fields>,
) -> Result<Response, HttpError> {
    let cx = &visit.cx;
    let agent = agents::find(cx, &id).await?;
    let question = match question(cx, &id, &fields).await {
        Ok(question) => question,
        Err(err) => {
            let thread = ThreadId::new(fields.thread_id.as_str()).ok();
            return again(&visit, &agent, thread, &fields, err).await;
        }
    };
    let thread = question.thread;
    let answer = match ask::generate(cx, question.request).await {
        Ok(answer) => answer,
        Err(err) => return again(&visit, &agent, Some(thread), &fields, err).await,
    };
    let answer_id = answer.response.get("id").and_then(|id| id.as_str());
    let answer_id = answer_id.and_then(|id| MessageId::new(id).ok());
    if conversation::may_read(cx, &thread) {
        let page = paths::thread(id.as_str(), thread.as_str());
        return Ok(see_other(&match answer_id {
            Some(answer) => format!("{page}#message-{answer}"),
            None => page,
        }));
    }
    // Who may not read conversations sees the answer this once.
    let answer_id = answer_id.unwrap_or_else(MessageId::random);
    let now = Some(cx.server().clock.now());
    let shown = Conversation {
        messages: vec![
            conversation::from_user(MessageId::random(), lines(&fields.message), Some(cx.now())),
            conversation::from_agent(answer_id, &agent.name, answer.text, now),
        ],
        thread: Some(thread),
        ..Conversation::default()
    };
    conversation::draw(&visit, &agent, shown).await
}

/// Shows the page again with what was written and why there is no answer.
async fn again(
    visit: &Visit,
    agent: &AgentRecord,
    thread: Option<ThreadId>,
    fields: &Fields,
    err: Error,
) -> Result<Response, HttpError> {
    let error = HttpError::from(err);
    if matches!(error.status.as_u16(), 401 | 403 | 404) {
        return Ok(failed(error));
    }
    let mut shown = Conversation {
        draft: lines(&fields.message),
        error: Some(reason(&error)),
        ..Conversation::default()
    };
    // A conversation that was to be new exists when the question has been kept.
    let kept = match thread {
        Some(id) => threads::get(&visit.cx, &id).await.ok(),
        None => None,
    };
    if let Some(thread) = kept {
        shown.messages = conversation::messages(&visit.cx, &thread, &agent.name).await?;
        shown.thread = Some(thread.id);
    }
    let page = conversation::draw(visit, agent, shown).await?;
    Ok(error.drawn(page))
}
