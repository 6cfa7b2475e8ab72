use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Page, Paged};
use crate::{AgentId, Error, RunId, UserId, Visible, WorkflowId};

/// One step of a workflow: an agent and what it is asked.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkflowStep {
    /// Name of the step, unique in its workflow.
    pub id: String,
    /// Who is asked.
    pub agent_id: AgentId,
    /// What is asked. `{{input.name}}` and `{{steps.id.output}}` are replaced.
    pub prompt: String,
}

/// A saved sequence of steps.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WorkflowRecord {
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it, if that is known.
    pub created_by: Option<UserId>,
    /// A sentence about it.
    pub description: Option<String>,
    /// Identity.
    pub id: WorkflowId,
    /// JSON Schema of the input, if it has one.
    pub input_schema: Option<Value>,
    /// Name for people, of at most 1,000 bytes: lists go along an index of it.
    pub name: String,
    /// What is done, in this order.
    pub steps: Vec<WorkflowStep>,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl WorkflowRecord {
    /// Describes a new workflow.
    pub const fn new(
        id: WorkflowId,
        name: String,
        steps: Vec<WorkflowStep>,
        now: Timestamp,
    ) -> Self {
        Self {
            created_at: now,
            created_by: None,
            description: None,
            id,
            input_schema: None,
            name,
            steps,
            updated_at: now,
        }
    }
}

/// Keeps workflows.
#[async_trait]
pub trait WorkflowStore: std::fmt::Debug + Send + Sync + 'static {
    /// Keeps a new workflow and, in the same step, the grant of its owner
    /// ([`GrantRecord::of_owner`](super::GrantRecord::of_owner)), if it has one. Fails with
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the id is taken: then nobody is granted anything.
    async fn create(&self, workflow: WorkflowRecord, owner: Option<&UserId>) -> Result<(), Error>;

    /// Returns a workflow.
    async fn find(&self, id: &WorkflowId) -> Result<Option<WorkflowRecord>, Error>;

    /// Returns the workflows that may be shown by name, then id.
    async fn list(&self, visible: &Visible) -> Result<Vec<WorkflowRecord>, Error>;

    /// Returns one page of the workflows that may be shown by name, then id.
    async fn page(&self, visible: &Visible, page: Page) -> Result<Paged<WorkflowRecord>, Error>;

    /// Replaces a workflow. False when there is none.
    async fn update(&self, workflow: WorkflowRecord) -> Result<bool, Error>;

    /// Deletes a workflow with its runs and the grants that permit something with it, in one step: who had one gets
    /// nothing of a later workflow with its id. Those that forbid stay, or whoever may delete could free himself. False
    /// when there is none: then all grants stay.
    async fn delete(&self, id: &WorkflowId) -> Result<bool, Error>;
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RunStatus {
    /// Stopped by somebody.
    Canceled,
    /// A step failed.
    Failed,
    /// The server stopped while it ran; it can be restarted.
    Interrupted,
    /// Created and not started.
    Pending,
    /// At work.
    Running,
    /// Done.
    Success,
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum StepStatus {
    /// Stopped by somebody.
    Canceled,
    /// Failed.
    Failed,
    /// Not begun.
    Pending,
    /// At work.
    Running,
    /// Done.
    Success,
}

/// What became of one step.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StepRecord {
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
    /// Name of the step.
    pub id: String,
    /// What the agent was asked.
    pub input: Option<String>,
    /// What the agent answered.
    pub output: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// Where it stands.
    pub status: StepStatus,
}

impl StepRecord {
    /// Describes a step that has not begun.
    pub const fn pending(id: String) -> Self {
        Self {
            ended_at: None,
            error: None,
            id,
            input: None,
            output: None,
            started_at: None,
            status: StepStatus::Pending,
        }
    }
}

/// One run of a workflow.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunRecord {
    /// When it was created.
    pub created_at: Timestamp,
    /// Why it failed.
    pub error: Option<String>,
    /// Identity.
    pub id: RunId,
    /// What it was started with.
    pub input: Value,
    /// What came out: the output of the last step.
    pub output: Option<Value>,
    /// Who started it.
    pub owner: UserId,
    /// Where it stands.
    pub status: RunStatus,
    /// What became of the steps, in their order.
    pub steps: Vec<StepRecord>,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Of which workflow.
    pub workflow_id: WorkflowId,
}

impl RunRecord {
    /// Describes a run that has not been started.
    pub const fn new(
        id: RunId,
        workflow_id: WorkflowId,
        owner: UserId,
        steps: Vec<StepRecord>,
        now: Timestamp,
    ) -> Self {
        Self {
            created_at: now,
            error: None,
            id,
            input: Value::Null,
            output: None,
            owner,
            status: RunStatus::Pending,
            steps,
            updated_at: now,
            workflow_id,
        }
    }
}

/// Which runs are wanted.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RunFilter {
    /// Created not before.
    pub from: Option<Timestamp>,
    /// Standing here.
    pub status: Option<RunStatus>,
    /// Created not after.
    pub to: Option<Timestamp>,
    /// Of this workflow.
    pub workflow_id: Option<WorkflowId>,
}

/// Keeps runs.
#[async_trait]
pub trait RunStore: std::fmt::Debug + Send + Sync + 'static {
    /// Keeps a new run. Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the id is taken.
    async fn create(&self, run: RunRecord) -> Result<(), Error>;

    /// Returns a run.
    async fn find(&self, id: &RunId) -> Result<Option<RunRecord>, Error>;

    /// Returns runs, the last created first.
    async fn list(&self, filter: &RunFilter, page: Page) -> Result<Paged<RunRecord>, Error>;

    /// Replaces a run. False when there is none.
    async fn update(&self, run: RunRecord) -> Result<bool, Error>;

    /// Deletes a run. False when there is none.
    async fn delete(&self, id: &RunId) -> Result<bool, Error>;

    /// Marks the runs that are at work as interrupted, and their running steps as pending, as if those
    /// had not begun; returns how many runs there were. Called once at start, before any run begins.
    async fn interrupt_running(&self, now: Timestamp) -> Result<u64, Error>;
}
