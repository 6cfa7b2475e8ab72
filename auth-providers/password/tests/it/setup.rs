use ee_auth_password::NewAccount;
use ee_core::{
    Clock as _, ErrorKind, TokenHash,
    storage::{AssignmentStore as _, OneTimeToken, OneTimeTokenStore, TokenPurpose},
};
use jiff::SignedDuration;
use secrecy::ExposeSecret as _;

use crate::world::{ADA, OTHER, PASSWORD, World};

const EVE: &str = "eve@example.com";

#[tokio::test]
async fn a_link_creates_the_first_owner_and_no_second() {
    let world = World::new();
    let link = world.accounts.setup_link().await.unwrap().unwrap();
    assert!(
        link.expose_secret()
            .starts_with("https://agents.example.com/studio/setup#token=")
    );
    let (token, other) = (world.setup_token().await, world.setup_token().await);

    let refused = world.set_up(&token, ADA, "short").await.unwrap_err();
    assert_eq!(refused.issues()[0].field, "password");
    let user = world.set_up(&token, ADA, PASSWORD).await.unwrap();

    let roles = world.store.roles_of(&user.id).await.unwrap();
    assert_eq!(roles, ["owner".parse().unwrap()]);
    assert!(world.knows(ADA, PASSWORD).await);
    for token in [token, other] {
        let refused = world.set_up(&token, EVE, OTHER).await.unwrap_err();
        assert_eq!(refused.issues()[0].field, "token");
    }
    assert!(world.accounts.setup_link().await.unwrap().is_none());
}

#[tokio::test]
async fn an_owner_from_the_command_line_ends_the_set_up_too() {
    let world = World::new();
    let token = world.setup_token().await;
    let new = NewAccount {
        email: ADA.to_owned(),
        password: Some(PASSWORD.into()),
        roles: vec!["owner".parse().unwrap()],
        ..NewAccount::default()
    };
    world.accounts.create(new, None).await.unwrap();

    let refused = world.set_up(&token, EVE, OTHER).await.unwrap_err();

    assert_eq!(refused.issues()[0].field, "token");
    assert!(world.accounts.has_owner().await.unwrap());
}

#[tokio::test]
async fn a_set_up_that_fails_can_be_tried_again() {
    let world = World::new();
    world.person("bob@example.com", PASSWORD).await;
    let token = world.setup_token().await;

    let taken = world.set_up(&token, "bob@example.com", PASSWORD).await;
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::Conflict);
    for operation in ["create account", "assign", "take token"] {
        world.store.break_once(operation);
        let failed = world.set_up(&token, ADA, PASSWORD).await;
        assert_eq!(
            failed.unwrap_err().kind(),
            ErrorKind::Unavailable,
            "{operation}"
        );
        assert!(
            world.accounts.find(ADA).await.unwrap().is_none(),
            "{operation}"
        );
    }
    assert!(!world.accounts.has_owner().await.unwrap());
    world.set_up(&token, ADA, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_process_that_dies_in_its_turn_blocks_nobody_for_longer_than_a_minute() {
    let world = World::new();
    let token = world.setup_token().await;
    let (now, turn) = (world.clock.now(), TokenHash::from_stored(&[0; 32]).unwrap());
    let end = now + SignedDuration::from_mins(1);
    let left_behind = OneTimeToken::new(TokenPurpose::Setup, turn, now, end);
    OneTimeTokenStore::create(&*world.store, vec![left_behind])
        .await
        .unwrap();

    let waiting = world.set_up(&token, ADA, PASSWORD).await;
    assert_eq!(waiting.unwrap_err().kind(), ErrorKind::Conflict);
    world.clock.advance(SignedDuration::from_mins(1));

    world.set_up(&token, ADA, PASSWORD).await.unwrap();
}
