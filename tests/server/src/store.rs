use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use ee::{
    AgentId, Error, ErrorKind, RunId, ThreadId, TokenHash, UserId, WorkflowId,
    defaults::MemoryStore,
    storage::{
        AgentRecord, AgentStore, Cursor, EndedSessionStore, Listed, MessageRecord, Page, Paged,
        RunFilter, RunRecord, RunStore, SessionRecord, SessionStore, SignInFlow, SignInFlowStore,
        ThreadFilter, ThreadRecord, ThreadStore, WorkflowRecord, WorkflowStore,
    },
};
use jiff::Timestamp;

/// The memory store with a plug that can be pulled: then every call fails with
/// [`ErrorKind::Unavailable`].
#[derive(Debug, Default)]
pub struct TestStore {
    inner: MemoryStore,
    is_down: AtomicBool,
}

impl TestStore {
    /// Pulls the plug.
    pub fn go_down(&self) {
        self.is_down.store(true, Ordering::Relaxed);
    }

    /// Puts the plug back in.
    pub fn come_back(&self) {
        self.is_down.store(false, Ordering::Relaxed);
    }

    fn check(&self) -> Result<(), Error> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "the store does not answer",
            ));
        }
        Ok(())
    }
}

macro_rules! through {
    ($domain:ident { $(fn $name:ident($($arg:ident: $kind:ty),*) -> $out:ty;)* }) => {
        #[async_trait]
        impl $domain for TestStore {
            $(async fn $name(&self, $($arg: $kind),*) -> Result<$out, Error> {
                self.check()?;
                $domain::$name(&self.inner, $($arg),*).await
            })*
        }
    };
}

through!(AgentStore {
    fn create(agent: AgentRecord) -> ();
    fn find(id: &AgentId) -> Option<AgentRecord>;
    fn list() -> Vec<AgentRecord>;
    fn update(agent: AgentRecord) -> bool;
    fn delete(id: &AgentId) -> bool;
});
through!(EndedSessionStore {
    fn end(hash: &TokenHash, until: Timestamp) -> bool;
    fn is_ended(hash: &TokenHash) -> bool;
    fn purge_ended(now: Timestamp) -> u64;
});
through!(RunStore {
    fn create(run: RunRecord) -> ();
    fn find(id: &RunId) -> Option<RunRecord>;
    fn list(filter: &RunFilter, page: Page) -> Paged<RunRecord>;
    fn update(run: RunRecord) -> bool;
    fn delete(id: &RunId) -> bool;
    fn interrupt_running(now: Timestamp) -> u64;
});
through!(SessionStore {
    fn create(record: SessionRecord) -> ();
    fn find(hash: &TokenHash) -> Option<SessionRecord>;
    fn touch(hash: &TokenHash, last_seen_at: Timestamp, idle_until: Timestamp) -> bool;
    fn delete(hash: &TokenHash) -> bool;
    fn replace(old: &TokenHash, record: SessionRecord) -> bool;
    fn list(user: Option<&UserId>, cursor: &Cursor) -> Listed<SessionRecord>;
    fn delete_for_user(user: &UserId, keep: Option<&TokenHash>) -> u64;
    fn trim(user: &UserId, most: u32) -> u64;
    fn purge_expired(now: Timestamp) -> u64;
});
through!(SignInFlowStore {
    fn create(flow: SignInFlow) -> ();
    fn take(state_hash: &TokenHash) -> Option<SignInFlow>;
    fn purge_flows(now: Timestamp) -> u64;
});
through!(ThreadStore {
    fn create(thread: ThreadRecord) -> ();
    fn find(id: &ThreadId) -> Option<ThreadRecord>;
    fn list(filter: &ThreadFilter, page: Page) -> Paged<ThreadRecord>;
    fn update(thread: ThreadRecord) -> bool;
    fn delete(id: &ThreadId) -> bool;
    fn append(id: &ThreadId, messages: Vec<MessageRecord>) -> ();
    fn messages(id: &ThreadId, page: Page) -> Paged<MessageRecord>;
    fn last_messages(id: &ThreadId, limit: u32) -> Vec<MessageRecord>;
});
through!(WorkflowStore {
    fn create(workflow: WorkflowRecord) -> ();
    fn find(id: &WorkflowId) -> Option<WorkflowRecord>;
    fn list() -> Vec<WorkflowRecord>;
    fn update(workflow: WorkflowRecord) -> bool;
    fn delete(id: &WorkflowId) -> bool;
});
