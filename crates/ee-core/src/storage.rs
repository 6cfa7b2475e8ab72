//! Storage domains: one small trait each. A store crate implements those that it can keep.

mod agents;
mod runs;
mod sessions;
mod threads;

pub use agents::{AgentRecord, AgentStore};
pub use runs::{
    RunFilter, RunRecord, RunStatus, RunStore, StepRecord, StepStatus, WorkflowRecord,
    WorkflowStep, WorkflowStore,
};
pub use sessions::{EndedSessionStore, SessionRecord, SessionStore, SignInFlow, SignInFlowStore};
pub use threads::{MessageRecord, MessageRole, ThreadFilter, ThreadRecord, ThreadStore};

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
