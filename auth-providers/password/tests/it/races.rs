//! Sixty-four at once, two hundred times: one wins.

use std::sync::Arc;

use ee_auth_password::SignUpMode;
use ee_core::Invite;
use ee_core::{Clock as _, SecondFactor, storage::OneTimeTokenStore as _};
use ee_testkit::in_parallel;
use jiff::SignedDuration;

use crate::world::{ADA, Browser, OTHER, PASSWORD, World};

const AT_ONCE: usize = 64;
const ROUNDS: usize = 200;

/// Runs a task many times at once and returns how many said yes.
async fn winners<F>(task: impl Fn(usize) -> F) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    let ends = in_parallel(AT_ONCE, task).await;
    ends.into_iter().filter(|won| *won).count()
}

/// Lets the limits of the round before pass, and what is over go.
async fn next_round(world: &World) {
    world.clock.advance(SignedDuration::from_hours(2));
    world.store.purge_tokens(world.clock.now()).await.unwrap();
}

/// As many sign-ins that wait for a code.
async fn waiting(world: &World) -> Vec<Arc<SecondFactor>> {
    let mut waiting = Vec::new();
    for _ in 0..AT_ONCE {
        waiting.push(Arc::new(world.half(ADA, PASSWORD).await));
    }
    waiting
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_accept_one_invitation_one_gets_the_account() {
    for _ in 0..ROUNDS {
        let world = World::new();
        let invite = Invite {
            email: ADA.to_owned(),
            roles: vec!["viewer".parse().unwrap()],
        };
        world.accounts.invite(invite, None).await.unwrap();
        let token: Arc<str> = world.letters.token().into();

        let won = winners(|at| {
            let (world, token) = (world.clone(), Arc::clone(&token));
            async move {
                world
                    .accept(&token, &format!("{PASSWORD} {at}"))
                    .await
                    .is_ok()
            }
        })
        .await;

        assert_eq!(won, 1);
        assert_eq!(world.store.counts(), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_use_one_link_one_sets_the_password() {
    for _ in 0..ROUNDS {
        let world = World::new();
        world.ada().await;
        world.ask_for_link(ADA).await.unwrap();
        let token: Arc<str> = world.letters.token().into();

        let won = winners(|at| {
            let (world, token) = (world.clone(), Arc::clone(&token));
            async move { world.reset(&token, &format!("{OTHER} {at}")).await.is_ok() }
        })
        .await;

        assert_eq!(won, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_confirm_one_address_one_gets_the_account() {
    for _ in 0..ROUNDS {
        let world = World::with(|config| config.sign_up.mode = SignUpMode::Open);
        world.sign_up(ADA, PASSWORD).await.unwrap();
        let token: Arc<str> = world.letters.token().into();

        let won = winners(|_| {
            let (world, token) = (world.clone(), Arc::clone(&token));
            async move { world.verify(&token).await.is_ok() }
        })
        .await;

        assert_eq!(won, 1);
        assert_eq!(world.store.counts(), (1, 0));
    }
}

/// As many sign-ins that wait, and one code: twenty are looked at, and one is in.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_show_one_code_one_is_in() {
    let world = World::new();
    let ada = world.ada().await;
    let (secret, _) = world.add_factor(&ada).await;
    for _ in 0..ROUNDS {
        next_round(&world).await;
        let code: Arc<str> = world.code(&secret).into();
        let waiting = waiting(&world).await;

        let won = winners(|at| {
            let (world, code, factor) =
                (world.clone(), Arc::clone(&code), Arc::clone(&waiting[at]));
            async move { world.shows_or_waits(&factor, &code).await }
        })
        .await;

        assert_eq!(won, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_show_one_recovery_code_one_is_in() {
    let world = World::new();
    let ada = world.ada().await;
    world.add_factor(&ada).await;
    for _ in 0..ROUNDS {
        next_round(&world).await;
        let codes = world.fresh_codes(&ada, PASSWORD).await.unwrap();
        let code: Arc<str> = codes[0].as_str().into();
        let waiting = waiting(&world).await;

        let won = winners(|at| {
            let (world, code, factor) =
                (world.clone(), Arc::clone(&code), Arc::clone(&waiting[at]));
            async move { world.shows_or_waits(&factor, &code).await }
        })
        .await;

        assert_eq!(won, 1);
        assert_eq!(
            world.accounts.security(&ada).await.unwrap().recovery_codes,
            9
        );
    }
}

/// One sign-in that waits, and as many good codes as may be tried. If more are tried, nobody may be in.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_waiting_sign_in_is_finished_once() {
    let world = World::new();
    let ada = world.ada().await;
    let (secret, _) = world.add_factor(&ada).await;
    for round in 0..ROUNDS {
        next_round(&world).await;
        let mut good = world.fresh_codes(&ada, PASSWORD).await.unwrap();
        good.push(world.code(&secret));
        let (good, factor) = (Arc::new(good), Arc::new(world.half(ADA, PASSWORD).await));

        let show = |at: usize| {
            let (world, good, factor) = (world.clone(), Arc::clone(&good), Arc::clone(&factor));
            async move {
                let code = &good[at % good.len()];
                world.shows_or_waits(&factor, code).await
            }
        };
        if round % 2 == 0 {
            let ends = in_parallel(5, show).await;
            assert_eq!(ends.into_iter().filter(|won| *won).count(), 1);
        } else {
            assert!(winners(show).await <= 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_confirm_a_factor_one_gets_recovery_codes() {
    for _ in 0..ROUNDS {
        let world = World::new();
        let ada = world.ada().await;
        let enrolment = world.accounts.begin_totp(&ada).await.unwrap();
        let code: Arc<str> = world.code(&enrolment.secret).into();

        let won = winners(|_| {
            let (world, code, ada) = (world.clone(), Arc::clone(&code), ada.clone());
            async move {
                let browser = Browser::default();
                let head = browser.head();
                world
                    .accounts
                    .confirm_totp(&ada, &code, &head)
                    .await
                    .is_ok()
            }
        })
        .await;

        assert_eq!(won, 1);
        assert_eq!(
            world.accounts.security(&ada).await.unwrap().recovery_codes,
            10
        );
    }
}

/// With one link, and with links of several instances.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_set_up_one_becomes_the_owner() {
    for round in 0..ROUNDS {
        let first = World::new();
        let second = World::over(first.store.clone(), first.clock.clone(), |_| {});
        let mut tokens = vec![first.setup_token().await];
        if round % 2 == 0 {
            for _ in 1..AT_ONCE {
                tokens.push(second.setup_token().await);
            }
        }
        let tokens = Arc::new(tokens);

        let won = winners(|at| {
            let world = if at % 2 == 0 {
                first.clone()
            } else {
                second.clone()
            };
            let tokens = Arc::clone(&tokens);
            async move {
                let token = &tokens[at % tokens.len()];
                world
                    .set_up(token, &format!("p{at}@example.com"), PASSWORD)
                    .await
                    .is_ok()
            }
        })
        .await;

        assert_eq!(won, 1);
        assert_eq!(first.store.counts(), (1, 1));
    }
}
