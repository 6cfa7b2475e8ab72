//! What can be done with accounts: the use cases behind pages, routes and commands.

mod creation;
mod enrolment;
mod invitations;
mod managers;
mod passwords;
mod second_factor;
mod setup;
mod sign_in;
mod sign_up;
mod stores;

use std::{fmt, sync::Arc};

use ee_core::{
    Clock, Error, ErrorKind, RequestHead, User, UserId,
    storage::{AccountKind, AccountRecord, AccountStatus, Changed},
};
use jiff::Timestamp;
use secrecy::SecretString;

pub use creation::NewAccount;
pub use passwords::{NewPassword, Recovery};
pub use stores::PasswordStores;

use crate::{
    Mailer, PasswordConfig, PasswordConfigError, SecondFactorDemand,
    email::EmailAddress,
    hashing::{HashingPool, Verdict},
    keys::KeyRing,
    links::Links,
    mail::Letter,
    policy::{About, PasswordRules},
    throttle::{Attempt, Devices, Guarded, Limit, Throttle},
    timing::AnswerFloor,
    tokens::{Tokens, moved},
    totp::FactorVault,
};

use sign_up::SignUpRules;

/// How often a change is tried anew when the account was changed in between.
const MAX_TRIES: usize = 16;

/// What can be done with accounts.
///
/// Whoever calls has found out whether the caller may: these use cases check passwords, codes and
/// links, and no permissions. Errors by kind, everywhere:
///
/// | Kind | Meaning |
/// | --- | --- |
/// | `Invalid` | an input is refused, with its field: also a link that was used and a wrong current password |
/// | `NotFound` | there is no such account |
/// | `Conflict` | the address is taken, or the state has moved |
/// | `Forbidden` | the configuration does not allow it |
/// | `RateLimited` | tried too often, with the time to wait |
/// | `Unavailable` | the store, the mail server or all places for hashing are busy |
pub struct Accounts {
    clock: Arc<dyn Clock>,
    demand: SecondFactorDemand,
    devices: Devices,
    floor: AnswerFloor,
    hashing: HashingPool,
    keys: Arc<KeyRing>,
    links: Links,
    mailer: Arc<dyn Mailer>,
    rules: PasswordRules,
    sign_up: SignUpRules,
    stores: PasswordStores,
    throttle: Throttle,
    tokens: Tokens,
    vault: FactorVault,
}

impl Accounts {
    /// Checks the configuration. See [`PasswordConfigError`] for what it refuses.
    pub fn new(
        config: PasswordConfig,
        stores: PasswordStores,
        clock: Arc<dyn Clock>,
        mailer: Arc<dyn Mailer>,
    ) -> Result<Self, PasswordConfigError> {
        let keys = Arc::new(KeyRing::new("secrets", &config.secrets)?);
        let links = Links::new(&config.public_url, config.pages)?;
        let floor = config.answer_floor_for_tests;
        Ok(Self {
            demand: config.second_factor,
            devices: Devices::new(Arc::clone(&clock), Arc::clone(&keys), links.is_secure()),
            floor: floor.map_or(AnswerFloor::DEFAULT, AnswerFloor::exactly),
            hashing: HashingPool::new(&config.hashing)?,
            links,
            mailer,
            rules: PasswordRules::new(config.second_factor, &config.rules.words),
            sign_up: SignUpRules::new(&config.sign_up)?,
            throttle: Throttle::new(Arc::clone(&stores.throttle), Arc::clone(&clock)),
            tokens: Tokens::new(Arc::clone(&stores.tokens), Arc::clone(&clock)),
            vault: FactorVault::new(Arc::clone(&keys)),
            clock,
            keys,
            stores,
        })
    }

    /// Returns the pool that hashes passwords, for its figures.
    pub const fn hashing(&self) -> &HashingPool {
        &self.hashing
    }

    /// Returns the account of this id or with this address; for commands, where either may be typed.
    pub async fn find(&self, id_or_email: &str) -> Result<Option<AccountRecord>, Error> {
        if let Ok(id) = UserId::new(id_or_email)
            && let Some(account) = self.stores.accounts.find(&id).await?
        {
            return Ok(Some(account));
        }
        match EmailAddress::parse(id_or_email) {
            Ok(email) => self.stores.accounts.find_by_email(email.as_str()).await,
            Err(_) => Ok(None),
        }
    }

    /// Returns an account, whatever its status.
    pub(crate) async fn by_id(&self, id: &UserId) -> Result<Option<AccountRecord>, Error> {
        self.stores.accounts.find(id).await
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the account of somebody who is signed in. Fails with [`ErrorKind::NotFound`] when it is gone or off.
    async fn usable(&self, user: &UserId) -> Result<AccountRecord, Error> {
        let account = self.stores.accounts.find(user).await?;
        account.filter(is_usable).ok_or_else(no_account)
    }

    /// Compares a password, counted before and with one run of the hash whatever comes out.
    async fn compare(
        &self,
        guarded: &Guarded,
        stored: Option<&str>,
        password: &SecretString,
    ) -> Result<(Attempt, Verdict), Error> {
        // The place comes first: who is turned away because the server is busy has not failed.
        let place = self.hashing.place().await?;
        let attempt = self.throttle.attempt(guarded).await?;
        let stored = stored.filter(|_| attempt == Attempt::Allowed);
        let verdict = place.verify(password, stored).await?;
        if matches!(verdict, Verdict::Right { .. }) {
            self.throttle.succeeded(guarded).await?;
        }
        Ok((attempt, verdict))
    }

    /// Fails unless it is the account's password: with [`ErrorKind::Invalid`] for the field, and with
    /// [`ErrorKind::RateLimited`] for whoever has failed too often.
    async fn prove(
        &self,
        account: &AccountRecord,
        field: &str,
        password: &SecretString,
        head: &RequestHead<'_>,
    ) -> Result<(), Error> {
        let address = head.client_ip;
        self.throttle
            .address("sign-in", address, &Limit::SIGN_IN)
            .await?;
        let guarded = self.guarded(account, head);
        let stored = account.password_hash.as_deref();
        match self.compare(&guarded, stored, password).await? {
            (_, Verdict::Right { .. }) => Ok(()),
            (Attempt::Allowed, Verdict::Wrong) => Err(Error::invalid_field(field, "is wrong")),
            _ => Err(Error::new(
                ErrorKind::RateLimited,
                "too many attempts; try again later",
            )),
        }
    }

    /// Returns what failures for the account are counted for: a browser that it knows has a counter of its own.
    fn guarded(&self, account: &AccountRecord, head: &RequestHead<'_>) -> Guarded {
        match self.devices.recognise(head, account) {
            Some(device) => Guarded::Device(device),
            None => Guarded::Account(account.id.clone()),
        }
    }

    /// Changes an account as it is at that moment. `edit` may be called several times, and its error leaves everything
    /// as it was.
    async fn change(
        &self,
        user: &UserId,
        mut edit: impl FnMut(&mut AccountRecord) -> Result<(), Error> + Send,
    ) -> Result<AccountRecord, Error> {
        for _ in 0..MAX_TRIES {
            let found = self.stores.accounts.find(user).await?;
            let mut account = found.ok_or_else(no_account)?;
            edit(&mut account)?;
            account.updated_at = self.now();
            match self.stores.accounts.update(account.clone()).await? {
                Changed::Done => return Ok(account),
                Changed::Gone => return Err(no_account()),
                Changed::LastOwner => {
                    let message = "nobody who can sign in would be an owner any more";
                    return Err(Error::new(ErrorKind::Conflict, message));
                }
                Changed::Stale => {}
            }
        }
        Err(moved())
    }

    /// Checks a new password for an account.
    fn check_password(
        &self,
        password: &SecretString,
        account: &AccountRecord,
    ) -> Result<(), Error> {
        let about = About {
            email: account.email.as_deref(),
            name: account.name.as_deref(),
        };
        self.rules.check(password, about)
    }

    /// Ends the sessions of an account whose credentials are other ones now.
    async fn end_sessions(&self, user: &UserId) -> Result<(), Error> {
        let ended = self.stores.sessions.delete_for_user(user, None).await?;
        tracing::debug!(user.id = %user, sessions.ended = ended, "credentials changed");
        Ok(())
    }

    /// Tells the owner of an account what has happened. What was done stays done if the letter does not leave.
    async fn notify(&self, account: &AccountRecord, letter: Letter) {
        let Some(email) = &account.email else {
            return;
        };
        if let Err(err) = self.mailer.send(email, letter.subject, &letter.text).await {
            tracing::error!(user.id = %account.id, error.kind = err.kind().code(), "a letter was not sent");
        }
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("demand", &self.demand)
            .field("hashing", &self.hashing)
            .field("links", &self.links)
            .field("mailer", &self.mailer)
            .field("sign_up", &self.sign_up)
            .finish_non_exhaustive()
    }
}

/// Returns the account as a user. Roles come from assignments.
pub(crate) fn user_of(account: &AccountRecord) -> Arc<User> {
    Arc::new(User::from(account))
}

/// Tells whether somebody may sign in to the account with a password.
fn is_usable(account: &AccountRecord) -> bool {
    account.status == AccountStatus::Active && account.kind == AccountKind::Person
}

fn has_factor(account: &AccountRecord) -> bool {
    account.totp.as_ref().is_some_and(|totp| totp.is_confirmed)
}

fn no_account() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such account")
}
