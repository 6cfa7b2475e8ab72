use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ee_core::{
    AgentId, Error, ErrorKind, RunId, UserId, Visible, WorkflowId,
    host::{NewWorkflow, RunEvent, WorkflowHost},
    storage::{
        Page, Paged, RunFilter, RunRecord, RunStatus, StepRecord, StepStatus, WorkflowRecord,
        WorkflowStep,
    },
};
use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// One workflow, `triage`, whose runs stand still until they are cancelled. Its input needs a `topic`.
#[derive(Debug, Default)]
pub(crate) struct Workflows {
    pub(crate) runs: Mutex<Vec<RunRecord>>,
}

fn triage() -> WorkflowRecord {
    let step = WorkflowStep {
        id: "sum-up".to_owned(),
        agent_id: AgentId::new("support").unwrap(),
        prompt: "About {{input.topic}}".to_owned(),
    };
    let id = WorkflowId::new("triage").unwrap();
    let mut workflow = WorkflowRecord::new(id, "Triage".to_owned(), vec![step], NOW);
    workflow.input_schema =
        Some(json!({ "type": "object", "properties": { "topic": { "type": "string" } } }));
    workflow
}

fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such run")
}

impl Workflows {
    fn change(&self, id: &RunId, change: impl FnOnce(&mut RunRecord)) -> Result<RunRecord, Error> {
        let mut runs = self.runs.lock().unwrap();
        let run = runs
            .iter_mut()
            .find(|run| run.id == *id)
            .ok_or_else(not_found)?;
        change(run);
        Ok(run.clone())
    }
}

#[async_trait]
impl WorkflowHost for Workflows {
    async fn list(&self, visible: &Visible) -> Result<Arc<[WorkflowRecord]>, Error> {
        let shown = Some(triage()).filter(|it| visible.contains(it.id.as_str()));
        Ok(shown.into_iter().collect())
    }

    async fn page(&self, visible: &Visible, _page: Page) -> Result<Paged<WorkflowRecord>, Error> {
        let rows = self.list(visible).await?.to_vec();
        let total = rows.len() as u64;
        Ok(Paged { rows, total })
    }

    async fn find(&self, id: &WorkflowId) -> Result<Option<WorkflowRecord>, Error> {
        Ok(Some(triage()).filter(|workflow| workflow.id == *id))
    }

    async fn create(&self, _new: NewWorkflow) -> Result<WorkflowRecord, Error> {
        Err(not_found())
    }

    async fn delete(&self, _id: &WorkflowId) -> Result<(), Error> {
        Err(not_found())
    }

    async fn create_run(
        &self,
        workflow: &WorkflowId,
        id: Option<RunId>,
        owner: &UserId,
    ) -> Result<RunRecord, Error> {
        let id = id.unwrap_or_else(RunId::random);
        let steps = vec![StepRecord::pending("sum-up".to_owned())];
        let run = RunRecord::new(id, workflow.clone(), owner.clone(), steps, NOW);
        self.runs.lock().unwrap().push(run.clone());
        Ok(run)
    }

    async fn start(&self, id: &RunId, input: Value) -> Result<BoxStream<'static, RunEvent>, Error> {
        if input.get("topic").is_none() {
            return Err(Error::invalid_field("input.topic", "is required"));
        }
        self.change(id, |run| {
            run.input = input;
            run.status = RunStatus::Running;
            run.steps[0].status = StepStatus::Running;
            run.steps[0].started_at = Some(NOW);
            run.steps[0].output = Some("<script>x</script>".to_owned());
        })?;
        Ok(stream::empty().boxed())
    }

    async fn restart(&self, id: &RunId) -> Result<BoxStream<'static, RunEvent>, Error> {
        self.change(id, |run| run.status = RunStatus::Running)?;
        Ok(stream::empty().boxed())
    }

    async fn cancel(&self, id: &RunId) -> Result<RunRecord, Error> {
        let found = self.find_run(id).await?.ok_or_else(not_found)?;
        if found.status != RunStatus::Running {
            let message = format!("the run `{id}` is over and cannot be canceled");
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        self.change(id, |run| run.status = RunStatus::Canceled)
    }

    async fn watch(&self, _run: &RunId) -> Result<Option<BoxStream<'static, RunEvent>>, Error> {
        Ok(None)
    }

    async fn find_run(&self, id: &RunId) -> Result<Option<RunRecord>, Error> {
        let runs = self.runs.lock().unwrap();
        Ok(runs.iter().find(|run| run.id == *id).cloned())
    }

    async fn list_runs(&self, _filter: &RunFilter, _page: Page) -> Result<Paged<RunRecord>, Error> {
        let rows = self.runs.lock().unwrap().clone();
        let total = rows.len() as u64;
        Ok(Paged { rows, total })
    }

    async fn delete_run(&self, id: &RunId) -> Result<(), Error> {
        self.runs.lock().unwrap().retain(|run| run.id != *id);
        Ok(())
    }
}
