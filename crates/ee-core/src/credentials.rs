//! Sign-in with an e-mail address and a password.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Error, RequestHead, User};

/// The end of a sign-in with credentials (`CredentialsResult`, phase 2).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SignIn {
    /// Unknown address or wrong password: the two look alike.
    Refused,
    /// The credentials are right. The server makes the session.
    Success(Arc<User>),
}

/// Signs people in with an address and a password (`ICredentialsProvider`, phase 2).
#[async_trait]
pub trait CredentialsProvider: std::fmt::Debug + Send + Sync + 'static {
    /// Checks the credentials.
    async fn sign_in(
        &self,
        email: &str,
        password: &str,
        head: &RequestHead<'_>,
    ) -> Result<SignIn, Error>;

    /// Creates an account. `None` when the account cannot be created and the caller shall not learn why.
    async fn sign_up(
        &self,
        _email: &str,
        _password: &str,
        _name: Option<&str>,
        _head: &RequestHead<'_>,
    ) -> Result<Option<Arc<User>>, Error> {
        Ok(None)
    }

    /// Tells whether people may create accounts themselves.
    fn sign_up_enabled(&self) -> bool {
        false
    }
}
