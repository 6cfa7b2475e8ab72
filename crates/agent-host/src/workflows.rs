mod admission;
mod fields;
mod input;
mod live;
mod run_task;
mod runs;
mod template;

use std::sync::Arc;

use async_trait::async_trait;
use ee_core::{
    Clock, Error, ErrorKind, RunId, UserId, Visible, WorkflowId,
    host::{AgentHost, NewWorkflow, RunEvent, WorkflowHost},
    storage::{
        Page, Paged, RunFilter, RunRecord, RunStatus, RunStore, StepRecord, WorkflowRecord,
        WorkflowStore,
    },
};
use futures_core::stream::BoxStream;
use serde_json::Value;
use tokio::sync::RwLock;
use tracing::info;

use self::{admission::Admission, live::LiveRuns};
use crate::{Background, list_cache::ListCache, slug};

pub use self::admission::RunLimits;

/// Runs workflows that are kept in a store, each run in a task of its own.
///
/// One process runs the workflows of a store; runs of another process are seen, but not followed.
#[derive(Clone, Debug)]
pub struct Workflows(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    admission: Admission,
    agents: Arc<dyn AgentHost>,
    background: Background,
    clock: Arc<dyn Clock>,
    /// Held for reading while a run is created or started, for writing while a workflow is deleted.
    deleting: Arc<RwLock<()>>,
    listed: ListCache<WorkflowRecord>,
    live: LiveRuns,
    runs: Arc<dyn RunStore>,
    workflows: Arc<dyn WorkflowStore>,
}

impl Workflows {
    /// Assembles the host. Runs are tasks of `background`; when its signal comes they are marked
    /// as interrupted.
    pub fn new(
        workflows: Arc<dyn WorkflowStore>,
        runs: Arc<dyn RunStore>,
        agents: Arc<dyn AgentHost>,
        clock: Arc<dyn Clock>,
        limits: RunLimits,
        background: Background,
    ) -> Self {
        Self(Arc::new(Inner {
            admission: Admission::new(limits),
            agents,
            background,
            clock,
            deleting: Arc::default(),
            listed: ListCache::default(),
            live: LiveRuns::default(),
            runs,
            workflows,
        }))
    }

    /// Marks the runs that were at work when the last process ended; returns how many there were.
    /// Called once at start, before any run begins.
    pub async fn recover(&self) -> Result<u64, Error> {
        let count = self.0.runs.interrupt_running(self.0.clock.now()).await?;
        if count > 0 {
            info!(runs.count = count, "marked {count} runs as interrupted");
        }
        Ok(count)
    }

    /// Returns the host that the steps ask.
    pub(crate) fn agents(&self) -> &dyn AgentHost {
        &*self.0.agents
    }
}

#[async_trait]
impl WorkflowHost for Workflows {
    /// Gives out what was read less than a second ago, but for whoever may see some alone: those are read each time.
    async fn list(&self, visible: &Visible) -> Result<Arc<[WorkflowRecord]>, Error> {
        let read = async |visible: &Visible| self.0.workflows.list(visible).await;
        let now = self.0.clock.now();
        self.0.listed.shown(now, visible, read).await
    }

    async fn page(&self, visible: &Visible, page: Page) -> Result<Paged<WorkflowRecord>, Error> {
        self.0.workflows.page(visible, page).await
    }

    async fn find(&self, id: &WorkflowId) -> Result<Option<WorkflowRecord>, Error> {
        self.0.workflows.find(id).await
    }

    async fn create(&self, new: NewWorkflow) -> Result<WorkflowRecord, Error> {
        fields::check_new(&new)?;
        let given = new.id.is_some();
        let id = new.id.unwrap_or_else(WorkflowId::random);
        let name = new.name.trim().to_owned();
        let mut workflow = WorkflowRecord::new(id, name, new.steps, self.0.clock.now());
        workflow.created_by = new.created_by;
        workflow.description = new.description.filter(|text| !text.trim().is_empty());
        workflow.input_schema = new.input_schema;

        let owner = new.owner.as_ref();
        let _writing = self.0.listed.writing();
        if given {
            self.0.workflows.create(workflow.clone(), owner).await?;
            return Ok(workflow);
        }
        let ids = slug::candidates(&workflow.name, "workflow");
        for id in ids.filter(|id| !fields::is_reserved(id)) {
            workflow.id = WorkflowId::new(id)?;
            match self.0.workflows.create(workflow.clone(), owner).await {
                Err(err) if err.kind() == ErrorKind::Conflict => {}
                done => return done.map(|()| workflow),
            }
        }
        workflow.id = WorkflowId::random();
        self.0.workflows.create(workflow.clone(), owner).await?;
        Ok(workflow)
    }

    async fn delete(&self, id: &WorkflowId) -> Result<(), Error> {
        let _deleting = self.0.deleting.write().await;
        let mut at_work = RunFilter::default();
        at_work.status = Some(RunStatus::Running);
        at_work.workflow_id = Some(id.clone());
        let running = self.0.runs.list(&at_work, Page::new(0, 1)?).await?;
        if running.total > 0 {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("a run of the workflow `{id}` is at work"),
            ));
        }
        let _writing = self.0.listed.writing();
        if self.0.workflows.delete(id).await? {
            Ok(())
        } else {
            Err(workflow_not_found(id))
        }
    }

    async fn create_run(
        &self,
        workflow: &WorkflowId,
        id: Option<RunId>,
        owner: &UserId,
    ) -> Result<RunRecord, Error> {
        let _deleting = self.0.deleting.read().await;
        let workflow = self.0.get_workflow(workflow).await?;
        let steps = workflow.steps.into_iter();
        let run = RunRecord::new(
            id.unwrap_or_else(RunId::random),
            workflow.id,
            owner.clone(),
            steps.map(|step| StepRecord::pending(step.id)).collect(),
            self.0.clock.now(),
        );
        self.0.runs.create(run.clone()).await?;
        Ok(run)
    }

    async fn start(
        &self,
        run: &RunId,
        input: Value,
    ) -> Result<BoxStream<'static, RunEvent>, Error> {
        self.0.start(run, Some(input)).await
    }

    async fn restart(&self, run: &RunId) -> Result<BoxStream<'static, RunEvent>, Error> {
        self.0.start(run, None).await
    }

    async fn cancel(&self, run: &RunId) -> Result<RunRecord, Error> {
        self.0.cancel(run).await
    }

    async fn watch(&self, run: &RunId) -> Result<Option<BoxStream<'static, RunEvent>>, Error> {
        self.0.watch(run).await
    }

    async fn find_run(&self, run: &RunId) -> Result<Option<RunRecord>, Error> {
        self.0.runs.find(run).await
    }

    async fn list_runs(&self, filter: &RunFilter, page: Page) -> Result<Paged<RunRecord>, Error> {
        self.0.runs.list(filter, page).await
    }

    async fn delete_run(&self, run: &RunId) -> Result<(), Error> {
        self.0.delete_run(run).await
    }
}

impl Inner {
    async fn get_workflow(&self, id: &WorkflowId) -> Result<WorkflowRecord, Error> {
        let found = self.workflows.find(id).await?;
        found.ok_or_else(|| workflow_not_found(id))
    }

    async fn get_run(&self, id: &RunId) -> Result<RunRecord, Error> {
        let found = self.runs.find(id).await?;
        found.ok_or_else(|| run_not_found(id))
    }
}

fn workflow_not_found(id: &WorkflowId) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no workflow `{id}`"))
}

fn run_not_found(id: &RunId) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no run `{id}`"))
}
