//! How people get their accounts.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::{
    Error, RequestHead, RoleId, TokenId, User, UserId,
    storage::{Cursor, Listed},
};

/// Who is invited.
#[derive(Clone, Debug, Default)]
pub struct Invite {
    /// His address. The account will have it, confirmed.
    pub email: String,
    /// His roles. Whether the caller may give them is his business.
    pub roles: Vec<RoleId>,
}

/// An invitation that nobody has accepted yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Invitation {
    /// When it was sent.
    pub created_at: Timestamp,
    /// Who sent it.
    pub created_by: Option<UserId>,
    /// Who is invited.
    pub email: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What it is named by. No secret.
    pub id: TokenId,
    /// The roles that he will have.
    pub roles: Vec<RoleId>,
}

/// Whose account is made with the secret of a link.
#[derive(Clone, Debug)]
pub struct Newcomer<'a> {
    /// Name for people.
    pub name: Option<&'a str>,
    /// The password that the account gets.
    pub password: &'a SecretString,
}

/// Brings people in. Errors by kind as in [`CredentialsManager`](crate::CredentialsManager).
#[async_trait]
pub trait InvitationManager: fmt::Debug + Send + Sync + 'static {
    /// Sends somebody a link that creates his account. The secret is in the letter alone.
    ///
    /// Fails with `Forbidden` where nobody signs up, and with `Conflict` when the address has an account.
    async fn invite(&self, invite: Invite, by: Option<&UserId>) -> Result<Invitation, Error>;

    /// Returns the invitations that nobody has accepted, also those that are over.
    async fn invitations(&self, cursor: &Cursor) -> Result<Listed<Invitation>, Error>;

    /// Returns what the secret of a link invites to. Fails with `Invalid` when it is no longer good.
    async fn find_invitation(
        &self,
        token: &str,
        head: &RequestHead<'_>,
    ) -> Result<Invitation, Error>;

    /// Creates the account of somebody who was invited. A password that is refused leaves the invitation good.
    async fn accept_invitation(
        &self,
        token: &str,
        newcomer: Newcomer<'_>,
        head: &RequestHead<'_>,
    ) -> Result<Arc<User>, Error>;

    /// Withdraws an invitation. False when there is none of this id.
    async fn revoke_invitation(&self, id: &TokenId) -> Result<bool, Error>;

    /// Creates the first owner with the secret of a link that the console of the machine has shown.
    async fn set_up_owner(
        &self,
        token: &str,
        email: &str,
        newcomer: Newcomer<'_>,
        head: &RequestHead<'_>,
    ) -> Result<Arc<User>, Error>;
}
