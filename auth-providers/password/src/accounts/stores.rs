//! Where accounts are kept.

use std::sync::Arc;

use ee_core::storage::{
    AccountStore, AssignmentStore, OneTimeTokenStore, SessionStore, ThrottleStore,
};

/// Where accounts and all that belongs to them are kept.
#[derive(Clone, Debug)]
pub struct PasswordStores {
    /// The accounts.
    pub accounts: Arc<dyn AccountStore>,
    /// Who has which role: the first owner gets his here.
    pub assignments: Arc<dyn AssignmentStore>,
    /// The sessions, which end with the password.
    pub sessions: Arc<dyn SessionStore>,
    /// What was tried how often.
    pub throttle: Arc<dyn ThrottleStore>,
    /// Secrets that are good once.
    pub tokens: Arc<dyn OneTimeTokenStore>,
}

impl PasswordStores {
    /// Keeps everything in one store.
    pub fn all_in<S>(store: Arc<S>) -> Self
    where
        S: AccountStore + AssignmentStore + OneTimeTokenStore + SessionStore + ThrottleStore,
    {
        Self {
            accounts: store.clone(),
            assignments: store.clone(),
            sessions: store.clone(),
            throttle: store.clone(),
            tokens: store,
        }
    }
}
