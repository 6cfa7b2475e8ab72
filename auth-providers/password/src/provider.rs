//! The provider that puts it together.

use std::sync::Arc;

use async_trait::async_trait;
use ee_core::{
    AuthProvider, Clock, CredentialsManager, CredentialsProvider, Error, InvitationManager,
    RequestHead, SignIn, SignUp, User, UserId, UserProvider, storage::AccountStatus,
};
use http::HeaderValue;
use secrecy::SecretString;

use crate::{
    Accounts, Mailer, PasswordConfig, PasswordConfigError, PasswordStores, accounts::user_of,
};

/// Signs people in who have an account here, with address and password, and with a second factor.
///
/// It shows nobody's identity by itself: a request is somebody's by the session that the server
/// makes after a sign-in.
#[derive(Clone, Debug)]
pub struct PasswordAuth {
    accounts: Arc<Accounts>,
}

impl PasswordAuth {
    /// Checks the configuration. See [`PasswordConfigError`] for what it refuses.
    pub fn new(
        config: PasswordConfig,
        stores: PasswordStores,
        clock: Arc<dyn Clock>,
        mailer: Arc<dyn Mailer>,
    ) -> Result<Self, PasswordConfigError> {
        let accounts = Accounts::new(config, stores, clock, mailer)?;
        Ok(Self {
            accounts: Arc::new(accounts),
        })
    }

    /// Returns what can be done with the accounts.
    pub const fn accounts(&self) -> &Arc<Accounts> {
        &self.accounts
    }
}

#[async_trait]
impl AuthProvider for PasswordAuth {
    fn name(&self) -> &'static str {
        "password"
    }

    /// Looks at nothing: no request carries a password.
    async fn authenticate(&self, _head: &RequestHead<'_>) -> Result<Option<Arc<User>>, Error> {
        Ok(None)
    }

    fn users(&self) -> Option<&dyn UserProvider> {
        Some(self)
    }

    fn credentials(&self) -> Option<&dyn CredentialsProvider> {
        Some(self)
    }
}

#[async_trait]
impl UserProvider for PasswordAuth {
    /// A disabled account is nobody.
    async fn find(&self, id: &UserId) -> Result<Option<Arc<User>>, Error> {
        let account = self.accounts.by_id(id).await?;
        let active = account.filter(|account| account.status == AccountStatus::Active);
        Ok(active.as_ref().map(user_of))
    }
}

#[async_trait]
impl CredentialsProvider for PasswordAuth {
    /// See [`Accounts::sign_in`].
    async fn sign_in(
        &self,
        email: &str,
        password: &str,
        head: &RequestHead<'_>,
    ) -> Result<SignIn, Error> {
        let password = SecretString::from(password);
        self.accounts.sign_in(email, &password, head).await
    }

    /// See [`Accounts::second_factor`].
    async fn second_factor(
        &self,
        token: &str,
        code: &str,
        head: &RequestHead<'_>,
    ) -> Result<SignIn, Error> {
        self.accounts.second_factor(token, code, head).await
    }

    async fn device_cookie(&self, user: &UserId) -> Result<Option<HeaderValue>, Error> {
        self.accounts.device_cookie(user).await
    }

    /// See [`Accounts::sign_up`].
    async fn sign_up(
        &self,
        email: &str,
        password: &str,
        name: Option<&str>,
        head: &RequestHead<'_>,
    ) -> Result<SignUp, Error> {
        let password = SecretString::from(password);
        self.accounts.sign_up(email, &password, name, head).await
    }

    fn sign_up_enabled(&self) -> bool {
        self.accounts.sign_up_enabled()
    }

    fn manager(&self) -> Option<&dyn CredentialsManager> {
        Some(self.accounts.as_ref())
    }

    fn invitations(&self) -> Option<&dyn InvitationManager> {
        Some(self.accounts.as_ref())
    }
}
