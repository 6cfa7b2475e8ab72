use std::collections::{HashMap, hash_map::Entry};

use async_trait::async_trait;
use ee_core::{
    Error, Resource, RunId, UserId, Visible, WorkflowId,
    storage::{
        Change, GrantRecord, Page, Paged, RunFilter, RunRecord, RunStatus, RunStore, StepRecord,
        StepStatus, WorkflowRecord, WorkflowStore,
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
    async fn create(&self, workflow: WorkflowRecord, owner: Option<&UserId>) -> Result<(), Error> {
        let (kind, now) = (Resource::Workflows, workflow.created_at);
        let grant = owner.map(|it| GrantRecord::of_owner(it, kind, workflow.id.as_str(), now));
        {
            let mut kept = write(&self.runs);
            let Entry::Vacant(entry) = kept.workflows.entry(workflow.id.clone()) else {
                return Err(taken("a workflow with this id exists already"));
            };
            self.own(grant);
            entry.insert(workflow);
        }
        self.tell_owner(owner);
        Ok(())
    }

    async fn find(&self, id: &WorkflowId) -> Result<Option<WorkflowRecord>, Error> {
        Ok(read(&self.runs).workflows.get(id).cloned())
    }

    async fn list(&self, visible: &Visible) -> Result<Vec<WorkflowRecord>, Error> {
        let kept = read(&self.runs);
        Ok(by_name(&kept, visible).into_iter().cloned().collect())
    }

    async fn page(&self, visible: &Visible, page: Page) -> Result<Paged<WorkflowRecord>, Error> {
        let kept = read(&self.runs);
        Ok(page_of(&by_name(&kept, visible), page))
    }

    async fn update(&self, workflow: WorkflowRecord) -> Result<bool, Error> {
        let mut kept = write(&self.runs);
        let kept = kept.workflows.get_mut(&workflow.id);
        Ok(kept.map(|kept| *kept = workflow).is_some())
    }

    async fn delete(&self, id: &WorkflowId) -> Result<bool, Error> {
        let found = {
            let mut kept = write(&self.runs);
            let found = kept.workflows.remove(id).is_some();
            if found {
                kept.runs.retain(|_, run| run.workflow_id != *id);
                self.disown(Resource::Workflows, id.as_str());
            }
            found
        };
        if found {
            // Whose the grants were is not told one by one.
            self.hub.tell(&Change::Everything);
        }
        Ok(found)
    }
}

fn by_name<'a>(kept: &'a Runs, visible: &Visible) -> Vec<&'a WorkflowRecord> {
    let may_be_shown = |workflow: &&WorkflowRecord| visible.contains(workflow.id.as_str());
    let mut list: Vec<_> = kept.workflows.values().filter(may_be_shown).collect();
    list.sort_unstable_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    list
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
