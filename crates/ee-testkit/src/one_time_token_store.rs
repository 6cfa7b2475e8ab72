//! Cases for a [`OneTimeTokenStore`].

use std::sync::Arc;

use ee_core::{
    ErrorKind, TokenHash, TokenId, UserId,
    storage::{OneTimeToken, OneTimeTokenStore, TokenPurpose},
};

use crate::{
    in_parallel,
    listing::in_parts,
    samples::{TICK, assert_kind, at, hard_ids, hard_metadata, hard_times, id},
};

/// Makes the tests of a [`OneTimeTokenStore`]. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! one_time_token_store_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(one_time_token_store, $setup =>
            a_token_is_found_and_taken_once_and_as_it_was,
            a_token_is_good_for_its_purpose_alone,
            a_token_that_is_over_is_not_good,
            of_64_parallel_takers_one_gets_it,
            finding_leaves_it_and_taking_wins,
            creating_a_taken_hash_or_id_keeps_none,
            of_64_parallel_creates_one_wins,
            a_taken_token_may_be_created_anew,
            deleting_is_final_and_for_one_purpose,
            deleting_for_a_user_takes_all_of_one_purpose,
            purging_takes_what_is_over_at_the_boundary_and_nothing_else,
            a_list_goes_through_all_of_them_once,
            users_of_every_spelling_are_kept_apart,
            times_survive_to_the_microsecond,
        );
    };
}

use TokenPurpose::{Invitation, PasswordReset, RecoveryCode, SecondFactor, Setup, VerifyEmail};

const PURPOSES: [TokenPurpose; 6] = [
    Invitation,
    PasswordReset,
    RecoveryCode,
    SecondFactor,
    Setup,
    VerifyEmail,
];

fn hash(text: &str) -> TokenHash {
    TokenHash::of(text)
}

fn token(secret: &str, purpose: TokenPurpose) -> OneTimeToken {
    let mut token = OneTimeToken::new(purpose, hash(secret), at(0), at(600));
    token.id = id(secret);
    token
}

fn of(user: &str, secret: &str, purpose: TokenPurpose) -> OneTimeToken {
    let mut token = token(secret, purpose);
    token.user_id = Some(id(user));
    token
}

/// A token of which every field is set.
fn full(secret: &str) -> OneTimeToken {
    let mut token = of("anna", secret, Invitation);
    token.created_by = Some(id("admin"));
    token.data = hard_metadata();
    token
}

async fn create(store: &impl OneTimeTokenStore, tokens: &[OneTimeToken]) {
    store.create(tokens.to_vec()).await.unwrap();
}

async fn find(
    store: &impl OneTimeTokenStore,
    secret: &str,
    purpose: TokenPurpose,
) -> Option<OneTimeToken> {
    store.find(&hash(secret), purpose, at(1)).await.unwrap()
}

async fn take(
    store: &impl OneTimeTokenStore,
    secret: &str,
    purpose: TokenPurpose,
) -> Option<OneTimeToken> {
    store.take(&hash(secret), purpose, at(1)).await.unwrap()
}

async fn listed(
    store: &impl OneTimeTokenStore,
    purpose: TokenPurpose,
    user: Option<&str>,
) -> Vec<OneTimeToken> {
    let user = user.map(id::<UserId>);
    let list = async |cursor: &_| store.list(purpose, user.as_ref(), cursor).await;
    in_parts(3, list).await
}

/// Looking does not use it up; taking does.
pub async fn a_token_is_found_and_taken_once_and_as_it_was(store: Arc<impl OneTimeTokenStore>) {
    create(&*store, &[full("a"), token("b", Invitation)]).await;
    create(&*store, &[]).await;

    for _ in 0..2 {
        assert_eq!(find(&*store, "a", Invitation).await, Some(full("a")));
    }
    assert_eq!(take(&*store, "a", Invitation).await, Some(full("a")));
    assert_eq!(take(&*store, "a", Invitation).await, None);
    assert_eq!(find(&*store, "a", Invitation).await, None);
    let other = take(&*store, "b", Invitation).await;
    assert_eq!(other, Some(token("b", Invitation)));
    assert_eq!(take(&*store, "unknown", Invitation).await, None);
}

/// A link that verifies an address does not reset a password.
pub async fn a_token_is_good_for_its_purpose_alone(store: Arc<impl OneTimeTokenStore>) {
    for (number, purpose) in PURPOSES.into_iter().enumerate() {
        let secret = number.to_string();
        create(&*store, &[token(&secret, purpose)]).await;
        for other in PURPOSES.into_iter().filter(|other| *other != purpose) {
            assert_eq!(find(&*store, &secret, other).await, None, "{other:?}");
            assert_eq!(take(&*store, &secret, other).await, None, "{other:?}");
            assert!(
                !store.delete(&id(&*secret), other).await.unwrap(),
                "{other:?}"
            );
        }
        let taken = take(&*store, &secret, purpose).await;
        assert_eq!(taken, Some(token(&secret, purpose)));
    }
}

/// At its end it is good no more, though it is there still; a microsecond before it is.
pub async fn a_token_that_is_over_is_not_good(store: Arc<impl OneTimeTokenStore>) {
    create(&*store, &[token("a", Setup)]).await;
    let (hash, end) = (hash("a"), at(600));

    for now in [end, end + TICK] {
        assert_eq!(store.find(&hash, Setup, now).await.unwrap(), None);
        assert_eq!(store.take(&hash, Setup, now).await.unwrap(), None);
    }
    assert_eq!(listed(&*store, Setup, None).await, [token("a", Setup)]);
    let found = store.find(&hash, Setup, end - TICK).await.unwrap();
    assert_eq!(found, Some(token("a", Setup)));
    let taken = store.take(&hash, Setup, end - TICK).await.unwrap();
    assert_eq!(taken, Some(token("a", Setup)));
}

/// Many who show the same token at once: one gets it, every time.
pub async fn of_64_parallel_takers_one_gets_it(store: Arc<impl OneTimeTokenStore>) {
    for round in 0..200 {
        let secret = format!("secret-{round}");
        create(&*store, &[token(&secret, Setup)]).await;

        let taken = in_parallel(64, |_| {
            let (store, secret) = (Arc::clone(&store), secret.clone());
            async move { take(&*store, &secret, Setup).await }
        })
        .await;

        let taken: Vec<_> = taken.into_iter().flatten().collect();
        assert_eq!(taken, [token(&secret, Setup)], "round {round}");
    }
}

/// Who only looks keeps nobody from taking.
pub async fn finding_leaves_it_and_taking_wins(store: Arc<impl OneTimeTokenStore>) {
    create(&*store, &[token("a", Setup)]).await;

    let taken = in_parallel(64, |number| {
        let store = Arc::clone(&store);
        async move {
            if number % 2 == 0 {
                find(&*store, "a", Setup).await;
                return None;
            }
            take(&*store, "a", Setup).await
        }
    })
    .await;

    assert_eq!(taken.into_iter().flatten().count(), 1);
    assert_eq!(find(&*store, "a", Setup).await, None);
}

/// Of tokens that are created together, all are kept or none.
pub async fn creating_a_taken_hash_or_id_keeps_none(store: Arc<impl OneTimeTokenStore>) {
    create(&*store, &[full("a")]).await;
    let mut same_hash = token("new-1", Setup);
    same_hash.hash = hash("a");
    let mut same_id = token("new-2", Setup);
    same_id.id = id("a");

    for taken in [same_hash, same_id, full("a")] {
        let tokens = vec![token("x", Setup), taken, token("y", Setup)];
        assert_kind(store.create(tokens).await, ErrorKind::Conflict);
    }
    let twice = vec![token("x", Setup), token("x", Setup)];
    assert_kind(store.create(twice).await, ErrorKind::Conflict);

    assert!(listed(&*store, Setup, None).await.is_empty());
    assert_eq!(find(&*store, "x", Setup).await, None);
    assert_eq!(take(&*store, "a", Invitation).await, Some(full("a")));
}

/// Many who create the same token at once: one succeeds, with all that he has created beside it.
pub async fn of_64_parallel_creates_one_wins(store: Arc<impl OneTimeTokenStore>) {
    let won = in_parallel(64, |number| {
        let (store, own) = (Arc::clone(&store), format!("own-{number:02}"));
        let tokens = vec![token(&own, Setup), token("same", Setup)];
        async move { store.create(tokens).await.map(|()| own) }
    })
    .await;

    let winners: Vec<_> = won.iter().flatten().cloned().collect();
    assert_eq!(winners.len(), 1);
    let mut expected: Vec<TokenId> = winners.into_iter().map(id).collect();
    expected.push(id("same"));
    let kept = listed(&*store, Setup, None).await;
    let kept: Vec<_> = kept.into_iter().map(|token| token.id).collect();
    assert_eq!(kept, expected);
    for lost in won.into_iter().filter(Result::is_err) {
        assert_kind(lost, ErrorKind::Conflict);
    }
}

/// What was taken is gone wholly.
pub async fn a_taken_token_may_be_created_anew(store: Arc<impl OneTimeTokenStore>) {
    for _ in 0..2 {
        create(&*store, &[full("a")]).await;
        assert_eq!(take(&*store, "a", Invitation).await, Some(full("a")));
        assert!(!store.delete(&id("a"), Invitation).await.unwrap());
    }
}

/// Who administers tokens names them by id.
pub async fn deleting_is_final_and_for_one_purpose(store: Arc<impl OneTimeTokenStore>) {
    create(&*store, &[full("a"), full("b")]).await;

    assert!(!store.delete(&id("a"), Setup).await.unwrap());
    assert!(store.delete(&id("a"), Invitation).await.unwrap());

    assert!(!store.delete(&id("a"), Invitation).await.unwrap());
    assert_eq!(take(&*store, "a", Invitation).await, None);
    assert_eq!(listed(&*store, Invitation, None).await, [full("b")]);
}

/// All of his for this purpose, and nobody else's.
pub async fn deleting_for_a_user_takes_all_of_one_purpose(store: Arc<impl OneTimeTokenStore>) {
    for number in 0..10 {
        create(&*store, &[of("anna", &format!("r-{number}"), RecoveryCode)]).await;
    }
    let others = [
        of("anna", "reset", PasswordReset),
        of("ben", "other", RecoveryCode),
        of("Anna", "case", RecoveryCode),
        token("nobody", RecoveryCode),
    ];
    create(&*store, &others).await;
    let delete = async || {
        store
            .delete_for_user(&id("anna"), RecoveryCode)
            .await
            .unwrap()
    };

    assert_eq!(delete().await, 10);

    assert_eq!(delete().await, 0);
    assert_eq!(find(&*store, "r-3", RecoveryCode).await, None);
    for other in others {
        let found = store.find(&other.hash, other.purpose, at(1)).await.unwrap();
        assert_eq!(found, Some(other));
    }
}

/// A token that ends now is over; one that ends a microsecond later is not.
pub async fn purging_takes_what_is_over_at_the_boundary_and_nothing_else(
    store: Arc<impl OneTimeTokenStore>,
) {
    for (secret, end) in [("-", at(5) - TICK), ("0", at(5)), ("+", at(5) + TICK)] {
        let mut token = token(secret, Setup);
        token.expires_at = end;
        create(&*store, &[token]).await;
    }

    assert_eq!(store.purge_tokens(at(5)).await.unwrap(), 2);

    let left = listed(&*store, Setup, None).await;
    let left: Vec<_> = left.into_iter().map(|token| token.hash).collect();
    assert_eq!(left, [hash("+")]);
    assert_eq!(store.purge_tokens(at(5)).await.unwrap(), 0);
}

/// Part by part, all tokens of a purpose are listed once, of one user or of all, by the bytes of their ids.
pub async fn a_list_goes_through_all_of_them_once(store: Arc<impl OneTimeTokenStore>) {
    let mut ids = hard_ids::<TokenId>();
    ids.extend(["_", "a", "A", "a ", "å", "a\u{30a}", "*"].map(id::<TokenId>));
    let mut expected = Vec::new();
    for (number, id_) in ids.iter().enumerate() {
        let mut token = full(id_.as_str());
        if number % 3 == 0 {
            token.expires_at = at(-9);
        }
        token.user_id = (number % 4 > 0).then(|| id(if number % 2 == 0 { "anna" } else { "ben" }));
        expected.push(token);
    }
    create(&*store, &expected).await;
    create(&*store, &[token("other", Setup)]).await;
    expected.sort_by(|a, b| a.id.cmp(&b.id));

    assert_eq!(listed(&*store, Invitation, None).await, expected);
    for user in ["anna", "ben", "nobody"] {
        let user_id = Some(id::<UserId>(user));
        let of_user = expected.iter().filter(|token| token.user_id == user_id);
        let of_user: Vec<_> = of_user.cloned().collect();
        assert_eq!(listed(&*store, Invitation, Some(user)).await, of_user);
    }
}

/// A user's id is compared byte for byte and never read as a pattern.
pub async fn users_of_every_spelling_are_kept_apart(store: Arc<impl OneTimeTokenStore>) {
    let mut users = hard_ids::<UserId>();
    users.extend(["%", "_", "a", "A", "a ", "å", "a\u{30a}"].map(id::<UserId>));
    for (number, user) in users.iter().enumerate() {
        let token = of(user.as_str(), &number.to_string(), RecoveryCode);
        create(&*store, &[token]).await;
    }

    for (number, user) in users.iter().enumerate() {
        let of_user = listed(&*store, RecoveryCode, Some(user.as_str())).await;
        let expected = of(user.as_str(), &number.to_string(), RecoveryCode);
        assert_eq!(of_user, [expected], "{user}");
        let deleted = store.delete_for_user(user, RecoveryCode).await.unwrap();
        assert_eq!(deleted, 1, "{user}");
    }
}

/// A moment comes back equal to the microsecond.
pub async fn times_survive_to_the_microsecond(store: Arc<impl OneTimeTokenStore>) {
    for (number, time) in hard_times().into_iter().enumerate() {
        let mut token = full(&format!("token-{number}"));
        token.created_at = time;
        token.expires_at = time + TICK;
        create(&*store, std::slice::from_ref(&token)).await;

        let found = store.take(&token.hash, Invitation, time).await.unwrap();
        assert_eq!(found, Some(token));
    }
}
