//! Answers as the events of the wire.

use ee_core::{
    AgentId, Error, ErrorKind, MessageId, RunId,
    host::{ChatChunk, ChatUsage, FinishReason},
};
use serde_json::{Value, json};

use super::UsageBody;

/// Turns pieces into the events of the wire. A cut stream looks like a good end to clients, so there is always an end.
pub(super) struct WireStream {
    agent: AgentId,
    run: Option<(RunId, MessageId)>,
    text: String,
    is_over: bool,
}

impl WireStream {
    pub(super) const fn new(agent: AgentId) -> Self {
        Self {
            agent,
            run: None,
            text: String::new(),
            is_over: false,
        }
    }

    pub(super) fn events(&mut self, chunk: Option<Result<ChatChunk, Error>>) -> Vec<String> {
        if self.is_over {
            return Vec::new();
        }
        match chunk {
            Some(Ok(ChatChunk::Start {
                run_id,
                message,
                model,
            })) => self.start(run_id, message, &model),
            Some(Ok(ChatChunk::Delta(text))) => {
                self.text.push_str(&text);
                vec![self.event("text-delta", &json!({ "id": "txt-0", "text": text }))]
            }
            Some(Ok(ChatChunk::Finish { reason, usage, .. })) => {
                self.finish(reason_text(reason), usage, Vec::new())
            }
            Some(Ok(_)) => Vec::new(),
            // What is our own fault is for the log.
            Some(Err(err)) if err.kind() == ErrorKind::Internal => self.fail("internal error"),
            Some(Err(err)) => self.fail(err.message()),
            None => self.fail("the model ended without an answer"),
        }
    }

    fn start(&mut self, run_id: RunId, message: MessageId, model: &str) -> Vec<String> {
        let payloads = [
            ("start", json!({ "id": self.agent, "messageId": message })),
            (
                "step-start",
                json!({ "messageId": message, "request": {}, "warnings": [], "model": model }),
            ),
            ("text-start", json!({ "id": "txt-0" })),
        ];
        self.run = Some((run_id, message));
        payloads
            .iter()
            .map(|(kind, payload)| self.event(kind, payload))
            .collect()
    }

    fn fail(&mut self, message: &str) -> Vec<String> {
        let error = self.event(
            "error",
            &json!({ "type": "error", "error": { "name": "Error", "message": message } }),
        );
        self.finish("error", ChatUsage::default(), vec![error])
    }

    fn finish(&mut self, reason: &str, usage: ChatUsage, mut events: Vec<String>) -> Vec<String> {
        self.is_over = true;
        let usage = UsageBody::from(usage);
        let mut payload = json!({
            "messageId": self.run.as_ref().map(|(_, message)| message),
            "stepResult": { "reason": reason, "isContinued": false },
            "metadata": {},
            "output": { "text": self.text, "toolCalls": [], "usage": usage, "steps": [] },
            "usage": usage,
            "messages": { "all": [], "user": [], "nonUser": [] },
        });
        events.push(self.event("text-end", &json!({ "type": "text-end", "id": "txt-0" })));
        events.push(self.event("step-finish", &payload));
        if let Some(map) = payload.as_object_mut() {
            map.insert(
                "response".to_owned(),
                json!({ "messages": [assistant(&self.text)] }),
            );
        }
        events.push(self.event("finish", &payload));
        events.push("[DONE]".to_owned());
        events
    }

    fn event(&self, kind: &str, payload: &Value) -> String {
        let run_id = self.run.as_ref().map(|(run_id, _)| run_id);
        json!({ "type": kind, "runId": run_id, "from": "AGENT", "payload": payload }).to_string()
    }
}

pub(super) fn assistant(text: &str) -> Value {
    json!({ "role": "assistant", "content": [{ "type": "text", "text": text }] })
}

pub(super) fn reason_text(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Length => "length",
        _ => "stop",
    }
}
