//! The events that the script of the chat reads, each one JSON with `type` and `payload`.

use axum::response::Response;
use ee_adapter_axum::{AuthContext, FormBody, HttpError, PathParams, event_stream};
use ee_core::{AgentId, Error, MessageId, ThreadId, host::ChatChunk};
use ee_server::{Cx, agents, chat};
use futures_util::{StreamExt as _, stream as streams};
use serde_json::{Value, json};
use tracing::warn;

use super::{
    chat::{Fields, question, reason},
    conversation,
};
use crate::{components::chat_message, paths};

const DONE: &str = "[DONE]";

/// Asks and answers piece by piece. When the browser stops listening the model stops.
pub(crate) async fn stream(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<AgentId>,
    FormBody(fields): FormBody<Fields>,
) -> Result<Response, HttpError> {
    let agent = agents::find(&cx, &id).await?;
    let question = question(&cx, &id, &fields).await?;
    let chunks = chat::pieces(&cx, question.request).await?;
    let first = thread_event(&cx, &id, &question.thread);
    let mut events = Events {
        agent_name: agent.name,
        cx,
        is_over: false,
        message: None,
    };
    let rest = chunks
        .map(Some)
        .chain(streams::iter([None]))
        .flat_map(move |chunk| streams::iter(events.of(chunk)));
    Ok(event_stream(streams::iter([first]).chain(rest)))
}

/// Names the conversation and its page. Who may not read conversations stays on the agent's page.
fn thread_event(cx: &Cx, agent: &AgentId, thread: &ThreadId) -> String {
    let url = if conversation::may_read(cx, thread) {
        paths::thread(agent.as_str(), thread.as_str())
    } else {
        paths::agent(agent.as_str())
    };
    event("thread", &json!({ "id": thread, "url": url }))
}

/// Turns pieces into events. A stream that is cut looks like a good end, so there is always an end.
#[derive(Debug)]
struct Events {
    agent_name: String,
    cx: Cx,
    is_over: bool,
    message: Option<MessageId>,
}

impl Events {
    fn of(&mut self, chunk: Option<Result<ChatChunk, Error>>) -> Vec<String> {
        if self.is_over {
            return Vec::new();
        }
        match chunk {
            Some(Ok(ChatChunk::Start { message, .. })) => {
                self.message = Some(message);
                Vec::new()
            }
            Some(Ok(ChatChunk::Delta(text))) => vec![event("text-delta", &json!({ "text": text }))],
            Some(Ok(ChatChunk::Finish { text, .. })) => {
                let message = self.answer(text);
                self.end(message)
            }
            Some(Ok(_)) => Vec::new(),
            Some(Err(err)) => {
                warn!(request.id = %self.cx.request_id(), error = &err as &dyn std::error::Error, "an answer broke off");
                let message = reason(&HttpError::from(err));
                self.end(event("error", &json!({ "message": message })))
            }
            None => {
                let message = "The agent ended without an answer. Try again.";
                self.end(event("error", &json!({ "message": message })))
            }
        }
    }

    /// The whole answer as the page shows it later.
    fn answer(&mut self, text: String) -> String {
        let id = self.message.take().unwrap_or_else(MessageId::random);
        let now = self.cx.server().clock.now();
        let message = conversation::from_agent(id, &self.agent_name, text, Some(now));
        event(
            "message",
            &json!({ "html": chat_message(&message).into_string() }),
        )
    }

    fn end(&mut self, last: String) -> Vec<String> {
        self.is_over = true;
        vec![last, DONE.to_owned()]
    }
}

fn event(kind: &str, payload: &Value) -> String {
    json!({ "type": kind, "payload": payload }).to_string()
}
