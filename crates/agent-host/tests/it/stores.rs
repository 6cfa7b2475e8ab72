use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use ee_core::{
    AgentId, Error, ErrorKind, RunId, ThreadId, UserId, Visible, WorkflowId,
    storage::{
        AgentFilter, AgentRecord, AgentStore, MessageRecord, Page, Paged, RunFilter, RunRecord,
        RunStatus, RunStore, StepStatus, ThreadFilter, ThreadRecord, ThreadStore, WorkflowRecord,
        WorkflowStore,
    },
};
use jiff::Timestamp;

/// All stores in one, each a list that is searched.
#[derive(Debug, Default)]
pub(crate) struct TestStore {
    agents: Mutex<Vec<AgentRecord>>,
    /// Refuses every write of a run.
    pub(crate) broken: AtomicBool,
    pub(crate) agent_lists: AtomicUsize,
    messages: Mutex<Vec<(ThreadId, MessageRecord)>>,
    /// Ids of things and their owners, in the order in which they were made.
    pub(crate) owners: Mutex<Vec<(String, String)>>,
    /// Every state of every run that was kept, in order.
    pub(crate) run_log: Mutex<Vec<RunRecord>>,
    runs: Mutex<Vec<RunRecord>>,
    threads: Mutex<Vec<ThreadRecord>>,
    workflows: Mutex<Vec<WorkflowRecord>>,
}

impl TestStore {
    fn own(&self, id: &str, owner: Option<&UserId>) {
        let owner = owner.map(|owner| (id.to_owned(), owner.to_string()));
        self.owners.lock().unwrap().extend(owner);
    }

    pub(crate) fn texts(&self, thread: &str) -> Vec<String> {
        let messages = self.messages.lock().unwrap();
        let of_thread = messages.iter().filter(|(id, _)| id.as_str() == thread);
        of_thread.map(|(_, message)| message.text.clone()).collect()
    }
}

fn insert<T>(rows: &Mutex<Vec<T>>, row: T, same: impl Fn(&T) -> bool) -> Result<(), Error> {
    let mut rows = rows.lock().unwrap();
    if rows.iter().any(same) {
        return Err(Error::new(ErrorKind::Conflict, "the id is taken"));
    }
    rows.push(row);
    Ok(())
}

fn find<T: Clone>(rows: &Mutex<Vec<T>>, same: impl Fn(&T) -> bool) -> Option<T> {
    rows.lock().unwrap().iter().find(|row| same(row)).cloned()
}

fn replace<T>(rows: &Mutex<Vec<T>>, new: T, same: impl Fn(&T) -> bool) -> bool {
    let mut rows = rows.lock().unwrap();
    let found = rows.iter_mut().find(|row| same(row));
    found.map(|row| *row = new).is_some()
}

fn remove<T>(rows: &Mutex<Vec<T>>, same: impl Fn(&T) -> bool) -> bool {
    let mut rows = rows.lock().unwrap();
    let before = rows.len();
    rows.retain(|row| !same(row));
    rows.len() < before
}

/// Lets others go first, as a store on a disk does.
async fn pause(turns: u32) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}

fn slice<T>(rows: Vec<T>, page: Page) -> Paged<T> {
    let total = rows.len() as u64;
    let offset = usize::try_from(page.offset()).unwrap();
    let rows = rows.into_iter().skip(offset).take(page.size as usize);
    Paged {
        rows: rows.collect(),
        total,
    }
}

#[async_trait]
impl AgentStore for TestStore {
    async fn create(&self, agent: AgentRecord, owner: Option<&UserId>) -> Result<(), Error> {
        let id = agent.id.clone();
        insert(&self.agents, agent, |row| row.id == id)?;
        self.own(id.as_str(), owner);
        Ok(())
    }

    async fn find(&self, id: &AgentId) -> Result<Option<AgentRecord>, Error> {
        Ok(find(&self.agents, |row| row.id == *id))
    }

    async fn page(&self, filter: &AgentFilter, page: Page) -> Result<Paged<AgentRecord>, Error> {
        let mut rows = AgentStore::list(self, &filter.visible).await?;
        rows.retain(|row| match &filter.search {
            Some(part) if row.model.is_empty() => filter.default_model.contains(part),
            Some(part) => row.model.contains(part),
            None => true,
        });
        Ok(slice(rows, page))
    }

    async fn list(&self, visible: &Visible) -> Result<Vec<AgentRecord>, Error> {
        self.agent_lists.fetch_add(1, Ordering::SeqCst);
        let mut rows = self.agents.lock().unwrap().clone();
        rows.retain(|row| visible.contains(row.id.as_str()));
        rows.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(rows)
    }

    async fn update(&self, agent: AgentRecord) -> Result<bool, Error> {
        let id = agent.id.clone();
        Ok(replace(&self.agents, agent, |row| row.id == id))
    }

    async fn delete(&self, id: &AgentId) -> Result<bool, Error> {
        Ok(remove(&self.agents, |row| row.id == *id))
    }
}

#[async_trait]
impl ThreadStore for TestStore {
    async fn create(&self, thread: ThreadRecord) -> Result<(), Error> {
        let id = thread.id.clone();
        insert(&self.threads, thread, |row| row.id == id)
    }

    async fn find(&self, id: &ThreadId) -> Result<Option<ThreadRecord>, Error> {
        Ok(find(&self.threads, |row| row.id == *id))
    }

    async fn list(&self, filter: &ThreadFilter, page: Page) -> Result<Paged<ThreadRecord>, Error> {
        let mut rows = self.threads.lock().unwrap().clone();
        rows.retain(|row| row.owner == filter.owner && filter.visible.contains(row.id.as_str()));
        Ok(slice(rows, page))
    }

    async fn update(&self, thread: ThreadRecord) -> Result<bool, Error> {
        let id = thread.id.clone();
        Ok(replace(&self.threads, thread, |row| row.id == id))
    }

    async fn delete(&self, id: &ThreadId) -> Result<bool, Error> {
        remove(&self.messages, |(thread, _)| thread == id);
        Ok(remove(&self.threads, |row| row.id == *id))
    }

    async fn append(&self, id: &ThreadId, messages: Vec<MessageRecord>) -> Result<(), Error> {
        if find(&self.threads, |row| row.id == *id).is_none() {
            return Err(Error::new(ErrorKind::NotFound, "there is no conversation"));
        }
        let rows = messages.into_iter().map(|message| (id.clone(), message));
        self.messages.lock().unwrap().extend(rows);
        Ok(())
    }

    async fn messages(&self, id: &ThreadId, page: Page) -> Result<Paged<MessageRecord>, Error> {
        let rows = self.messages.lock().unwrap();
        let of_thread = rows.iter().filter(|(thread, _)| thread == id);
        Ok(slice(of_thread.map(|(_, m)| m.clone()).collect(), page))
    }

    async fn last_messages(&self, id: &ThreadId, limit: u32) -> Result<Vec<MessageRecord>, Error> {
        let all = self.messages(id, Page::new(0, 1_000)?).await?.rows;
        let skipped = all.len().saturating_sub(limit as usize);
        Ok(all.into_iter().skip(skipped).collect())
    }
}

#[async_trait]
impl WorkflowStore for TestStore {
    async fn create(&self, workflow: WorkflowRecord, owner: Option<&UserId>) -> Result<(), Error> {
        let id = workflow.id.clone();
        insert(&self.workflows, workflow, |row| row.id == id)?;
        self.own(id.as_str(), owner);
        Ok(())
    }

    async fn find(&self, id: &WorkflowId) -> Result<Option<WorkflowRecord>, Error> {
        Ok(find(&self.workflows, |row| row.id == *id))
    }

    async fn list(&self, visible: &Visible) -> Result<Vec<WorkflowRecord>, Error> {
        let mut rows = self.workflows.lock().unwrap().clone();
        rows.retain(|row| visible.contains(row.id.as_str()));
        Ok(rows)
    }

    async fn page(&self, visible: &Visible, page: Page) -> Result<Paged<WorkflowRecord>, Error> {
        Ok(slice(WorkflowStore::list(self, visible).await?, page))
    }

    async fn update(&self, workflow: WorkflowRecord) -> Result<bool, Error> {
        let id = workflow.id.clone();
        Ok(replace(&self.workflows, workflow, |row| row.id == id))
    }

    async fn delete(&self, id: &WorkflowId) -> Result<bool, Error> {
        remove(&self.runs, |run| run.workflow_id == *id);
        Ok(remove(&self.workflows, |row| row.id == *id))
    }
}

#[async_trait]
impl RunStore for TestStore {
    async fn create(&self, run: RunRecord) -> Result<(), Error> {
        let id = run.id.clone();
        insert(&self.runs, run, |row| row.id == id)
    }

    async fn find(&self, id: &RunId) -> Result<Option<RunRecord>, Error> {
        let found = find(&self.runs, |row| row.id == *id);
        // What was read is old when it arrives.
        pause(10).await;
        Ok(found)
    }

    async fn list(&self, filter: &RunFilter, page: Page) -> Result<Paged<RunRecord>, Error> {
        let mut rows = self.runs.lock().unwrap().clone();
        rows.retain(|run| {
            filter.status.is_none_or(|status| run.status == status)
                && filter
                    .workflow_id
                    .as_ref()
                    .is_none_or(|id| run.workflow_id == *id)
        });
        rows.reverse();
        Ok(slice(rows, page))
    }

    async fn update(&self, run: RunRecord) -> Result<bool, Error> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "the store is away"));
        }
        pause(1).await;
        self.run_log.lock().unwrap().push(run.clone());
        let id = run.id.clone();
        let replaced = replace(&self.runs, run, |row| row.id == id);
        pause(1).await;
        Ok(replaced)
    }

    async fn delete(&self, id: &RunId) -> Result<bool, Error> {
        Ok(remove(&self.runs, |row| row.id == *id))
    }

    async fn interrupt_running(&self, now: Timestamp) -> Result<u64, Error> {
        let mut runs = self.runs.lock().unwrap();
        let mut count = 0;
        for run in runs.iter_mut().filter(|r| r.status == RunStatus::Running) {
            run.status = RunStatus::Interrupted;
            run.updated_at = now;
            for step in &mut run.steps {
                if step.status == StepStatus::Running {
                    step.status = StepStatus::Pending;
                }
            }
            count += 1;
        }
        Ok(count)
    }
}
