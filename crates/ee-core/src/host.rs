//! What is protected: agents and workflows, whoever runs them.

use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use serde_json::Value;

use crate::{
    AgentId, Error, RunId, ThreadId, UserId, Visible, WorkflowId,
    storage::{
        AgentFilter, AgentRecord, MessageRecord, MessageRole, Page, Paged, RunFilter, RunRecord,
        StepRecord, ThreadStore, WorkflowRecord, WorkflowStep,
    },
};

/// What an agent is created with.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct NewAgent {
    /// Who creates it.
    pub created_by: Option<UserId>,
    /// A sentence about it.
    pub description: Option<String>,
    /// Identity; made from the name when absent.
    pub id: Option<AgentId>,
    /// System prompt.
    pub instructions: String,
    /// Model as `provider/name`; the host's default when empty.
    pub model: String,
    /// Name for people.
    pub name: String,
    /// Who is granted everything with it, from the moment it exists. Nobody where no grants are kept.
    pub owner: Option<UserId>,
}

/// What is changed of an agent: what is `None` stays.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AgentPatch {
    /// A sentence about it; `Some(None)` removes it.
    pub description: Option<Option<String>>,
    /// System prompt.
    pub instructions: Option<String>,
    /// Model as `provider/name`.
    pub model: Option<String>,
    /// Name for people.
    pub name: Option<String>,
}

/// What a workflow is created with.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct NewWorkflow {
    /// Who creates it.
    pub created_by: Option<UserId>,
    /// A sentence about it.
    pub description: Option<String>,
    /// Identity; made from the name when absent.
    pub id: Option<WorkflowId>,
    /// JSON Schema of the input, if it has one.
    pub input_schema: Option<Value>,
    /// Name for people.
    pub name: String,
    /// Who is granted everything with it, from the moment it exists. Nobody where no grants are kept.
    pub owner: Option<UserId>,
    /// What is done, in this order; at least one step.
    pub steps: Vec<WorkflowStep>,
}

/// A model that agents may use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ModelCard {
    /// `provider/name`.
    pub id: String,
    /// A sentence about it.
    pub description: String,
}

/// One message of a question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChatMessage {
    /// Who says it.
    pub role: MessageRole,
    /// What is said.
    pub text: String,
}

/// The conversation that question and answer are kept in.
#[derive(Clone, Debug)]
pub struct ChatThread {
    /// Which; created, as one with the asked agent, when it does not exist.
    pub id: ThreadId,
    /// Whose. A conversation of somebody else is not found.
    pub owner: UserId,
    /// The client's label for grouping.
    pub resource_id: String,
}

/// A question to an agent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChatRequest {
    /// Who is asked.
    pub agent: AgentId,
    /// Replaces the agent's instructions for this question.
    pub instructions: Option<String>,
    /// What is said; at least one message.
    pub messages: Vec<ChatMessage>,
    /// Id of the run, random when absent.
    pub run_id: Option<RunId>,
    /// Where it is kept, nowhere when absent.
    pub thread: Option<ChatThread>,
}

impl ChatRequest {
    /// Asks an agent.
    pub const fn new(agent: AgentId, messages: Vec<ChatMessage>) -> Self {
        Self {
            agent,
            instructions: None,
            messages,
            run_id: None,
            thread: None,
        }
    }
}

/// How many tokens were used, as far as the model tells.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ChatUsage {
    /// Tokens of the question.
    pub input_tokens: u64,
    /// Tokens of the answer.
    pub output_tokens: u64,
}

/// Why the model stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FinishReason {
    /// The answer was cut at the model's limit.
    Length,
    /// The answer is complete.
    Stop,
}

/// A piece of an answer, in this order: one `Start`, any number of `Delta`, one `Finish`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChatChunk {
    /// The model begins.
    Start {
        /// Id of the run.
        run_id: RunId,
        /// Id of the answer.
        message: crate::MessageId,
        /// The model that answers, `provider/name`.
        model: String,
    },
    /// The next piece of text.
    Delta(String),
    /// The model is done and the answer is kept.
    Finish {
        /// Why it stopped.
        reason: FinishReason,
        /// The whole answer.
        text: String,
        /// What it took.
        usage: ChatUsage,
    },
}

/// Runs agents.
#[async_trait]
pub trait AgentHost: std::fmt::Debug + Send + Sync + 'static {
    /// Returns the agents that may be shown, by name.
    async fn list(&self, visible: &Visible) -> Result<Arc<[AgentRecord]>, Error>;

    /// Returns one page of agents, by name.
    async fn page(&self, filter: &AgentFilter, page: Page) -> Result<Paged<AgentRecord>, Error>;

    /// Returns an agent.
    async fn find(&self, id: &AgentId) -> Result<Option<AgentRecord>, Error>;

    /// Creates an agent. Fails with [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) and the wrong fields, or with
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the id is taken.
    async fn create(&self, new: NewAgent) -> Result<AgentRecord, Error>;

    /// Changes an agent. Fails with [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) or [`ErrorKind::Invalid`](crate::ErrorKind::Invalid).
    async fn update(&self, id: &AgentId, patch: AgentPatch) -> Result<AgentRecord, Error>;

    /// Deletes an agent with the grants that permit something with it. Fails with [`ErrorKind::NotFound`](crate::ErrorKind::NotFound).
    async fn delete(&self, id: &AgentId) -> Result<(), Error>;

    /// Asks an agent. Errors before the first piece come as the outer error; dropping the stream stops the model.
    async fn stream(
        &self,
        request: ChatRequest,
    ) -> Result<BoxStream<'static, Result<ChatChunk, Error>>, Error>;

    /// Returns the models that agents may use.
    fn models(&self) -> Vec<ModelCard>;

    /// Returns where conversations are kept.
    fn threads(&self) -> &dyn ThreadStore;
}

/// What happens while a workflow runs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RunEvent {
    /// The run begins.
    Started(RunRecord),
    /// A step begins or ends.
    Step(StepRecord),
    /// The run is over.
    Finished(RunRecord),
}

/// Runs workflows.
#[async_trait]
pub trait WorkflowHost: std::fmt::Debug + Send + Sync + 'static {
    /// Returns the workflows that may be shown, by name.
    async fn list(&self, visible: &Visible) -> Result<Arc<[WorkflowRecord]>, Error>;

    /// Returns one page of the workflows that may be shown, by name.
    async fn page(&self, visible: &Visible, page: Page) -> Result<Paged<WorkflowRecord>, Error>;

    /// Returns a workflow.
    async fn find(&self, id: &WorkflowId) -> Result<Option<WorkflowRecord>, Error>;

    /// Creates a workflow. Fails with [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) and the wrong fields, or with
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the id is taken.
    async fn create(&self, new: NewWorkflow) -> Result<WorkflowRecord, Error>;

    /// Deletes a workflow with its runs and the grants that permit something with it. Fails with [`ErrorKind::NotFound`](crate::ErrorKind::NotFound), or with
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) while one of its runs is at work.
    async fn delete(&self, id: &WorkflowId) -> Result<(), Error>;

    /// Creates a run and does not start it. The id is random when absent.
    /// Fails with [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) or [`ErrorKind::Conflict`](crate::ErrorKind::Conflict).
    async fn create_run(
        &self,
        workflow: &WorkflowId,
        id: Option<RunId>,
        owner: &UserId,
    ) -> Result<RunRecord, Error>;

    /// Starts a pending run, which goes on whoever listens, and returns what happens from its start to its end.
    /// Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the run is not pending.
    async fn start(&self, run: &RunId, input: Value)
    -> Result<BoxStream<'static, RunEvent>, Error>;

    /// Starts an interrupted, failed or cancelled run again; steps that succeeded are kept.
    async fn restart(&self, run: &RunId) -> Result<BoxStream<'static, RunEvent>, Error>;

    /// Stops a run. Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when it is over.
    async fn cancel(&self, run: &RunId) -> Result<RunRecord, Error>;

    /// Listens to a run: where it stands now and what still happens. `None` when there is no such run.
    async fn watch(&self, run: &RunId) -> Result<Option<BoxStream<'static, RunEvent>>, Error>;

    /// Returns a run.
    async fn find_run(&self, run: &RunId) -> Result<Option<RunRecord>, Error>;

    /// Returns runs, the last created first.
    async fn list_runs(&self, filter: &RunFilter, page: Page) -> Result<Paged<RunRecord>, Error>;

    /// Deletes a run that is over. Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when it is at work.
    async fn delete_run(&self, run: &RunId) -> Result<(), Error>;
}

impl From<&MessageRecord> for ChatMessage {
    fn from(message: &MessageRecord) -> Self {
        Self {
            role: message.role,
            text: message.text.clone(),
        }
    }
}
