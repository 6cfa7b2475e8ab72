use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use ee::{
    AclSubject, AgentId, AuditField, AuditFilter, AuditHead, AuditNode, AuditQuery, Error,
    ErrorKind, GroupId, KeyId, ResourceRef, RoleId, RunId, ThreadId, TokenHash, TokenId, UserId,
    Visible, WorkflowId,
    defaults::MemoryStore,
    storage::{
        AccountFilter, AccountRecord, AccountStore, AgentFilter, AgentRecord, AgentStore,
        ApiKeyRecord, ApiKeyStore, AssignmentFilter, AssignmentRecord, AssignmentStore, Attempts,
        AuditBucket, AuditCount, AuditEntry, AuditProofStore, AuditRecord, AuditSearch, AuditSpans,
        AuditStore, AuditStoredLink, Change, ChangeHub, Changed, Cursor, Effect, EndedSessionStore,
        ExternalIdentity, GrantRecord, GrantStore, GroupRecord, GroupStore, IdentityStore, Listed,
        MessageRecord, OneTimeToken, OneTimeTokenStore, Page, Paged, RoleBook, RoleRecord,
        RoleStore, RunFilter, RunRecord, RunStore, SessionRecord, SessionRenewal, SessionStore,
        SignInFlow, SignInFlowStore, ThreadFilter, ThreadRecord, ThreadStore, ThrottleStore,
        TokenPurpose, WorkflowRecord, WorkflowStore,
    },
};
use jiff::Timestamp;
use uuid::Uuid;

/// The memory store with a plug that can be pulled: then every call fails with
/// [`ErrorKind::Unavailable`].
#[derive(Debug, Default)]
pub struct TestStore {
    inner: MemoryStore,
    is_down: AtomicBool,
}

impl TestStore {
    /// Pulls the plug. Like a database whose connection is lost, it says that anything may have changed.
    pub fn go_down(&self) {
        self.is_down.store(true, Ordering::Relaxed);
        self.hub().tell(&Change::Everything);
    }

    /// Puts the plug back in.
    pub fn come_back(&self) {
        self.is_down.store(false, Ordering::Relaxed);
        self.hub().tell(&Change::Everything);
    }

    /// Returns where changes are told.
    pub const fn hub(&self) -> &ChangeHub {
        self.inner.hub()
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

through!(AccountStore {
    fn create(account: AccountRecord) -> ();
    fn find(id: &UserId) -> Option<AccountRecord>;
    fn find_by_email(email: &str) -> Option<AccountRecord>;
    fn list(filter: &AccountFilter, cursor: &Cursor) -> Listed<AccountRecord>;
    fn update(account: AccountRecord) -> Changed;
    fn delete(id: &UserId) -> Changed;
    fn take_totp_step(id: &UserId, step: u64) -> bool;
    fn note_sign_in(id: &UserId, at: Timestamp) -> bool;
});
through!(AgentStore {
    fn create(agent: AgentRecord, owner: Option<&UserId>) -> ();
    fn find(id: &AgentId) -> Option<AgentRecord>;
    fn list(visible: &Visible) -> Vec<AgentRecord>;
    fn page(filter: &AgentFilter, page: Page) -> Paged<AgentRecord>;
    fn update(agent: AgentRecord) -> bool;
    fn delete(id: &AgentId) -> bool;
});
through!(ApiKeyStore {
    fn create(key: ApiKeyRecord) -> ();
    fn find(id: &KeyId) -> Option<ApiKeyRecord>;
    fn list(user: Option<&UserId>, cursor: &Cursor) -> Listed<ApiKeyRecord>;
    fn update(key: ApiKeyRecord) -> Changed;
    fn delete(id: &KeyId) -> bool;
    fn note_use(id: &KeyId, at: Timestamp) -> bool;
});
through!(AssignmentStore {
    fn assign(assignment: AssignmentRecord) -> bool;
    fn unassign(user: &UserId, role: &RoleId) -> Changed;
    fn roles_of(user: &UserId) -> Vec<RoleId>;
    fn list(filter: &AssignmentFilter, cursor: &Cursor) -> Listed<AssignmentRecord>;
});
through!(AuditProofStore {
    fn links(partition: &str, after: u64, limit: u32) -> Vec<AuditStoredLink>;
    fn nodes(partition: &str, level: u8, from: u64, limit: u32) -> Vec<AuditNode>;
    fn put_checkpoint(partition: &str, size: u64, note: &str, now: Timestamp) -> ();
    fn checkpoints(partition: &str, from: u64, limit: u32) -> Vec<(u64, String)>;
    fn last_checkpoint(partition: &str) -> Option<(u64, String)>;
});
through!(AuditSearch {
    fn search(query: &AuditQuery) -> Vec<AuditEntry>;
    fn count(filter: &AuditFilter, most: u64) -> AuditCount;
    fn histogram(filter: &AuditFilter, by: AuditField, spans: AuditSpans) -> Vec<AuditBucket>;
    fn facet(filter: &AuditFilter, field: AuditField, most: u32) -> Vec<(String, u64)>;
});
through!(AuditStore {
    fn append(partition: &str, records: Vec<AuditRecord>, now: Timestamp) -> AuditHead;
    fn append_left(partition: &str, most: u32, now: Timestamp) -> u32;
    fn head(partition: &str) -> AuditHead;
    fn partitions() -> Vec<String>;
    fn find_event(id: Uuid) -> Option<AuditEntry>;
    fn feed(partition: &str, after: u64, limit: u32) -> Vec<AuditEntry>;
});
through!(EndedSessionStore {
    fn end(hash: &TokenHash, until: Timestamp) -> bool;
    fn is_ended(hash: &TokenHash) -> bool;
    fn purge_ended(now: Timestamp) -> u64;
});
through!(GrantStore {
    fn put(grants: Vec<GrantRecord>) -> ();
    fn remove(subject: &AclSubject, resource: &ResourceRef, effect: Effect, actions: &[String]) -> u64;
    fn remove_resource(resource: &ResourceRef) -> u64;
    fn matching(subjects: &[AclSubject], resource: &ResourceRef) -> Vec<GrantRecord>;
    fn on_resource(resource: &ResourceRef, cursor: &Cursor) -> Listed<GrantRecord>;
    fn of_subject(subject: &AclSubject, cursor: &Cursor) -> Listed<GrantRecord>;
    fn all_of_subject(subject: &AclSubject, most: u32) -> Option<Vec<GrantRecord>>;
    fn accessible(subjects: &[AclSubject], kind: &str, action: &str, now: Timestamp, cursor: &Cursor) -> Listed<String>;
    fn purge_grants(now: Timestamp) -> u64;
});
through!(GroupStore {
    fn create(group: GroupRecord) -> ();
    fn find(id: &GroupId) -> Option<GroupRecord>;
    fn list(cursor: &Cursor) -> Listed<GroupRecord>;
    fn update(group: GroupRecord) -> Changed;
    fn delete(id: &GroupId) -> bool;
    fn add_member(id: &GroupId, user: &UserId) -> bool;
    fn remove_member(id: &GroupId, user: &UserId) -> bool;
    fn members(id: &GroupId, cursor: &Cursor) -> Listed<UserId>;
    fn groups_of(user: &UserId) -> Vec<GroupId>;
});
through!(IdentityStore {
    fn link(identity: ExternalIdentity) -> ();
    fn find_linked(issuer: &str, subject: &str) -> Option<UserId>;
    fn links_of(user: &UserId) -> Vec<ExternalIdentity>;
    fn unlink(issuer: &str, subject: &str) -> bool;
});
through!(OneTimeTokenStore {
    fn create(tokens: Vec<OneTimeToken>) -> ();
    fn find(hash: &TokenHash, purpose: TokenPurpose, now: Timestamp) -> Option<OneTimeToken>;
    fn take(hash: &TokenHash, purpose: TokenPurpose, now: Timestamp) -> Option<OneTimeToken>;
    fn list(purpose: TokenPurpose, user: Option<&UserId>, cursor: &Cursor) -> Listed<OneTimeToken>;
    fn delete(id: &TokenId, purpose: TokenPurpose) -> bool;
    fn delete_for_user(user: &UserId, purpose: TokenPurpose) -> u64;
    fn purge_tokens(now: Timestamp) -> u64;
});
through!(RoleStore {
    fn book() -> RoleBook;
    fn put(role: RoleRecord, revision: u64) -> Changed;
    fn delete(role: &RoleId, revision: u64) -> Changed;
    fn set_mapping(mapping: BTreeMap<RoleId, Vec<RoleId>>, revision: u64) -> Changed;
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
    fn renew(old: &TokenHash, renewal: &SessionRenewal) -> bool;
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
through!(ThrottleStore {
    fn count(key: &str, now: Timestamp, window: Duration) -> Attempts;
    fn peek(key: &str) -> Option<Attempts>;
    fn clear(key: &str) -> ();
    fn purge_idle(before: Timestamp) -> u64;
});
through!(WorkflowStore {
    fn create(workflow: WorkflowRecord, owner: Option<&UserId>) -> ();
    fn find(id: &WorkflowId) -> Option<WorkflowRecord>;
    fn list(visible: &Visible) -> Vec<WorkflowRecord>;
    fn page(visible: &Visible, page: Page) -> Paged<WorkflowRecord>;
    fn update(workflow: WorkflowRecord) -> bool;
    fn delete(id: &WorkflowId) -> bool;
});
