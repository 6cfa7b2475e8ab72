//! New accounts.

use anyhow::{Result, ensure};
use ee::{
    AuditAction, RoleId, UserId,
    auth_password::NewAccount,
    server::{
        AuditNote,
        access::{self, CreateUserBody},
    },
};
use secrecy::SecretString;

use super::{
    operator::Operator,
    recovery::{self, Linked},
};
use crate::{args::Kind, config::AuthKind};

/// An account that is to be.
pub(super) struct New<'a> {
    pub(super) email: Option<&'a str>,
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    pub(super) password: Option<SecretString>,
    pub(super) roles: &'a [RoleId],
}

/// `mastra-ee users create`.
pub(super) async fn create(operator: &Operator, new: New<'_>) -> Result<()> {
    operator.check_roles(new.roles).await?;
    let is_person = new.kind == Kind::Person;
    ensure!(
        is_person || new.password.is_none(),
        "a program has no password: `mastra-ee keys create` makes a key for it"
    );
    ensure!(
        !is_person || new.email.is_some(),
        "a person needs an address: `--email ADDRESS`"
    );
    let signs_in = operator.loaded.config.auth == AuthKind::Password;
    let (id, link) = if is_person && (signs_in || new.password.is_some()) {
        create_person(operator, new).await?
    } else {
        (create_without_password(operator, new).await?, None)
    };
    let user = access::get_user(&operator.cx, &id).await?;
    recovery::tell(operator, "created", Linked { user, link })
}

/// Creates somebody who signs in with a password. Without one he gets a link to set it.
async fn create_person(
    operator: &Operator,
    new: New<'_>,
) -> Result<(UserId, Option<SecretString>)> {
    let password = operator.password()?;
    let accounts = password.accounts();
    let has_password = new.password.is_some();
    if !has_password {
        recovery::check_address(operator)?;
    }
    let account = NewAccount {
        email: new.email.unwrap_or_default().to_owned(),
        name: Some(new.name.to_owned()),
        password: new.password,
        roles: new.roles.to_vec(),
    };
    let roles: Vec<String> = new.roles.iter().map(ToString::to_string).collect();
    let create = async {
        let user = accounts.create(account, None).await?;
        let note = AuditNote::about("user", user.id.as_str(), user.name.clone());
        operator.cx.note(note.with("roles", roles));
        Ok(user)
    };
    let about = AuditNote::default();
    let user = operator
        .change(AuditAction::USER_CREATE, about, create)
        .await?;
    let link = if has_password {
        None
    } else {
        Some(recovery::first_link(accounts, &user.id).await?)
    };
    Ok((user.id.clone(), link))
}

async fn create_without_password(operator: &Operator, new: New<'_>) -> Result<UserId> {
    let body = CreateUserBody {
        kind: new.kind.into(),
        email: new.email.map(str::to_owned),
        name: new.name.to_owned(),
        roles: new.roles.to_vec(),
    };
    let create = access::create_user(&operator.cx, body);
    let about = AuditNote::default();
    let created = operator.change(AuditAction::USER_CREATE, about, create);
    Ok(created.await?.id)
}
