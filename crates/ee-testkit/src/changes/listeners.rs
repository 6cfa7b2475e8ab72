//! Who is told.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use ee_core::{
    UserId,
    storage::{AccountRecord, AccountStore, Change, ChangeHub, ChangeListener},
};
use tokio::{runtime::Handle, task::JoinHandle};

/// Keeps what it is told.
#[derive(Debug, Default)]
pub(super) struct Ear(Mutex<Vec<Change>>);

impl ChangeListener for Ear {
    fn changed(&self, change: &Change) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(change.clone());
    }
}

impl Ear {
    pub(super) fn at(hub: &ChangeHub) -> Arc<Self> {
        let ear = Arc::new(Self::default());
        hub.listen(Arc::<Self>::clone(&ear));
        ear
    }

    /// Returns what was told since the last call.
    pub(super) fn take(&self) -> Vec<Change> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asserts that all of these were told since the last call.
    #[track_caller]
    pub(super) fn heard(&self, wanted: impl IntoIterator<Item = Change>) {
        let told = self.take();
        for change in wanted {
            let is_told = told.contains(&change) || told.contains(&Change::Everything);
            assert!(is_told, "`{change}` was not told, but {told:?}");
        }
    }
}

/// Looks at an account whenever it is told of it.
#[derive(Debug)]
pub(super) struct Eye<S> {
    runtime: Handle,
    seen: Mutex<Vec<JoinHandle<Option<AccountRecord>>>>,
    store: Weak<S>,
    user: UserId,
}

impl<S: AccountStore> ChangeListener for Eye<S> {
    fn changed(&self, _: &Change) {
        let Some(store) = self.store.upgrade() else {
            return;
        };
        let user = self.user.clone();
        let look = self
            .runtime
            .spawn(async move { store.find(&user).await.unwrap() });
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(look);
    }
}

impl<S: AccountStore> Eye<S> {
    pub(super) fn at(hub: &ChangeHub, store: &Arc<S>, user: UserId) -> Arc<Self> {
        let eye = Arc::new(Self {
            runtime: Handle::current(),
            seen: Mutex::default(),
            store: Arc::downgrade(store),
            user,
        });
        hub.listen(Arc::<Self>::clone(&eye));
        eye
    }

    /// Returns what was seen since the last call, in the order in which it was told.
    pub(super) async fn take(&self) -> Vec<Option<AccountRecord>> {
        let looks = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        let mut seen = Vec::new();
        for look in looks {
            seen.push(look.await.unwrap());
        }
        seen
    }
}
