use ee_core::{
    AgentId, Error, ErrorKind, MessageId, RunId, ThreadId,
    host::{ChatChunk, ChatMessage, ChatRequest, ChatThread, ChatUsage, FinishReason},
    storage::{MessageRecord, MessageRole, ThreadRecord},
};
use futures_core::stream::BoxStream;
use futures_util::StreamExt as _;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{Agents, fields, transcript::Transcript};
use crate::{
    ModelError,
    models::{Piece, Question},
};

/// How many earlier messages of a conversation the model is told.
const HISTORY_MESSAGES: u32 = 40;
/// Where an answer is cut, in bytes.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// Longest title that is made from a message, in characters.
const MAX_TITLE_CHARS: usize = 60;

impl Agents {
    /// Keeps the question, asks the model and waits for its first piece.
    pub(super) async fn chat(
        &self,
        request: ChatRequest,
    ) -> Result<BoxStream<'static, Result<ChatChunk, Error>>, Error> {
        fields::check_request(&request)?;
        let agent = self.get(&request.agent).await?;
        self.models
            .check(&agent.model)
            .map_err(|problem| Error::invalid_field("model", problem))?;
        let messages = match &request.thread {
            Some(thread) => {
                self.remember(&request.agent, thread, request.messages)
                    .await?
            }
            None => request.messages,
        };
        let question = Question {
            instructions: request.instructions.unwrap_or(agent.instructions),
            messages,
        };

        let shutdown = self.background.shutdown().clone();
        let mut pieces = self.models.ask(&agent.model, question)?;
        let first = next_piece(&mut pieces, &shutdown).await?;

        let transcript = Transcript {
            background: self.background.clone(),
            clock: self.clock.clone(),
            message: MessageId::random(),
            runtime: Handle::current(),
            text: String::new(),
            thread: request.thread.map(|t| (t.id, self.threads.clone())),
        };
        let start = ChatChunk::Start {
            message: transcript.message.clone(),
            model: agent.model,
            run_id: request.run_id.unwrap_or_else(RunId::random),
        };
        Ok(chunks(start, first, pieces, transcript, shutdown))
    }

    /// Keeps what is new in the conversation and returns all that the model is told. What the
    /// system says belongs to the question and not to the conversation.
    async fn remember(
        &self,
        agent: &AgentId,
        thread: &ChatThread,
        messages: Vec<ChatMessage>,
    ) -> Result<Vec<ChatMessage>, Error> {
        let record = self.open_thread(agent, thread, &messages).await?;
        let history = self
            .threads
            .last_messages(&thread.id, HISTORY_MESSAGES)
            .await?;
        let mut told: Vec<_> = history.iter().map(ChatMessage::from).collect();
        let (system, said): (Vec<_>, Vec<_>) = messages
            .into_iter()
            .partition(|message| message.role == MessageRole::System);
        let known = overlap(&told, &said);
        let new: Vec<_> = said.into_iter().skip(known).collect();

        if history.is_empty() && record.title.as_deref().is_none_or(str::is_empty) {
            let mut record = record;
            record.title = title(&new);
            record.updated_at = self.clock.now();
            self.threads.update(record).await?;
        }
        let now = self.clock.now();
        let kept: Vec<_> = new
            .iter()
            .map(|message| {
                let id = MessageId::random();
                MessageRecord::new(id, message.role, message.text.clone(), now)
            })
            .collect();
        if !kept.is_empty() {
            self.threads
                .append(&thread.id, kept)
                .await
                .map_err(|err| match err.kind() {
                    ErrorKind::NotFound => thread_not_found(&thread.id),
                    _ => err,
                })?;
        }
        told.extend(system);
        told.extend(new);
        Ok(told)
    }

    /// Returns the conversation, created when it does not exist.
    async fn open_thread(
        &self,
        agent: &AgentId,
        thread: &ChatThread,
        messages: &[ChatMessage],
    ) -> Result<ThreadRecord, Error> {
        if let Some(record) = self.find_thread(thread).await? {
            return Ok(record);
        }
        let mut record = ThreadRecord::new(
            thread.id.clone(),
            thread.owner.clone(),
            thread.resource_id.clone(),
            self.clock.now(),
        );
        record.agent_id = Some(agent.clone());
        record.title = title(messages);
        match self.threads.create(record.clone()).await {
            Ok(()) => Ok(record),
            // Somebody was faster, perhaps somebody else.
            Err(err) if err.kind() == ErrorKind::Conflict => self
                .find_thread(thread)
                .await?
                .ok_or_else(|| thread_not_found(&thread.id)),
            Err(err) => Err(err),
        }
    }

    async fn find_thread(&self, thread: &ChatThread) -> Result<Option<ThreadRecord>, Error> {
        match self.threads.find(&thread.id).await? {
            Some(record) if record.owner != thread.owner => Err(thread_not_found(&thread.id)),
            found => Ok(found),
        }
    }
}

fn chunks(
    start: ChatChunk,
    first: Piece,
    mut pieces: BoxStream<'static, Result<Piece, ModelError>>,
    mut transcript: Transcript,
    shutdown: CancellationToken,
) -> BoxStream<'static, Result<ChatChunk, Error>> {
    Box::pin(async_stream::stream! {
        yield Ok(start);
        let mut next = Ok(first);
        loop {
            let (reason, usage) = match next {
                Ok(Piece::Delta(text)) => {
                    transcript.text.push_str(&text);
                    yield Ok(ChatChunk::Delta(text));
                    if transcript.text.len() < MAX_ANSWER_BYTES {
                        next = next_piece(&mut pieces, &shutdown).await;
                        continue;
                    }
                    (FinishReason::Length, ChatUsage::default())
                }
                Ok(Piece::End { reason, usage }) => (reason, usage),
                Err(err) => {
                    if let Err(err) = transcript.keep().await {
                        error!(
                            error = &err as &dyn std::error::Error,
                            "could not keep a part of an answer"
                        );
                    }
                    yield Err(err.into());
                    return;
                }
            };
            drop(pieces);
            yield transcript
                .keep()
                .await
                .map(|text| ChatChunk::Finish { reason, text, usage });
            return;
        }
    })
}

async fn next_piece(
    pieces: &mut BoxStream<'static, Result<Piece, ModelError>>,
    shutdown: &CancellationToken,
) -> Result<Piece, ModelError> {
    tokio::select! {
        biased;
        () = shutdown.cancelled() => Err(ModelError::Stopping),
        piece = pieces.next() => piece.unwrap_or(Err(ModelError::BrokenOff)),
    }
}

/// Counts the messages at the front that the conversation ends with already: clients send a
/// question again when no answer came, and some send the whole conversation each time.
fn overlap(told: &[ChatMessage], messages: &[ChatMessage]) -> usize {
    let is_told = |count: &usize| {
        messages
            .get(..*count)
            .is_some_and(|front| told.ends_with(front))
    };
    (1..=messages.len().min(told.len()))
        .rev()
        .find(is_told)
        .unwrap_or(0)
}

/// Makes a title from the first line that a person says.
fn title(messages: &[ChatMessage]) -> Option<String> {
    let first = messages
        .iter()
        .find(|message| message.role == MessageRole::User)?;
    let line = first.text.trim().lines().next()?.trim();
    match line.char_indices().nth(MAX_TITLE_CHARS) {
        Some((end, _)) => Some(format!("{}…", line.get(..end)?.trim_end())),
        None => Some(line.to_owned()),
    }
}

fn thread_not_found(id: &ThreadId) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("there is no conversation `{id}`"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> ChatMessage {
        ChatMessage {
            role: MessageRole::User,
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_question_that_was_kept_already_is_not_new() {
        let told = [user("a"), user("b")];

        for (messages, known) in [
            (vec![user("b")], 1),
            (vec![user("a"), user("b"), user("c")], 2),
            (vec![user("c")], 0),
            (vec![user("a")], 0),
            (vec![], 0),
        ] {
            assert_eq!(overlap(&told, &messages), known, "{messages:?}");
        }
    }

    #[test]
    fn a_title_is_the_first_line_in_short() {
        assert_eq!(title(&[user("\n Hello \nworld")]).unwrap(), "Hello");
        assert_eq!(title(&[user(&"ü".repeat(61))]).unwrap().chars().count(), 61);
        assert_eq!(title(&[]), None);
    }
}
