use ee_auth_password::SignUpMode;
use ee_core::Invite;
use ee_core::{
    ErrorKind,
    storage::{AssignmentStore as _, Cursor},
};
use jiff::SignedDuration;

use crate::world::{ADA, Browser, PASSWORD, World};

fn invite(email: &str) -> Invite {
    Invite {
        email: email.to_owned(),
        roles: vec!["developer".parse().unwrap(), "viewer".parse().unwrap()],
    }
}

#[tokio::test]
async fn who_is_invited_gets_an_account_with_roles() {
    let world = World::new();
    let owner = world.person("owner@example.com", PASSWORD).await;
    let browser = Browser::default();
    let head = browser.head();

    let invitation = world
        .accounts
        .invite(invite(ADA), Some(&owner))
        .await
        .unwrap();
    let letter = world.letters.last();
    assert!(
        letter.contains("/studio/accept-invitation#token="),
        "{letter}"
    );
    assert!(!format!("{invitation:?}").contains(&world.letters.token()));
    let token = world.letters.token();
    let short = "short".into();
    let refused = world
        .accounts
        .accept_invitation(&token, &short, None, &head)
        .await;
    assert_eq!(refused.unwrap_err().issues()[0].field, "password");
    let password = PASSWORD.into();
    let user = world
        .accounts
        .accept_invitation(&token, &password, Some(" Ada "), &head)
        .await;
    let user = user.unwrap();

    let record = world.record(&user.id).await;
    assert_eq!(record.created_by, Some(owner));
    assert_eq!(record.name.as_deref(), Some("Ada"));
    assert!(record.email_verified && world.knows(ADA, PASSWORD).await);
    let roles = world.store.roles_of(&user.id).await.unwrap();
    assert_eq!(
        roles,
        ["developer".parse().unwrap(), "viewer".parse().unwrap()]
    );
    let again = world
        .accounts
        .accept_invitation(&token, &password, None, &head)
        .await;
    assert_eq!(again.unwrap_err().issues()[0].field, "token");
}

#[tokio::test]
async fn invitations_are_listed_withdrawn_and_end() {
    let world = World::new();
    let browser = Browser::default();
    let head = browser.head();
    let first = world.accounts.invite(invite(ADA), None).await.unwrap();
    let of_first = world.letters.token();
    let second = world
        .accounts
        .invite(invite("bob@example.com"), None)
        .await
        .unwrap();
    let of_second = world.letters.token();
    let listed = || async {
        world
            .accounts
            .invitations(&Cursor::first(10))
            .await
            .unwrap()
            .rows
    };

    assert_eq!(listed().await, [first.clone(), second.clone()]);
    assert!(world.accounts.revoke_invitation(&first.id).await.unwrap());
    assert!(!world.accounts.revoke_invitation(&first.id).await.unwrap());
    assert_eq!(listed().await, [second]);
    world.clock.advance(SignedDuration::from_hours(72));
    for token in [of_first, of_second] {
        let refused = world
            .accounts
            .accept_invitation(&token, &PASSWORD.into(), None, &head)
            .await;
        assert_eq!(refused.unwrap_err().issues()[0].field, "token");
    }
}

#[tokio::test]
async fn an_invitation_needs_a_free_address_and_a_mail_server() {
    let world = World::new();
    world.ada().await;
    let taken = world.accounts.invite(invite("ADA@example.com"), None).await;
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::Conflict);
    let broken = world.accounts.invite(invite("a@b@c"), None).await;
    assert_eq!(broken.unwrap_err().issues()[0].field, "email");

    world.letters.refuse();
    let unsent = world.accounts.invite(invite("bob@example.com"), None).await;
    assert_eq!(unsent.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(
        world
            .accounts
            .invitations(&Cursor::first(10))
            .await
            .unwrap()
            .rows
            .is_empty()
    );

    let off = World::with(|config| config.sign_up.mode = SignUpMode::Off);
    let refused = off.accounts.invite(invite(ADA), None).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Forbidden);
}

#[tokio::test]
async fn a_store_that_fails_leaves_the_invitation_good_and_no_account() {
    let world = World::new();
    world.accounts.invite(invite(ADA), None).await.unwrap();
    let token = world.letters.token();

    for operation in ["create account", "assign"] {
        world.store.break_once(operation);
        let failed = world.accept(&token, PASSWORD).await;
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
    world.accept(&token, PASSWORD).await.unwrap();
}
