//! Users: those of another provider, remembered; those with an account; those of several.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use ee_core::{
    Error, User, UserId, UserProvider,
    storage::{AccountStatus, AccountStore},
};
use quick_cache::{UnitWeighter, sync::Cache};

use crate::{AT_FIRST, Epochs};

/// Most users that are remembered.
const CAPACITY: u64 = 50_000;

/// A user provider that remembers whom it has found at another one, whose store [`Epochs`] has to listen to.
pub struct CachedUsers {
    cache: Cache<UserId, (u64, Arc<User>)>,
    epochs: Arc<Epochs>,
    users: Arc<dyn UserProvider>,
}

impl CachedUsers {
    /// Remembers the users of `users`.
    pub fn new(users: Arc<dyn UserProvider>, epochs: Arc<Epochs>) -> Self {
        Self {
            cache: Cache::with_weighter(AT_FIRST, CAPACITY, UnitWeighter),
            epochs,
            users,
        }
    }
}

impl fmt::Debug for CachedUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedUsers")
            .field("users", &self.users)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl UserProvider for CachedUsers {
    async fn find(&self, id: &UserId) -> Result<Option<Arc<User>>, Error> {
        let now = self.epochs.user(id);
        if let Some((then, user)) = self.cache.get(id)
            && then == now
        {
            return Ok(Some(user));
        }
        let found = self.users.find(id).await?;
        match &found {
            Some(user) => self.cache.insert(id.clone(), (now, Arc::clone(user))),
            None => {
                self.cache.remove(id);
            }
        }
        Ok(found)
    }

    async fn find_many(&self, ids: &[UserId]) -> Result<Vec<Option<Arc<User>>>, Error> {
        self.users.find_many(ids).await
    }

    fn profile_url(&self, user: &User) -> Option<String> {
        self.users.profile_url(user)
    }
}

/// Whoever has an account that may be used.
#[derive(Debug)]
pub struct AccountUsers(Arc<dyn AccountStore>);

impl AccountUsers {
    /// Finds users among the accounts of a store.
    pub fn new(accounts: Arc<dyn AccountStore>) -> Self {
        Self(accounts)
    }
}

#[async_trait]
impl UserProvider for AccountUsers {
    async fn find(&self, id: &UserId) -> Result<Option<Arc<User>>, Error> {
        let found = self.0.find(id).await?;
        let active = found.filter(|account| account.status == AccountStatus::Active);
        Ok(active.map(|account| Arc::new(User::from(&account))))
    }
}

/// The users of two providers. Whom the first knows is its user.
#[derive(Debug)]
pub struct EitherUsers {
    /// Asked first.
    pub first: Arc<dyn UserProvider>,
    /// Asked for those whom the first does not know.
    pub second: Arc<dyn UserProvider>,
}

#[async_trait]
impl UserProvider for EitherUsers {
    async fn find(&self, id: &UserId) -> Result<Option<Arc<User>>, Error> {
        match self.first.find(id).await? {
            None => self.second.find(id).await,
            found => Ok(found),
        }
    }
}
