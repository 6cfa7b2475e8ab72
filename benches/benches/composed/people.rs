//! Who has an account.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ee::{
    AclSubject, CredentialsProvider as _, NewSession, RequestHead, ResourceRef, Role, RoleId,
    SessionProvider, SignIn, UserId,
    auth_password::{NewAccount, PasswordAuth},
    storage::{
        AccountKind, AccountRecord, AccountStore, Changed, GrantRecord, GrantStore, GroupRecord,
        GroupStore, RoleRecord, RoleStore,
    },
};
use futures_util::future::try_join_all;
use http::HeaderMap;
use jiff::Timestamp;

use crate::clock::MovableClock;

const ADA: &str = "ada@bench.example";
/// `src/sign_in.rs` shows the same.
const PASSWORD: &str = "violet tractor sings";
/// Failures after which an account is locked, and the longest wait between two of them.
const FAILURES: usize = 10;
const WAIT: Duration = Duration::from_secs(17);

/// Makes Ada, whose roles, group and grants are kept in the store, and others with her password.
pub(crate) async fn come_in<S>(store: &S, password: &PasswordAuth, others: usize) -> Result<()>
where
    S: AccountStore + GrantStore + GroupStore + RoleStore,
{
    let now = Timestamp::UNIX_EPOCH;
    let editor: RoleId = "editor".parse()?;
    let permissions = [
        "agents:execute",
        "agents:write:mine",
        "memory:*",
        "tools:read",
    ];
    let permissions = permissions.map(str::parse).into_iter();
    let permissions = permissions.collect::<Result<Vec<_>, ee::Error>>()?;
    let mut role = Role::new(editor.clone(), "Editor", permissions);
    role.inherits.push("viewer".parse()?);
    let revision = store.book().await?.revision;
    let put = RoleStore::put(store, RoleRecord::new(role, now), revision).await?;
    ensure!(put == Changed::Done, "the role was not made");

    let ada = NewAccount {
        email: ADA.to_owned(),
        name: Some("Ada".to_owned()),
        password: Some(PASSWORD.into()),
        roles: vec![editor],
    };
    let ada = password.accounts().create(ada, None).await?;
    let group = GroupRecord::new("ops".parse()?, "Operations".to_owned(), now);
    GroupStore::create(store, group).await?;
    store.add_member(&"ops".parse()?, &ada.id).await?;
    let grants = (0..10).map(|number| {
        let resource = ResourceRef {
            kind: "agents".to_owned(),
            id: format!("agent-{number}"),
        };
        let subject = AclSubject::User(ada.id.clone());
        GrantRecord::new(subject, resource, "write".to_owned(), now)
    });
    GrantStore::put(store, grants.collect()).await?;
    more(store, "person", others).await
}

/// Makes accounts with the hash of Ada's password.
async fn more<S: AccountStore>(store: &S, name: &str, count: usize) -> Result<()> {
    let ada = ada(store).await?;
    let numbers: Vec<usize> = (0..count).collect();
    for part in numbers.chunks(256) {
        try_join_all(part.iter().map(|number| {
            let id = UserId::ordered();
            let mut account = AccountRecord::new(id, AccountKind::Person, ada.created_at);
            account.email = Some(format!("{name}-{number}@bench.example"));
            account.email_verified = true;
            account.password_hash.clone_from(&ada.password_hash);
            AccountStore::create(store, account)
        }))
        .await?;
    }
    Ok(())
}

/// Makes accounts and fails to sign in to them until they are locked.
pub(crate) async fn get_locked<S: AccountStore>(
    store: &S,
    password: &PasswordAuth,
    clock: &MovableClock,
    count: usize,
) -> Result<()> {
    more(store, "locked", count).await?;
    let headers = HeaderMap::new();
    let head = RequestHead::new(&headers, None);
    let all = async |shown: &str| {
        let tries = (0..count).map(|number| {
            let email = format!("locked-{number}@bench.example");
            async move { password.sign_in(&email, shown, &head).await }
        });
        try_join_all(tries).await
    };
    for _ in 0..FAILURES {
        all("a wrong password").await?;
        clock.advance(WAIT);
    }
    let ends = all(PASSWORD).await?;
    let is_locked = ends.iter().all(|end| matches!(end, SignIn::Refused));
    ensure!(is_locked, "an account is not locked");
    Ok(())
}

/// Begins a session of Ada and returns the line of a request that shows it.
pub(crate) async fn sign_in<S: AccountStore>(
    store: &S,
    sessions: &dyn SessionProvider,
) -> Result<String> {
    let ada = ada(store).await?;
    let mut new = NewSession::new(ada.id);
    new.credential_version = ada.credential_version;
    let session = sessions.create(new).await?;
    let header = sessions.headers(&session).into_iter().next();
    let header = header.context("a session without a cookie")?;
    let pair = header.to_str()?.split(';').next().unwrap_or_default();
    Ok(format!("Cookie: {pair}"))
}

async fn ada<S: AccountStore>(store: &S) -> Result<AccountRecord> {
    let found = store.find_by_email(ADA).await?;
    found.context("Ada has no account")
}
