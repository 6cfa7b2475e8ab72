use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use ee_core::{
    Error, ErrorKind,
    host::{ChatMessage, ChatUsage, FinishReason},
    storage::MessageRole,
};
use futures_core::{Stream, stream::BoxStream};
use futures_util::StreamExt as _;
use genai::{
    Client, Headers, ModelIden, ServiceTarget,
    adapter::AdapterKind,
    chat::{
        ChatMessage as ModelMessage, ChatOptions, ChatRequest, ChatStream, ChatStreamEvent,
        ReasoningEffort, StopReason, StreamEnd,
    },
    resolver::{AuthData, Endpoint},
    webc::StreamTimeout,
};
use secrecy::{ExposeSecret as _, SecretString};
use tracing::dispatcher::{self, Dispatch};
use url::Url;

use super::{Piece, Question, name::ModelName};
use crate::ModelError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest error code of an endpoint that is passed on, in bytes.
const MAX_CODE_BYTES: usize = 64;

/// Where an OpenAI-compatible endpoint is.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) answer_timeout: Duration,
    /// Ends with a slash.
    pub(crate) base_url: Url,
    pub(crate) idle_timeout: Duration,
    pub(crate) key: Option<SecretString>,
}

/// An OpenAI-compatible endpoint.
#[derive(Debug)]
pub(crate) struct OpenAiEndpoint {
    client: Client,
    options: ChatOptions,
    target: Target,
    /// Address of the chat completions.
    url: String,
}

impl OpenAiEndpoint {
    /// Prepares the client. Fails with [`ErrorKind::Internal`] when TLS cannot be set up.
    pub(crate) fn new(target: Target) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // A redirect would carry the question somewhere else.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(target.answer_timeout)
            .user_agent(concat!("mastra-ee/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|err| Error::new(ErrorKind::Internal, "no HTTP client").with_source(err))?;
        let client = Client::builder()
            .with_reqwest(http)
            .build()
            .map_err(|err| Error::new(ErrorKind::Internal, "no model client").with_source(err))?;
        let options = ChatOptions::default()
            .with_capture_usage(true)
            .with_stream_header_timeout(target.idle_timeout)
            .with_stream_read_timeout(target.idle_timeout)
            // A budget is not sent to this kind of endpoint. Without any effort set, the library
            // would take the end of a name such as `qwen-max` for one and cut it off.
            .with_reasoning_effort(ReasoningEffort::Budget(0));
        let mut url = target.base_url.clone();
        url.set_path(&format!("{}chat/completions", url.path()));
        Ok(Self {
            client,
            options,
            target,
            url: url.into(),
        })
    }

    /// Asks; the request goes out at the first poll, and dropping the pieces ends the connection.
    pub(crate) fn ask(
        &self,
        name: &ModelName,
        question: Question,
    ) -> BoxStream<'static, Result<Piece, ModelError>> {
        let client = self.client.clone();
        let options = self.options.clone();
        let target = self.service_target(name);
        Box::pin(async_stream::stream! {
            let request = to_request(question);
            let mut events = match client.exec_chat_stream(target, request, Some(&options)).await {
                Ok(response) => Quiet(response.stream),
                Err(err) => {
                    yield Err(to_error(err));
                    return;
                }
            };
            while let Some(event) = events.next().await {
                match event {
                    Ok(ChatStreamEvent::Chunk(chunk)) => yield Ok(Piece::Delta(chunk.content)),
                    Ok(ChatStreamEvent::End(end)) => {
                        yield Ok(to_end(&end));
                        return;
                    }
                    Ok(_) => {}
                    Err(err) => {
                        yield Err(to_error(err));
                        return;
                    }
                }
            }
            yield Err(ModelError::BrokenOff);
        })
    }

    /// Address and headers are ours: the library would insist on a key, and local servers have none.
    fn service_target(&self, name: &ModelName) -> ServiceTarget {
        let headers = match &self.target.key {
            Some(key) => {
                let value = format!("Bearer {}", key.expose_secret().trim());
                Headers::from(("Authorization".to_owned(), value))
            }
            None => Headers::default(),
        };
        ServiceTarget {
            auth: AuthData::RequestOverride {
                headers,
                url: self.url.clone(),
            },
            endpoint: Endpoint::from_owned(self.target.base_url.as_str()),
            model: ModelIden::new(AdapterKind::OpenAI, name.name()),
        }
    }
}

/// Keeps the library from logging what the endpoint wrote, which may hold a part of the key.
struct Quiet(ChatStream);

impl Stream for Quiet {
    type Item = Result<ChatStreamEvent, genai::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        dispatcher::with_default(&Dispatch::none(), || self.0.poll_next_unpin(cx))
    }
}

fn to_request(question: Question) -> ChatRequest {
    let messages = question.messages.into_iter().map(to_message).collect();
    let request = ChatRequest::new(messages);
    if question.instructions.is_empty() {
        request
    } else {
        request.with_system(question.instructions)
    }
}

fn to_message(message: ChatMessage) -> ModelMessage {
    match message.role {
        MessageRole::Assistant => ModelMessage::assistant(message.text),
        MessageRole::System => ModelMessage::system(message.text),
        MessageRole::User => ModelMessage::user(message.text),
    }
}

fn to_end(end: &StreamEnd) -> Piece {
    let count = |tokens: Option<i32>| u64::try_from(tokens.unwrap_or(0)).unwrap_or(0);
    let usage = end
        .captured_usage
        .as_ref()
        .map_or_else(ChatUsage::default, |usage| ChatUsage {
            input_tokens: count(usage.prompt_tokens),
            output_tokens: count(usage.completion_tokens),
        });
    let reason = match end.captured_stop_reason {
        Some(StopReason::MaxTokens(_)) => FinishReason::Length,
        _ => FinishReason::Stop,
    };
    Piece::End { reason, usage }
}

fn to_error(err: genai::Error) -> ModelError {
    match err {
        genai::Error::ChatResponse { body, .. } => ModelError::Reported {
            code: error_code(&body),
        },
        genai::Error::WebStream { error, .. } => match error.downcast::<genai::Error>() {
            Ok(inner) => to_error(*inner),
            Err(error) => to_transport_error(error),
        },
        genai::Error::HttpError { status, body, .. } => ModelError::Status {
            code: serde_json::from_str::<serde_json::Value>(&body)
                .ok()
                .and_then(|body| error_code(body.get("error")?)),
            status: status.as_u16(),
        },
        _ => ModelError::Garbled,
    }
}

fn to_transport_error(error: Box<dyn std::error::Error + Send + Sync>) -> ModelError {
    if error.is::<StreamTimeout>() {
        return ModelError::Timeout;
    }
    match error.downcast::<reqwest::Error>() {
        Ok(error) if error.is_timeout() => ModelError::Timeout,
        Ok(error) if error.is_body() || error.is_decode() => ModelError::BrokenOff,
        // The address may hold a secret in its query.
        Ok(error) => ModelError::Transport(Box::new(error.without_url())),
        Err(_) => ModelError::Garbled,
    }
}

/// Returns `code` or `type` of an error object when it is a plain word, which cannot be a key.
fn error_code(error: &serde_json::Value) -> Option<String> {
    ["code", "type"].into_iter().find_map(|field| {
        let code = error.get(field)?.as_str()?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let fits = !code.is_empty() && code.len() <= MAX_CODE_BYTES && code.bytes().all(plain);
        fits.then(|| code.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_plain_word_is_passed_on_as_a_code() {
        for (error, code) in [
            (
                json!({ "code": "model_not_found" }),
                Some("model_not_found"),
            ),
            (
                json!({ "code": null, "type": "server_error" }),
                Some("server_error"),
            ),
            (json!({ "code": "sk-Secret1" }), None),
            (json!({ "code": 7 }), None),
            (json!("text"), None),
        ] {
            assert_eq!(error_code(&error).as_deref(), code, "{error}");
        }
    }
}
