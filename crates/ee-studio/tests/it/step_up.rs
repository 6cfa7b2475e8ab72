//! Dangerous acts in a session that began long ago (RFC 9470).

use ee_studio::paths;
use http::StatusCode;
use jiff::SignedDuration;

use crate::{
    browser::{Browser, House},
    doubles::{Accounts, Factor, People, Ways},
};

fn people() -> People {
    People::with_accounts(Accounts::default())
}

async fn long_signed_in(people: People) -> (House, Browser) {
    let house = House::with(people);
    let owner = house.as_user("owner").await;
    house.people.clock.advance(SignedDuration::from_mins(11));
    (house, owner)
}

#[tokio::test]
async fn whoever_signed_in_long_ago_signs_in_again_and_comes_back() {
    let (house, mut owner) = long_signed_in(people()).await;
    let before = owner.clone();

    let asked = owner.post(paths::BEGIN_TOTP, &[]).await;
    asked.shows(
        401,
        &[
            "Confirm that it is you",
            "Nothing was changed.",
            "href=\"/studio/login?redirect=%2Fstudio%2Faccount&amp;again=1\"",
        ],
    );
    assert!(!asked.body.contains("class=\"qr\""));
    assert_eq!(
        asked.header("www-authenticate"),
        Some("Bearer error=\"insufficient_user_authentication\", max_age=\"600\"")
    );
    assert!(asked.header("set-cookie").is_none());
    let login = owner.get(&paths::step_up(paths::ACCOUNT)).await;
    login.shows(
        200,
        &[
            "Sign in again to show that it is you.",
            "value=\"owner@example.org\"",
            "name=\"password\"",
        ],
    );
    assert!(!login.body.contains("/studio/signup"));
    let fields = [
        ("email", "owner@example.org"),
        ("password", "owner-password"),
        ("redirect", paths::ACCOUNT),
    ];
    let back = owner.post(paths::LOGIN, &fields).await;
    back.leads_to(paths::ACCOUNT);
    owner
        .post(paths::BEGIN_TOTP, &[])
        .await
        .shows(200, &["class=\"qr\""]);

    let replayed = before.clone().get(paths::ACCOUNT).await;
    assert_eq!(
        replayed.status,
        StatusCode::SEE_OTHER,
        "the old session ended"
    );
    let lines = house.record.lines();
    assert!(
        lines.contains(&"auth.mfa.enrol Denied owner".to_owned()),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_wrong_password_leaves_the_session_and_the_form() {
    let (_house, mut owner) = long_signed_in(people()).await;

    let fields = [("email", "owner@example.org"), ("password", "wrong")];
    let wrong = owner.post(paths::LOGIN, &fields).await;

    wrong.shows(401, &["Invalid email or password.", "owner@example.org"]);
    owner.get("/studio/agents").await.shows(200, &["Sign out"]);
}

#[tokio::test]
async fn the_second_step_is_part_of_it() {
    let house = House::with(People::with_accounts(Accounts {
        factor: Factor::Code,
        ..Accounts::default()
    }));
    let mut owner = house.browser();
    let code = [("token", "waits-owner"), ("code", Accounts::CODE)];
    owner.post(paths::SECOND_FACTOR, &code).await;
    house.people.clock.advance(SignedDuration::from_mins(11));
    let before = owner.cookies.clone();

    let fields = [
        ("email", "owner@example.org"),
        ("password", "owner-password"),
        ("redirect", paths::ACCOUNT),
    ];
    owner
        .post(paths::LOGIN, &fields)
        .await
        .shows(200, &["Enter your code"]);
    owner
        .post(paths::BEGIN_TOTP, &[])
        .await
        .shows(401, &["Confirm that it is you"]);
    assert_eq!(owner.cookies, before);
    let code = [code[0], code[1], ("redirect", paths::ACCOUNT)];
    let back = owner.post(paths::SECOND_FACTOR, &code).await;

    back.leads_to(paths::ACCOUNT);
    assert_ne!(owner.cookies, before);
}

#[tokio::test]
async fn single_sign_on_leads_to_the_provider_again() {
    let ways = People {
        ways: Ways::Both,
        ..people()
    };
    let (_house, mut owner) = long_signed_in(ways).await;

    owner.get(&paths::step_up(paths::ACCOUNT)).await.shows(
        200,
        &["/studio/login/sso?redirect=%2Fstudio%2Faccount&amp;again=1"],
    );
    let there = owner.get(&paths::sso_step_up(paths::ACCOUNT)).await;

    assert!(there.location().unwrap().starts_with("https://id.example/"));
    owner
        .get(&paths::sso(paths::ACCOUNT))
        .await
        .leads_to(paths::ACCOUNT);
}

#[tokio::test]
async fn a_part_of_a_page_is_told_by_status_and_header() {
    let (_house, mut owner) = long_signed_in(people()).await;
    owner.headers.insert("hx-request", "true".parse().unwrap());

    let answer = owner.post(paths::BEGIN_TOTP, &[]).await;

    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        answer.header("hx-redirect"),
        Some("/studio/login?redirect=%2Fstudio%2Faccount&again=1")
    );
}

#[tokio::test]
async fn no_cookie_and_no_query_leads_round_in_circles() {
    let (house, owner) = long_signed_in(people()).await;
    let good = owner.cookies["ee_session"].clone();
    let targets = [
        paths::step_up(paths::ACCOUNT),
        paths::step_up(&paths::step_up(paths::ACCOUNT)),
        paths::step_up(paths::BEGIN_TOTP),
        paths::step_up("//evil.example"),
        "/studio/login?again=1&again=1".to_owned(),
        "/studio/login?again".to_owned(),
        "/studio/signup?again=1&redirect=/studio/login".to_owned(),
        paths::ACCOUNT.to_owned(),
        "/studio/account?done=x".to_owned(),
        paths::VERIFY_EMAIL.to_owned(),
        paths::FORGOT_PASSWORD.to_owned(),
    ];
    for cookie in [
        &good,
        "",
        "x",
        "\"\"",
        &format!("{good}x"),
        &"a".repeat(5_000),
    ] {
        for target in &targets {
            let mut browser = house.browser();
            browser
                .cookies
                .insert("ee_session".to_owned(), cookie.to_owned());

            let (answer, count) = browser.visit(target).await;

            assert!(count <= 3, "{target} {cookie:?}: {count}");
            assert!(!answer.status.is_server_error(), "{target} {cookie:?}");
        }
    }
}
