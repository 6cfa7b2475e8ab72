//! Cases for an [`ApiKeyStore`].

use std::sync::Arc;

use ee_core::{
    ErrorKind, KeyId, PermissionPattern, TokenHash, UserId,
    storage::{ApiKeyRecord, ApiKeyStore, Changed, PreviousSecret},
};

use crate::{
    in_parallel,
    listing::in_parts,
    samples::{TICK, assert_kind, at, hard_ids, hard_texts, hard_times, id},
};

/// Makes the tests of an [`ApiKeyStore`]. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! api_key_store_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(api_key_store, $setup =>
            a_created_key_is_found_as_it_was,
            creating_a_taken_id_is_a_conflict_and_overwrites_nothing,
            of_64_parallel_creates_one_wins,
            updating_replaces_what_may_change_and_moves_the_version,
            updating_a_stale_or_missing_key_changes_nothing,
            of_64_parallel_rotations_of_one_version_one_wins,
            deleting_is_final,
            noting_a_use_changes_nothing_else,
            a_list_goes_through_all_of_them_once,
            users_of_every_spelling_are_kept_apart,
            texts_survive_byte_for_byte,
            times_survive_to_the_microsecond,
        );
    };
}

fn hash(text: &str) -> TokenHash {
    TokenHash::of(text)
}

fn key(name: &str, user: &str) -> ApiKeyRecord {
    let name_ = format!("Key {name}");
    ApiKeyRecord::new(id(name), id(user), name_, hash(name), Vec::new(), at(0))
}

/// A key of which every field is set.
fn full(name: &str, user: &str) -> ApiKeyRecord {
    let mut key = key(name, user);
    key.addresses = vec!["192.0.2.0/24".to_owned(), "2001:db8::1".to_owned()];
    key.created_by = Some(id("admin"));
    key.expires_at = Some(at(600));
    key.last_used_at = Some(at(60));
    key.may_act_for = vec![id("ada"), id("auth0|x/y")];
    key.previous = Some(PreviousSecret {
        hash: hash("before"),
        until: at(300),
    });
    let scopes = ["agents:read:a:b", "*:read", "stored:*"];
    key.scopes = scopes.map(|text| text.parse().unwrap()).into();
    key.updated_at = at(70);
    key.version = 5;
    key
}

async fn create(store: &impl ApiKeyStore, keys: &[ApiKeyRecord]) {
    for key in keys {
        store.create(key.clone()).await.unwrap();
    }
}

async fn find(store: &impl ApiKeyStore, name: &str) -> Option<ApiKeyRecord> {
    store.find(&id(name)).await.unwrap()
}

async fn listed(store: &impl ApiKeyStore, user: Option<&UserId>) -> Vec<KeyId> {
    let rows = in_parts(3, async |cursor| store.list(user, cursor).await).await;
    rows.into_iter().map(|key| key.id).collect()
}

/// What was created comes back equal, also when it has ended, with and without the optional fields.
pub async fn a_created_key_is_found_as_it_was(store: Arc<impl ApiKeyStore>) {
    let mut ended = key("ended", "anna");
    ended.expires_at = Some(at(-1));
    create(&*store, &[full("full", "anna"), ended.clone()]).await;

    assert_eq!(find(&*store, "full").await, Some(full("full", "anna")));
    assert_eq!(find(&*store, "ended").await, Some(ended));
    assert_eq!(find(&*store, "FULL").await, None);
}

/// The second create of an id fails and the first one stays as it was.
pub async fn creating_a_taken_id_is_a_conflict_and_overwrites_nothing(
    store: Arc<impl ApiKeyStore>,
) {
    create(&*store, &[full("a", "anna")]).await;

    let second = store.create(key("a", "mallory")).await;

    assert_kind(second, ErrorKind::Conflict);
    assert_eq!(find(&*store, "a").await, Some(full("a", "anna")));
    assert!(listed(&*store, Some(&id("mallory"))).await.is_empty());
}

/// Many who create the same id at once: one succeeds, and his key is the one kept.
pub async fn of_64_parallel_creates_one_wins(store: Arc<impl ApiKeyStore>) {
    let won = in_parallel(64, |number| {
        let (store, user) = (Arc::clone(&store), format!("user-{number}"));
        async move { store.create(key("a", &user)).await.map(|()| id(user)) }
    })
    .await;

    let winners: Vec<UserId> = won.iter().flatten().cloned().collect();
    assert_eq!(winners, [find(&*store, "a").await.unwrap().user_id]);
    for lost in won.into_iter().filter(Result::is_err) {
        assert_kind(lost, ErrorKind::Conflict);
    }
}

/// An update leaves nothing of the old key but its owner, its creation and its last use, and touches no other.
pub async fn updating_replaces_what_may_change_and_moves_the_version(store: Arc<impl ApiKeyStore>) {
    create(&*store, &[full("a", "anna"), full("b", "anna")]).await;
    let mut changed = key("a", "mallory");
    changed.created_at = at(99);
    changed.hash = hash("rotated");
    changed.updated_at = at(99);
    changed.version = 5;

    assert_eq!(store.update(changed.clone()).await.unwrap(), Changed::Done);

    changed.created_at = at(0);
    changed.created_by = Some(id("admin"));
    changed.last_used_at = Some(at(60));
    changed.user_id = id("anna");
    changed.version = 6;
    assert_eq!(find(&*store, "a").await, Some(changed));
    assert_eq!(find(&*store, "b").await, Some(full("b", "anna")));
    assert_eq!(listed(&*store, Some(&id("anna"))).await, ["a", "b"].map(id));

    let mut back = full("a", "anna");
    back.version = 6;
    assert_eq!(store.update(back.clone()).await.unwrap(), Changed::Done);
    back.version = 7;
    assert_eq!(find(&*store, "a").await, Some(back));
}

/// Who has not seen the last change does not undo it, and an update never creates.
pub async fn updating_a_stale_or_missing_key_changes_nothing(store: Arc<impl ApiKeyStore>) {
    create(&*store, &[key("a", "anna")]).await;
    assert_eq!(store.update(key("a", "anna")).await.unwrap(), Changed::Done);

    for version in [0, 1, 3] {
        let mut stale = full("a", "anna");
        stale.version = version;
        assert_eq!(store.update(stale).await.unwrap(), Changed::Stale);
    }
    let mut expected = key("a", "anna");
    expected.version = 2;
    assert_eq!(find(&*store, "a").await, Some(expected));
    let missing = store.update(key("b", "anna")).await.unwrap();
    assert_eq!(missing, Changed::Gone);
    assert_eq!(find(&*store, "b").await, None);
}

/// Many who rotate the same key at once: one does, and the secret that is kept is his.
pub async fn of_64_parallel_rotations_of_one_version_one_wins(store: Arc<impl ApiKeyStore>) {
    create(&*store, &[key("a", "anna")]).await;

    let done = in_parallel(64, |number| {
        let (store, secret) = (Arc::clone(&store), hash(&number.to_string()));
        async move {
            let mut rotated = key("a", "anna");
            let (hash, until) = (rotated.hash, at(60));
            rotated.previous = Some(PreviousSecret { hash, until });
            rotated.hash = secret;
            (store.update(rotated).await.unwrap(), secret)
        }
    })
    .await;

    let (won, lost): (Vec<_>, _) = done.into_iter().partition(|(it, _)| *it == Changed::Done);
    let kept = find(&*store, "a").await.unwrap();
    assert_eq!(won, [(Changed::Done, kept.hash)]);
    assert!(lost.iter().all(|(changed, _)| *changed == Changed::Stale));
    assert!(kept.accepts(&hash("a"), at(59)) && !kept.accepts(&hash("a"), at(60)));
}

/// A deleted key is gone, and nothing brings it back.
pub async fn deleting_is_final(store: Arc<impl ApiKeyStore>) {
    create(&*store, &[full("a", "anna"), full("b", "anna")]).await;

    assert!(store.delete(&id("a")).await.unwrap());

    assert!(!store.delete(&id("a")).await.unwrap());
    assert!(!store.note_use(&id("a"), at(1)).await.unwrap());
    let changed = store.update(full("a", "anna")).await.unwrap();
    assert_eq!(changed, Changed::Gone);
    assert_eq!(find(&*store, "a").await, None);
    assert_eq!(listed(&*store, None).await, [id("b")]);
    create(&*store, &[key("a", "ben")]).await;
}

/// A use is noted without a change of version: it is in nobody's way.
pub async fn noting_a_use_changes_nothing_else(store: Arc<impl ApiKeyStore>) {
    create(&*store, &[full("a", "anna"), full("b", "anna")]).await;

    assert!(store.note_use(&id("a"), at(99)).await.unwrap());
    assert!(!store.note_use(&id("nothing"), at(99)).await.unwrap());

    let mut expected = full("a", "anna");
    expected.last_used_at = Some(at(99));
    assert_eq!(find(&*store, "a").await, Some(expected));
    assert_eq!(find(&*store, "b").await, Some(full("b", "anna")));
}

/// Part by part, all keys are listed once, of one user or of all, by the bytes of their ids.
pub async fn a_list_goes_through_all_of_them_once(store: Arc<impl ApiKeyStore>) {
    let mut expected = Vec::new();
    for number in 0..25 {
        let name = format!("{}-{number}", if number % 2 == 0 { "K" } else { "k" });
        let user = if number % 5 == 0 { "ben" } else { "anna" };
        expected.push(full(&name, user));
    }
    create(&*store, &expected).await;
    expected.sort_by(|a, b| a.id.cmp(&b.id));

    for limit in [1, 7, 200] {
        let rows = in_parts(limit, async |cursor| store.list(None, cursor).await).await;
        assert_eq!(rows, expected, "{limit}");
    }
    for (user, count) in [("anna", 20), ("ben", 5), ("nobody", 0)] {
        let user: UserId = id(user);
        let of_user = expected.iter().filter(|key| key.user_id == user);
        let of_user: Vec<_> = of_user.map(|key| key.id.clone()).collect();
        assert_eq!(listed(&*store, Some(&user)).await, of_user);
        assert_eq!(of_user.len(), count);
    }
}

/// A user's id is compared byte for byte and never read as a pattern.
pub async fn users_of_every_spelling_are_kept_apart(store: Arc<impl ApiKeyStore>) {
    let mut users = hard_ids::<UserId>();
    users.extend(["%", "_", "a", "A", "a ", "å", "a\u{30a}"].map(id::<UserId>));
    for (number, user) in users.iter().enumerate() {
        create(&*store, &[key(&number.to_string(), user.as_str())]).await;
    }

    for (number, user) in users.iter().enumerate() {
        let of_user = listed(&*store, Some(user)).await;
        assert_eq!(of_user, [id(number.to_string())], "{user}");
    }
}

/// Every text comes back byte for byte, from `create` and from `update`.
pub async fn texts_survive_byte_for_byte(store: Arc<impl ApiKeyStore>) {
    create(&*store, &[key("updated", "anna")]).await;
    for (number, text) in hard_texts().into_iter().enumerate() {
        let mut record = key(&format!("created-{number}"), "anna");
        record.addresses = vec![text.clone(), String::new(), text.clone()];
        record.scopes = vec![PermissionPattern::EVERYTHING];
        record.scopes.extend(format!("agents:read:{text}").parse());
        record.name = text;
        create(&*store, std::slice::from_ref(&record)).await;
        assert_eq!(find(&*store, record.id.as_str()).await.unwrap(), record);

        record.id = id("updated");
        record.version = find(&*store, "updated").await.unwrap().version;
        assert_eq!(store.update(record.clone()).await.unwrap(), Changed::Done);
        record.version += 1;
        assert_eq!(find(&*store, "updated").await, Some(record));
    }
}

/// A moment comes back equal to the microsecond.
pub async fn times_survive_to_the_microsecond(store: Arc<impl ApiKeyStore>) {
    for (number, time) in hard_times().into_iter().enumerate() {
        let mut record = full(&format!("key-{number}"), "anna");
        record.created_at = time;
        record.expires_at = Some(time + TICK);
        record.previous = Some(PreviousSecret {
            hash: hash("before"),
            until: time - TICK,
        });
        record.updated_at = time;
        create(&*store, std::slice::from_ref(&record)).await;
        record.last_used_at = Some(time);
        assert!(store.note_use(&record.id, time).await.unwrap());
        assert_eq!(find(&*store, record.id.as_str()).await, Some(record));
    }
}
