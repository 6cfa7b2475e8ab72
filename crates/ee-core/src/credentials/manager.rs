//! What people do with the credentials that they sign in with.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use secrecy::SecretString;
use serde::Serialize;

use crate::{Error, RequestHead, User, UserId};

/// How an account is protected.
#[derive(Clone, Copy, Debug, Eq, PartialEq, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccountSecurity {
    /// Whether it has a password.
    pub has_password: bool,
    /// Whether a sign-in takes a code.
    pub has_second_factor: bool,
    /// Whether its owner has shown that he reads mail to its address.
    pub is_email_verified: bool,
    /// How many recovery codes are left.
    pub recovery_codes: usize,
}

impl AccountSecurity {
    /// Describes an account that nothing protects yet.
    pub const fn none() -> Self {
        Self {
            has_password: false,
            has_second_factor: false,
            is_email_verified: false,
            recovery_codes: 0,
        }
    }
}

/// What an authenticator has to be told. Shown once; good when its first code was shown.
#[derive(Clone, Debug)]
pub struct TotpEnrolment {
    /// The secret for typing: letters and digits.
    pub secret: SecretString,
    /// The same as an `otpauth` address, for a picture that a page draws.
    pub uri: SecretString,
}

/// Codes for the day when the authenticator is lost, each good once. Shown once and never again.
#[derive(Clone, Debug)]
#[must_use]
pub struct RecoveryCodes(Vec<SecretString>);

impl RecoveryCodes {
    /// Takes codes that were just made.
    pub const fn new(codes: Vec<SecretString>) -> Self {
        Self(codes)
    }

    /// Returns the codes, for their owner alone.
    pub fn expose(&self) -> &[SecretString] {
        &self.0
    }
}

/// Lets people look after the credentials that they sign in with.
///
/// Whoever calls has found out who the user is: these are about his own account and check passwords, codes and links, and
/// no permissions. What changes credentials ends all sessions of the account and returns its user as he is then, so that
/// the caller can begin a new session for whoever asked. Errors by kind, everywhere:
///
/// | Kind | Meaning |
/// | --- | --- |
/// | `Invalid` | an input is refused, with its field: also a link that was used and a wrong current password |
/// | `NotFound` | there is no such account |
/// | `Conflict` | the state has moved, or is not the one that this begins from |
/// | `Forbidden` | the configuration does not allow it |
/// | `RateLimited` | tried too often, with the time to wait |
/// | `Unavailable` | the store, the mail server or all places for hashing are busy |
#[async_trait]
pub trait CredentialsManager: fmt::Debug + Send + Sync + 'static {
    /// Tells how an account is protected.
    async fn security(&self, user: &UserId) -> Result<AccountSecurity, Error>;

    /// Sets a new password. Wants the old one.
    async fn change_password(
        &self,
        user: &UserId,
        current: &SecretString,
        new: &SecretString,
        head: &RequestHead<'_>,
    ) -> Result<Arc<User>, Error>;

    /// Sends a link to set a new password, if there is an account with this address. The answer and its time are the same
    /// if there is none.
    async fn request_password_reset(
        &self,
        email: &str,
        head: &RequestHead<'_>,
    ) -> Result<(), Error>;

    /// Sets a new password with the secret of a link. A password that is refused leaves the link good.
    async fn reset_password(
        &self,
        token: &str,
        new: &SecretString,
        head: &RequestHead<'_>,
    ) -> Result<(), Error>;

    /// Sends the letter that confirms the address of an account.
    async fn request_email_verification(&self, user: &UserId) -> Result<(), Error>;

    /// Confirms an address with the secret of a link. For somebody who signed up this is what creates the account.
    async fn verify_email(&self, token: &str, head: &RequestHead<'_>) -> Result<Arc<User>, Error>;

    /// Begins to set up the second factor that a sign-in demands and the account does not have. The sign-in goes on with
    /// the first code.
    async fn enrol_at_sign_in(
        &self,
        token: &str,
        head: &RequestHead<'_>,
    ) -> Result<TotpEnrolment, Error>;

    /// Makes a secret for an authenticator. It guards nothing before [`confirm_totp`](Self::confirm_totp).
    async fn begin_totp(&self, user: &UserId) -> Result<TotpEnrolment, Error>;

    /// Turns the second factor on with its first code and returns recovery codes.
    async fn confirm_totp(
        &self,
        user: &UserId,
        code: &str,
        head: &RequestHead<'_>,
    ) -> Result<(Arc<User>, RecoveryCodes), Error>;

    /// Turns the second factor off. Wants the password and a last code.
    async fn disable_totp(
        &self,
        user: &UserId,
        password: &SecretString,
        code: &str,
        head: &RequestHead<'_>,
    ) -> Result<Arc<User>, Error>;

    /// Makes new recovery codes; the old ones are useless from then on. Wants the password. Ends no session.
    async fn regenerate_recovery_codes(
        &self,
        user: &UserId,
        password: &SecretString,
        head: &RequestHead<'_>,
    ) -> Result<RecoveryCodes, Error>;
}
