//! What the server remembers of its store.

use std::sync::Arc;

use async_trait::async_trait;
use clap::ValueEnum;
use ee::{
    AuthProvider, CredentialsProvider, Error, RequestHead, User, UserProvider,
    access::{AccountUsers, CachedSessions, CachedUsers, Epochs},
    auth_password::PasswordAuth,
    storage::{AccountStore, Change, ChangeListener, SessionStore},
};

use crate::clock::MovableClock;

/// How a request finds out who asks.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Reads {
    /// Everything is read anew.
    Anew,
    /// What was read before counts until it changes, as in the product.
    Cached,
    /// Session and user are read, what he may do is remembered.
    Plain,
}

impl Reads {
    /// Returns the sessions and users of a store.
    pub(crate) fn of<S>(
        self,
        store: &Arc<S>,
        epochs: &Arc<Epochs>,
        clock: &Arc<MovableClock>,
    ) -> (Arc<dyn SessionStore>, Arc<dyn UserProvider>)
    where
        S: AccountStore + SessionStore,
    {
        let users = Arc::new(AccountUsers::new(store.clone()));
        match self {
            Self::Anew | Self::Plain => (store.clone(), users),
            Self::Cached => (
                Arc::new(CachedSessions::new(
                    store.clone(),
                    Arc::clone(epochs),
                    clock.clone(),
                )),
                Arc::new(CachedUsers::new(users, Arc::clone(epochs))),
            ),
        }
    }

    /// Returns the provider that is asked first on every request.
    pub(crate) fn provider(
        self,
        password: PasswordAuth,
        epochs: &Arc<Epochs>,
    ) -> Arc<dyn AuthProvider> {
        match self {
            Self::Anew => Arc::new(Forgetful {
                epochs: Arc::clone(epochs),
                password,
            }),
            Self::Cached | Self::Plain => Arc::new(password),
        }
    }
}

/// Has everything forgotten before each request.
#[derive(Debug)]
struct Forgetful {
    epochs: Arc<Epochs>,
    password: PasswordAuth,
}

#[async_trait]
impl AuthProvider for Forgetful {
    fn name(&self) -> &str {
        self.password.name()
    }

    async fn authenticate(&self, head: &RequestHead<'_>) -> Result<Option<Arc<User>>, Error> {
        self.epochs.changed(&Change::Everything);
        self.password.authenticate(head).await
    }

    fn users(&self) -> Option<&dyn UserProvider> {
        self.password.users()
    }

    fn credentials(&self) -> Option<&dyn CredentialsProvider> {
        self.password.credentials()
    }
}
