//! Letting people in: links to set a password, recovery, the first owner.

use anyhow::{Result, bail, ensure};
use ee::{
    AuditAction, Error, ErrorKind, UserId,
    auth_password::{Accounts, NewPassword, Recovery},
    server::{
        AuditNote,
        access::{self, UserView},
    },
    storage::{AccountKind, AccountStatus},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::operator::Operator;

/// What is wanted for somebody who cannot get in.
pub(super) struct Wanted {
    pub(super) enable: bool,
    pub(super) link: bool,
    pub(super) password: Option<SecretString>,
    pub(super) remove_second_factor: bool,
}

/// An account, and the link with which its owner sets a password.
pub(super) struct Linked {
    pub(super) user: UserView,
    pub(super) link: Option<SecretString>,
}

/// The same for programs: with the link, which is why it is made at the last moment.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    user: &'a UserView,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
}

/// `mastra-ee users recover`.
pub(super) async fn recover(operator: &Operator, user: &str, wanted: Wanted) -> Result<()> {
    let account = operator.account(user).await?;
    let id = &account.id;
    ensure!(
        account.kind == AccountKind::Person,
        "`{id}` is a program and has no password: `mastra-ee keys` manages its keys"
    );
    let is_all = !wanted.enable && !wanted.remove_second_factor && wanted.password.is_none();
    let is_link = wanted.link || is_all;
    if is_link {
        check_address(operator)?;
        ensure!(
            account.status == AccountStatus::Active || wanted.enable,
            "`{id}` is disabled, and its link would not work: add `--enable`"
        );
    }
    let recovery = Recovery {
        enable: wanted.enable,
        password: match wanted.password {
            Some(password) => NewPassword::Set(password),
            None if is_link => NewPassword::Link,
            None => NewPassword::Keep,
        },
        remove_second_factor: wanted.remove_second_factor,
    };
    let about = AuditNote::about("user", id.as_str(), account.name.clone())
        .with("enabled", recovery.enable)
        .with("password", password_word(&recovery.password))
        .with("secondFactorRemoved", recovery.remove_second_factor);
    let password = operator.password()?;
    let recover = password.accounts().recover(id, recovery);
    let link = operator
        .change(AuditAction::USER_RECOVER, about, recover)
        .await?;
    let user = access::get_user(&operator.cx, id).await?;
    tell(operator, "recovered", Linked { user, link })
}

fn password_word(password: &NewPassword) -> &'static str {
    match password {
        NewPassword::Keep => "kept",
        NewPassword::Link => "link",
        NewPassword::Set(_) => "set",
    }
}

/// `mastra-ee users setup-link`.
pub(super) async fn setup_link(operator: &Operator) -> Result<()> {
    check_address(operator)?;
    let password = operator.password()?;
    let accounts = password.accounts();
    let make = async {
        let link = accounts.setup_link().await?.ok_or_else(|| {
            let message = "there is an owner already: `mastra-ee users recover` lets one in again";
            Error::new(ErrorKind::Conflict, message)
        })?;
        Ok(link)
    };
    let about = AuditNote::default();
    let made = operator.change(AuditAction::SETUP_LINK, about, make);
    let link = made.await?;
    let link = link.expose_secret();
    let answer = serde_json::json!({ "link": link });
    let what = "the link that creates the first owner, good for a day:";
    operator.show_secret(&answer, link, what)
}

/// Makes the first link of an account that has no password yet.
pub(super) async fn first_link(accounts: &Accounts, user: &UserId) -> Result<SecretString> {
    let recovery = Recovery {
        password: NewPassword::Link,
        ..Recovery::default()
    };
    match accounts.recover(user, recovery).await? {
        Some(link) => Ok(link),
        None => bail!("`{user}` was created, and no link was made: `mastra-ee users recover`"),
    }
}

/// A link begins with the address of the server, which only the configuration can tell here.
pub(super) fn check_address(operator: &Operator) -> Result<()> {
    let loaded = &operator.loaded;
    ensure!(
        loaded.config.public_url.is_some() || loaded.listen.port() != 0,
        "a link needs the address of the server: set `public_url`"
    );
    Ok(())
}

/// Prints an account that was created or recovered, with its link if there is one.
pub(super) fn tell(operator: &Operator, done: &str, linked: Linked) -> Result<()> {
    let Linked { user, link } = linked;
    let link = link.as_ref().map(ExposeSecret::expose_secret);
    let shown = Shown { user: &user, link };
    let id = &user.id;
    match link {
        Some(link) => {
            let what = format!("{done} {id}; the link to set a password, good for half an hour:");
            operator.show_secret(&shown, link, &what)
        }
        None => operator.show(&shown, |_| format!("{done} {id}")),
    }
}
