use std::time::Duration;

use ee_auth_password::{PasswordConfig, SignUpMode};
use ee_core::SignUp;
use ee_core::{CredentialsProvider as _, ErrorKind};
use jiff::SignedDuration;
use tokio::time::Instant;

use crate::world::{ADA, Browser, OTHER, PASSWORD, World};

fn open(config: &mut PasswordConfig) {
    config.sign_up.mode = SignUpMode::Open;
}

fn unconfirmed(config: &mut PasswordConfig) {
    open(config);
    config.sign_up.verify_email = false;
}

#[tokio::test]
async fn there_is_an_account_when_the_address_is_confirmed() {
    let world = World::with(open);
    let end = world.sign_up(ADA, PASSWORD).await.unwrap();
    assert!(matches!(end, SignUp::ConfirmEmail));
    assert!(!world.knows(ADA, PASSWORD).await);
    let token = world.letters.token();

    let user = world.verify(&token).await.unwrap();

    assert_eq!(user.name.as_deref(), Some("Ada King"));
    assert!(world.record(&user.id).await.email_verified);
    assert!(world.knows(ADA, PASSWORD).await);
    let again = world.verify(&token).await;
    assert_eq!(again.unwrap_err().issues()[0].field, "token");
}

/// V25: a free address and a taken one look alike; V17: nobody prepares an account for somebody else.
#[tokio::test(start_paused = true)]
async fn v25_a_taken_address_looks_like_a_free_one() {
    let world = World::with(|config| {
        open(config);
        config.answer_floor_for_tests = None;
    });
    world.ada().await;

    for (email, subject) in [
        (ADA, "You have an account already"),
        ("new@example.com", "Confirm your e-mail address"),
    ] {
        let (start, runs) = (Instant::now(), world.accounts.hashing().runs());
        let end = world.sign_up(email, OTHER).await.unwrap();
        let took = start.elapsed();
        assert!(matches!(end, SignUp::ConfirmEmail));
        assert_eq!(world.accounts.hashing().runs(), runs + 1);
        assert!(
            (Duration::from_millis(250)..Duration::from_millis(310)).contains(&took),
            "{email}: {took:?}"
        );
        assert_eq!(
            world.letters.subjects().last().unwrap(),
            &(email.to_owned(), subject.to_owned())
        );
    }
}

#[tokio::test]
async fn v17_a_sign_up_by_somebody_else_neither_blocks_nor_prepares_an_account() {
    let world = World::with(open);
    world.sign_up(ADA, OTHER).await.unwrap();
    let of_stranger = world.letters.token();
    world.sign_up(ADA, PASSWORD).await.unwrap();
    let of_ada = world.letters.token();

    world.verify(&of_ada).await.unwrap();

    assert!(world.knows(ADA, PASSWORD).await && !world.knows(ADA, OTHER).await);
    let late = world.verify(&of_stranger).await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Conflict);
    assert!(!world.knows(ADA, OTHER).await);
}

#[tokio::test]
async fn a_link_to_confirm_is_good_for_a_day() {
    let world = World::with(open);
    world.sign_up(ADA, PASSWORD).await.unwrap();
    let token = world.letters.token();

    world.clock.advance(SignedDuration::from_hours(24));

    assert!(world.verify(&token).await.is_err());
}

#[tokio::test]
async fn without_confirmation_there_is_an_account_at_once() {
    let world = World::with(unconfirmed);

    let end = world.sign_up(ADA, PASSWORD).await.unwrap();
    let taken = world.sign_up("Ada@example.com", OTHER).await.unwrap();

    assert!(matches!(&end, SignUp::Created(user) if user.email.as_deref() == Some(ADA)));
    assert!(matches!(taken, SignUp::Refused));
    assert!(world.knows(ADA, PASSWORD).await && !world.knows(ADA, OTHER).await);
    let SignUp::Created(user) = end else {
        panic!("there is an account");
    };
    assert!(!world.record(&user.id).await.email_verified);
    world
        .accounts
        .request_email_verification(&user.id)
        .await
        .unwrap();
    world.verify(&world.letters.token()).await.unwrap();
    assert!(world.record(&user.id).await.email_verified);
    let before = world.letters.count();
    world
        .accounts
        .request_email_verification(&user.id)
        .await
        .unwrap();
    assert_eq!(world.letters.count(), before, "there is nothing to confirm");
}

#[tokio::test]
async fn bad_input_is_refused_by_field_and_sends_nothing() {
    let world = World::with(open);
    let browser = Browser::default();
    let head = browser.head();
    let refused = |email: &'static str, password: &'static str, name: &'static str| {
        let (accounts, head) = (&world.accounts, &head);
        async move {
            let end = accounts
                .sign_up(email, &password.into(), Some(name), head)
                .await;
            end.unwrap_err().issues()[0].field.clone()
        }
    };

    assert_eq!(refused("ada", PASSWORD, "Ada").await, "email");
    assert_eq!(refused("a@b@example.com", PASSWORD, "Ada").await, "email");
    assert_eq!(refused(ADA, "short", "Ada").await, "password");
    assert_eq!(
        refused(ADA, "Ada King Lovelace", "Ada King Lovelace").await,
        "password"
    );
    assert_eq!(refused(ADA, PASSWORD, "Ada\r\nBcc: x@y").await, "name");
    assert_eq!(world.letters.count(), 0);
}

/// V35: only whole domains count.
#[tokio::test]
async fn v35_some_domains_are_admitted_and_their_likes_are_not() {
    let world = World::with(|config| {
        config.sign_up.mode = SignUpMode::Domains;
        config.sign_up.domains = vec!["Example.com".to_owned(), "größe.example".to_owned()];
    });

    for email in [
        "a@example.com",
        "b@EXAMPLE.COM",
        "c@GRÖSSE.example",
        "c@größe.example",
    ] {
        let end = world.sign_up(email, PASSWORD).await;
        let is_admitted = matches!(end, Ok(SignUp::ConfirmEmail));
        assert_eq!(is_admitted, email != "c@GRÖSSE.example", "{email}");
    }
    for email in [
        "a@evilexample.com",
        "a@example.com.evil.example",
        "a@sub.example.com",
        "a@example.co",
        "a@evil.example@example.com",
        "\"a@evil.example\"@example.com",
        "a@example.com\0.evil.example",
        "a@example.com.",
        "a@xexample.com",
    ] {
        let refused = world.sign_up(email, PASSWORD).await.unwrap_err();
        assert_eq!(refused.issues()[0].field, "email", "{email:?}");
    }
    assert!(world.auth.sign_up_enabled());
}

#[tokio::test]
async fn who_is_not_asked_signs_up_nowhere_else() {
    for mode in [SignUpMode::Invitation, SignUpMode::Off] {
        let world = World::with(|config| config.sign_up.mode = mode);
        let end = world.sign_up(ADA, PASSWORD).await.unwrap();

        assert!(matches!(end, SignUp::Refused));
        assert!(!world.auth.sign_up_enabled());
        assert_eq!(
            world.letters.count() as u64 + world.accounts.hashing().runs(),
            0
        );
    }
}

#[tokio::test]
async fn five_accounts_an_hour_come_from_one_address() {
    let world = World::with(unconfirmed);
    let browser = Browser::at("2001:db8::1");
    let sign_up = |at: usize| {
        let (accounts, head) = (&world.accounts, browser.head());
        async move {
            let email = format!("p{at}@example.com");
            accounts
                .sign_up(&email, &PASSWORD.into(), None, &head)
                .await
        }
    };

    for at in 0..5 {
        assert!(matches!(sign_up(at).await, Ok(SignUp::Created(_))));
    }
    let refused = sign_up(5).await.unwrap_err();
    assert_eq!(refused.retry_after(), Some(Duration::from_hours(1)));
}

#[tokio::test]
async fn the_provider_says_the_same_of_a_free_and_a_taken_address() {
    let world = World::with(open);
    world.ada().await;
    let browser = Browser::default();

    for email in [ADA, "new@example.com"] {
        let end = world
            .auth
            .sign_up(email, OTHER, None, &browser.head())
            .await;
        assert_eq!(end.unwrap(), SignUp::ConfirmEmail, "{email}");
    }
}
