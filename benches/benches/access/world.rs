//! Roles and grants over a store, as the product puts them together.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use ee::{
    AclProvider as _, Authority, Error, Permission, RbacProvider as _, SystemClock, User,
    access::{AccessStores, Epochs, StoreAccess},
    defaults::default_roles,
    sql::{Database, SqlStore},
};
use jiff::Timestamp;
use tokio::runtime::Runtime;

pub(crate) struct World<D> {
    pub(crate) access: StoreAccess,
    pub(crate) epochs: Arc<Epochs>,
    pub(crate) runtime: Runtime,
    pub(crate) store: Arc<SqlStore<D>>,
}

impl<D: Database> World<D> {
    pub(crate) fn over(store: SqlStore<D>, runtime: Runtime) -> Self {
        let store = Arc::new(store);
        let kept = AccessStores {
            assignments: store.clone(),
            grants: store.clone(),
            groups: store.clone(),
            roles: store.clone(),
        };
        let epochs = StoreAccess::epochs_of(store.hub());
        let clock = Arc::new(SystemClock);
        Self {
            access: StoreAccess::new(default_roles(), kept, clock, Arc::clone(&epochs)),
            epochs,
            runtime,
            store,
        }
    }

    /// Decides as a request does that has found out who asks: permissions and grants are remembered.
    pub(crate) fn allows(
        &self,
        user: &User,
        permission: &Permission,
        id: &str,
        now: Timestamp,
    ) -> bool {
        self.authority(user).allows_on(permission, id, now)
    }

    /// Returns what the user may do, who has been asked about before.
    pub(crate) fn authority(&self, user: &User) -> Authority {
        let permissions = at_once(self.access.permissions(user));
        let grants = at_once(self.access.grants(user)).unwrap();
        Authority::set(permissions).with_grants(grants)
    }
}

/// Finishes a future that has nothing to wait for.
pub(crate) fn at_once<T>(future: impl Future<Output = Result<T, Error>>) -> T {
    let Poll::Ready(found) = pin!(future).poll(&mut Context::from_waker(Waker::noop())) else {
        unreachable!("everything is remembered")
    };
    found.unwrap()
}
