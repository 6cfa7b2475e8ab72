//! Cases for what goes along when an account, a role or a group goes, in a store that keeps all of it together.

use std::sync::Arc;

use ee_core::{
    AclSubject, ResourceRef, Role, RoleId, TokenHash, UserId,
    storage::{
        AccountKind, AccountRecord, AccountStore, ApiKeyRecord, ApiKeyStore, AssignmentRecord,
        AssignmentStore, Changed, Cursor, ExternalIdentity, GrantRecord, GrantStore, GroupRecord,
        GroupStore, IdentityStore, OWNER_ROLE, OneTimeToken, OneTimeTokenStore, RoleRecord,
        RoleStore, SessionRecord, SessionStore, TokenPurpose,
    },
};

use crate::samples::{at, id};

/// Makes the tests of [`DirectoryStore`]s. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! deletions_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(deletions, $setup =>
            an_account_takes_all_that_is_his_along_and_nothing_else,
            an_account_that_stays_keeps_everything,
            what_was_deleted_can_be_made_anew_and_is_empty,
            a_role_takes_its_assignments_and_grants_along,
            a_role_that_stays_keeps_everything,
            a_group_takes_its_grants_along,
        );
    };
}

/// A store that keeps accounts and everything that hangs on them.
pub trait DirectoryStore:
    AccountStore
    + ApiKeyStore
    + AssignmentStore
    + GrantStore
    + GroupStore
    + IdentityStore
    + OneTimeTokenStore
    + RoleStore
    + SessionStore
{
}

impl<S> DirectoryStore for S where
    S: AccountStore
        + ApiKeyStore
        + AssignmentStore
        + GrantStore
        + GroupStore
        + IdentityStore
        + OneTimeTokenStore
        + RoleStore
        + SessionStore
{
}

fn grant_to(subject: AclSubject) -> GrantRecord {
    let (kind, id) = ("agents".to_owned(), "writer".to_owned());
    GrantRecord::new(subject, ResourceRef { kind, id }, "read".to_owned(), at(0))
}

/// Makes everything that a user can have, twice.
async fn settle(store: &impl DirectoryStore, name: &str) {
    let user: UserId = id(name);
    let account = AccountRecord::new(user.clone(), AccountKind::Person, at(0));
    AccountStore::create(store, account).await.unwrap();
    for part in ["one", "two"] {
        let own = format!("{name}-{part}");
        let link = ExternalIdentity::new("idp".into(), own.clone(), user.clone(), at(0));
        store.link(link).await.unwrap();
        let assignment = AssignmentRecord::new(user.clone(), id(part), at(0));
        store.assign(assignment).await.unwrap();
        store.add_member(&id(part), &user).await.unwrap();
        let mut grant = grant_to(AclSubject::User(user.clone()));
        grant.action = part.to_owned();
        store.put_grants(vec![grant]).await;
        let hash = TokenHash::of(&own);
        let key = ApiKeyRecord::new(
            id(&*own),
            user.clone(),
            own.clone(),
            hash,
            Vec::new(),
            at(0),
        );
        ApiKeyStore::create(store, key).await.unwrap();
        let session = SessionRecord::new(hash, user.clone(), at(0), at(60), at(600));
        SessionStore::create(store, session).await.unwrap();
        let mut token = OneTimeToken::new(TokenPurpose::PasswordReset, hash, at(0), at(600));
        token.user_id = Some(user.clone());
        OneTimeTokenStore::create(store, vec![token]).await.unwrap();
    }
}

/// `put` of roles and `put` of grants, told apart.
trait Puts {
    async fn put_grants(&self, grants: Vec<GrantRecord>);
    async fn put_role(&self, name: &str);
}

impl<S: DirectoryStore> Puts for S {
    async fn put_grants(&self, grants: Vec<GrantRecord>) {
        GrantStore::put(self, grants).await.unwrap();
    }

    async fn put_role(&self, name: &str) {
        let revision = self.book().await.unwrap().revision;
        let record = RoleRecord::new(Role::new(id(name), name, []), at(0));
        let done = RoleStore::put(self, record, revision).await.unwrap();
        assert_eq!(done, Changed::Done);
    }
}

/// Groups and roles that [`settle`] needs, with a grant each.
async fn prepare(store: &impl DirectoryStore) {
    for name in ["one", "two"] {
        let group = GroupRecord::new(id(name), name.to_owned(), at(0));
        GroupStore::create(store, group).await.unwrap();
        store.put_role(name).await;
        let subjects = [AclSubject::Group(id(name)), AclSubject::Role(id(name))];
        store.put_grants(subjects.map(grant_to).into()).await;
    }
}

/// Counts what a user has: links, roles, groups, grants, keys, sessions, tokens.
async fn belongings(store: &impl DirectoryStore, name: &str) -> [usize; 7] {
    let (user, cursor) = (id::<UserId>(name), Cursor::first(200));
    let subject = AclSubject::User(user.clone());
    let purpose = TokenPurpose::PasswordReset;
    let keys = ApiKeyStore::list(store, Some(&user), &cursor).await;
    let sessions = SessionStore::list(store, Some(&user), &cursor).await;
    let tokens = OneTimeTokenStore::list(store, purpose, Some(&user), &cursor).await;
    [
        store.links_of(&user).await.unwrap().len(),
        store.roles_of(&user).await.unwrap().len(),
        store.groups_of(&user).await.unwrap().len(),
        store
            .of_subject(&subject, &cursor)
            .await
            .unwrap()
            .rows
            .len(),
        keys.unwrap().rows.len(),
        sessions.unwrap().rows.len(),
        tokens.unwrap().rows.len(),
    ]
}

async fn grants_of(store: &impl DirectoryStore, subject: AclSubject) -> usize {
    let grants = store.all_of_subject(&subject, 200).await.unwrap();
    grants.unwrap().len()
}

/// Neither by its owner nor by its own name is anything of it found.
pub async fn an_account_takes_all_that_is_his_along_and_nothing_else(
    store: Arc<impl DirectoryStore>,
) {
    prepare(&*store).await;
    for name in ["anna", "ben", "Anna"] {
        settle(&*store, name).await;
    }
    assert_eq!(belongings(&*store, "anna").await, [2; 7]);

    let deleted = AccountStore::delete(&*store, &id("anna")).await.unwrap();

    assert_eq!(deleted, Changed::Done);
    assert_eq!(belongings(&*store, "anna").await, [0; 7]);
    let hash = TokenHash::of("anna-one");
    assert_eq!(SessionStore::find(&*store, &hash).await.unwrap(), None);
    let key = ApiKeyStore::find(&*store, &id("anna-one")).await.unwrap();
    assert_eq!(key, None);
    let purpose = TokenPurpose::PasswordReset;
    assert_eq!(store.take(&hash, purpose, at(1)).await.unwrap(), None);
    let linked = store.find_linked("idp", "anna-one").await.unwrap();
    assert_eq!(linked, None);
    let members = store.members(&id("one"), &Cursor::first(9)).await.unwrap();
    assert_eq!(members.rows, ["Anna", "ben"].map(id));
    for name in ["ben", "Anna"] {
        assert_eq!(belongings(&*store, name).await, [2; 7], "{name}");
    }
    assert_eq!(grants_of(&*store, AclSubject::Group(id("one"))).await, 1);
    assert_eq!(grants_of(&*store, AclSubject::Role(id("one"))).await, 1);
    assert_eq!(store.book().await.unwrap().roles.len(), 2);
}

/// The last owner, and somebody who has no account here.
pub async fn an_account_that_stays_keeps_everything(store: Arc<impl DirectoryStore>) {
    prepare(&*store).await;
    settle(&*store, "anna").await;
    let owner = AssignmentRecord::new(id("anna"), id(OWNER_ROLE), at(0));
    store.assign(owner).await.unwrap();
    let elsewhere = AssignmentRecord::new(id("auth0|ben"), id("one"), at(0));
    store.assign(elsewhere).await.unwrap();

    let deleted = AccountStore::delete(&*store, &id("anna")).await.unwrap();
    assert_eq!(deleted, Changed::LastOwner);
    assert_eq!(belongings(&*store, "anna").await, [2, 3, 2, 2, 2, 2, 2]);

    let deleted = AccountStore::delete(&*store, &id("auth0|ben")).await;
    assert_eq!(deleted.unwrap(), Changed::Gone);
    let roles = store.roles_of(&id("auth0|ben")).await.unwrap();
    assert_eq!(roles, [id::<RoleId>("one")]);
}

/// Nobody inherits what somebody of the same id had before.
pub async fn what_was_deleted_can_be_made_anew_and_is_empty(store: Arc<impl DirectoryStore>) {
    prepare(&*store).await;
    for _ in 0..2 {
        settle(&*store, "anna").await;
        assert_eq!(belongings(&*store, "anna").await, [2; 7]);
        let deleted = AccountStore::delete(&*store, &id("anna")).await.unwrap();
        assert_eq!(deleted, Changed::Done);
    }

    let account = AccountRecord::new(id("anna"), AccountKind::Person, at(0));
    AccountStore::create(&*store, account).await.unwrap();
    assert_eq!(belongings(&*store, "anna").await, [0; 7]);
}

/// Who had it keeps what else he has.
pub async fn a_role_takes_its_assignments_and_grants_along(store: Arc<impl DirectoryStore>) {
    prepare(&*store).await;
    for name in ["anna", "ben"] {
        settle(&*store, name).await;
    }
    let revision = store.book().await.unwrap().revision;

    let deleted = RoleStore::delete(&*store, &id("one"), revision).await;

    assert_eq!(deleted.unwrap(), Changed::Done);
    for name in ["anna", "ben"] {
        assert_eq!(belongings(&*store, name).await, [2, 1, 2, 2, 2, 2, 2]);
        let roles = store.roles_of(&id(name)).await.unwrap();
        assert_eq!(roles, [id::<RoleId>("two")]);
    }
    assert_eq!(grants_of(&*store, AclSubject::Role(id("one"))).await, 0);
    assert_eq!(grants_of(&*store, AclSubject::Role(id("two"))).await, 1);
    assert_eq!(grants_of(&*store, AclSubject::Group(id("one"))).await, 1);
}

/// A deletion that was refused has taken nothing.
pub async fn a_role_that_stays_keeps_everything(store: Arc<impl DirectoryStore>) {
    prepare(&*store).await;
    settle(&*store, "anna").await;
    // A role that the program brings has assignments as well.
    let brought = AssignmentRecord::new(id("anna"), id("brought"), at(0));
    store.assign(brought).await.unwrap();
    let revision = store.book().await.unwrap().revision;

    for (role, revision, changed) in [
        ("one", revision - 1, Changed::Stale),
        ("one", revision + 1, Changed::Stale),
        ("brought", revision, Changed::Gone),
    ] {
        let deleted = RoleStore::delete(&*store, &id(role), revision).await;
        assert_eq!(deleted.unwrap(), changed);
    }

    assert_eq!(belongings(&*store, "anna").await, [2, 3, 2, 2, 2, 2, 2]);
    assert_eq!(grants_of(&*store, AclSubject::Role(id("one"))).await, 1);
    assert_eq!(store.book().await.unwrap().revision, revision);
}

/// Its members keep what else they have.
pub async fn a_group_takes_its_grants_along(store: Arc<impl DirectoryStore>) {
    prepare(&*store).await;
    settle(&*store, "anna").await;

    assert!(GroupStore::delete(&*store, &id("one")).await.unwrap());

    assert_eq!(belongings(&*store, "anna").await, [2, 2, 1, 2, 2, 2, 2]);
    assert_eq!(grants_of(&*store, AclSubject::Group(id("one"))).await, 0);
    assert_eq!(grants_of(&*store, AclSubject::Group(id("two"))).await, 1);
    assert_eq!(grants_of(&*store, AclSubject::Role(id("one"))).await, 1);
}
