//! Questions to agents and their answers, as the wire has them.

mod wire;

use ee_core::{
    AgentId, Error, ErrorKind, Issue, RunId, ThreadId,
    host::{ChatChunk, ChatMessage, ChatRequest, ChatThread, ChatUsage},
    storage::MessageRole,
};
use futures_core::stream::BoxStream;
use futures_util::StreamExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use wire::{WireStream, assistant, reason_text};

use crate::{Cx, Object};

const MAX_MESSAGES: usize = 200;

/// One message or several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a text or a list of messages")]
pub enum MessagesBody {
    /// What the user says.
    Text(String),
    /// A list of messages.
    List(Vec<ChatMessageBody>),
}

/// A message in one of the forms that clients send.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a text or a message with a role")]
pub enum ChatMessageBody {
    /// What the user says.
    Text(String),
    /// Somebody says something.
    Message {
        /// Who.
        role: MessageRole,
        /// What.
        content: Option<ContentBody>,
        /// What, in the form of user interfaces.
        parts: Option<Vec<Object<PartBody>>>,
    },
}

/// Text, or parts of text.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a text or a list of parts")]
pub enum ContentBody {
    /// Text.
    Text(String),
    /// Parts.
    Parts(Vec<Object<PartBody>>),
}

/// A part of a message. Only text is understood.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(expecting = "an object")]
pub struct PartBody {
    /// `text`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The text.
    pub text: Option<String>,
}

/// Where the conversation is kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(expecting = "an object")]
pub struct MemoryBody {
    /// Which conversation.
    pub thread: ThreadRef,
    /// The client's label for grouping. Whose it is follows from the caller alone.
    pub resource: Option<String>,
    /// Settings of other servers, not used here.
    pub options: Option<Value>,
}

/// A conversation by id.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected an id or an object with an id")]
pub enum ThreadRef {
    /// Its id.
    Id(ThreadId),
    /// Its id in an object.
    Object {
        /// Its id.
        id: ThreadId,
    },
}

/// Body of `POST /agents/:id/generate` and `/stream`.
///
/// Options of other servers that would only tune the model are accepted and not used; options that
/// would change what the answer means are refused.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", expecting = "an object")]
pub struct ChatBody {
    /// What is said.
    pub messages: MessagesBody,
    /// Replaces the agent's instructions for this question.
    pub instructions: Option<String>,
    /// Where it is kept.
    pub memory: Option<Object<MemoryBody>>,
    /// Id of the conversation, the older form of `memory.thread`.
    pub thread_id: Option<ThreadId>,
    /// The label, the older form of `memory.resource`.
    pub resource_id: Option<String>,
    /// Id of the run.
    pub run_id: Option<RunId>,

    /// Not supported.
    pub client_tools: Option<Value>,
    /// Not supported.
    pub output: Option<Value>,
    /// Not supported.
    pub structured_output: Option<Value>,
    /// Not supported.
    pub toolsets: Option<Value>,

    /// Not used.
    pub active_tools: Option<Value>,
    /// Not used.
    pub context: Option<Value>,
    /// Not used.
    pub max_steps: Option<Value>,
    /// Not used.
    pub model_settings: Option<Value>,
    /// Not used.
    pub provider_options: Option<Value>,
    /// Not used.
    pub request_context: Option<Value>,
    /// Not used.
    pub require_tool_approval: Option<Value>,
    /// Not used.
    pub return_scorer_data: Option<Value>,
    /// Not used.
    pub save_per_step: Option<Value>,
    /// Not used.
    pub scorers: Option<Value>,
    /// Not used.
    pub stop_when: Option<Value>,
    /// Not used.
    pub system: Option<Value>,
    /// Not used.
    pub tool_choice: Option<Value>,
    /// Not used.
    pub tracing_options: Option<Value>,
    /// Not used.
    pub until_idle: Option<Value>,
    /// Not used.
    pub versions: Option<Value>,
}

/// Turns a body into a question. Fails with [`ErrorKind::Invalid`] and the wrong fields.
pub fn request(cx: &Cx, agent: AgentId, body: ChatBody) -> Result<ChatRequest, Error> {
    let unsupported = [
        ("clientTools", &body.client_tools),
        ("output", &body.output),
        ("structuredOutput", &body.structured_output),
        ("toolsets", &body.toolsets),
    ];
    let issues: Vec<Issue> = unsupported
        .into_iter()
        .filter(|(_, value)| value.as_ref().is_some_and(is_meant))
        .map(|(field, _)| Issue {
            field: field.to_owned(),
            message: "is not supported by this server".to_owned(),
        })
        .collect();
    if !issues.is_empty() {
        return Err(Error::new(ErrorKind::Invalid, "Invalid request body").with_issues(issues));
    }
    let mut request = ChatRequest::new(agent, messages(body.messages)?);
    request.instructions = body.instructions;
    request.run_id = body.run_id;
    let (thread, resource) = match body.memory {
        Some(Object(MemoryBody {
            thread: ThreadRef::Id(id) | ThreadRef::Object { id },
            resource,
            ..
        })) => (Some(id), resource),
        None => (body.thread_id, body.resource_id),
    };
    if let Some(id) = thread {
        let owner = cx.owner()?;
        let resource_id = resource.unwrap_or_else(|| owner.to_string());
        request.thread = Some(ChatThread {
            id,
            owner,
            resource_id,
        });
    }
    Ok(request)
}

/// Empty objects and lists ask for nothing.
fn is_meant(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}

fn messages(body: MessagesBody) -> Result<Vec<ChatMessage>, Error> {
    let list = match body {
        MessagesBody::Text(text) => vec![ChatMessageBody::Text(text)],
        MessagesBody::List(list) => list,
    };
    if list.is_empty() || list.len() > MAX_MESSAGES {
        return Err(Error::invalid_field(
            "messages",
            format!("must hold 1 to {MAX_MESSAGES} messages"),
        ));
    }
    let messages: Vec<ChatMessage> = list
        .into_iter()
        .enumerate()
        .map(message)
        .collect::<Result<_, _>>()?;
    if messages
        .iter()
        .all(|message| message.text.trim().is_empty())
    {
        return Err(Error::invalid_field("messages", "must not be empty"));
    }
    Ok(messages)
}

fn message((at, body): (usize, ChatMessageBody)) -> Result<ChatMessage, Error> {
    let (role, parts) = match body {
        ChatMessageBody::Text(text) => {
            return Ok(ChatMessage {
                role: MessageRole::User,
                text,
            });
        }
        ChatMessageBody::Message {
            role,
            content: Some(ContentBody::Text(text)),
            ..
        } => {
            return Ok(ChatMessage { role, text });
        }
        ChatMessageBody::Message {
            role,
            content: Some(ContentBody::Parts(parts)),
            ..
        }
        | ChatMessageBody::Message {
            role,
            content: None,
            parts: Some(parts),
        } => (role, parts),
        ChatMessageBody::Message { .. } => {
            return Err(Error::invalid_field(
                format!("messages.{at}"),
                "has neither `content` nor `parts`",
            ));
        }
    };
    let mut text = String::new();
    for Object(part) in parts {
        match (part.kind.as_str(), part.text) {
            ("text", Some(piece)) => text.push_str(&piece),
            (kind, _) => {
                let problem = format!("parts of type `{kind}` are not supported by this server");
                return Err(Error::invalid_field(format!("messages.{at}"), problem));
            }
        }
    }
    Ok(ChatMessage { role, text })
}

/// How many tokens were used.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageBody {
    /// Tokens of the question.
    pub input_tokens: u64,
    /// Tokens of the answer.
    pub output_tokens: u64,
    /// Both.
    pub total_tokens: u64,
}

impl From<ChatUsage> for UsageBody {
    fn from(usage: ChatUsage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            total_tokens: usage.input_tokens.saturating_add(usage.output_tokens),
        }
    }
}

/// The whole answer of an agent.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatAnswer {
    /// What it says.
    pub text: String,
    /// What it took.
    pub usage: UsageBody,
    /// What it took, again under the name of other servers.
    pub total_usage: UsageBody,
    /// Why the model stopped: `stop` or `length`.
    pub finish_reason: &'static str,
    /// Id of the run.
    pub run_id: RunId,
    /// The answer as a message.
    pub response: Value,
    /// Always empty.
    pub steps: [(); 0],
    /// Always empty.
    pub tool_calls: [(); 0],
    /// Always empty.
    pub tool_results: [(); 0],
    /// Always empty.
    pub warnings: [(); 0],
}

/// `POST /agents/:id/generate`: the whole answer at once.
pub async fn generate(cx: &Cx, request: ChatRequest) -> Result<ChatAnswer, Error> {
    let said = Said::of(&request);
    let mut chunks = cx.agents()?.stream(request).await?;
    let mut started = None;
    while let Some(chunk) = chunks.next().await {
        said.hear(cx, &chunk);
        match chunk? {
            ChatChunk::Start {
                run_id, message, ..
            } => started = Some((run_id, message)),
            ChatChunk::Finish {
                reason,
                text,
                usage,
            } => {
                let Some((run_id, message)) = started else {
                    break;
                };
                let response = json!({ "id": message, "messages": [assistant(&text)] });
                return Ok(ChatAnswer {
                    text,
                    usage: usage.into(),
                    total_usage: usage.into(),
                    finish_reason: reason_text(reason),
                    run_id,
                    response,
                    steps: [],
                    tool_calls: [],
                    tool_results: [],
                    warnings: [],
                });
            }
            _ => {}
        }
    }
    Err(Error::new(
        ErrorKind::Unavailable,
        "the model ended without an answer",
    ))
}

/// Asks an agent for as long as the caller may have the answer: else an error is the last piece.
pub async fn pieces(
    cx: &Cx,
    request: ChatRequest,
) -> Result<BoxStream<'static, Result<ChatChunk, Error>>, Error> {
    let said = Said::of(&request);
    let asked = cx.agents()?.stream(request);
    let pieces = cx.unless_revoked(asked).await??;
    let pieces = cx.until_revoked(pieces).map(Result::flatten);
    let cx = cx.clone();
    Ok(pieces.inspect(move |piece| said.hear(&cx, piece)).boxed())
}

/// What the record says of a question, beside the answer.
#[derive(Debug)]
struct Said {
    agent: String,
    bytes: u64,
    thread: Option<String>,
}

impl Said {
    fn of(request: &ChatRequest) -> Self {
        let bytes: usize = request.messages.iter().map(|it| it.text.len()).sum();
        Self {
            agent: request.agent.to_string(),
            bytes: bytes as u64,
            thread: request.thread.as_ref().map(|it| it.id.to_string()),
        }
    }

    /// Tells the record what a piece of the answer says about it.
    fn hear(&self, cx: &Cx, piece: &Result<ChatChunk, Error>) {
        if matches!(piece, Ok(ChatChunk::Delta(_))) {
            return;
        }
        cx.tell(|told| {
            let ai = told.ai.get_or_insert_default();
            ai.agent_id = Some(self.agent.clone());
            ai.input_bytes = Some(self.bytes);
            ai.thread_id.clone_from(&self.thread);
            match piece {
                Ok(ChatChunk::Start { run_id, model, .. }) => {
                    ai.run_id = Some(run_id.to_string());
                    ai.provider = model
                        .split_once('/')
                        .map(|(provider, _)| provider.to_owned());
                    ai.model = Some(model.clone());
                }
                Ok(ChatChunk::Finish {
                    reason,
                    text,
                    usage,
                }) => {
                    ai.completion_tokens = Some(usage.output_tokens);
                    ai.finish_reason = Some(reason_text(*reason).to_owned());
                    ai.output_bytes = Some(text.len() as u64);
                    ai.prompt_tokens = Some(usage.input_tokens);
                }
                Ok(_) => {}
                Err(error) => told.failure = Some(error.message().to_owned()),
            }
        });
    }
}

/// `POST /agents/:id/stream`: the answer piece by piece, each one the JSON of an event; `[DONE]` is the last one.
pub async fn stream(cx: &Cx, request: ChatRequest) -> Result<BoxStream<'static, String>, Error> {
    let agent = request.agent.clone();
    let chunks = pieces(cx, request).await?;
    let mut wire = WireStream::new(agent);
    Ok(chunks
        .map(Some)
        .chain(futures_util::stream::iter([None]))
        .flat_map(move |chunk| futures_util::stream::iter(wire.events(chunk)))
        .boxed())
}
