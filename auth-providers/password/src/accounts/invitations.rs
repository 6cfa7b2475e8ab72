//! Inviting people.

use std::sync::Arc;

use ee_core::{
    Error, ErrorKind, Invitation, Invite, RequestHead, RoleId, TokenId, User, UserId,
    storage::{Cursor, Listed, OneTimeToken, TokenPurpose},
};
use secrecy::SecretString;
use serde_json::Value;

use super::{Accounts, creation::Person, user_of};
use crate::{
    SignUpMode,
    mail::Letter,
    throttle::Limit,
    tokens::{Claims, no_longer_good, text},
};

impl Accounts {
    /// Sends somebody a link that creates his account. The secret is in the letter alone.
    ///
    /// Fails with [`ErrorKind::Forbidden`] where nobody signs up, and with [`ErrorKind::Conflict`] when the address has
    /// an account.
    pub async fn invite(&self, invite: Invite, by: Option<&UserId>) -> Result<Invitation, Error> {
        self.check_invitations()?;
        let person = Person::new(&invite.email, None)?;
        let email = person.email.as_str();
        if self.stores.accounts.find_by_email(email).await?.is_some() {
            let message = "there is an account with this address";
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        let roles: Vec<Value> = invite
            .roles
            .iter()
            .map(|role| role.as_str().into())
            .collect();
        let claims = Claims {
            created_by: by.cloned(),
            ..Claims::default()
        };
        let claims = claims.with(EMAIL, email).with(ROLES, roles);
        let issued = self.tokens.issue(TokenPurpose::Invitation, claims).await?;
        let letter = Letter::invitation(&self.links.invitation(&issued.secret));
        if let Err(err) = self.mailer.send(email, letter.subject, &letter.text).await {
            // Nobody has the link, so nobody shall wait for it.
            self.tokens.take(&issued.token).await?;
            return Err(err);
        }
        invitation(issued.token).ok_or_else(no_longer_good)
    }

    /// Returns what the secret of a link invites to.
    pub async fn find_invitation(
        &self,
        token: &str,
        head: &RequestHead<'_>,
    ) -> Result<Invitation, Error> {
        self.throttle
            .address("link", head.client_ip, &Limit::LINKS)
            .await?;
        let found = self.tokens.find(TokenPurpose::Invitation, token).await?;
        found.and_then(invitation).ok_or_else(no_longer_good)
    }

    /// Creates the account of somebody who was invited.
    ///
    /// A password that is refused leaves the invitation good. Of many who accept at once, one gets the account.
    pub async fn accept_invitation(
        &self,
        token: &str,
        password: &SecretString,
        name: Option<&str>,
        head: &RequestHead<'_>,
    ) -> Result<Arc<User>, Error> {
        self.check_invitations()?;
        self.throttle
            .address("link", head.client_ip, &Limit::LINKS)
            .await?;
        let found = self.tokens.find(TokenPurpose::Invitation, token).await?;
        let token = found.ok_or_else(no_longer_good)?;
        let invited = invitation(token.clone()).ok_or_else(no_longer_good)?;
        let person = Person::new(&invited.email, name)?;
        self.rules.check(password, person.about())?;
        let hash = self.hashing.hash(password).await?;
        if !self.tokens.take(&token).await? {
            return Err(no_longer_good());
        }
        let mut account = person.record(self.now());
        account.created_by.clone_from(&invited.created_by);
        // The link was in a letter to this address.
        account.email_verified = true;
        account.password_hash = Some(hash);
        let by = invited.created_by.as_ref();
        let created = self.create_with_roles(&account, &invited.roles, by).await;
        if let Err(err) = created {
            self.tokens.put_back(token).await;
            return Err(err);
        }
        Ok(user_of(&account))
    }

    /// Returns the invitations that nobody has accepted, also those that are over.
    pub async fn invitations(&self, cursor: &Cursor) -> Result<Listed<Invitation>, Error> {
        let store = self.tokens.store();
        let listed = store.list(TokenPurpose::Invitation, None, cursor).await?;
        Ok(Listed {
            rows: listed.rows.into_iter().filter_map(invitation).collect(),
            next: listed.next,
        })
    }

    /// Withdraws an invitation. False when there is none of this id.
    pub async fn revoke_invitation(&self, id: &TokenId) -> Result<bool, Error> {
        self.tokens
            .store()
            .delete(id, TokenPurpose::Invitation)
            .await
    }

    fn check_invitations(&self) -> Result<(), Error> {
        if self.sign_up.mode == SignUpMode::Off {
            let message = "nobody signs up here; administrators create the accounts";
            return Err(Error::new(ErrorKind::Forbidden, message));
        }
        Ok(())
    }
}

/// What a token carries.
const EMAIL: &str = "email";
const ROLES: &str = "roles";

/// Reads an invitation. `None` for what this version has not written.
fn invitation(token: OneTimeToken) -> Option<Invitation> {
    let email = text(&token, EMAIL)?.to_owned();
    let roles = token.data.get(ROLES)?.as_array()?;
    let roles: Option<Vec<RoleId>> = roles
        .iter()
        .map(|role| RoleId::new(role.as_str()?).ok())
        .collect();
    Some(Invitation {
        created_at: token.created_at,
        email,
        expires_at: token.expires_at,
        id: token.id,
        roles: roles?,
        created_by: token.created_by,
    })
}
