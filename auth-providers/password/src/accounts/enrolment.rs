//! Setting up the second factor, and taking it off.

use std::sync::Arc;

use ee_core::{
    AccountSecurity, Error, ErrorKind, RecoveryCodes, RequestHead, TotpEnrolment, User, UserId,
    storage::{AccountRecord, Cursor, TokenPurpose},
};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Accounts, has_factor, user_of};
use crate::{
    SecondFactorDemand,
    mail::Letter,
    tokens::moved,
    totp::{key_uri, recovery},
};

impl Accounts {
    /// Tells how an account is protected.
    pub async fn security(&self, user: &UserId) -> Result<AccountSecurity, Error> {
        let account = self.usable(user).await?;
        let store = self.tokens.store();
        let cursor = Cursor::first(Cursor::MAX_LIMIT);
        let codes = store
            .list(TokenPurpose::RecoveryCode, Some(user), &cursor)
            .await?;
        let mut security = AccountSecurity::none();
        security.has_password = account.password_hash.is_some();
        security.has_second_factor = has_factor(&account);
        security.is_email_verified = account.email_verified;
        security.recovery_codes = codes.rows.len();
        Ok(security)
    }

    /// Makes a secret for an authenticator. It guards nothing before [`confirm_totp`](Self::confirm_totp); one that was
    /// made before and not confirmed is forgotten.
    ///
    /// Fails with [`ErrorKind::Conflict`] when the account has a second factor.
    pub async fn begin_totp(&self, user: &UserId) -> Result<TotpEnrolment, Error> {
        let account = self.usable(user).await?;
        let fresh = self.vault.fresh(user)?;
        self.change(user, |account| {
            if has_factor(account) {
                let message = "the account has a second factor already";
                return Err(Error::new(ErrorKind::Conflict, message));
            }
            account.totp = Some(fresh.totp.clone());
            Ok(())
        })
        .await?;
        let label = account.email.as_deref().unwrap_or(user.as_str());
        let uri = key_uri(self.links.issuer(), label, fresh.base32.expose_secret());
        Ok(TotpEnrolment {
            secret: fresh.base32,
            uri,
        })
    }

    /// Turns the second factor on with its first code and returns ten recovery codes. Ends all sessions.
    pub async fn confirm_totp(
        &self,
        user: &UserId,
        code: &str,
        head: &RequestHead<'_>,
    ) -> Result<(Arc<User>, RecoveryCodes), Error> {
        let account = self.usable(user).await?;
        if account.totp.is_none() || has_factor(&account) {
            let message = "there is no second factor that waits for its first code";
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        self.prove_factor(&account, code, head).await?;
        let account = self.confirm(&account).await?;
        let codes = self.fresh_recovery_codes(&account.id).await?;
        Ok((user_of(&account), codes))
    }

    /// Turns the second factor off. Wants the password and a last code. Ends all sessions.
    ///
    /// Fails with [`ErrorKind::Forbidden`] where everybody needs one.
    pub async fn disable_totp(
        &self,
        user: &UserId,
        password: &SecretString,
        code: &str,
        head: &RequestHead<'_>,
    ) -> Result<Arc<User>, Error> {
        if self.demand == SecondFactorDemand::Required {
            let message = "everybody needs a second factor here";
            return Err(Error::new(ErrorKind::Forbidden, message));
        }
        let account = self.with_factor(user).await?;
        self.prove(&account, "password", password, head).await?;
        self.prove_factor(&account, code, head).await?;
        let account = self
            .change(user, |account| {
                account.totp = None;
                account.credential_version += 1;
                Ok(())
            })
            .await?;
        self.tokens.revoke(user, TokenPurpose::RecoveryCode).await?;
        self.end_sessions(user).await?;
        self.notify(&account, Letter::factor_removed()).await;
        Ok(user_of(&account))
    }

    /// Makes ten new recovery codes; the old ones are useless from then on. Wants the password.
    ///
    /// Fails with [`ErrorKind::Conflict`] when the account has no second factor.
    pub async fn regenerate_recovery_codes(
        &self,
        user: &UserId,
        password: &SecretString,
        head: &RequestHead<'_>,
    ) -> Result<RecoveryCodes, Error> {
        let account = self.with_factor(user).await?;
        self.prove(&account, "password", password, head).await?;
        self.fresh_recovery_codes(user).await
    }

    /// Turns a factor on whose first code was taken.
    pub(super) async fn confirm(&self, before: &AccountRecord) -> Result<AccountRecord, Error> {
        let sealed = before.totp.as_ref().map(|totp| &totp.sealed_secret);
        let account = self
            .change(&before.id, |account| match &mut account.totp {
                // The secret whose code was shown, and no other that was made in between.
                Some(totp) if !totp.is_confirmed && Some(&totp.sealed_secret) == sealed => {
                    totp.is_confirmed = true;
                    account.credential_version += 1;
                    Ok(())
                }
                _ => Err(moved()),
            })
            .await?;
        self.end_sessions(&account.id).await?;
        self.notify(&account, Letter::factor_added()).await;
        Ok(account)
    }

    async fn with_factor(&self, user: &UserId) -> Result<AccountRecord, Error> {
        let account = self.usable(user).await?;
        if has_factor(&account) {
            return Ok(account);
        }
        let message = "the account has no second factor";
        Err(Error::new(ErrorKind::Conflict, message))
    }

    async fn fresh_recovery_codes(&self, user: &UserId) -> Result<RecoveryCodes, Error> {
        let (codes, tokens) = recovery::fresh(user, self.now())?;
        self.tokens.revoke(user, TokenPurpose::RecoveryCode).await?;
        self.tokens.store().create(tokens).await?;
        Ok(codes)
    }
}
