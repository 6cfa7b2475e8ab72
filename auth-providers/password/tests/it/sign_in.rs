use std::time::Duration;

use ee_auth_password::{Argon2Params, NewAccount};
use ee_core::{
    AuthProvider as _, Clock as _, CredentialsProvider as _, ErrorKind, PublicCapabilities,
    RequestHead, SignIn, UserProvider as _,
    storage::{AccountKind, AccountRecord, AccountStatus, AccountStore},
    with_ee,
};
use http::HeaderMap;
use tokio::time::Instant;

use crate::world::{ADA, Browser, OTHER, PASSWORD, WRONG, World};

#[tokio::test]
async fn the_right_password_signs_in_and_is_noted() {
    let world = World::new();
    let ada = world.ada().await;

    let SignIn::Success(user) = world.sign_in(ADA, PASSWORD).await else {
        panic!("the password is right");
    };

    assert_eq!(user.id, ada);
    assert_eq!(user.email.as_deref(), Some(ADA));
    assert!(user.roles.is_empty(), "roles come from assignments");
    assert_eq!(
        world.record(&ada).await.last_sign_in_at,
        Some(world.clock.now())
    );
    for email in ["ADA@Example.COM", " ada@example.com ", "Ada@example.com\n"] {
        assert!(world.knows(email, PASSWORD).await, "{email:?}");
    }
    for password in [
        "",
        " violet tractor sings",
        "Violet tractor sings",
        "violet tractor sing",
    ] {
        assert!(!world.knows(ADA, password).await, "{password:?}");
        world.clock.advance(jiff::SignedDuration::from_mins(20));
    }
}

#[tokio::test]
async fn what_is_no_address_is_refused_by_field() {
    let world = World::new();
    let browser = Browser::default();

    for email in ["", "ada", "@", "a b@c.d", "a@b@c", "a@b\r\nx"] {
        let refused = browser.sign_in(&world, email, PASSWORD).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
        assert_eq!(refused.issues()[0].field, "email");
    }
}

/// V25: unknown, wrong, locked, disabled, without a password, and a program's account.
#[tokio::test(start_paused = true)]
async fn v25_all_refusals_are_alike_in_text_time_and_work() {
    let world = World::with(|config| config.answer_floor_for_tests = None);
    world.ada().await;
    let locked = world.person("locked@example.com", PASSWORD).await;
    for _ in 0..30 {
        world.sign_in("locked@example.com", WRONG).await;
        world.clock.advance(jiff::SignedDuration::from_secs(20));
    }
    let disabled = world.person("disabled@example.com", PASSWORD).await;
    let mut record = world.record(&disabled).await;
    record.status = AccountStatus::Disabled;
    let _ = world.store.update(record).await.unwrap();
    let bare = NewAccount {
        email: "bare@example.com".to_owned(),
        ..NewAccount::default()
    };
    world.accounts.create(bare, None).await.unwrap();
    let mut program = AccountRecord::new(
        "robot".parse().unwrap(),
        AccountKind::Service,
        world.clock.now(),
    );
    program.email = Some("robot@example.com".to_owned());
    program
        .password_hash
        .clone_from(&world.record(&locked).await.password_hash);
    AccountStore::create(&*world.store, program).await.unwrap();

    for (email, password) in [
        ("nobody@example.com", PASSWORD),
        (ADA, WRONG),
        ("locked@example.com", PASSWORD),
        ("disabled@example.com", PASSWORD),
        ("bare@example.com", PASSWORD),
        ("robot@example.com", PASSWORD),
    ] {
        let (before, start) = (world.accounts.hashing().runs(), Instant::now());

        let end = world.sign_in(email, password).await;

        assert!(matches!(end, SignIn::Refused), "{email}: {end:?}");
        assert_eq!(world.accounts.hashing().runs(), before + 1, "{email}");
        let took = start.elapsed();
        assert!(
            (Duration::from_millis(250)..Duration::from_millis(310)).contains(&took),
            "{email}: {took:?}"
        );
    }
}

#[tokio::test]
async fn a_password_is_hashed_anew_when_the_parameters_have_changed() {
    let old = World::new();
    let ada = old.ada().await;
    let new = World::over(old.store.clone(), old.clock.clone(), |config| {
        config.hashing.pepper = vec!["a pepper of at least thirty-two bytes".into()];
    });
    let before = new.record(&ada).await;

    assert!(!new.knows(ADA, WRONG).await);
    assert_eq!(new.record(&ada).await.password_hash, before.password_hash);
    assert!(new.knows(ADA, PASSWORD).await);

    let after = new.record(&ada).await;
    assert!(after.password_hash.as_deref().unwrap().contains(",keyid="));
    assert_eq!(after.credential_version, before.credential_version);
    let runs = new.accounts.hashing().runs();
    assert!(new.knows(ADA, PASSWORD).await);
    assert_eq!(new.accounts.hashing().runs(), runs + 1, "once is enough");
    assert!(
        !old.knows(ADA, PASSWORD).await,
        "without the pepper it is useless"
    );
}

#[tokio::test]
async fn a_sign_in_succeeds_also_when_the_new_hash_cannot_be_kept() {
    let old = World::new();
    let ada = old.ada().await;
    let new = World::over(old.store.clone(), old.clock.clone(), |config| {
        config.hashing.pepper = vec!["a pepper of at least thirty-two bytes".into()];
    });
    let before = new.record(&ada).await.password_hash;

    new.store.break_once("update account");

    assert!(new.knows(ADA, PASSWORD).await);
    assert_eq!(new.record(&ada).await.password_hash, before);
}

#[tokio::test]
async fn the_default_parameters_hash_and_find_a_password() {
    let world = World::with(|config| config.hashing.weak_for_tests = None);
    let ada = world.ada().await;

    let hash = world.record(&ada).await.password_hash.unwrap();

    assert!(
        hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{hash}"
    );
    assert!(world.knows(ADA, PASSWORD).await);
    assert_eq!(Argon2Params::DEFAULT.memory_kib(), 19_456);
}

#[tokio::test]
async fn a_disabled_account_is_nobody() {
    let world = World::new();
    let ada = world.ada().await;
    assert!(world.auth.find(&ada).await.unwrap().is_some());

    let mut record = world.record(&ada).await;
    record.status = AccountStatus::Disabled;
    let _ = world.store.update(record).await.unwrap();

    assert!(world.auth.find(&ada).await.unwrap().is_none());
    assert!(
        world
            .auth
            .find(&"nobody".parse().unwrap())
            .await
            .unwrap()
            .is_none()
    );
    assert!(world.accounts.device_cookie(&ada).await.unwrap().is_none());
}

#[tokio::test]
async fn the_provider_shows_nobody_by_itself_and_needs_a_licence() {
    let world = World::new();
    world.ada().await;
    let headers = HeaderMap::new();
    let head = RequestHead::new(&headers, None);

    assert!(world.auth.authenticate(&head).await.unwrap().is_none());
    let end = world.auth.sign_in(ADA, PASSWORD, &head).await.unwrap();
    assert!(matches!(end, SignIn::Success(_)));
    let end = world.auth.sign_in(ADA, OTHER, &head).await.unwrap();
    assert!(matches!(end, SignIn::Refused));
    assert_eq!(world.auth.name(), "password");
    assert!(!world.auth.license_exempt());

    let auth = with_ee(world.auth.clone())
        .exempt_local_development()
        .build();
    let public = PublicCapabilities::detect(&auth.at(world.clock.now()), "/api");
    assert_eq!(
        serde_json::to_value(public).unwrap()["login"],
        serde_json::json!({ "type": "credentials", "signUpEnabled": false })
    );
}

#[tokio::test]
async fn a_store_that_is_away_lets_nobody_in() {
    let world = World::new();
    world.ada().await;
    let browser = Browser::default();

    for operation in ["find account", "peek", "count", "clear", "note sign-in"] {
        world.store.break_once(operation);
        let failed = browser.sign_in(&world, ADA, PASSWORD).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Unavailable, "{operation}");
    }
    assert!(world.knows(ADA, PASSWORD).await);
}
