//! Sign-in with an e-mail address and a password, and with a second factor where there is one.

mod invitations;
mod manager;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use http::HeaderValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

use crate::{Error, RequestHead, User, UserId};

pub use {
    invitations::{Invitation, InvitationManager, Invite, Newcomer},
    manager::{AccountSecurity, CredentialsManager, RecoveryCodes, TotpEnrolment},
};

/// The end of a sign-in with credentials (`CredentialsResult`, phase 2).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SignIn {
    /// Unknown address or wrong password: the two look alike.
    Refused,
    /// The password is right and does not suffice. There is no session before [`CredentialsProvider::second_factor`].
    SecondFactor(SecondFactor),
    /// The credentials are right. The server makes the session.
    Success(Arc<User>),
}

/// The end of a sign-up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SignUp {
    /// A letter was sent, whether the address was free or taken: its link creates the account.
    ConfirmEmail,
    /// The account is there, and its user is signed in.
    Created(Arc<User>),
    /// It cannot be created, and the caller shall not learn why.
    Refused,
}

/// What a person shows beside the password.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FactorMethod {
    /// Nothing yet: a factor is demanded, has to be set up first, and is shown with its first code.
    Enrol,
    /// One of the codes that were kept for the day when the device is lost.
    RecoveryCode,
    /// The code that an authenticator shows now (RFC 6238).
    Totp,
}

/// A sign-in that waits for the second factor.
#[derive(Clone)]
#[non_exhaustive]
pub struct SecondFactor {
    /// When it is too late.
    pub expires_at: Timestamp,
    /// What may be shown.
    pub methods: Vec<FactorMethod>,
    token: Box<str>,
}

impl SecondFactor {
    /// Describes a sign-in that waits, known by a secret.
    pub fn new(
        token: impl Into<String>,
        methods: Vec<FactorMethod>,
        expires_at: Timestamp,
    ) -> Self {
        Self {
            expires_at,
            methods,
            token: token.into().into_boxed_str(),
        }
    }

    /// Returns the secret that continues this sign-in, for the browser that began it alone. It is no session.
    pub fn expose_token(&self) -> &str {
        &self.token
    }
}

impl fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecondFactor")
            .field("expires_at", &self.expires_at)
            .field("methods", &self.methods)
            .finish_non_exhaustive()
    }
}

impl Drop for SecondFactor {
    fn drop(&mut self) {
        let mut token = std::mem::take(&mut self.token).into_string();
        token.zeroize();
    }
}

/// Signs people in with an address and a password (`ICredentialsProvider`, phase 2).
#[async_trait]
pub trait CredentialsProvider: fmt::Debug + Send + Sync + 'static {
    /// Checks the credentials.
    async fn sign_in(
        &self,
        email: &str,
        password: &str,
        head: &RequestHead<'_>,
    ) -> Result<SignIn, Error>;

    /// Goes on with a sign-in that ended with [`SignIn::SecondFactor`]. An unknown token and a wrong code look alike.
    async fn second_factor(
        &self,
        _token: &str,
        _code: &str,
        _head: &RequestHead<'_>,
    ) -> Result<SignIn, Error> {
        Ok(SignIn::Refused)
    }

    /// Returns the cookie by which a browser is known at its next sign-in, so that strangers who guess cannot keep its
    /// user out. `None` when the provider knows no devices or not this user.
    async fn device_cookie(&self, _user: &UserId) -> Result<Option<HeaderValue>, Error> {
        Ok(None)
    }

    /// Creates an account, or sends the letter that does.
    async fn sign_up(
        &self,
        _email: &str,
        _password: &str,
        _name: Option<&str>,
        _head: &RequestHead<'_>,
    ) -> Result<SignUp, Error> {
        Ok(SignUp::Refused)
    }

    /// Tells whether people may create accounts themselves.
    fn sign_up_enabled(&self) -> bool {
        false
    }

    /// Lets people look after their credentials.
    fn manager(&self) -> Option<&dyn CredentialsManager> {
        None
    }

    /// Brings people in.
    fn invitations(&self) -> Option<&dyn InvitationManager> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_that_waits_does_not_print_its_token() {
        let wait = SecondFactor::new("s3cr3t", vec![FactorMethod::Totp], Timestamp::UNIX_EPOCH);

        assert_eq!(wait.expose_token(), "s3cr3t");
        assert!(!format!("{:?}", SignIn::SecondFactor(wait)).contains("s3cr3t"));
        assert_eq!(
            serde_json::to_value(FactorMethod::RecoveryCode).unwrap(),
            "recovery-code"
        );
    }
}
