//! A store in memory that does what the contracts say and nothing more.

mod sessions;
mod throttle;
mod tokens;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use ee_core::{
    Error, ErrorKind, RoleId, UserId,
    storage::{
        AccountFilter, AccountRecord, AccountStore, AssignmentFilter, AssignmentRecord,
        AssignmentStore, Attempts, Changed, Cursor, Listed, OneTimeToken, SessionRecord,
    },
};
use jiff::Timestamp;

#[derive(Debug, Default)]
pub(crate) struct TestStore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    accounts: BTreeMap<UserId, AccountRecord>,
    assignments: Vec<AssignmentRecord>,
    attempts: HashMap<String, Attempts>,
    /// The operation that fails the next time it is called.
    broken: Option<&'static str>,
    sessions: Vec<SessionRecord>,
    tokens: Vec<OneTimeToken>,
}

impl TestStore {
    /// Has the next call of an operation fail.
    pub(crate) fn break_once(&self, operation: &'static str) {
        self.lock().broken = Some(operation);
    }

    /// Everything that it holds, as a database file would.
    pub(crate) fn dump(&self) -> String {
        let state = self.lock();
        let mut lines = vec![format!("{:?} {:?}", state.attempts, state.assignments)];
        for account in state.accounts.values() {
            let AccountRecord {
                email,
                password_hash,
                metadata,
                totp,
                ..
            } = account;
            let sealed = totp.iter().flat_map(|totp| totp.sealed_secret.clone());
            let sealed = String::from_utf8_lossy(&sealed.collect::<Vec<u8>>()).into_owned();
            lines.push(format!("{email:?} {password_hash:?} {metadata:?} {sealed}"));
        }
        for token in &state.tokens {
            lines.push(format!("{} {:?}", token.hash.to_text(), token.data));
        }
        lines.join("\n")
    }

    /// How many accounts and how many assignments there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        (state.accounts.len(), state.assignments.len())
    }

    pub(crate) fn attempts_keys(&self) -> Vec<String> {
        self.lock().attempts.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets others run in between, as every real store does.
    async fn enter(&self, operation: &'static str) -> Result<MutexGuard<'_, State>, Error> {
        tokio::task::yield_now().await;
        let mut state = self.lock();
        if state.broken == Some(operation) {
            state.broken = None;
            return Err(Error::new(ErrorKind::Unavailable, "the store is away"));
        }
        Ok(state)
    }
}

fn conflict() -> Error {
    Error::new(ErrorKind::Conflict, "it is taken")
}

fn key(account: &AccountRecord) -> Option<String> {
    account.email.as_deref().map(AccountRecord::email_key)
}

#[async_trait]
impl AccountStore for TestStore {
    async fn create(&self, account: AccountRecord) -> Result<(), Error> {
        let mut state = self.enter("create account").await?;
        let is_taken = |other: &AccountRecord| {
            other.id == account.id || (key(other).is_some() && key(other) == key(&account))
        };
        if state.accounts.values().any(is_taken) {
            return Err(conflict());
        }
        state.accounts.insert(account.id.clone(), account);
        Ok(())
    }

    async fn find(&self, id: &UserId) -> Result<Option<AccountRecord>, Error> {
        Ok(self.enter("find account").await?.accounts.get(id).cloned())
    }

    async fn find_by_email(&self, email: &str) -> Result<Option<AccountRecord>, Error> {
        let email = Some(AccountRecord::email_key(email));
        let state = self.enter("find account").await?;
        Ok(state
            .accounts
            .values()
            .find(|account| key(account) == email)
            .cloned())
    }

    async fn list(
        &self,
        _: &AccountFilter,
        cursor: &Cursor,
    ) -> Result<Listed<AccountRecord>, Error> {
        let state = self.enter("list accounts").await?;
        let after = |id: &UserId| {
            cursor
                .after
                .as_deref()
                .is_none_or(|after| id.as_str() > after)
        };
        let rows = state
            .accounts
            .values()
            .filter(|account| after(&account.id))
            .cloned()
            .collect();
        Ok(Listed::cut(rows, cursor.limit, |account| {
            account.id.to_string()
        }))
    }

    async fn update(&self, mut account: AccountRecord) -> Result<Changed, Error> {
        let mut state = self.enter("update account").await?;
        let is_taken = |other: &AccountRecord| {
            other.id != account.id && key(other).is_some() && key(other) == key(&account)
        };
        if state.accounts.values().any(is_taken) {
            return Err(conflict());
        }
        let Some(old) = state.accounts.get_mut(&account.id) else {
            return Ok(Changed::Gone);
        };
        if old.version != account.version {
            return Ok(Changed::Stale);
        }
        // What was taken stays taken, whatever the caller has read before.
        if let (Some(old), Some(new)) = (&old.totp, &mut account.totp)
            && old.sealed_secret == new.sealed_secret
        {
            new.last_step = new.last_step.max(old.last_step);
        }
        account.version += 1;
        account.created_at = old.created_at;
        account.last_sign_in_at = old.last_sign_in_at;
        *old = account;
        Ok(Changed::Done)
    }

    async fn delete(&self, id: &UserId) -> Result<Changed, Error> {
        let mut state = self.enter("delete account").await?;
        let gone = state.accounts.remove(id).is_none();
        state
            .assignments
            .retain(|assignment| assignment.user_id != *id);
        Ok(if gone { Changed::Gone } else { Changed::Done })
    }

    async fn take_totp_step(&self, id: &UserId, step: u64) -> Result<bool, Error> {
        let mut state = self.enter("take step").await?;
        let account = state.accounts.get_mut(id);
        let Some(totp) = account.and_then(|account| account.totp.as_mut()) else {
            return Ok(false);
        };
        let is_later = step > totp.last_step;
        totp.last_step = totp.last_step.max(step);
        Ok(is_later)
    }

    async fn note_sign_in(&self, id: &UserId, at: Timestamp) -> Result<bool, Error> {
        let mut state = self.enter("note sign-in").await?;
        let account = state.accounts.get_mut(id);
        Ok(account.is_some_and(|account| account.last_sign_in_at.insert(at) == &at))
    }
}

#[async_trait]
impl AssignmentStore for TestStore {
    async fn assign(&self, assignment: AssignmentRecord) -> Result<bool, Error> {
        let mut state = self.enter("assign").await?;
        let is_same = |other: &AssignmentRecord| {
            other.user_id == assignment.user_id && other.role == assignment.role
        };
        if state.assignments.iter().any(is_same) {
            return Ok(false);
        }
        state.assignments.push(assignment);
        Ok(true)
    }

    async fn unassign(&self, user: &UserId, role: &RoleId) -> Result<Changed, Error> {
        let mut state = self.enter("unassign").await?;
        let before = state.assignments.len();
        state
            .assignments
            .retain(|held| held.user_id != *user || held.role != *role);
        let gone = state.assignments.len() == before;
        Ok(if gone { Changed::Gone } else { Changed::Done })
    }

    async fn roles_of(&self, user: &UserId) -> Result<Vec<RoleId>, Error> {
        let state = self.enter("roles").await?;
        let his = state
            .assignments
            .iter()
            .filter(|held| held.user_id == *user);
        Ok(his.map(|held| held.role.clone()).collect())
    }

    async fn list(
        &self,
        filter: &AssignmentFilter,
        cursor: &Cursor,
    ) -> Result<Listed<AssignmentRecord>, Error> {
        let state = self.enter("list assignments").await?;
        let fits = |held: &&AssignmentRecord| {
            filter.role.as_ref().is_none_or(|role| held.role == *role)
                && filter
                    .user_id
                    .as_ref()
                    .is_none_or(|user| held.user_id == *user)
        };
        let rows = state.assignments.iter().filter(fits).cloned().collect();
        Ok(Listed::cut(rows, cursor.limit, |held| {
            held.user_id.to_string()
        }))
    }
}
