//! Cases for an [`AccountStore`].

mod lists;
mod second_factor;

use std::sync::Arc;

use ee_core::{
    ErrorKind, UserId,
    storage::{
        AccountFilter, AccountKind, AccountRecord, AccountStatus, AccountStore, Changed, Totp,
    },
};

pub use self::lists::{
    a_list_can_be_narrowed, a_list_goes_through_all_of_them_once,
    a_search_is_blind_to_the_case_of_ascii_letters_alone,
    a_search_takes_wildcards_for_what_they_are,
};
pub use self::second_factor::{
    an_older_step_is_never_taken, an_update_brings_no_step_back,
    of_64_parallel_takers_of_a_step_one_gets_it,
};
use crate::{
    in_parallel,
    listing::in_parts,
    samples::{TICK, assert_kind, at, hard_metadata, hard_texts, hard_times, id},
};

/// Makes the tests of an [`AccountStore`]. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! account_store_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(account_store, $setup =>
            a_created_account_is_found_as_it_was,
            creating_a_taken_id_is_a_conflict_and_overwrites_nothing,
            creating_a_taken_address_is_a_conflict_and_keeps_nothing,
            of_64_parallel_creates_of_one_id_one_wins,
            of_64_parallel_creates_with_one_address_one_wins,
            many_accounts_have_no_address,
            updating_replaces_what_may_change_and_moves_the_version,
            updating_a_stale_or_missing_account_changes_nothing,
            of_64_parallel_updates_of_one_version_one_wins,
            updating_to_a_taken_address_is_a_conflict_and_changes_nothing,
            an_address_that_was_given_up_is_free,
            deleting_is_final,
            a_list_goes_through_all_of_them_once,
            a_list_can_be_narrowed,
            a_search_takes_wildcards_for_what_they_are,
            a_search_is_blind_to_the_case_of_ascii_letters_alone,
            of_64_parallel_takers_of_a_step_one_gets_it,
            an_older_step_is_never_taken,
            an_update_brings_no_step_back,
            noting_a_sign_in_changes_nothing_else,
            texts_and_metadata_survive,
            times_survive_to_the_microsecond,
        );
    };
}

fn person(name: &str) -> AccountRecord {
    AccountRecord::new(id(name), AccountKind::Person, at(0))
}

fn with_email(name: &str, email: &str) -> AccountRecord {
    let mut account = person(name);
    account.email = Some(email.to_owned());
    account
}

/// An account of which every field is set.
fn full(name: &str) -> AccountRecord {
    let mut account = with_email(name, &format!("{name}@Example.com"));
    account.avatar_url = Some(format!("https://pictures.example/{name}.png"));
    account.created_by = Some(id("admin"));
    account.credential_version = 7;
    account.email_verified = true;
    account.last_sign_in_at = Some(at(5));
    account.metadata = hard_metadata();
    account.name = Some(format!("{name} of the tests"));
    account.password_hash = Some("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned());
    let mut totp = Totp::new(vec![0, 255, 39, 0]);
    totp.is_confirmed = true;
    totp.last_step = 58_909_000;
    account.totp = Some(totp);
    account.updated_at = at(9);
    account.version = 3;
    account
}

async fn create(store: &impl AccountStore, accounts: &[AccountRecord]) {
    for account in accounts {
        store.create(account.clone()).await.unwrap();
    }
}

async fn find(store: &impl AccountStore, name: &str) -> Option<AccountRecord> {
    store.find(&id(name)).await.unwrap()
}

async fn found_by_email(store: &impl AccountStore, email: &str) -> Option<UserId> {
    let account = store.find_by_email(email).await.unwrap();
    account.map(|account| account.id)
}

async fn listed(store: &impl AccountStore, filter: &AccountFilter) -> Vec<UserId> {
    let rows = in_parts(3, async |cursor| store.list(filter, cursor).await).await;
    rows.into_iter().map(|account| account.id).collect()
}

/// What was created comes back equal, by id and by address, with and without the optional fields.
pub async fn a_created_account_is_found_as_it_was(store: Arc<impl AccountStore>) {
    let mut off = AccountRecord::new(id("off"), AccountKind::Service, at(1));
    off.status = AccountStatus::Disabled;
    let agent = AccountRecord::new(id("agent"), AccountKind::Agent, at(2));
    create(&*store, &[full("anna"), off.clone(), agent.clone()]).await;

    assert_eq!(find(&*store, "anna").await, Some(full("anna")));
    assert_eq!(find(&*store, "off").await, Some(off));
    assert_eq!(find(&*store, "agent").await, Some(agent));
    assert_eq!(find(&*store, "ANNA").await, None);
    for email in [
        "anna@Example.com",
        "ANNA@EXAMPLE.COM",
        " anna@example.com\t",
    ] {
        let account = store.find_by_email(email).await.unwrap();
        assert_eq!(account, Some(full("anna")), "{email:?}");
    }
    assert_eq!(found_by_email(&*store, "anna@example.co").await, None);
    assert_eq!(found_by_email(&*store, "%").await, None);
    assert_eq!(found_by_email(&*store, "").await, None);
}

/// The second create of an id fails and the first one stays as it was.
pub async fn creating_a_taken_id_is_a_conflict_and_overwrites_nothing(
    store: Arc<impl AccountStore>,
) {
    create(&*store, &[full("anna")]).await;

    let second = store.create(with_email("anna", "other@example.com")).await;

    assert_kind(second, ErrorKind::Conflict);
    assert_eq!(find(&*store, "anna").await, Some(full("anna")));
    assert_eq!(found_by_email(&*store, "other@example.com").await, None);
}

/// Two addresses that differ in letter case, of any script, or in the spaces around them are one.
pub async fn creating_a_taken_address_is_a_conflict_and_keeps_nothing(
    store: Arc<impl AccountStore>,
) {
    create(&*store, &[with_email("anna", "Änna@Example.com")]).await;

    for email in ["Änna@Example.com", "äNNA@example.COM", " änna@example.com "] {
        let second = store.create(with_email("ben", email)).await;
        assert_kind(second, ErrorKind::Conflict);
        assert_eq!(find(&*store, "ben").await, None, "{email:?}");
    }
    create(&*store, &[with_email("ben", "anna@example.com")]).await;
    let found = found_by_email(&*store, "änna@example.com").await;
    assert_eq!(found, Some(id("anna")));
}

/// Many who create the same id at once: one succeeds, and his account is the one kept.
pub async fn of_64_parallel_creates_of_one_id_one_wins(store: Arc<impl AccountStore>) {
    let won = in_parallel(64, |number| {
        let store = Arc::clone(&store);
        let email = format!("{number}@example.com");
        async move { store.create(with_email("a", &email)).await.map(|()| email) }
    })
    .await;

    let winners: Vec<_> = won.iter().flatten().cloned().collect();
    assert_eq!(winners, [find(&*store, "a").await.unwrap().email.unwrap()]);
    for lost in won.into_iter().filter(Result::is_err) {
        assert_kind(lost, ErrorKind::Conflict);
    }
}

/// Many who create an account for the same address at once: one succeeds.
pub async fn of_64_parallel_creates_with_one_address_one_wins(store: Arc<impl AccountStore>) {
    let won = in_parallel(64, |number| {
        let store = Arc::clone(&store);
        let name = format!("user-{number}");
        async move {
            let account = with_email(&name, "anna@example.com");
            store.create(account).await.map(|()| id(name))
        }
    })
    .await;

    let winners: Vec<UserId> = won.into_iter().flatten().collect();
    let kept = found_by_email(&*store, "anna@example.com").await;
    assert_eq!(winners, [kept.unwrap()]);
    assert_eq!(listed(&*store, &AccountFilter::default()).await, winners);
}

/// No address is not an address that is taken.
pub async fn many_accounts_have_no_address(store: Arc<impl AccountStore>) {
    create(&*store, &[person("a"), person("b"), person("c")]).await;

    let all = listed(&*store, &AccountFilter::default()).await;
    assert_eq!(all, ["a", "b", "c"].map(id));
}

/// An update leaves nothing of the old account but its kind, its creation and its last sign-in, and touches no other.
pub async fn updating_replaces_what_may_change_and_moves_the_version(
    store: Arc<impl AccountStore>,
) {
    create(&*store, &[full("anna"), full("ben")]).await;
    let mut changed = AccountRecord::new(id("anna"), AccountKind::Service, at(70));
    changed.version = 3;
    changed.status = AccountStatus::Disabled;

    assert_eq!(store.update(changed.clone()).await.unwrap(), Changed::Done);

    changed.created_at = at(0);
    changed.created_by = Some(id("admin"));
    changed.kind = AccountKind::Person;
    changed.last_sign_in_at = Some(at(5));
    changed.version = 4;
    assert_eq!(find(&*store, "anna").await, Some(changed.clone()));
    assert_eq!(found_by_email(&*store, "anna@example.com").await, None);
    assert_eq!(find(&*store, "ben").await, Some(full("ben")));

    let mut back = full("anna");
    back.version = 4;
    assert_eq!(store.update(back).await.unwrap(), Changed::Done);
    let mut expected = full("anna");
    expected.version = 5;
    assert_eq!(find(&*store, "anna").await, Some(expected));
}

/// Who has not seen the last change does not undo it, and an update never creates.
pub async fn updating_a_stale_or_missing_account_changes_nothing(store: Arc<impl AccountStore>) {
    create(&*store, &[person("anna")]).await;
    let mut first = person("anna");
    first.name = Some("First".to_owned());
    assert_eq!(store.update(first.clone()).await.unwrap(), Changed::Done);

    for version in [0, 1, 3] {
        let mut stale = with_email("anna", "anna@example.com");
        stale.version = version;
        assert_eq!(store.update(stale).await.unwrap(), Changed::Stale);
    }
    first.version = 2;
    assert_eq!(find(&*store, "anna").await, Some(first));
    let missing = store.update(with_email("ben", "ben@example.com")).await;
    assert_eq!(missing.unwrap(), Changed::Gone);
    assert_eq!(find(&*store, "ben").await, None);
}

/// Many who change the same version at once: one does, and the others are told.
pub async fn of_64_parallel_updates_of_one_version_one_wins(store: Arc<impl AccountStore>) {
    create(&*store, &[person("a")]).await;

    let done = in_parallel(64, |number| {
        let store = Arc::clone(&store);
        async move {
            let mut account = person("a");
            account.name = Some(number.to_string());
            (store.update(account).await.unwrap(), number.to_string())
        }
    })
    .await;

    let (won, lost): (Vec<_>, _) = done.into_iter().partition(|(it, _)| *it == Changed::Done);
    let kept = find(&*store, "a").await.unwrap();
    assert_eq!(won, [(Changed::Done, kept.name.unwrap())]);
    assert!(lost.iter().all(|(changed, _)| *changed == Changed::Stale));
    assert_eq!(kept.version, 2);
}

/// Nobody gets somebody else's address, in any spelling; his own he may spell anew.
pub async fn updating_to_a_taken_address_is_a_conflict_and_changes_nothing(
    store: Arc<impl AccountStore>,
) {
    let ben = with_email("ben", "ben@example.com");
    create(
        &*store,
        &[with_email("anna", "anna@example.com"), ben.clone()],
    )
    .await;

    let refused = store.update(with_email("ben", "Anna@Example.com")).await;
    assert_kind(refused, ErrorKind::Conflict);
    assert_eq!(find(&*store, "ben").await, Some(ben));

    let respelt = with_email("ben", "BEN@example.com");
    assert_eq!(store.update(respelt.clone()).await.unwrap(), Changed::Done);
    assert_eq!(find(&*store, "ben").await.unwrap().email, respelt.email);
}

/// An address is free when its account has another one or is gone.
pub async fn an_address_that_was_given_up_is_free(store: Arc<impl AccountStore>) {
    create(&*store, &[with_email("anna", "one@example.com")]).await;
    let moved = with_email("anna", "two@example.com");
    assert_eq!(store.update(moved).await.unwrap(), Changed::Done);

    create(&*store, &[with_email("ben", "one@example.com")]).await;
    assert_eq!(store.delete(&id("anna")).await.unwrap(), Changed::Done);
    create(&*store, &[with_email("carl", "two@example.com")]).await;

    let found = found_by_email(&*store, "two@example.com").await;
    assert_eq!(found, Some(id("carl")));
}

/// A deleted account is gone, and its id is free again.
pub async fn deleting_is_final(store: Arc<impl AccountStore>) {
    create(&*store, &[full("anna"), full("ben")]).await;

    assert_eq!(store.delete(&id("anna")).await.unwrap(), Changed::Done);

    assert_eq!(find(&*store, "anna").await, None);
    assert_eq!(found_by_email(&*store, "anna@example.com").await, None);
    assert_eq!(store.delete(&id("anna")).await.unwrap(), Changed::Gone);
    assert_eq!(store.update(full("anna")).await.unwrap(), Changed::Gone);
    assert!(!store.note_sign_in(&id("anna"), at(1)).await.unwrap());
    assert!(
        !store
            .take_totp_step(&id("anna"), u64::from(u32::MAX))
            .await
            .unwrap()
    );
    assert_eq!(find(&*store, "ben").await, Some(full("ben")));
    create(&*store, &[full("anna")]).await;
}

/// A sign-in is noted without a change of version: it is in nobody's way.
pub async fn noting_a_sign_in_changes_nothing_else(store: Arc<impl AccountStore>) {
    create(&*store, &[full("anna"), full("ben")]).await;

    assert!(store.note_sign_in(&id("anna"), at(99)).await.unwrap());
    assert!(!store.note_sign_in(&id("nobody"), at(99)).await.unwrap());

    let mut expected = full("anna");
    expected.last_sign_in_at = Some(at(99));
    assert_eq!(find(&*store, "anna").await, Some(expected));
    assert_eq!(find(&*store, "ben").await, Some(full("ben")));
    assert_eq!(find(&*store, "nobody").await, None);
}

/// Every text comes back byte for byte, from `create` and from `update`.
pub async fn texts_and_metadata_survive(store: Arc<impl AccountStore>) {
    create(&*store, &[full("updated")]).await;
    for (number, text) in hard_texts().into_iter().enumerate() {
        let mut account = full(&format!("created-{number}"));
        account.avatar_url = Some(text.clone());
        // An index need not take 100 KB.
        account.email = Some(format!("{number}{text}")).filter(|email| email.len() < 1_000);
        account.name = Some(text.clone());
        account.password_hash = Some(text);
        create(&*store, std::slice::from_ref(&account)).await;
        let found = store.find(&account.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&account));
        if let Some(email) = &account.email {
            let found = found_by_email(&*store, email).await;
            assert_eq!(found.as_ref(), Some(&account.id));
        }
        assert_eq!(store.delete(&account.id).await.unwrap(), Changed::Done);

        account.id = id("updated");
        account.version = find(&*store, "updated").await.unwrap().version;
        assert_eq!(store.update(account.clone()).await.unwrap(), Changed::Done);
        account.version += 1;
        assert_eq!(find(&*store, "updated").await, Some(account));
    }
}

/// A moment comes back equal to the microsecond.
pub async fn times_survive_to_the_microsecond(store: Arc<impl AccountStore>) {
    for (number, time) in hard_times().into_iter().enumerate() {
        let mut account = full(&format!("a-{number}"));
        account.created_at = time;
        account.updated_at = time + TICK;
        account.last_sign_in_at = Some(time);
        create(&*store, std::slice::from_ref(&account)).await;
        assert_eq!(
            store.find(&account.id).await.unwrap().as_ref(),
            Some(&account)
        );

        account.last_sign_in_at = Some(time + TICK);
        assert!(store.note_sign_in(&account.id, time + TICK).await.unwrap());
        assert_eq!(store.find(&account.id).await.unwrap(), Some(account));
    }
}
