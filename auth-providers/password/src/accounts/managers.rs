//! The use cases as the traits that a server asks.

use std::sync::Arc;

use async_trait::async_trait;
use ee_core::{
    AccountSecurity, CredentialsManager, Error, Invitation, InvitationManager, Invite, Newcomer,
    RecoveryCodes, RequestHead, TokenId, TotpEnrolment, User, UserId,
    storage::{Cursor, Listed},
};
use secrecy::SecretString;

use super::Accounts;

#[async_trait]
impl CredentialsManager for Accounts {
    async fn security(&self, user: &UserId) -> Result<AccountSecurity, Error> {
        self.security(user).await
    }

    async fn change_password(
        &self,
        user: &UserId,
        current: &SecretString,
        new: &SecretString,
        head: &RequestHead<'_>,
    ) -> Result<Arc<User>, Error> {
        self.change_password(user, current, new, head).await
    }

    async fn request_password_reset(
        &self,
        email: &str,
        head: &RequestHead<'_>,
    ) -> Result<(), Error> {
        self.request_password_reset(email, head).await
    }

    async fn reset_password(
        &self,
        token: &str,
        new: &SecretString,
        head: &RequestHead<'_>,
    ) -> Result<(), Error> {
        self.reset_password(token, new, head).await
    }

    async fn request_email_verification(&self, user: &UserId) -> Result<(), Error> {
        self.request_email_verification(user).await
    }

    async fn verify_email(&self, token: &str, head: &RequestHead<'_>) -> Result<Arc<User>, Error> {
        self.verify_email(token, head).await
    }

    async fn enrol_at_sign_in(
        &self,
        token: &str,
        head: &RequestHead<'_>,
    ) -> Result<TotpEnrolment, Error> {
        self.enrol_at_sign_in(token, head).await
    }

    async fn begin_totp(&self, user: &UserId) -> Result<TotpEnrolment, Error> {
        self.begin_totp(user).await
    }

    async fn confirm_totp(
        &self,
        user: &UserId,
        code: &str,
        head: &RequestHead<'_>,
    ) -> Result<(Arc<User>, RecoveryCodes), Error> {
        self.confirm_totp(user, code, head).await
    }

    async fn disable_totp(
        &self,
        user: &UserId,
        password: &SecretString,
        code: &str,
        head: &RequestHead<'_>,
    ) -> Result<Arc<User>, Error> {
        self.disable_totp(user, password, code, head).await
    }

    async fn regenerate_recovery_codes(
        &self,
        user: &UserId,
        password: &SecretString,
        head: &RequestHead<'_>,
    ) -> Result<RecoveryCodes, Error> {
        self.regenerate_recovery_codes(user, password, head).await
    }
}

#[async_trait]
impl InvitationManager for Accounts {
    async fn invite(&self, invite: Invite, by: Option<&UserId>) -> Result<Invitation, Error> {
        self.invite(invite, by).await
    }

    async fn invitations(&self, cursor: &Cursor) -> Result<Listed<Invitation>, Error> {
        self.invitations(cursor).await
    }

    async fn find_invitation(
        &self,
        token: &str,
        head: &RequestHead<'_>,
    ) -> Result<Invitation, Error> {
        self.find_invitation(token, head).await
    }

    async fn accept_invitation(
        &self,
        token: &str,
        newcomer: Newcomer<'_>,
        head: &RequestHead<'_>,
    ) -> Result<Arc<User>, Error> {
        self.accept_invitation(token, newcomer.password, newcomer.name, head)
            .await
    }

    async fn revoke_invitation(&self, id: &TokenId) -> Result<bool, Error> {
        self.revoke_invitation(id).await
    }

    async fn set_up_owner(
        &self,
        token: &str,
        email: &str,
        newcomer: Newcomer<'_>,
        head: &RequestHead<'_>,
    ) -> Result<Arc<User>, Error> {
        self.set_up_owner(token, email, newcomer.password, newcomer.name, head)
            .await
    }
}
