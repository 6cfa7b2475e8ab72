//! Nothing that is secret is printed or kept.

use ee_auth_password::{PasswordConfig, SignUpMode};
use ee_core::Invite;
use ee_core::SignIn;
use secrecy::ExposeSecret as _;

use crate::world::{ADA, Browser, OTHER, PASSWORD, SECRET, WRONG, World};

/// S14: every secret of a whole life of an account is looked for in all that is printed and stored.
#[tokio::test]
async fn no_secret_is_printed_or_kept() {
    let pepper = "a pepper of at least thirty-two bytes";
    let config = |config: &mut PasswordConfig| {
        config.sign_up.mode = SignUpMode::Open;
        config.hashing.pepper = vec![pepper.into()];
    };
    let world = World::with(config);
    let browser = Browser::default();
    let head = browser.head();
    let (mut secrets, mut printed) = (Vec::new(), Vec::new());
    secrets.extend([PASSWORD, OTHER, WRONG, SECRET, pepper].map(str::to_owned));

    let signed_up = world
        .accounts
        .sign_up(ADA, &PASSWORD.into(), None, &head)
        .await;
    printed.push(format!("{signed_up:?}"));
    secrets.push(world.letters.token());
    printed.push(world.store.dump());
    let ada = world
        .accounts
        .verify_email(&world.letters.token(), &head)
        .await
        .unwrap();
    printed.push(format!("{ada:?} {:?}", world.record(&ada.id).await));

    let enrolment = world.accounts.begin_totp(&ada.id).await.unwrap();
    printed.push(format!("{enrolment:?}"));
    secrets.push(enrolment.secret.expose_secret().to_owned());
    let code = world.code(&enrolment.secret);
    let (_, codes) = world
        .accounts
        .confirm_totp(&ada.id, &code, &head)
        .await
        .unwrap();
    printed.push(format!("{codes:?}"));
    for code in codes.expose() {
        secrets.push(code.expose_secret().to_owned());
        secrets.push(code.expose_secret().replace('-', ""));
    }
    let end = world.sign_in(ADA, PASSWORD).await;
    printed.push(format!("{end:?}"));
    let SignIn::SecondFactor(factor) = end else {
        panic!("a second factor is wanted");
    };
    secrets.push(factor.expose_token().to_owned());
    printed.push(world.store.dump());

    let wrong = world.change(&ada.id, WRONG, OTHER).await;
    let weak = world.change(&ada.id, PASSWORD, "ada@example.com").await;
    printed.push(format!("{:?} {:?}", wrong.unwrap_err(), weak.unwrap_err()));
    world
        .accounts
        .request_password_reset(ADA, &head)
        .await
        .unwrap();
    secrets.push(world.letters.token());
    let setup = world.accounts.setup_link().await.unwrap().unwrap();
    printed.push(format!("{setup:?}"));
    secrets.push(crate::people::token_in(setup.expose_secret()));
    let invite = Invite {
        email: "bob@example.com".to_owned(),
        ..Invite::default()
    };
    printed.push(format!(
        "{:?}",
        world.accounts.invite(invite, None).await.unwrap()
    ));
    secrets.push(world.letters.token());
    printed.push(format!("{:?} {:?}", world.auth, world.accounts));
    let mut options = PasswordConfig::new("https://a.example", vec![SECRET.into()]);
    config(&mut options);
    printed.push(format!("{options:?}"));
    printed.push(world.store.dump());

    let printed = printed.join("\n");
    assert!(secrets.len() > 28 && printed.len() > 5_000);
    for secret in secrets {
        let found = printed
            .find(&secret)
            .map(|at| &printed[at.saturating_sub(200)..at]);
        assert_eq!(found, None, "{secret}");
    }
}
