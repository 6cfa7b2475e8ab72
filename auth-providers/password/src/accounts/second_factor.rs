//! Going on with a sign-in that wants a second factor.

use ee_core::{
    Error, ErrorKind, RequestHead, SignIn, TotpEnrolment, UserId,
    storage::{AccountRecord, OneTimeToken, TokenPurpose},
};
use tokio::time::Instant;

use super::{Accounts, has_factor, is_usable};
use crate::{
    SecondFactorDemand,
    mail::Letter,
    throttle::{Guarded, Limit},
    tokens::{is_of_version, no_longer_good},
    totp::{newest_step, read_code, recovery},
};

/// What was shown and taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Taken {
    /// A code of the authenticator.
    Totp {
        /// Its secret was sealed with a key that is about to go.
        is_outdated: bool,
    },
    /// A recovery code.
    RecoveryCode,
}

impl Accounts {
    /// Checks a code of the authenticator, or a recovery code, for a sign-in that waits for it.
    ///
    /// A token that is unknown, over or used is refused like a wrong code. Five codes may be tried in
    /// one sign-in and twenty an hour for one account; who tries more is told to wait.
    pub async fn second_factor(
        &self,
        token: &str,
        code: &str,
        head: &RequestHead<'_>,
    ) -> Result<SignIn, Error> {
        let start = Instant::now();
        let address = head.client_ip;
        self.throttle
            .address("code", address, &Limit::SIGN_IN)
            .await?;
        let Some((token, account)) = self.waiting(token).await? else {
            return self.refuse(start).await;
        };
        let key = token.hash.to_text();
        let limits = Limit::CODES_OF_SIGN_IN;
        match self.throttle.limit("code-of-sign-in", &key, &limits).await {
            Ok(()) => {}
            Err(err) if err.kind() == ErrorKind::RateLimited => {
                self.tokens.take(&token).await?;
                return self.refuse(start).await;
            }
            Err(err) => return Err(err),
        }
        self.count_code(&account, head).await?;
        let Some(taken) = self.take_code(&account, code).await? else {
            return self.refuse(start).await;
        };
        if !self.tokens.take(&token).await? {
            return self.refuse(start).await;
        }
        self.forget_codes(&account, head).await?;
        let account = self.settle(account, taken).await?;
        self.finish(&account).await
    }

    /// Begins to set up the factor that a sign-in demands and the account does not have. The sign-in goes on with the
    /// first code.
    pub async fn enrol_at_sign_in(
        &self,
        token: &str,
        head: &RequestHead<'_>,
    ) -> Result<TotpEnrolment, Error> {
        let address = head.client_ip;
        self.throttle
            .address("code", address, &Limit::SIGN_IN)
            .await?;
        match self.waiting(token).await? {
            Some((_, account)) if !has_factor(&account) => self.begin_totp(&account.id).await,
            _ => Err(no_longer_good()),
        }
    }

    /// Returns the sign-in that waits under this secret, and its account, if the password is still the same.
    async fn waiting(&self, secret: &str) -> Result<Option<(OneTimeToken, AccountRecord)>, Error> {
        let found = self.tokens.find(TokenPurpose::SecondFactor, secret).await?;
        let Some(token) = found else {
            return Ok(None);
        };
        let Some(user) = &token.user_id else {
            return Ok(None);
        };
        let account = self.stores.accounts.find(user).await?;
        let account = account.filter(|account| {
            let is_complete = has_factor(account) || self.demand == SecondFactorDemand::Required;
            is_usable(account) && is_complete && is_of_version(&token, account.credential_version)
        });
        Ok(account.map(|account| (token, account)))
    }

    /// Fails unless it is a code that the account takes, for somebody who is signed in.
    pub(super) async fn prove_factor(
        &self,
        account: &AccountRecord,
        code: &str,
        head: &RequestHead<'_>,
    ) -> Result<Taken, Error> {
        self.count_code(account, head).await?;
        let taken = self.take_code(account, code).await?;
        let taken =
            taken.ok_or_else(|| Error::invalid_field("code", "is wrong or was used already"))?;
        self.forget_codes(account, head).await?;
        Ok(taken)
    }

    /// Takes a code, so that nobody can show it again. `None` when it is wrong or was taken before.
    pub(super) async fn take_code(
        &self,
        account: &AccountRecord,
        typed: &str,
    ) -> Result<Option<Taken>, Error> {
        let Some(digits) = read_code(typed) else {
            return self.take_recovery_code(account, typed).await;
        };
        let Some(totp) = &account.totp else {
            return Ok(None);
        };
        let checked = self.vault.check(&account.id, totp, &digits, self.now());
        for step in checked.steps {
            if self
                .stores
                .accounts
                .take_totp_step(&account.id, step)
                .await?
            {
                let is_outdated = checked.is_outdated;
                return Ok(Some(Taken::Totp { is_outdated }));
            }
        }
        Ok(None)
    }

    async fn take_recovery_code(
        &self,
        account: &AccountRecord,
        typed: &str,
    ) -> Result<Option<Taken>, Error> {
        if !has_factor(account) {
            return Ok(None);
        }
        let Some(hash) = recovery::hash_of(&account.id, typed) else {
            return Ok(None);
        };
        let store = self.tokens.store();
        let taken = store
            .take(&hash, TokenPurpose::RecoveryCode, self.now())
            .await?;
        let is_his = taken.is_some_and(|token| token.user_id.as_ref() == Some(&account.id));
        Ok(is_his.then_some(Taken::RecoveryCode))
    }

    /// Does what follows from a code that was taken: confirms a factor at its first code, seals its secret anew, tells
    /// of a recovery code.
    async fn settle(&self, account: AccountRecord, taken: Taken) -> Result<AccountRecord, Error> {
        match taken {
            Taken::Totp { .. } if !has_factor(&account) => self.confirm(&account).await,
            Taken::Totp { is_outdated: true } => {
                self.seal_anew(&account).await;
                Ok(account)
            }
            Taken::Totp { is_outdated: false } => Ok(account),
            Taken::RecoveryCode => {
                self.notify(&account, Letter::recovery_code_used()).await;
                Ok(account)
            }
        }
    }

    /// Seals the secret of a factor with the newest key. The sign-in does not depend on it.
    async fn seal_anew(&self, account: &AccountRecord) {
        let seal = self.change(&account.id, |account| {
            let id: &UserId = &account.id;
            if let Some(totp) = &mut account.totp
                && let Some(sealed) = self.vault.reseal(id, &totp.sealed_secret)?
            {
                totp.sealed_secret = sealed;
                // To a store this is another secret, so it no longer guards the steps that somebody takes meanwhile.
                totp.last_step = totp.last_step.max(newest_step(self.now()));
            }
            Ok(())
        });
        if let Err(err) = seal.await {
            tracing::warn!(user.id = %account.id, error.kind = err.kind().code(), "a second factor was not sealed anew");
        }
    }

    /// Counts a code before it is looked at: for the account, or for a browser that it knows.
    pub(super) async fn count_code(
        &self,
        account: &AccountRecord,
        head: &RequestHead<'_>,
    ) -> Result<(), Error> {
        let key = self.code_key(account, head);
        let limits = Limit::CODES_OF_ACCOUNT;
        self.throttle.limit("code-of-account", &key, &limits).await
    }

    /// Forgets what was counted, because the last code was right.
    pub(super) async fn forget_codes(
        &self,
        account: &AccountRecord,
        head: &RequestHead<'_>,
    ) -> Result<(), Error> {
        let key = self.code_key(account, head);
        let limits = Limit::CODES_OF_ACCOUNT;
        self.throttle.forget("code-of-account", &key, &limits).await
    }

    fn code_key(&self, account: &AccountRecord, head: &RequestHead<'_>) -> String {
        match self.guarded(account, head) {
            Guarded::Device(id) => format!("device:{id}"),
            _ => format!("account:{}", account.id),
        }
    }
}
