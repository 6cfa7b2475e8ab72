//! New passwords: by the old one, by a link, by an operator.

use std::sync::Arc;

use ee_core::{
    Error, RequestHead, User, UserId,
    storage::{AccountRecord, AccountStatus, OneTimeToken, TokenPurpose},
};
use secrecy::SecretString;
use tokio::time::Instant;

use super::{Accounts, is_usable, user_of};
use crate::{
    email::EmailAddress,
    mail::Letter,
    throttle::{Guarded, Limit},
    tokens::{Claims, is_of_version, moved, no_longer_good},
};

/// What an operator does for somebody who cannot get in.
#[derive(Debug, Default)]
pub struct Recovery {
    /// Whether a disabled account becomes active again.
    pub enable: bool,
    /// What becomes of the password.
    pub password: NewPassword,
    /// Whether the second factor goes, with its recovery codes.
    pub remove_second_factor: bool,
}

/// What becomes of a password.
#[derive(Debug, Default)]
pub enum NewPassword {
    /// It stays.
    #[default]
    Keep,
    /// A link to set a new one is made, good for half an hour. The old one stays until then.
    Link,
    /// It is this one from now on.
    Set(SecretString),
}

impl Accounts {
    /// Sets a new password. Wants the old one. Ends all sessions.
    pub async fn change_password(
        &self,
        user: &UserId,
        current: &SecretString,
        new: &SecretString,
        head: &RequestHead<'_>,
    ) -> Result<Arc<User>, Error> {
        let before = self.usable(user).await?;
        self.prove(&before, "currentPassword", current, head)
            .await?;
        self.check_password(new, &before)?;
        let hash = self.hashing.hash(new).await?;
        let account = self
            .change(user, |account| {
                // The password that was proved, and no other that was set in between.
                if account.credential_version != before.credential_version {
                    return Err(moved());
                }
                account.password_hash = Some(hash.clone());
                account.credential_version += 1;
                Ok(())
            })
            .await?;
        self.follow_new_password(&account).await?;
        Ok(user_of(&account))
    }

    /// Sends a link to set a new password, if there is an account with this address.
    ///
    /// The answer and its time are the same if there is none.
    pub async fn request_password_reset(
        &self,
        email: &str,
        head: &RequestHead<'_>,
    ) -> Result<(), Error> {
        let start = Instant::now();
        self.throttle
            .address("mail", head.client_ip, &Limit::MAIL)
            .await?;
        let email = EmailAddress::parse(email)?;
        let done = self.send_reset(&email).await;
        self.floor.wait(start).await?;
        done
    }

    /// Sets a new password with the secret of a link. The second factor stays; all sessions end; a lock is lifted.
    ///
    /// A password that is refused leaves the link good.
    pub async fn reset_password(
        &self,
        token: &str,
        new: &SecretString,
        head: &RequestHead<'_>,
    ) -> Result<(), Error> {
        self.throttle
            .address("link", head.client_ip, &Limit::LINKS)
            .await?;
        let found = self.tokens.find(TokenPurpose::PasswordReset, token).await?;
        let token = found.ok_or_else(no_longer_good)?;
        let user = token.user_id.as_ref().ok_or_else(no_longer_good)?;
        let account = self.stores.accounts.find(user).await?;
        let account = account
            .filter(|account| fits(account, &token))
            .ok_or_else(no_longer_good)?;
        self.check_password(new, &account)?;
        let hash = self.hashing.hash(new).await?;
        if !self.tokens.take(&token).await? {
            return Err(no_longer_good());
        }
        let changed = self.change(user, |account| {
            if !fits(account, &token) {
                return Err(no_longer_good());
            }
            account.password_hash = Some(hash.clone());
            account.credential_version += 1;
            // The link was in a letter to this address.
            account.email_verified = true;
            Ok(())
        });
        match changed.await {
            Ok(account) => self.follow_new_password(&account).await,
            Err(err) => {
                self.tokens.put_back(token).await;
                Err(err)
            }
        }
    }

    /// Lets somebody in again who cannot show what he should: for operators of the machine, not for routes.
    ///
    /// Ends all sessions and lifts all locks. Returns the link if one was wanted.
    pub async fn recover(
        &self,
        user: &UserId,
        recovery: Recovery,
    ) -> Result<Option<SecretString>, Error> {
        let before = self.stores.accounts.find(user).await?;
        let before = before.ok_or_else(super::no_account)?;
        let hash = match &recovery.password {
            NewPassword::Set(new) => {
                self.check_password(new, &before)?;
                Some(self.hashing.hash(new).await?)
            }
            NewPassword::Keep | NewPassword::Link => None,
        };
        let account = self
            .change(user, |account| {
                if let Some(hash) = &hash {
                    account.password_hash = Some(hash.clone());
                }
                if recovery.remove_second_factor {
                    account.totp = None;
                }
                if recovery.enable {
                    account.status = AccountStatus::Active;
                }
                account.credential_version += 1;
                Ok(())
            })
            .await?;
        if recovery.remove_second_factor {
            self.tokens.revoke(user, TokenPurpose::RecoveryCode).await?;
            self.notify(&account, Letter::factor_removed()).await;
        }
        self.revoke_waiting(user).await?;
        self.lift_locks(user).await?;
        self.end_sessions(user).await?;
        if hash.is_some() {
            self.notify(&account, Letter::password_changed()).await;
        }
        match recovery.password {
            NewPassword::Link => self.reset_link(&account).await.map(Some),
            NewPassword::Keep | NewPassword::Set(_) => Ok(None),
        }
    }

    async fn send_reset(&self, email: &EmailAddress) -> Result<(), Error> {
        if !self.may_mail(email).await? {
            return Ok(());
        }
        let account = self.stores.accounts.find_by_email(email.as_str()).await?;
        if let Some(account) = account.filter(is_usable) {
            let link = self.reset_link(&account).await?;
            self.notify(&account, Letter::reset(&link)).await;
        }
        Ok(())
    }

    async fn reset_link(&self, account: &AccountRecord) -> Result<SecretString, Error> {
        let claims = Claims::about(&account.id, account.credential_version);
        let issued = self
            .tokens
            .issue(TokenPurpose::PasswordReset, claims)
            .await?;
        Ok(self.links.reset(&issued.secret))
    }

    /// Does what follows from a new password.
    async fn follow_new_password(&self, account: &AccountRecord) -> Result<(), Error> {
        self.end_sessions(&account.id).await?;
        self.revoke_waiting(&account.id).await?;
        self.lift_locks(&account.id).await?;
        self.notify(account, Letter::password_changed()).await;
        Ok(())
    }

    /// Makes useless what was issued under the credentials before.
    async fn revoke_waiting(&self, user: &UserId) -> Result<(), Error> {
        self.tokens
            .revoke(user, TokenPurpose::PasswordReset)
            .await?;
        self.tokens.revoke(user, TokenPurpose::SecondFactor).await
    }

    async fn lift_locks(&self, user: &UserId) -> Result<(), Error> {
        let key = format!("account:{user}");
        self.throttle
            .forget("code-of-account", &key, &Limit::CODES_OF_ACCOUNT)
            .await?;
        self.throttle
            .succeeded(&Guarded::Account(user.clone()))
            .await
    }
}

/// Tells whether the token is still about this account as it is.
fn fits(account: &AccountRecord, token: &OneTimeToken) -> bool {
    is_usable(account) && is_of_version(token, account.credential_version)
}
