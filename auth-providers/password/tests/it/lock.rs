//! What limits guessing.

use std::time::Duration;

use ee_core::{ErrorKind, SignIn};
use ee_testkit::in_parallel;
use jiff::SignedDuration;

use crate::world::{ADA, Browser, OTHER, PASSWORD, WRONG, World};

fn after(world: &World, seconds: i64) {
    world.clock.advance(SignedDuration::from_secs(seconds));
}

/// Fails `count` times, each late enough to be looked at.
async fn fail(world: &World, browser: &Browser, count: usize) {
    for _ in 0..count {
        after(world, 16);
        let end = browser.sign_in(world, ADA, WRONG).await.unwrap();
        assert!(matches!(end, SignIn::Refused));
    }
}

#[tokio::test]
async fn after_five_failures_passwords_are_looked_at_ever_more_rarely() {
    let world = World::new();
    world.ada().await;
    for _ in 0..5 {
        assert!(!world.knows(ADA, WRONG).await);
    }

    assert!(!world.knows(ADA, PASSWORD).await, "too soon");
    after(&world, 1);
    assert!(!world.knows(ADA, WRONG).await, "the sixth failure");
    after(&world, 1);
    assert!(
        !world.knows(ADA, PASSWORD).await,
        "two seconds have not passed"
    );
    after(&world, 1);

    assert!(world.knows(ADA, PASSWORD).await);
    for _ in 0..4 {
        assert!(!world.knows(ADA, WRONG).await);
    }
    assert!(world.knows(ADA, PASSWORD).await, "success starts anew");
}

#[tokio::test]
async fn ten_failures_lock_for_a_quarter_of_an_hour_that_nobody_can_prolong() {
    let world = World::new();
    world.ada().await;
    fail(&world, &Browser::default(), 10).await;

    let mut waited = 0;
    while waited < 15 * 60 - 10 {
        after(&world, 10);
        waited += 10;
        assert!(!world.knows(ADA, PASSWORD).await, "after {waited} s");
    }
    after(&world, 10);

    assert!(world.knows(ADA, PASSWORD).await);
}

#[tokio::test]
async fn a_hundred_failures_in_a_row_need_a_new_password() {
    let world = World::new();
    world.ada().await;
    let browser = Browser::default();
    for _ in 0..10 {
        fail(&world, &browser, 10).await;
        after(&world, 15 * 60);
    }
    after(&world, 1_000_000);

    assert!(!world.knows(ADA, PASSWORD).await);

    world
        .accounts
        .request_password_reset(ADA, &browser.head())
        .await
        .unwrap();
    let token = world.letters.token();
    world
        .accounts
        .reset_password(&token, &OTHER.into(), &browser.head())
        .await
        .unwrap();
    assert!(world.knows(ADA, OTHER).await);
}

#[tokio::test]
async fn strangers_cannot_keep_the_owner_out_of_a_browser_that_is_known() {
    let world = World::new();
    world.ada().await;
    let mut known = Browser::default();
    known.become_known(&world, ADA, PASSWORD).await;
    fail(&world, &Browser::default(), 40).await;

    assert!(!world.knows(ADA, PASSWORD).await, "others wait");
    let end = known.sign_in(&world, ADA, PASSWORD).await.unwrap();
    assert!(matches!(end, SignIn::Success(_)));
    assert!(!world.knows(ADA, PASSWORD).await, "and still do");
}

#[tokio::test]
async fn a_known_browser_has_a_counter_of_its_own() {
    let world = World::new();
    world.ada().await;
    world.person("bob@example.com", PASSWORD).await;
    let mut known = Browser::default();
    known.become_known(&world, ADA, PASSWORD).await;
    fail(&world, &known, 10).await;

    let end = known.sign_in(&world, ADA, PASSWORD).await.unwrap();
    assert!(
        matches!(end, SignIn::Refused),
        "whoever has stolen the browser is locked out"
    );
    assert!(world.knows(ADA, PASSWORD).await, "the account is not");
    let end = known
        .sign_in(&world, "bob@example.com", PASSWORD)
        .await
        .unwrap();
    assert!(
        matches!(end, SignIn::Success(_)),
        "it is a stranger to other accounts"
    );
}

#[tokio::test]
async fn a_new_password_makes_known_browsers_strangers() {
    let world = World::new();
    let ada = world.ada().await;
    let mut known = Browser::default();
    known.become_known(&world, ADA, PASSWORD).await;
    let (old, new) = (PASSWORD.into(), OTHER.into());
    world
        .accounts
        .change_password(&ada, &old, &new, &known.head())
        .await
        .unwrap();

    fail(&world, &Browser::default(), 10).await;

    let end = known.sign_in(&world, ADA, OTHER).await.unwrap();
    assert!(matches!(end, SignIn::Refused));
}

/// V23: twelve spellings of one account are one counter.
#[tokio::test]
async fn v23_spellings_of_an_address_do_not_multiply_the_tries() {
    let world = World::new();
    world.person("jörg@example.com", PASSWORD).await;
    let spellings = [
        "jörg@example.com",
        "JÖRG@example.com",
        "Jörg@Example.com",
        "jo\u{308}rg@example.com",
        "JO\u{308}RG@EXAMPLE.COM",
        " jörg@example.com",
        "jörg@example.com ",
        "\tjörg@example.com\n",
        "jÖrg@example.com",
        "jörG@example.com",
        "jörg@examplE.com",
        "jörg@example.cOm",
    ];
    let before = world.accounts.hashing().dummy_runs();

    for email in spellings {
        assert!(!world.knows(email, WRONG).await);
    }

    let dummies = world.accounts.hashing().dummy_runs() - before;
    assert_eq!(dummies, 7, "five were compared");
    assert!(!world.knows("jörg@example.com", PASSWORD).await);
}

/// V23: eight forms of an address and any host of one network are one counter.
#[tokio::test]
async fn v23_an_address_has_ten_tries_a_minute_and_fifty_an_hour() {
    let world = World::new();
    world.ada().await;
    let forms = [
        "192.0.2.1",
        "::ffff:192.0.2.1",
        "::FFFF:c000:201",
        "0:0:0:0:0:ffff:192.0.2.1",
        "::ffff:c000:0201",
    ];
    for at in 0..10 {
        let browser = Browser::at(forms[at % forms.len()]);
        let end = browser.sign_in(&world, ADA, PASSWORD).await.unwrap();
        assert!(matches!(end, SignIn::Success(_)), "{at}");
    }
    let browser = Browser::at(forms[0]);

    after(&world, 20);
    let refused = browser.sign_in(&world, ADA, PASSWORD).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::RateLimited);
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(40)));
    assert!(
        Browser::at("192.0.2.2")
            .sign_in(&world, ADA, PASSWORD)
            .await
            .is_ok()
    );

    after(&world, 40);
    for minute in 0..4 {
        for _ in 0..9 {
            assert!(
                browser.sign_in(&world, ADA, PASSWORD).await.is_ok(),
                "{minute}"
            );
        }
        after(&world, 60);
    }
    // Ten in the first minute, 36 since. What was refused does not count.
    for _ in 0..4 {
        assert!(browser.sign_in(&world, ADA, PASSWORD).await.is_ok());
    }
    let refused = browser.sign_in(&world, ADA, PASSWORD).await.unwrap_err();
    assert_eq!(refused.retry_after(), Some(Duration::from_mins(55)));

    let network = |at: usize| Browser::at(&format!("2001:db8:0:1:{at:x}::{at:x}"));
    for at in 1..=10 {
        assert!(network(at).sign_in(&world, ADA, PASSWORD).await.is_ok());
    }
    assert!(network(11).sign_in(&world, ADA, PASSWORD).await.is_err());
    assert!(
        Browser::at("2001:db8:0:2::1")
            .sign_in(&world, ADA, PASSWORD)
            .await
            .is_ok()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_guesses_cannot_exceed_the_limit_of_an_account() {
    for _ in 0..50 {
        let world = World::new();
        world.ada().await;
        let before = world.accounts.hashing().dummy_runs();

        let ends = in_parallel(64, |at| {
            let world = world.clone();
            async move { world.sign_in(ADA, &format!("{WRONG} {at}")).await }
        })
        .await;

        assert!(ends.iter().all(|end| matches!(end, SignIn::Refused)));
        let dummies = world.accounts.hashing().dummy_runs() - before;
        assert_eq!(dummies, 59, "five were compared");
        assert!(!world.knows(ADA, PASSWORD).await, "and now it is too late");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_have_waited_together_one_is_looked_at() {
    for _ in 0..50 {
        let world = World::new();
        world.ada().await;
        for _ in 0..7 {
            after(&world, 4);
            assert!(!world.knows(ADA, WRONG).await);
        }
        after(&world, 4);
        let before = world.accounts.hashing().dummy_runs();

        in_parallel(64, |_| {
            let world = world.clone();
            async move { world.sign_in(ADA, WRONG).await }
        })
        .await;

        let dummies = world.accounts.hashing().dummy_runs() - before;
        assert_eq!(dummies, 63, "one was compared");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_sign_ins_cannot_exceed_the_limit_of_an_address() {
    let world = World::new();
    world.ada().await;

    let ends = in_parallel(64, |_| {
        let world = world.clone();
        async move {
            Browser::at("192.0.2.7")
                .sign_in(&world, ADA, PASSWORD)
                .await
        }
    })
    .await;

    assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 10);
}

#[tokio::test]
async fn an_unknown_address_behaves_like_an_account_that_is_locked() {
    let world = World::new();
    let runs = || world.accounts.hashing().runs();
    for _ in 0..30 {
        let before = runs();
        assert!(!world.knows("nobody@example.com", WRONG).await);
        assert_eq!(runs(), before + 1);
    }

    let keys = world.store.attempts_keys();
    assert_eq!(keys.len(), 1, "one counter, and it names nobody: {keys:?}");
    assert!(!keys[0].contains("nobody"));
}
