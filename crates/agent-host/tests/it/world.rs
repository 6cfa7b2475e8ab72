use std::sync::{Arc, atomic::Ordering};

use ee_agent_host::{Background, RunLimits, Workflows};
use ee_core::{
    AgentId, ErrorKind, RunId, UserId, WorkflowId,
    host::{NewWorkflow, RunEvent, WorkflowHost as _},
    storage::{RunRecord, WorkflowStep},
};
use futures_util::{StreamExt as _, stream::BoxStream};
use serde_json::{Value, json};

use crate::{clock::TestClock, script::Script, stores::TestStore};

pub(crate) struct World {
    pub(crate) background: Background,
    pub(crate) script: Arc<Script>,
    pub(crate) store: Arc<TestStore>,
    pub(crate) workflows: Workflows,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(RunLimits::default(), Arc::default())
    }

    pub(crate) fn with(limits: RunLimits, store: Arc<TestStore>) -> Self {
        let background = Background::default();
        let script = Arc::new(Script::default());
        let workflows = Workflows::new(
            store.clone(),
            store.clone(),
            script.clone(),
            Arc::new(TestClock::default()),
            limits,
            background.clone(),
        );
        Self {
            background,
            script,
            store,
            workflows,
        }
    }

    /// Creates a workflow of these steps and a run of it.
    pub(crate) async fn run(&self, steps: Vec<WorkflowStep>) -> RunId {
        let mut new = NewWorkflow::default();
        "W".clone_into(&mut new.name);
        new.steps = steps;
        let workflow = self.workflows.create(new).await.unwrap();
        self.another_run(&workflow.id).await
    }

    pub(crate) async fn another_run(&self, workflow: &WorkflowId) -> RunId {
        let owner = UserId::new("ann").unwrap();
        let run = self.workflows.create_run(workflow, None, &owner).await;
        run.unwrap().id
    }

    pub(crate) async fn workflow_of(&self, run: &RunId) -> WorkflowId {
        self.find(run).await.workflow_id
    }

    pub(crate) async fn find(&self, run: &RunId) -> RunRecord {
        self.workflows.find_run(run).await.unwrap().unwrap()
    }

    pub(crate) async fn start(&self, run: &RunId) -> BoxStream<'static, RunEvent> {
        self.workflows
            .start(run, json!({ "n": "x" }))
            .await
            .unwrap()
    }

    pub(crate) async fn watch(&self, run: &RunId) -> BoxStream<'static, RunEvent> {
        self.workflows.watch(run).await.unwrap().unwrap()
    }

    pub(crate) async fn start_error(&self, run: &RunId) -> ErrorKind {
        match self.workflows.start(run, Value::Null).await {
            Ok(_) => panic!("must be refused"),
            Err(err) => err.kind(),
        }
    }

    pub(crate) async fn restart_error(&self, run: &RunId) -> ErrorKind {
        match self.workflows.restart(run).await {
            Ok(_) => panic!("must be refused"),
            Err(err) => err.kind(),
        }
    }

    pub(crate) async fn cancel_error(&self, run: &RunId) -> ErrorKind {
        self.workflows.cancel(run).await.unwrap_err().kind()
    }

    /// Waits until so many calls of agents are at work.
    pub(crate) async fn until_open(&self, count: usize) {
        while self.script.open.load(Ordering::SeqCst) != count {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn end(events: BoxStream<'static, RunEvent>) -> RunRecord {
        let events: Vec<_> = events.collect().await;
        match events.into_iter().last() {
            Some(RunEvent::Finished(run)) => run,
            other => panic!("must finish: {other:?}"),
        }
    }
}

pub(crate) fn step(id: &str, agent: &str, prompt: &str) -> WorkflowStep {
    WorkflowStep {
        agent_id: AgentId::new(agent).unwrap(),
        id: id.to_owned(),
        prompt: prompt.to_owned(),
    }
}

/// Writes events down as `started`, `a running`, `finished Success`.
pub(crate) fn shape(event: &RunEvent) -> String {
    match event {
        RunEvent::Started(run) => format!("started {:?}", run.status),
        RunEvent::Step(step) => format!("{} {:?}", step.id, step.status),
        RunEvent::Finished(run) => format!("finished {:?}", run.status),
        other => format!("{other:?}"),
    }
}

pub(crate) fn shapes(events: &[RunEvent]) -> Vec<String> {
    events.iter().map(shape).collect()
}
