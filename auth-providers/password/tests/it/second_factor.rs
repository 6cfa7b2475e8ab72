use ee_core::{
    Clock as _, ErrorKind, FactorMethod, SignIn,
    storage::{AccountStatus, AccountStore as _},
};
use jiff::SignedDuration;
use secrecy::ExposeSecret as _;

use crate::world::{ADA, Browser, OTHER, PASSWORD, WRONG, World};

#[tokio::test]
async fn a_sign_in_takes_a_code_once_the_factor_is_confirmed() {
    let world = World::new();
    let ada = world.ada().await;
    let enrolment = world.accounts.begin_totp(&ada).await.unwrap();
    assert!(world.knows(ADA, PASSWORD).await, "it guards nothing yet");
    let uri = enrolment.uri.expose_secret();
    assert!(
        uri.starts_with("otpauth://totp/agents.example.com:ada%40example.com?secret="),
        "{uri}"
    );

    let browser = Browser::default();
    let code = world.code(&enrolment.secret);
    let wrong = world
        .accounts
        .confirm_totp(&ada, "000000", &browser.head())
        .await;
    assert_eq!(wrong.unwrap_err().issues()[0].field, "code");
    let (_, codes) = world
        .accounts
        .confirm_totp(&ada, &code, &browser.head())
        .await
        .unwrap();
    assert_eq!(codes.expose().len(), 10);

    let factor = world.half(ADA, PASSWORD).await;
    assert_eq!(
        factor.methods,
        [FactorMethod::RecoveryCode, FactorMethod::Totp]
    );
    assert!(
        !world.shows(&factor, &code).await,
        "the first code was taken"
    );
    assert!(!world.shows(&factor, "").await);
    world.clock.advance(SignedDuration::from_secs(30));
    assert!(world.shows(&factor, &world.code(&enrolment.secret)).await);
    assert!(!matches!(
        world.sign_in(ADA, WRONG).await,
        SignIn::SecondFactor(_)
    ));
    assert!(
        world
            .letters
            .subjects()
            .contains(&(ADA.to_owned(), "Two-step sign-in is on".to_owned()))
    );
}

#[tokio::test]
async fn a_code_and_a_waiting_sign_in_are_good_once() {
    let world = World::new();
    let ada = world.ada().await;
    let (secret, _) = world.add_factor(&ada).await;
    let (first, second) = (
        world.half(ADA, PASSWORD).await,
        world.half(ADA, PASSWORD).await,
    );
    let code = world.code(&secret);

    assert!(world.shows(&first, &code).await);
    assert!(!world.shows(&second, &code).await, "the code was taken");
    world.clock.advance(SignedDuration::from_secs(30));
    assert!(
        !world.shows(&first, &world.code(&secret)).await,
        "the sign-in is over"
    );
    assert!(world.shows(&second, &world.code(&secret)).await);
}

#[tokio::test]
async fn codes_of_the_neighbouring_steps_are_taken_and_never_backwards() {
    let world = World::new();
    let ada = world.ada().await;
    let (secret, _) = world.add_factor(&ada).await;
    let early = world.code(&secret);
    world.clock.advance(SignedDuration::from_secs(30));
    let late = world.code(&secret);

    let factor = world.half(ADA, PASSWORD).await;
    assert!(world.shows(&factor, &late).await);
    let factor = world.half(ADA, PASSWORD).await;
    assert!(!world.shows(&factor, &early).await, "an older step");
    let grouped = |code: &str| format!(" {} {}", &code[..3], &code[3..]);
    world.clock.advance(SignedDuration::from_secs(30));
    assert!(world.shows(&factor, &grouped(&world.code(&secret))).await);
}

#[tokio::test]
async fn a_recovery_code_stands_for_one_code() {
    let world = World::new();
    let ada = world.ada().await;
    let bob = world.person("bob@example.com", PASSWORD).await;
    let (_, codes) = world.add_factor(&ada).await;
    let (_, foreign) = world.add_factor(&bob).await;

    let factor = world.half(ADA, PASSWORD).await;
    assert!(!world.shows(&factor, &foreign[0]).await);
    assert!(
        world
            .shows(&factor, &codes[3].to_lowercase().replace('-', " "))
            .await
    );
    let factor = world.half(ADA, PASSWORD).await;
    assert!(!world.shows(&factor, &codes[3]).await);
    assert!(world.shows(&factor, &codes[4]).await);

    assert_eq!(
        world.accounts.security(&ada).await.unwrap().recovery_codes,
        8
    );
    assert_eq!(
        world.accounts.security(&bob).await.unwrap().recovery_codes,
        10
    );
    assert!(
        world
            .letters
            .subjects()
            .contains(&(ADA.to_owned(), "A recovery code was used".to_owned()))
    );
}

/// V24: the password alone is no session, and what it yields is good for nothing else.
#[tokio::test]
async fn v24_a_waiting_sign_in_ends_with_time_password_and_account() {
    let world = World::new();
    let ada = world.ada().await;
    let (secret, _) = world.add_factor(&ada).await;
    let browser = Browser::default();
    let head = browser.head();

    let late = world.half(ADA, PASSWORD).await;
    assert_eq!(
        late.expires_at,
        world.clock.now() + SignedDuration::from_mins(5)
    );
    world.clock.advance(SignedDuration::from_mins(5));
    assert!(!world.shows(&late, &world.code(&secret)).await);

    let before = world.half(ADA, PASSWORD).await;
    world
        .accounts
        .change_password(&ada, &PASSWORD.into(), &OTHER.into(), &head)
        .await
        .unwrap();
    assert!(!world.shows(&before, &world.code(&secret)).await);

    let disabled = world.half(ADA, OTHER).await;
    let mut record = world.record(&ada).await;
    record.status = AccountStatus::Disabled;
    let _ = world.store.update(record).await.unwrap();
    assert!(!world.shows(&disabled, &world.code(&secret)).await);

    let token = disabled.expose_token();
    assert!(
        world
            .accounts
            .reset_password(token, &PASSWORD.into(), &head)
            .await
            .is_err()
    );
    assert!(world.accounts.verify_email(token, &head).await.is_err());
    for text in ["", "x", &"x".repeat(10_000)] {
        let end = world
            .accounts
            .second_factor(text, "123456", &head)
            .await
            .unwrap();
        assert!(matches!(end, SignIn::Refused));
    }
}

#[tokio::test]
async fn five_codes_may_be_tried_in_one_sign_in_and_twenty_an_hour() {
    let world = World::new();
    let ada = world.ada().await;
    let (secret, _) = world.add_factor(&ada).await;
    let browser = Browser::default();
    let head = browser.head();

    let factor = world.half(ADA, PASSWORD).await;
    for _ in 0..5 {
        assert!(!world.shows(&factor, "000000").await);
    }
    assert!(
        !world.shows(&factor, &world.code(&secret)).await,
        "this sign-in is over"
    );
    for _ in 0..3 {
        let factor = world.half(ADA, PASSWORD).await;
        for _ in 0..5 {
            assert!(!world.shows(&factor, "000000").await);
        }
    }

    let factor = world.half(ADA, PASSWORD).await;
    let code = world.code(&secret);
    let refused = world
        .accounts
        .second_factor(factor.expose_token(), &code, &head)
        .await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::RateLimited);
    assert_eq!(refused.retry_after().unwrap().as_secs(), 3_600);
    world.clock.advance(SignedDuration::from_hours(1));
    let factor = world.half(ADA, PASSWORD).await;
    assert!(world.shows(&factor, &world.code(&secret)).await);
}
