use ee_studio::paths;
use http::StatusCode;

use crate::{
    browser::{House, ORIGIN},
    doubles::{People, Ways},
};

fn credentials<'a>(password: &'a str, redirect: &'a str) -> [(&'a str, &'a str); 3] {
    [
        ("email", "a@example.org"),
        ("password", password),
        ("redirect", redirect),
    ]
}

#[tokio::test]
async fn a_stranger_signs_in_and_comes_back_to_the_page_that_he_opened() {
    let house = House::new();
    let mut browser = house.browser();

    let refused = browser.get("/studio/agents?q=a%20b").await;
    refused.leads_to("/studio/login?redirect=%2Fstudio%2Fagents%3Fq%3Da%2520b");
    let page = browser.get(refused.location().unwrap()).await;
    page.shows(
        200,
        &["name=\"password\"", "value=\"/studio/agents?q=a%20b\""],
    );
    assert!(!page.body.contains("Your session ended"));

    let wrong = browser
        .post(
            paths::LOGIN,
            &credentials("wrong", "/studio/agents?q=a%20b"),
        )
        .await;
    wrong.shows(
        401,
        &[
            "Invalid email or password.",
            "a@example.org",
            "value=\"/studio/agents?q=a%20b\"",
        ],
    );
    assert!(!wrong.body.contains("wrong\""));
    assert!(wrong.header("www-authenticate").is_some());

    let right = browser
        .post(
            paths::LOGIN,
            &credentials("owner-password", "/studio/agents?q=a%20b"),
        )
        .await;
    right.leads_to("/studio/agents?q=a%20b");
    browser
        .get("/studio/agents")
        .await
        .shows(200, &["Support", "OWNER Person", "Sign out"]);
    browser
        .get(&paths::login("/studio/workflows"))
        .await
        .leads_to("/studio/workflows");

    let lines = house.record.lines();
    assert!(
        lines.contains(&"auth.login.credentials Failure anonymous".to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&"auth.login.credentials Success owner".to_owned()),
        "{lines:?}"
    );
    let events = house.record.0.lock().unwrap();
    let failed = events
        .iter()
        .find(|event| event.metadata.contains_key("email"));
    assert_eq!(
        failed.unwrap().reason.as_deref(),
        Some("Invalid email or password")
    );
}

#[tokio::test]
async fn an_access_token_needs_no_address() {
    let mut browser = House::new().browser();

    browser
        .get(paths::LOGIN)
        .await
        .shows(200, &["Password or access token"]);
    let answer = browser
        .post(
            paths::LOGIN,
            &[("email", ""), ("password", "viewer-password")],
        )
        .await;

    answer.leads_to(paths::BASE);
}

#[tokio::test]
async fn a_wrong_field_is_named_beside_the_field() {
    let mut browser = House::new().browser();

    let answer = browser
        .post(
            paths::LOGIN,
            &[("email", "<b>"), ("password", "owner-password")],
        )
        .await;

    answer.shows(
        400,
        &["email-error", "Must be an e-mail address.", "&lt;b&gt;"],
    );
}

#[tokio::test]
async fn signing_out_ends_the_session_for_good() {
    let house = House::new();
    let mut browser = house.as_user("owner").await;
    let before = browser.clone();

    let answer = browser.post(paths::LOGOUT, &[]).await;

    answer.leads_to(paths::LOGIN);
    assert!(answer.header("clear-site-data").is_some());
    assert!(browser.cookies.is_empty());
    let replayed = before.clone().get("/studio/agents").await;
    replayed.leads_to("/studio/login?redirect=%2Fstudio%2Fagents&expired=1");
    assert!(
        house
            .record
            .lines()
            .contains(&"auth.logout Success owner".to_owned())
    );
    let mut other = house.as_user("owner").await;
    assert!(other.get(paths::LOGOUT).await.status.is_client_error());
    other.get("/studio/agents").await.shows(200, &["Sign out"]);
}

#[tokio::test]
async fn an_identity_provider_ends_its_session_by_a_page_and_not_by_a_redirect() {
    let people = People {
        ways: Ways::Both,
        ..People::default()
    };
    let mut browser = House::with(people).as_user("owner").await;

    let answer = browser.post(paths::LOGOUT, &[]).await;

    answer.shows(200, &["Signed out", "href=\"https://id.example/logout\""]);
    assert_eq!(
        answer.header("refresh"),
        Some("0; url=https://id.example/logout")
    );
}

#[tokio::test]
async fn the_page_follows_what_the_server_offers() {
    for (ways, sign_up, there, absent) in [
        (
            Ways::Credentials,
            false,
            vec!["name=\"email\""],
            vec!["Acme", "Sign up"],
        ),
        (
            Ways::Credentials,
            true,
            vec!["/studio/signup"],
            vec!["Acme"],
        ),
        (
            Ways::Sso,
            false,
            vec![
                "Sign in with Acme",
                "For employees of Acme.",
                "/studio/login/sso",
            ],
            vec!["name=\"email\""],
        ),
        (
            Ways::Both,
            false,
            vec!["Sign in with Acme", "name=\"email\"", "divider"],
            vec!["Sign up"],
        ),
        (
            Ways::None,
            false,
            vec!["Authentication required"],
            vec!["<form"],
        ),
    ] {
        let people = People {
            sign_up,
            ways,
            ..People::default()
        };
        let answer = House::with(people).browser().get(paths::LOGIN).await;

        answer.shows(200, &there);
        for text in absent {
            assert!(!answer.body.contains(text), "{ways:?} {text}");
        }
    }
}

#[tokio::test]
async fn accounts_are_created_only_where_that_is_on() {
    let fields = |email| [("email", email), ("password", "secret-1"), ("name", "New")];
    let on = People {
        sign_up: true,
        ..People::default()
    };
    let mut browser = House::with(on).browser();

    browser
        .get(paths::SIGN_UP)
        .await
        .shows(200, &["Create your account", "name=\"name\""]);
    let refused = browser
        .post(paths::SIGN_UP, &fields("taken@example.org"))
        .await;
    refused.shows(400, &["Failed to create account.", "taken@example.org"]);
    browser
        .post(paths::SIGN_UP, &fields("new@example.org"))
        .await
        .leads_to(paths::BASE);

    let mut browser = House::new().browser();
    browser
        .get(paths::SIGN_UP)
        .await
        .shows(200, &["Sign in to Studio"]);
    browser
        .post(paths::SIGN_UP, &fields("new@example.org"))
        .await
        .shows(400, &["Failed to create account."]);
}

#[tokio::test]
async fn single_sign_on_leads_to_the_provider() {
    let people = People {
        ways: Ways::Sso,
        ..People::default()
    };
    let mut browser = House::with(people).browser();

    let answer = browser
        .get("/studio/login/sso?redirect=/studio/workflows")
        .await;

    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(
        answer
            .location()
            .unwrap()
            .starts_with("https://id.example/authorize?state=")
    );
    assert!(
        browser
            .cookies
            .keys()
            .any(|name| name.starts_with("ee_flow_"))
    );
}

#[tokio::test]
async fn only_sentences_of_ours_are_shown_from_the_query() {
    let mut browser = House::new().browser();
    let known = "This account is not admitted here.";

    let ours = browser
        .get("/studio/login?error=This%20account%20is%20not%20admitted%20here.")
        .await;
    ours.shows(200, &[known]);
    for query in ["error=Call%20555-1234", "error_description=Call%20555-1234"] {
        let foreign = browser.get(&format!("/studio/login?{query}")).await;
        foreign.shows(200, &["The sign-in did not finish. Try again."]);
        assert!(!foreign.body.contains("555"));
    }
}

#[tokio::test]
async fn p6_hostile_targets_stay_on_our_origin() {
    let hostile = [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "@evil.example",
        "http:evil.example",
        "evil.example",
        "",
        " /x",
        "/x y",
        "///evil.example",
        "/./\\evil.example",
        "/..//evil.example",
        "/.//evil.example",
        "/%0d%0aLocation:x\r\n",
        "/\u{200b}/evil.example",
        "/\u{2028}",
        "http://127.0.0.1:4111.evil.example/",
        "http://127.0.0.1:41111/",
        "http://127.0.0.1:4111@evil.example/",
        "HTTPS://evil.example",
        "/studio/login",
        "/studio/login/",
        "/studio/%6Cogin?redirect=/studio/login",
        "/studio/login/sso",
        "/studio/signup",
        "/studio/logout",
        "/",
        "/studio",
        "/api/auth/sso/login?redirect_uri=//evil.example",
        "/studio/../studio/login",
        "/studio/./login?redirect=//evil.example",
        "//evil.example/%2f..",
        "/\u{ff0f}evil.example\\",
        "https:evil.example",
        "ftp://evil.example/x",
    ];
    assert!(hostile.len() >= 30);
    let house = House::new();
    for target in hostile {
        let answer = house
            .browser()
            .post(paths::LOGIN, &credentials("owner-password", target))
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{target:?}");
        assert_eq!(answer.location(), Some("/studio"), "{target:?}");

        let mut signed_in = house.as_user("owner").await;
        let (page, count) = signed_in.visit(&paths::login(target)).await;
        assert_eq!(page.status, StatusCode::OK, "{target:?}");
        assert!(count <= 3, "{target:?}: {count} redirects");

        let theme = [("theme", "dark"), ("redirect", target)];
        let answer = house.browser().post(paths::THEME, &theme).await;
        assert_eq!(answer.location(), Some("/studio"), "{target:?}");
    }
    let own = format!("{ORIGIN}/studio/workflows");
    let answer = house
        .browser()
        .post(paths::LOGIN, &credentials("owner-password", &own))
        .await;
    answer.leads_to("/studio/workflows");
}
