use std::time::Duration;

use ee_auth_password::{NewPassword, Recovery};
use ee_core::{
    ErrorKind,
    storage::{AccountStatus, AccountStore as _},
};
use jiff::SignedDuration;
use secrecy::ExposeSecret as _;
use tokio::time::Instant;

use crate::{
    people::token_in,
    world::{ADA, Browser, OTHER, PASSWORD, WRONG, World},
};

#[tokio::test]
async fn a_password_is_changed_with_the_old_one_and_ends_the_sessions() {
    let world = World::new();
    let ada = world.ada().await;
    let session = world.session(&ada, "session").await;
    let version = world.record(&ada).await.credential_version;

    let refused = world.change(&ada, WRONG, OTHER).await.unwrap_err();
    assert_eq!(refused.issues()[0].field, "currentPassword");
    for weak in ["short", "ada@example.com"] {
        let refused = world.change(&ada, PASSWORD, weak).await.unwrap_err();
        assert_eq!(refused.issues()[0].field, "password");
    }
    assert!(world.has_session(&session).await && world.knows(ADA, PASSWORD).await);
    let browser = Browser::default();
    let (old, new) = (PASSWORD.into(), OTHER.into());
    let changed = world
        .accounts
        .change_password(&ada, &old, &new, &browser.head())
        .await;
    changed.unwrap();

    assert!(world.knows(ADA, OTHER).await && !world.knows(ADA, PASSWORD).await);
    assert!(!world.has_session(&session).await);
    assert_eq!(world.record(&ada).await.credential_version, version + 1);
    assert_eq!(
        world.letters.subjects().last().unwrap().1,
        "Your password was changed"
    );
}

#[tokio::test]
async fn a_link_sets_a_new_password_once_and_keeps_the_second_factor() {
    let world = World::new();
    let ada = world.ada().await;
    let (secret, _) = world.add_factor(&ada).await;
    let session = world.session(&ada, "session").await;
    world.ask_for_link(" ADA@example.com").await.unwrap();
    let letter = world.letters.last();
    assert!(
        letter.contains("https://agents.example.com/studio/reset-password#token="),
        "{letter}"
    );
    world.ask_for_link(ADA).await.unwrap();
    let (token, second) = (token_in(&letter), world.letters.token());

    let refused = world.reset(&token, "too short").await.unwrap_err();
    assert_eq!(refused.issues()[0].field, "password");
    world.reset(&token, OTHER).await.unwrap();

    for used in [token, second, String::new(), "x".repeat(43)] {
        let refused = world.reset(&used, PASSWORD).await.unwrap_err();
        assert_eq!(refused.issues()[0].field, "token");
    }
    assert!(!world.has_session(&session).await);
    let factor = world.half(ADA, OTHER).await;
    assert!(world.shows(&factor, &world.code(&secret)).await);
}

#[tokio::test]
async fn a_link_is_good_for_half_an_hour_and_for_the_credentials_it_was_made_under() {
    let world = World::new();
    let ada = world.ada().await;
    let ask = || async {
        world.ask_for_link(ADA).await.unwrap();
        world.letters.token()
    };

    let token = ask().await;
    world.clock.advance(SignedDuration::from_mins(30));
    assert!(world.reset(&token, OTHER).await.is_err());

    let token = ask().await;
    world.change(&ada, PASSWORD, WRONG).await.unwrap();
    assert!(world.reset(&token, OTHER).await.is_err());

    let token = ask().await;
    let mut record = world.record(&ada).await;
    record.status = AccountStatus::Disabled;
    let _ = world.store.update(record).await.unwrap();
    assert!(world.reset(&token, OTHER).await.is_err());
}

#[tokio::test]
async fn a_store_that_fails_leaves_the_link_good() {
    let world = World::new();
    world.ada().await;
    world.ask_for_link(ADA).await.unwrap();
    let token = world.letters.token();

    world.store.break_once("update account");
    let failed = world.reset(&token, OTHER).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Unavailable);
    assert!(world.knows(ADA, PASSWORD).await);

    world.reset(&token, OTHER).await.unwrap();
    assert!(world.knows(ADA, OTHER).await);
}

/// V25, V21: nobody learns whether there is an account, and nothing but the letter holds the secret.
#[tokio::test(start_paused = true)]
async fn v25_asking_for_a_link_looks_the_same_for_everybody() {
    let world = World::with(|config| config.answer_floor_for_tests = None);
    world.ada().await;

    for email in [ADA, "nobody@example.com"] {
        let start = Instant::now();
        world.ask_for_link(email).await.unwrap();
        let took = start.elapsed();
        assert!(
            (Duration::from_millis(250)..Duration::from_millis(310)).contains(&took),
            "{email}: {took:?}"
        );
    }
    assert_eq!(world.letters.count(), 1);
}

#[tokio::test]
async fn five_letters_in_ten_minutes_are_sent_to_one_address_and_asked_for_by_one() {
    let world = World::new();
    world.ada().await;
    world.person("bob@example.com", PASSWORD).await;
    for _ in 0..8 {
        world.ask_for_link(ADA).await.unwrap();
    }
    assert_eq!(world.letters.count(), 5);

    let browser = Browser::at("192.0.2.100");
    let head = browser.head();
    let ask = || {
        world
            .accounts
            .request_password_reset("bob@example.com", &head)
    };
    for _ in 0..5 {
        ask().await.unwrap();
    }
    let refused = ask().await.unwrap_err();
    assert_eq!(refused.retry_after(), Some(Duration::from_mins(10)));
    world.clock.advance(SignedDuration::from_mins(10));
    world.ask_for_link(ADA).await.unwrap();
    assert_eq!(world.letters.count(), 11);
}

#[tokio::test]
async fn a_mail_server_that_is_away_changes_no_answer() {
    let world = World::new();
    world.ada().await;
    world.letters.refuse();

    world.ask_for_link(ADA).await.unwrap();
    world.ask_for_link("nobody@example.com").await.unwrap();
}

#[tokio::test]
async fn an_operator_lets_somebody_in_again_every_time() {
    let world = World::new();
    let ada = world.ada().await;
    for _ in 0..3 {
        world.add_factor(&ada).await;
        let session = world.session(&ada, "session").await;
        for _ in 0..30 {
            world.sign_in(ADA, WRONG).await;
        }
        let mut record = world.record(&ada).await;
        record.status = AccountStatus::Disabled;
        let _ = world.store.update(record).await.unwrap();

        let found = world
            .accounts
            .find("Ada@Example.com")
            .await
            .unwrap()
            .unwrap();
        let recovery = Recovery {
            enable: true,
            password: NewPassword::Set(OTHER.into()),
            remove_second_factor: true,
        };
        let link = world.accounts.recover(&found.id, recovery).await.unwrap();

        assert!(link.is_none() && world.knows(ADA, OTHER).await);
        assert!(!world.has_session(&session).await);
        assert_eq!(
            world.accounts.security(&ada).await.unwrap().recovery_codes,
            0
        );
    }
}

#[tokio::test]
async fn an_operator_can_hand_out_a_link_instead_and_keeps_the_factor() {
    let world = World::new();
    let ada = world.ada().await;
    let (secret, _) = world.add_factor(&ada).await;
    let recover = |password| Recovery {
        password,
        ..Recovery::default()
    };

    let link = world
        .accounts
        .recover(&ada, recover(NewPassword::Link))
        .await
        .unwrap();
    let token = token_in(link.unwrap().expose_secret());
    world.reset(&token, OTHER).await.unwrap();

    let factor = world.half(ADA, OTHER).await;
    assert!(world.shows(&factor, &world.code(&secret)).await);
    let weak = recover(NewPassword::Set("short".into()));
    let refused = world.accounts.recover(&ada, weak).await;
    assert!(refused.is_err(), "the rules hold for operators too");
    let nobody = "nobody".parse().unwrap();
    let refused = world
        .accounts
        .recover(&nobody, recover(NewPassword::Keep))
        .await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
}
