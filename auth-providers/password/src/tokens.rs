//! Secrets that are good once: in links, and between the password and the second factor.

use std::sync::Arc;

use ee_core::{
    Clock, Error, ErrorKind, TokenHash, UserId, random_token,
    storage::{OneTimeToken, OneTimeTokenStore, TokenPurpose},
};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

/// Longest text that is worth hashing.
const MAX_SECRET_BYTES: usize = 128;

/// Issues one-time secrets of 256 bits and takes them back. The store keeps their SHA-256.
#[derive(Debug)]
pub(crate) struct Tokens {
    clock: Arc<dyn Clock>,
    store: Arc<dyn OneTimeTokenStore>,
}

/// What a new secret is about.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    pub(crate) created_by: Option<UserId>,
    pub(crate) data: Map<String, Value>,
    pub(crate) user_id: Option<UserId>,
}

impl Claims {
    /// About an account, as long as its credential version is this one.
    pub(crate) fn about(user: &UserId, credential_version: u64) -> Self {
        let mut data = Map::new();
        data.insert(VERSION.to_owned(), credential_version.into());
        Self {
            data,
            user_id: Some(user.clone()),
            ..Self::default()
        }
    }

    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.data.insert(key.to_owned(), value.into());
        self
    }
}

/// Where a token keeps the credential version of its account.
const VERSION: &str = "credentialVersion";

/// A secret that was just issued.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) secret: SecretString,
    pub(crate) token: OneTimeToken,
}

impl Tokens {
    pub(crate) const fn new(store: Arc<dyn OneTimeTokenStore>, clock: Arc<dyn Clock>) -> Self {
        Self { clock, store }
    }

    /// Returns where the tokens are.
    pub(crate) fn store(&self) -> &dyn OneTimeTokenStore {
        self.store.as_ref()
    }

    /// Makes a secret and keeps its hash.
    pub(crate) async fn issue(
        &self,
        purpose: TokenPurpose,
        claims: Claims,
    ) -> Result<Issued, Error> {
        let secret = SecretString::from(random_token()?);
        let now = self.clock.now();
        let end = now
            .saturating_add(lifetime(purpose))
            .unwrap_or(Timestamp::MAX);
        let hash = TokenHash::of(secret.expose_secret());
        let mut token = OneTimeToken::new(purpose, hash, now, end);
        token.created_by = claims.created_by;
        token.data = claims.data;
        token.user_id = claims.user_id;
        self.store.create(vec![token.clone()]).await?;
        Ok(Issued { secret, token })
    }

    /// Returns what a secret is about, and leaves it good.
    pub(crate) async fn find(
        &self,
        purpose: TokenPurpose,
        secret: &str,
    ) -> Result<Option<OneTimeToken>, Error> {
        if secret.is_empty() || secret.len() > MAX_SECRET_BYTES {
            return Ok(None);
        }
        let hash = TokenHash::of(secret);
        self.store.find(&hash, purpose, self.clock.now()).await
    }

    /// Takes a secret that was found. Of many who do, one is told so.
    pub(crate) async fn take(&self, token: &OneTimeToken) -> Result<bool, Error> {
        let now = self.clock.now();
        let taken = self.store.take(&token.hash, token.purpose, now).await?;
        Ok(taken.is_some())
    }

    /// Makes a secret good again after what it was taken for has failed.
    pub(crate) async fn put_back(&self, token: OneTimeToken) {
        // There is already an error to tell, and the person can ask for another link.
        if let Err(err) = self.store.create(vec![token]).await {
            tracing::warn!(
                error.kind = err.kind().code(),
                "a one-time token could not be put back"
            );
        }
    }

    /// Makes all secrets of an account for a purpose useless.
    pub(crate) async fn revoke(&self, user: &UserId, purpose: TokenPurpose) -> Result<(), Error> {
        self.store.delete_for_user(user, purpose).await.map(drop)
    }
}

/// Tells whether the token was issued under this credential version.
pub(crate) fn is_of_version(token: &OneTimeToken, credential_version: u64) -> bool {
    token.data.get(VERSION).and_then(Value::as_u64) == Some(credential_version)
}

/// Returns a text that the token carries.
pub(crate) fn text<'a>(token: &'a OneTimeToken, key: &str) -> Option<&'a str> {
    token.data.get(key).and_then(Value::as_str)
}

/// The refusal of a secret that is used up, over, or never was.
pub(crate) fn no_longer_good() -> Error {
    Error::invalid_field("token", "this link was used already or is no longer valid")
}

/// Returns how long a secret is good (ASVS 5.0 §6.4).
const fn lifetime(purpose: TokenPurpose) -> SignedDuration {
    match purpose {
        TokenPurpose::Invitation => SignedDuration::from_hours(72),
        TokenPurpose::PasswordReset => SignedDuration::from_mins(30),
        TokenPurpose::SecondFactor => SignedDuration::from_mins(5),
        // Setup and e-mail verification.
        _ => SignedDuration::from_hours(24),
    }
}

/// The refusal because the state has moved under a change again and again.
pub(crate) fn moved() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "the account was changed by somebody else at the same time; try again",
    )
}
