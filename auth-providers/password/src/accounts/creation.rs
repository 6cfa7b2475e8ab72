//! Accounts that are made for somebody.

use std::sync::Arc;

use ee_core::{
    Error, RoleId, User, UserId,
    storage::{AccountKind, AccountRecord, AssignmentRecord},
};
use jiff::Timestamp;
use secrecy::SecretString;

use super::{Accounts, user_of};
use crate::{email::EmailAddress, policy::About};

/// Longest name in characters.
const MAX_NAME_CHARS: usize = 200;

/// An account that an administrator or operator makes.
#[derive(Debug, Default)]
pub struct NewAccount {
    /// Its address, which counts as confirmed.
    pub email: String,
    /// Name of its owner.
    pub name: Option<String>,
    /// Its password. Without one its owner asks for a link to set one.
    pub password: Option<SecretString>,
    /// Its roles. Whether the caller may give them is his business.
    pub roles: Vec<RoleId>,
}

/// Whose account it shall be, checked.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) email: EmailAddress,
    pub(super) name: Option<String>,
}

impl Person {
    /// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) for the fields `email` and `name`.
    pub(super) fn new(email: &str, name: Option<&str>) -> Result<Self, Error> {
        let email = EmailAddress::parse(email)?;
        let name = name.map(str::trim).filter(|name| !name.is_empty());
        if let Some(name) = name {
            if name.chars().nth(MAX_NAME_CHARS).is_some() {
                let message = format!("must not have more than {MAX_NAME_CHARS} characters");
                return Err(Error::invalid_field("name", message));
            }
            if name.chars().any(char::is_control) {
                return Err(Error::invalid_field(
                    "name",
                    "must not hold control characters",
                ));
            }
        }
        let name = name.map(str::to_owned);
        Ok(Self { email, name })
    }

    pub(super) fn about(&self) -> About<'_> {
        About {
            email: Some(self.email.as_str()),
            name: self.name.as_deref(),
        }
    }

    /// Returns the record of a new account.
    pub(super) fn record(&self, now: Timestamp) -> AccountRecord {
        let mut account = AccountRecord::new(UserId::ordered(), AccountKind::Person, now);
        account.email = Some(self.email.as_str().to_owned());
        account.name.clone_from(&self.name);
        account
    }
}

impl Accounts {
    /// Makes an account for somebody. Fails with [`ErrorKind::Conflict`](ee_core::ErrorKind::Conflict) when the address
    /// is taken.
    pub async fn create(&self, new: NewAccount, by: Option<&UserId>) -> Result<Arc<User>, Error> {
        let person = Person::new(&new.email, new.name.as_deref())?;
        let mut account = person.record(self.now());
        if let Some(password) = &new.password {
            self.rules.check(password, person.about())?;
            account.password_hash = Some(self.hashing.hash(password).await?);
        }
        account.email_verified = true;
        account.created_by = by.cloned();
        self.create_with_roles(&account, &new.roles, by).await?;
        Ok(user_of(&account))
    }

    /// Keeps an account and gives it roles. A failure leaves no account.
    pub(super) async fn create_with_roles(
        &self,
        account: &AccountRecord,
        roles: &[RoleId],
        by: Option<&UserId>,
    ) -> Result<(), Error> {
        self.stores.accounts.create(account.clone()).await?;
        for role in roles {
            let mut assignment =
                AssignmentRecord::new(account.id.clone(), role.clone(), account.created_at);
            assignment.assigned_by = by.cloned();
            let Err(err) = self.stores.assignments.assign(assignment).await else {
                continue;
            };
            if let Err(err) = self.stores.accounts.delete(&account.id).await {
                tracing::error!(
                    user.id = %account.id,
                    error.kind = err.kind().code(),
                    "an account was left without its roles"
                );
            }
            return Err(err);
        }
        Ok(())
    }
}
