use ee_core::{
    Error, GroupId, RoleId, UserId,
    storage::{AccountFilter, AccountKind, AccountRecord, AccountStatus},
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Listing, check_version, cursor, done, listing, not_found};
use crate::{AuditNote, Cx};

const MAX_NAME_CHARS: usize = 100;
const MAX_EMAIL_BYTES: usize = 320;

/// Query of the list of users.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserQuery {
    /// What `nextCursor` was for the part before.
    pub cursor: Option<String>,
    /// Of this kind.
    pub kind: Option<AccountKind>,
    /// Most rows.
    pub limit: Option<u32>,
    /// Part of id, name or e-mail address.
    pub search: Option<String>,
    /// Of this status.
    pub status: Option<AccountStatus>,
}

/// An account.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    /// Identity.
    pub id: UserId,
    /// Person, service or agent.
    pub kind: AccountKind,
    /// Whether it may be used.
    pub status: AccountStatus,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether its owner has shown that he reads mail to it.
    pub email_verified: bool,
    /// Name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    /// Whether it has a second factor.
    pub has_second_factor: bool,
    /// When it was created.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When somebody last signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub last_sign_in_at: Option<Timestamp>,
    /// Its roles; of one account alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<RoleId>>,
    /// Its groups; of one account alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<GroupId>>,
    /// For `If-Match`.
    pub version: u64,
}

impl From<AccountRecord> for UserView {
    fn from(account: AccountRecord) -> Self {
        let totp = account.totp.as_ref();
        Self {
            id: account.id,
            kind: account.kind,
            status: account.status,
            email: account.email,
            email_verified: account.email_verified,
            name: account.name,
            avatar_url: account.avatar_url,
            has_second_factor: totp.is_some_and(|totp| totp.is_confirmed),
            created_at: account.created_at,
            last_sign_in_at: account.last_sign_in_at,
            roles: None,
            groups: None,
            version: account.version,
        }
    }
}

/// Body of `POST /access/users`: an account without a password. A person gets in by an invitation, a reset or an identity
/// provider, a program by a key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct CreateUserBody {
    /// Person, service or agent.
    pub kind: AccountKind,
    /// E-mail address.
    pub email: Option<String>,
    /// Name for people.
    pub name: String,
    /// Roles that it has from the start.
    #[serde(default)]
    pub roles: Vec<RoleId>,
}

/// Body of `PATCH /access/users/:userId`: what is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct PatchUserBody {
    /// E-mail address; it counts as not verified then.
    pub email: Option<String>,
    /// Name for people.
    pub name: Option<String>,
    /// Whether it may be used. A disabled account's sessions and keys are over at once.
    pub status: Option<AccountStatus>,
}

/// `GET /access/users`.
pub async fn list_users(cx: &Cx, query: UserQuery) -> Result<Listing<UserView>, Error> {
    let mut filter = AccountFilter::default();
    filter.kind = query.kind;
    filter.search = query.search.filter(|text| !text.is_empty());
    filter.status = query.status;
    let cursor = cursor(query.cursor.as_deref(), query.limit)?;
    let part = cx.access()?.accounts.list(&filter, &cursor).await?;
    Ok(listing(part, UserView::from))
}

/// `GET /access/users/:userId`.
pub async fn get_user(cx: &Cx, id: &UserId) -> Result<UserView, Error> {
    let access = cx.access()?;
    let account = find(cx, id).await?;
    let mut view = UserView::from(account);
    view.roles = Some(access.assignments.roles_of(id).await?);
    view.groups = Some(access.groups.groups_of(id).await?);
    Ok(view)
}

/// `POST /access/users`.
pub async fn create_user(cx: &Cx, body: CreateUserBody) -> Result<UserView, Error> {
    let access = cx.access()?;
    check_roles_exist(cx, &body.roles).await?;
    cx.check_holds_roles(&body.roles).await?;
    let name = name(&body.name)?;
    let mut account = AccountRecord::new(UserId::ordered(), body.kind, cx.now());
    account.created_by = cx.by().cloned();
    account.email = body.email.as_deref().map(email).transpose()?;
    account.name = Some(name);
    let note = AuditNote::about("user", account.id.as_str(), account.name.clone());
    cx.note(note.with("roles", names(&body.roles)));
    access.accounts.create(account.clone()).await?;
    for role in &body.roles {
        access.rbac.assign(&account.id, role, cx.by()).await?;
    }
    let mut view = UserView::from(account);
    view.roles = Some(body.roles);
    Ok(view)
}

/// `PATCH /access/users/:userId`.
pub async fn update_user(
    cx: &Cx,
    id: &UserId,
    expected: u64,
    body: PatchUserBody,
) -> Result<UserView, Error> {
    let access = cx.access()?;
    let mut account = find(cx, id).await?;
    check_version(account.version, expected, "user")?;
    cx.check_reaches(id).await?;
    let mut changed = Vec::new();
    if let Some(text) = &body.name {
        account.name = Some(name(text)?);
        changed.push("name");
    }
    if let Some(text) = &body.email {
        account.email = Some(email(text)?);
        account.email_verified = false;
        changed.push("email");
    }
    let mut is_ended = false;
    if let Some(status) = body.status.filter(|status| *status != account.status) {
        account.status = status;
        account.credential_version += 1;
        is_ended = status == AccountStatus::Disabled;
        changed.push("status");
    }
    account.updated_at = cx.now();
    let note = AuditNote::about("user", id.as_str(), account.name.clone());
    cx.note(note.with("changed", changed));
    done(access.accounts.update(account).await?, "user")?;
    if is_ended {
        access.sessions.delete_for_user(id, None).await?;
    }
    get_user(cx, id).await
}

/// `DELETE /access/users/:userId`.
pub async fn delete_user(cx: &Cx, id: &UserId, expected: u64) -> Result<(), Error> {
    let account = find(cx, id).await?;
    check_version(account.version, expected, "user")?;
    cx.check_reaches(id).await?;
    done(cx.access()?.accounts.delete(id).await?, "user")
}

/// Fails with [`ErrorKind::Invalid`](ee_core::ErrorKind::Invalid) for the field `roles`.
pub(super) async fn check_roles_exist(cx: &Cx, roles: &[RoleId]) -> Result<(), Error> {
    for role in roles {
        if cx.access()?.roles.role_permissions(role).await?.is_none() {
            let message = format!("there is no role `{role}`");
            return Err(Error::invalid_field("roles", message));
        }
    }
    Ok(())
}

async fn find(cx: &Cx, id: &UserId) -> Result<AccountRecord, Error> {
    let found = cx.access()?.accounts.find(id).await?;
    found.ok_or_else(|| not_found("user"))
}

fn name(text: &str) -> Result<String, Error> {
    let text = text.trim();
    let is_plain = !text.chars().any(char::is_control);
    if text.is_empty() || text.chars().count() > MAX_NAME_CHARS || !is_plain {
        let message = format!("must have 1 to {MAX_NAME_CHARS} characters on one line");
        return Err(Error::invalid_field("name", message));
    }
    Ok(text.to_owned())
}

fn email(text: &str) -> Result<String, Error> {
    let text = text.trim();
    let is_address = text
        .split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'));
    let is_plain = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    if !is_address || !is_plain || text.len() > MAX_EMAIL_BYTES {
        return Err(Error::invalid_field("email", "must be an e-mail address"));
    }
    Ok(text.to_owned())
}

/// Writes roles for the record.
pub(super) fn names(roles: &[RoleId]) -> Vec<String> {
    roles.iter().map(ToString::to_string).collect()
}
