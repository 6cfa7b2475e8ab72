//! Signing in with address and password.

use ee_core::{
    Error, FactorMethod, RequestHead, SecondFactor, SignIn, UserId,
    storage::{AccountRecord, TokenPurpose},
};
use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;

use super::{Accounts, has_factor, is_usable, user_of};
use crate::{
    SecondFactorDemand,
    email::EmailAddress,
    hashing::Verdict,
    throttle::{Guarded, Limit},
    tokens::Claims,
};

impl Accounts {
    /// Checks an address and a password.
    ///
    /// An unknown address, a wrong password, an account that is locked, disabled or has no password:
    /// all of them are refused alike, after one run of the hash and no sooner than after a quarter of
    /// a second. Only who asks too often from one address is told so.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &SecretString,
        head: &RequestHead<'_>,
    ) -> Result<SignIn, Error> {
        let start = Instant::now();
        let address = head.client_ip;
        self.throttle
            .address("sign-in", address, &Limit::SIGN_IN)
            .await?;
        let email = EmailAddress::parse(email)?;
        let account = self.stores.accounts.find_by_email(email.as_str()).await?;
        let guarded = match &account {
            Some(account) => self.guarded(account, head),
            None => Guarded::Unknown(email.key()),
        };
        let usable = account.filter(is_usable);
        let stored = usable
            .as_ref()
            .and_then(|account| account.password_hash.as_deref());
        let (attempt, verdict) = self.compare(&guarded, stored, password).await?;
        let (Some(account), Verdict::Right { is_outdated }) = (usable, verdict) else {
            tracing::debug!(attempt = ?attempt, "refused a password");
            return self.refuse(start).await;
        };
        if is_outdated {
            self.hash_anew(&account, password).await;
        }
        if has_factor(&account) {
            let methods = vec![FactorMethod::RecoveryCode, FactorMethod::Totp];
            return self.ask_for_factor(&account, methods).await;
        }
        if self.demand == SecondFactorDemand::Required {
            return self
                .ask_for_factor(&account, vec![FactorMethod::Enrol])
                .await;
        }
        self.finish(&account).await
    }

    /// Returns the cookie by which the browser is known that has just signed in.
    pub async fn device_cookie(&self, user: &UserId) -> Result<Option<HeaderValue>, Error> {
        match self.stores.accounts.find(user).await?.filter(is_usable) {
            Some(account) => self.devices.introduce(&account),
            None => Ok(None),
        }
    }

    /// Refuses, not too soon.
    pub(super) async fn refuse(&self, start: Instant) -> Result<SignIn, Error> {
        self.floor.wait(start).await?;
        Ok(SignIn::Refused)
    }

    pub(super) async fn finish(&self, account: &AccountRecord) -> Result<SignIn, Error> {
        let is_there = self
            .stores
            .accounts
            .note_sign_in(&account.id, self.now())
            .await?;
        Ok(if is_there {
            SignIn::Success(user_of(account))
        } else {
            SignIn::Refused
        })
    }

    async fn ask_for_factor(
        &self,
        account: &AccountRecord,
        methods: Vec<FactorMethod>,
    ) -> Result<SignIn, Error> {
        let claims = Claims::about(&account.id, account.credential_version);
        let issued = self
            .tokens
            .issue(TokenPurpose::SecondFactor, claims)
            .await?;
        let secret = issued.secret.expose_secret();
        let factor = SecondFactor::new(secret, methods, issued.token.expires_at);
        Ok(SignIn::SecondFactor(factor))
    }

    /// Replaces a hash that was made with other parameters. The sign-in does not depend on it.
    async fn hash_anew(&self, account: &AccountRecord, password: &SecretString) {
        let replace = async {
            let hash = self.hashing.hash(password).await?;
            let mut account = account.clone();
            account.password_hash = Some(hash);
            account.updated_at = self.now();
            // Whoever has changed the account in between has the last word.
            self.stores.accounts.update(account).await.map(drop)
        };
        if let Err(err) = replace.await {
            tracing::warn!(user.id = %account.id, error.kind = err.kind().code(), "a password was not hashed anew");
        }
    }
}
