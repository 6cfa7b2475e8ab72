//! Storage domains: one small trait each. A store crate implements those that it can keep.

mod accounts;
mod agents;
mod audit;
mod change;
mod grants;
mod groups;
mod keys;
mod roles;
mod runs;
mod sessions;
mod threads;
mod throttle;
mod tokens;

pub use accounts::{
    AccountFilter, AccountKind, AccountRecord, AccountStatus, AccountStore, ExternalIdentity,
    IdentityStore, Totp,
};
pub use agents::{AgentFilter, AgentRecord, AgentStore};
pub use audit::{
    AuditBucket, AuditCount, AuditEntry, AuditHold, AuditIndex, AuditKept, AuditProofStore,
    AuditRecord, AuditRetention, AuditSearch, AuditSpans, AuditStore, AuditStoredLink,
};
pub use change::{Change, ChangeCount, ChangeHub, ChangeListener};
pub use grants::{Effect, GrantRecord, GrantStore};
pub use groups::{GroupRecord, GroupStore};
pub use keys::{ApiKeyRecord, ApiKeyStore, PreviousSecret};
pub use roles::{
    AssignmentFilter, AssignmentRecord, AssignmentStore, OWNER_ROLE, RoleBook, RoleRecord,
    RoleStore,
};
pub use runs::{
    RunFilter, RunRecord, RunStatus, RunStore, StepRecord, StepStatus, WorkflowRecord,
    WorkflowStep, WorkflowStore,
};
pub use sessions::{
    EndedSessionStore, PreviousHash, SessionRecord, SessionRenewal, SessionStore, SignInFlow,
    SignInFlowStore,
};
pub use threads::{MessageRecord, MessageRole, ThreadFilter, ThreadRecord, ThreadStore};
pub use throttle::{Attempts, ThrottleStore};
pub use tokens::{OneTimeToken, OneTimeTokenStore, TokenPurpose};

/// A slice of a list whose wire shape demands page numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Page {
    /// Counted from 0.
    pub number: u32,
    /// 1 to [`Page::MAX_SIZE`].
    pub size: u32,
}

impl Page {
    /// Largest page.
    pub const MAX_SIZE: u32 = 1_000;

    /// Asks for one page. Fails with [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a size of 0 or above the
    /// maximum, and for a page that starts beyond the first million rows.
    pub fn new(number: u32, size: u32) -> Result<Self, crate::Error> {
        if size == 0 || size > Self::MAX_SIZE {
            return Err(crate::Error::invalid_field(
                "perPage",
                format!("must be 1 to {}", Self::MAX_SIZE),
            ));
        }
        if u64::from(number) * u64::from(size) > 1_000_000 {
            return Err(crate::Error::invalid_field(
                "page",
                "starts beyond the first million rows",
            ));
        }
        Ok(Self { number, size })
    }

    /// Returns how many rows come before the page.
    pub fn offset(self) -> u64 {
        u64::from(self.number) * u64::from(self.size)
    }
}

/// One page and the number of all rows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Paged<T> {
    /// The rows of the page.
    pub rows: Vec<T>,
    /// All rows that fit the question.
    pub total: u64,
}

/// Which part of a list is wanted: what follows the last row that was seen. It costs the same at any depth.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cursor {
    /// What [`Listed::next`] was for the part before; `None` for the first part.
    pub after: Option<String>,
    /// 1 to [`Cursor::MAX_LIMIT`].
    pub limit: u32,
}

impl Cursor {
    /// Most rows of one part.
    pub const MAX_LIMIT: u32 = 200;

    /// Asks for one part. Fails with [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a limit of 0 or above the
    /// maximum.
    pub fn new(after: Option<String>, limit: u32) -> Result<Self, crate::Error> {
        if limit == 0 || limit > Self::MAX_LIMIT {
            return Err(crate::Error::invalid_field(
                "limit",
                format!("must be 1 to {}", Self::MAX_LIMIT),
            ));
        }
        Ok(Self { after, limit })
    }

    /// Asks for the first rows.
    pub fn first(limit: u32) -> Self {
        Self {
            after: None,
            limit: limit.clamp(1, Self::MAX_LIMIT),
        }
    }
}

/// One part of a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed<T> {
    /// The rows, in the order of the list.
    pub rows: Vec<T>,
    /// Where the next part begins; `None` after the last.
    pub next: Option<String>,
}

impl<T> Listed<T> {
    /// Cuts a list that was asked for one row more than wanted, which shows whether something follows.
    pub fn cut(mut rows: Vec<T>, limit: u32, key: impl Fn(&T) -> String) -> Self {
        let limit = limit as usize;
        let is_cut = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| is_cut).map(key);
        Self { rows, next }
    }
}

/// What became of a change to one row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Changed {
    /// It was made.
    Done,
    /// There is no such row.
    Gone,
    /// It would leave nobody with [`OWNER_ROLE`] who can sign in.
    LastOwner,
    /// The row is not any more what the caller has seen.
    Stale,
}
