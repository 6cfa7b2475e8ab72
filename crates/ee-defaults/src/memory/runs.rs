use std::collections::{HashMap, hash_map::Entry};

use async_trait::async_trait;
use ee_core::{
    Error, RunId, WorkflowId,
    storage::{
        Page, Paged, RunFilter, RunRecord, RunStatus, RunStore, StepRecord, StepStatus,
        WorkflowRecord, WorkflowStore,
    },
};
use jiff::Timestamp;

use super::{MemoryStore, page_of, read, taken, write};

/// Workflows and their runs under one lock, since deleting the one deletes the others.
#[derive(Default)]
pub(super) struct Runs {
    runs: HashMap<RunId, RunRecord>,
    workflows: HashMap<WorkflowId, WorkflowRecord>,
}

#[async_trait]
impl WorkflowStore for MemoryStore {
    async fn create(&self, workflow: WorkflowRecord) -> Result<(), Error> {
        match write(&self.runs).workflows.entry(workflow.id.clone()) {
            Entry::Occupied(_) => Err(taken("a workflow with this id exists already")),
            Entry::Vacant(entry) => {
                entry.insert(workflow);
                Ok(())
            }
        }
    }

    async fn find(&self, id: &WorkflowId) -> Result<Option<WorkflowRecord>, Error> {
        Ok(read(&self.runs).workflows.get(id).cloned())
    }

    async fn list(&self) -> Result<Vec<WorkflowRecord>, Error> {
        let mut list: Vec<_> = read(&self.runs).workflows.values().cloned().collect();
        list.sort_unstable_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(list)
    }

    async fn update(&self, workflow: WorkflowRecord) -> Result<bool, Error> {
        let mut kept = write(&self.runs);
        let kept = kept.workflows.get_mut(&workflow.id);
        Ok(kept.map(|kept| *kept = workflow).is_some())
    }

    async fn delete(&self, id: &WorkflowId) -> Result<bool, Error> {
        let mut kept = write(&self.runs);
        let deleted = kept.workflows.remove(id).is_some();
        if deleted {
            kept.runs.retain(|_, run| run.workflow_id != *id);
        }
        Ok(deleted)
    }
}

#[async_trait]
impl RunStore for MemoryStore {
    async fn create(&self, run: RunRecord) -> Result<(), Error> {
        match write(&self.runs).runs.entry(run.id.clone()) {
            Entry::Occupied(_) => Err(taken("a run with this id exists already")),
            Entry::Vacant(entry) => {
                entry.insert(run);
                Ok(())
            }
        }
    }

    async fn find(&self, id: &RunId) -> Result<Option<RunRecord>, Error> {
        Ok(read(&self.runs).runs.get(id).cloned())
    }

    async fn list(&self, filter: &RunFilter, page: Page) -> Result<Paged<RunRecord>, Error> {
        let kept = read(&self.runs);
        let mut rows: Vec<_> = kept.runs.values().filter(|run| fits(run, filter)).collect();
        rows.sort_unstable_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        Ok(page_of(&rows, page))
    }

    async fn update(&self, run: RunRecord) -> Result<bool, Error> {
        let mut kept = write(&self.runs);
        let kept = kept.runs.get_mut(&run.id);
        Ok(kept.map(|kept| *kept = run).is_some())
    }

    async fn delete(&self, id: &RunId) -> Result<bool, Error> {
        Ok(write(&self.runs).runs.remove(id).is_some())
    }

    async fn interrupt_running(&self, now: Timestamp) -> Result<u64, Error> {
        let mut kept = write(&self.runs);
        let mut interrupted = 0;
        for run in kept.runs.values_mut() {
            if run.status == RunStatus::Running {
                interrupt(run, now);
                interrupted += 1;
            }
        }
        Ok(interrupted)
    }
}

fn interrupt(run: &mut RunRecord, now: Timestamp) {
    run.status = RunStatus::Interrupted;
    run.updated_at = now;
    for step in &mut run.steps {
        if step.status == StepStatus::Running {
            *step = StepRecord::pending(std::mem::take(&mut step.id));
        }
    }
}

fn fits(run: &RunRecord, filter: &RunFilter) -> bool {
    let RunFilter {
        from,
        status,
        to,
        workflow_id,
        ..
    } = filter;
    from.is_none_or(|from| run.created_at >= from)
        && to.is_none_or(|to| run.created_at <= to)
        && status.is_none_or(|status| run.status == status)
        && workflow_id.as_ref().is_none_or(|id| run.workflow_id == *id)
}
