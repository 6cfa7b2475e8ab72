//! The first owner.

use std::sync::Arc;

use ee_core::{
    Error, ErrorKind, RequestHead, RoleId, TokenHash, User,
    storage::{AccountRecord, AssignmentFilter, Cursor, OWNER_ROLE, OneTimeToken, TokenPurpose},
};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::{Accounts, creation::Person, user_of};
use crate::{
    throttle::Limit,
    tokens::{Claims, no_longer_good},
};

/// The hash that stands for «somebody is creating the first owner now». No text has it, so nobody can show it.
const TURN: [u8; 32] = [0; 32];
/// How long a turn lasts if its process dies.
const TURN_LIFETIME: SignedDuration = SignedDuration::from_mins(1);

impl Accounts {
    /// Tells whether somebody is an owner.
    pub async fn has_owner(&self) -> Result<bool, Error> {
        let mut owners = AssignmentFilter::default();
        owners.role = Some(owner()?);
        let listed = self
            .stores
            .assignments
            .list(&owners, &Cursor::first(1))
            .await?;
        Ok(!listed.rows.is_empty())
    }

    /// Returns a link that creates the first owner, good for a day and as long as there is none; `None` when there is
    /// one. For the console of the machine alone.
    pub async fn setup_link(&self) -> Result<Option<SecretString>, Error> {
        if self.has_owner().await? {
            return Ok(None);
        }
        let issued = self
            .tokens
            .issue(TokenPurpose::Setup, Claims::default())
            .await?;
        Ok(Some(self.links.setup(&issued.secret)))
    }

    /// Creates the first owner with the secret of a link.
    ///
    /// Of many who try at once, with one link or with links of several instances, one becomes the
    /// owner. A password that is refused leaves the link good.
    pub async fn set_up_owner(
        &self,
        token: &str,
        email: &str,
        password: &SecretString,
        name: Option<&str>,
        head: &RequestHead<'_>,
    ) -> Result<Arc<User>, Error> {
        self.throttle
            .address("link", head.client_ip, &Limit::LINKS)
            .await?;
        let found = self.tokens.find(TokenPurpose::Setup, token).await?;
        let token = found.ok_or_else(no_longer_good)?;
        if self.has_owner().await? {
            return Err(no_longer_good());
        }
        let person = Person::new(email, name)?;
        self.rules.check(password, person.about())?;
        let mut account = person.record(self.now());
        // Whoever reads the console of the machine is believed.
        account.email_verified = true;
        account.password_hash = Some(self.hashing.hash(password).await?);
        let turn = self.take_turn().await?;
        let done = self.create_owner(&account, token).await;
        // Another link must not have to wait for the turn to end by itself.
        if let Err(err) = self.tokens.take(&turn).await {
            tracing::warn!(
                error.kind = err.kind().code(),
                "the set-up keeps its turn for a minute"
            );
        }
        done.map(|()| user_of(&account))
    }

    /// Creates the owner, alone.
    async fn create_owner(
        &self,
        account: &AccountRecord,
        token: OneTimeToken,
    ) -> Result<(), Error> {
        if self.has_owner().await? || !self.tokens.take(&token).await? {
            return Err(no_longer_good());
        }
        let created = self.create_with_roles(account, &[owner()?], None).await;
        if created.is_err() {
            self.tokens.put_back(token).await;
        }
        created
    }

    /// Has everybody else wait. Fails with [`ErrorKind::Conflict`] when somebody else has the turn.
    async fn take_turn(&self) -> Result<OneTimeToken, Error> {
        let now = self.now();
        let store = self.tokens.store();
        // The turn of a process that has died.
        store.purge_tokens(now).await?;
        let lost = || Error::new(ErrorKind::Internal, "a hash has 32 bytes");
        let hash = TokenHash::from_stored(&TURN).ok_or_else(lost)?;
        let end = now.saturating_add(TURN_LIFETIME).unwrap_or(Timestamp::MAX);
        let turn = OneTimeToken::new(TokenPurpose::Setup, hash, now, end);
        match store.create(vec![turn.clone()]).await {
            Ok(()) => Ok(turn),
            Err(err) if err.kind() == ErrorKind::Conflict => {
                let message = "somebody else is creating the first owner at this moment";
                Err(Error::new(ErrorKind::Conflict, message))
            }
            Err(err) => Err(err),
        }
    }
}

fn owner() -> Result<RoleId, Error> {
    RoleId::new(OWNER_ROLE)
}
