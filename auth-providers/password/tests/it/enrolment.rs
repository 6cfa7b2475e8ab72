use ee_auth_password::SecondFactorDemand;
use ee_core::{ErrorKind, FactorMethod};
use jiff::SignedDuration;
use secrecy::ExposeSecret as _;

use crate::world::{ADA, Browser, PASSWORD, SECRET, WRONG, World};

#[tokio::test]
async fn a_factor_is_turned_off_with_password_and_code() {
    let world = World::new();
    let ada = world.ada().await;
    let (secret, codes) = world.add_factor(&ada).await;
    let browser = Browser::default();
    let head = browser.head();
    let session = world.session(&ada, "session").await;
    let version = world.record(&ada).await.credential_version;
    let off = |password: &'static str, code: String| {
        let (accounts, ada) = (&world.accounts, &ada);
        let head = &head;
        async move {
            accounts
                .disable_totp(ada, &password.into(), &code, head)
                .await
        }
    };

    assert!(off(WRONG, world.code(&secret)).await.is_err());
    assert!(off(PASSWORD, "000000".to_owned()).await.is_err());
    assert!(
        world.accounts.begin_totp(&ada).await.is_err(),
        "it cannot be replaced"
    );
    off(PASSWORD, codes[0].clone()).await.unwrap();

    assert!(world.knows(ADA, PASSWORD).await);
    assert!(!world.has_session(&session).await);
    assert_eq!(world.record(&ada).await.credential_version, version + 1);
    let security = world.accounts.security(&ada).await.unwrap();
    assert!(!security.has_second_factor && security.recovery_codes == 0);
}

#[tokio::test]
async fn where_everybody_needs_a_factor_it_is_set_up_at_the_first_sign_in() {
    let world = World::with(|config| config.second_factor = SecondFactorDemand::Required);
    let ada = world.person(ADA, "kx93vmq2").await;
    let browser = Browser::default();
    let head = browser.head();

    let factor = world.half(ADA, "kx93vmq2").await;
    assert_eq!(factor.methods, [FactorMethod::Enrol]);
    assert!(!world.shows(&factor, "000000").await, "nothing is set up");
    let enrolment = world
        .accounts
        .enrol_at_sign_in(factor.expose_token(), &head)
        .await
        .unwrap();
    let code = world.code(&enrolment.secret);
    assert!(!world.shows(&factor, "000000").await);
    assert!(world.shows(&factor, &code).await);

    world.clock.advance(SignedDuration::from_secs(60));
    let factor = world.half(ADA, "kx93vmq2").await;
    assert_eq!(
        factor.methods,
        [FactorMethod::RecoveryCode, FactorMethod::Totp]
    );
    let again = world
        .accounts
        .enrol_at_sign_in(factor.expose_token(), &head)
        .await;
    assert!(
        again.is_err(),
        "whoever has the password alone sets up nothing"
    );
    assert!(world.shows(&factor, &world.code(&enrolment.secret)).await);
    let password = "kx93vmq2".into();
    let code = world.code(&enrolment.secret);
    let off = world
        .accounts
        .disable_totp(&ada, &password, &code, &head)
        .await;
    assert_eq!(off.unwrap_err().kind(), ErrorKind::Forbidden);
}

#[tokio::test]
async fn a_secret_is_sealed_anew_when_its_key_is_about_to_go() {
    let new = "another secret of at least thirty-two bytes";
    let world = World::new();
    let ada = world.ada().await;
    let (secret, _) = world.add_factor(&ada).await;
    let with = |secrets: &[&'static str]| {
        let secrets = secrets.iter().map(|text| (*text).into()).collect();
        World::over(world.store.clone(), world.clock.clone(), |config| {
            config.secrets = secrets;
        })
    };

    let both = with(&[new, SECRET]);
    let factor = both.half(ADA, PASSWORD).await;
    assert!(both.shows(&factor, &both.code(&secret)).await);

    world.clock.advance(SignedDuration::from_secs(60));
    let after = with(&[new]);
    let factor = after.half(ADA, PASSWORD).await;
    assert!(after.shows(&factor, &after.code(&secret)).await);
    world.clock.advance(SignedDuration::from_secs(60));
    let factor = world.half(ADA, PASSWORD).await;
    assert!(
        !world.shows(&factor, &world.code(&secret)).await,
        "the old key opens it no more"
    );
}

#[tokio::test]
async fn new_recovery_codes_make_the_old_ones_useless_and_want_the_password() {
    let world = World::new();
    let ada = world.ada().await;
    let (_, old) = world.add_factor(&ada).await;
    let browser = Browser::default();
    let head = browser.head();

    let refused = world
        .accounts
        .regenerate_recovery_codes(&ada, &WRONG.into(), &head)
        .await;
    assert_eq!(refused.unwrap_err().issues()[0].field, "password");
    let codes = world
        .accounts
        .regenerate_recovery_codes(&ada, &PASSWORD.into(), &head)
        .await;
    let codes = codes.unwrap();

    let factor = world.half(ADA, PASSWORD).await;
    assert!(!world.shows(&factor, &old[0]).await);
    assert!(
        world
            .shows(&factor, codes.expose()[0].expose_secret())
            .await
    );
}
