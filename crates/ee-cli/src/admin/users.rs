//! `mastra-ee users`.

use anyhow::Result;
use ee::{
    AuditAction,
    server::{
        AuditNote,
        access::{
            self, KeyQuery, Listing, PatchUserBody, SessionQuery, Success, UserQuery, UserView,
        },
    },
    storage::{AccountKind, AccountStatus, Cursor, TokenPurpose},
};
use serde::Serialize;

use super::{
    creation::{self, New},
    operator::Operator,
    output::{Table, joined, lines, moment, or_dash},
    password,
    recovery::{self, Wanted},
};
use crate::args::UsersCommand;

pub(super) async fn run(operator: &Operator, command: &UsersCommand) -> Result<()> {
    match command {
        UsersCommand::Create {
            email,
            name,
            roles,
            kind,
            password_stdin,
            ..
        } => {
            let new = New {
                email: email.as_deref(),
                kind: *kind,
                name,
                password: password_stdin.then(password::from_stdin).transpose()?,
                roles,
            };
            creation::create(operator, new).await
        }
        UsersCommand::Delete { user, .. } => delete(operator, user).await,
        UsersCommand::Disable { user, .. } => {
            set_status(operator, user, AccountStatus::Disabled).await
        }
        UsersCommand::Enable { user, .. } => {
            set_status(operator, user, AccountStatus::Active).await
        }
        UsersCommand::List {
            search,
            kind,
            status,
            ..
        } => {
            let query = UserQuery {
                kind: kind.map(AccountKind::from),
                search: search.clone(),
                status: status.map(AccountStatus::from),
                ..UserQuery::default()
            };
            list(operator, &query).await
        }
        UsersCommand::Recover {
            user,
            password_stdin,
            link,
            remove_second_factor,
            enable,
            ..
        } => {
            let wanted = Wanted {
                enable: *enable,
                link: *link,
                password: password_stdin.then(password::from_stdin).transpose()?,
                remove_second_factor: *remove_second_factor,
            };
            recovery::recover(operator, user, wanted).await
        }
        UsersCommand::SetupLink { .. } => recovery::setup_link(operator).await,
        UsersCommand::Show { user, .. } => show(operator, user).await,
    }
}

async fn list(operator: &Operator, query: &UserQuery) -> Result<()> {
    let users = operator
        .all(async |cursor| {
            let query = UserQuery {
                cursor,
                limit: Some(Cursor::MAX_LIMIT),
                kind: query.kind,
                search: query.search.clone(),
                status: query.status,
            };
            access::list_users(&operator.cx, query).await
        })
        .await?;
    operator.show(&users, table)
}

fn table(users: &Listing<UserView>) -> String {
    let rows = users.items.iter().map(|user| {
        [
            user.id.to_string(),
            or_dash(user.name.as_deref()),
            or_dash(user.email.as_deref()),
            word(&user.kind),
            word(&user.status),
            or_dash(user.last_sign_in_at.map(moment)),
        ]
    });
    Table::new(
        ["ID", "NAME", "E-MAIL", "KIND", "STATUS", "LAST SIGN-IN"],
        rows,
    )
    .to_string()
}

/// An account as an operator sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    #[serde(flatten)]
    user: UserView,
    has_password: bool,
    recovery_codes: usize,
    sessions: usize,
    keys: usize,
}

async fn show(operator: &Operator, user: &str) -> Result<()> {
    let account = operator.account(user).await?;
    let id = &account.id;
    let tokens = &operator.stores.tokens;
    let first = Cursor::first(Cursor::MAX_LIMIT);
    let codes = tokens
        .list(TokenPurpose::RecoveryCode, Some(id), &first)
        .await?;
    let sessions = operator.all(async |cursor| {
        let mut query = SessionQuery::default();
        (query.cursor, query.limit) = (cursor, Some(Cursor::MAX_LIMIT));
        query.user_id = Some(id.clone());
        access::list_sessions(&operator.cx, query).await
    });
    let keys = operator.all(async |cursor| {
        let mut query = KeyQuery::default();
        (query.cursor, query.limit) = (cursor, Some(Cursor::MAX_LIMIT));
        query.user_id = Some(id.clone());
        access::list_keys(&operator.cx, query).await
    });
    let shown = Shown {
        has_password: account.password_hash.is_some(),
        recovery_codes: codes.rows.len(),
        sessions: sessions.await?.items.len(),
        keys: keys.await?.items.len(),
        user: access::get_user(&operator.cx, id).await?,
    };
    operator.show(&shown, facts)
}

fn facts(shown: &Shown) -> String {
    let user = &shown.user;
    let email = user.email.as_ref().map(|email| {
        let state = if user.email_verified {
            ""
        } else {
            " (not confirmed)"
        };
        format!("{email}{state}")
    });
    let factor = if user.has_second_factor {
        format!("on, {} recovery codes left", shown.recovery_codes)
    } else {
        "off".to_owned()
    };
    lines(&[
        ("id", Some(user.id.to_string())),
        ("name", user.name.clone()),
        ("e-mail", email),
        ("kind", Some(word(&user.kind))),
        ("status", Some(word(&user.status))),
        ("roles", user.roles.as_deref().map(joined)),
        ("groups", user.groups.as_deref().map(joined)),
        ("password", Some(yes_no(shown.has_password))),
        ("second factor", Some(factor)),
        ("sessions", Some(shown.sessions.to_string())),
        ("keys", Some(shown.keys.to_string())),
        ("created", Some(moment(user.created_at))),
        ("last sign-in", user.last_sign_in_at.map(moment)),
    ])
}

fn yes_no(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}

async fn set_status(operator: &Operator, user: &str, status: AccountStatus) -> Result<()> {
    let id = operator.account(user).await?.id;
    let set = operator.again_if_stale(async || {
        let version = access::get_user(&operator.cx, &id).await?.version;
        let body = PatchUserBody {
            email: None,
            name: None,
            status: Some(status),
        };
        access::update_user(&operator.cx, &id, version, body).await
    });
    let about = AuditNote::about("user", id.as_str(), None);
    let user = operator
        .change(AuditAction::USER_UPDATE, about, set)
        .await?;
    operator.show(&user, |user| {
        format!("{} is {}", user.id, word(&user.status))
    })
}

async fn delete(operator: &Operator, user: &str) -> Result<()> {
    let account = operator.account(user).await?;
    let id = &account.id;
    let delete = operator.again_if_stale(async || {
        let version = access::get_user(&operator.cx, id).await?.version;
        access::delete_user(&operator.cx, id, version).await?;
        Ok(Success { success: true })
    });
    let about = AuditNote::about("user", id.as_str(), account.name.clone());
    let done = operator
        .change(AuditAction::USER_DELETE, about, delete)
        .await?;
    operator.show(&done, |_| format!("{id} is deleted"))
}

/// Returns a value of the wire as its word.
pub(super) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
