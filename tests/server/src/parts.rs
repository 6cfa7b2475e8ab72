use std::sync::Arc;

use ee::{
    Clock, UserProvider,
    access::{
        AccessStores, AccountUsers, ApiKeys, CachedSessions, CachedUsers, EitherUsers, Epochs,
        StoreAccess,
    },
    server::access::AccessParts,
    storage::SessionStore,
};

use crate::{TestStore, roles};

/// Roles, grants, keys and sessions of a store, put together as the program does it.
pub(crate) struct Parts {
    pub(crate) access: AccessParts,
    pub(crate) epochs: Arc<Epochs>,
    pub(crate) keys: Arc<ApiKeys>,
    pub(crate) sessions: Arc<dyn SessionStore>,
    pub(crate) store: Arc<StoreAccess>,
    pub(crate) users: Arc<dyn UserProvider>,
}

impl Parts {
    pub(crate) fn new(
        store: &Arc<TestStore>,
        clock: Arc<dyn Clock>,
        first: Arc<dyn UserProvider>,
    ) -> Self {
        let epochs = StoreAccess::epochs_of(store.hub());
        let sessions: Arc<dyn SessionStore> = Arc::new(CachedSessions::new(
            Arc::clone(store) as _,
            Arc::clone(&epochs),
            Arc::clone(&clock),
        ));
        let users = EitherUsers {
            first,
            second: Arc::new(AccountUsers::new(Arc::clone(store) as _)),
        };
        let users: Arc<dyn UserProvider> =
            Arc::new(CachedUsers::new(Arc::new(users), Arc::clone(&epochs)));
        let kept = AccessStores {
            assignments: Arc::clone(store) as _,
            grants: Arc::clone(store) as _,
            groups: Arc::clone(store) as _,
            roles: Arc::clone(store) as _,
        };
        let access = StoreAccess::new(roles(), kept, Arc::clone(&clock), Arc::clone(&epochs));
        let access = Arc::new(access);
        let keys = ApiKeys::new(
            Arc::clone(store) as _,
            Arc::clone(&users),
            clock,
            Arc::clone(&epochs),
            "dev",
        );
        let keys = Arc::new(keys.unwrap());
        Self {
            access: AccessParts {
                accounts: Arc::clone(store) as _,
                acl: Arc::clone(&access) as _,
                assignments: Arc::clone(store) as _,
                groups: Arc::clone(store) as _,
                keys: Arc::clone(&keys) as _,
                rbac: Arc::clone(&access) as _,
                roles: Arc::clone(&access) as _,
                sessions: Arc::clone(&sessions),
                users: Arc::clone(&users),
            },
            epochs,
            keys,
            sessions,
            store: access,
            users,
        }
    }
}
