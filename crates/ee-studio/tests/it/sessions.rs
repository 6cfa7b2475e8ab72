use ee_studio::paths;
use http::StatusCode;

use crate::browser::House;

#[tokio::test]
async fn a_session_that_ended_is_forgotten_and_said() {
    let house = House::new();
    let mut browser = house.as_user("owner").await;
    house.people.forget_sessions();

    let refused = browser.get("/studio/agents").await;

    refused.leads_to("/studio/login?redirect=%2Fstudio%2Fagents&expired=1");
    assert!(browser.cookies.is_empty());
    browser
        .get(refused.location().unwrap())
        .await
        .shows(200, &["Your session ended."]);
}

#[tokio::test]
async fn a_form_after_the_end_says_that_nothing_was_saved() {
    let house = House::new();
    let mut browser = house.as_user("owner").await;
    house.people.forget_sessions();

    let answer = browser
        .post("/studio/agents/support/edit", &[("name", "New")])
        .await;

    answer.shows(
        401,
        &[
            "Session expired",
            "was not saved",
            "/studio/login?redirect=%2Fstudio%2Fagents%2Fsupport%2Fedit",
        ],
    );
    assert_eq!(house.agents.agents.lock().unwrap()[1].name, "Support");
    let mut stranger = house.browser();
    let answer = stranger
        .post("/studio/agents/support/chat", &[("message", "x")])
        .await;
    answer.shows(
        401,
        &["/studio/login?redirect=%2Fstudio%2Fagents%2Fsupport\""],
    );
}

#[tokio::test]
async fn a_part_of_a_page_is_told_by_status_and_header() {
    let house = House::new();
    let mut browser = house.as_user("owner").await;
    house.people.forget_sessions();
    browser
        .headers
        .insert("hx-request", "true".parse().unwrap());

    let answer = browser.get("/studio/workflows/triage/runs/r").await;

    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let login = "/studio/login?redirect=%2Fstudio%2Fworkflows%2Ftriage%2Fruns%2Fr&expired=1";
    assert_eq!(answer.header("hx-redirect"), Some(login));
    assert!(answer.body.is_empty());
}

#[tokio::test]
async fn no_cookie_leads_round_in_circles() {
    let house = House::new();
    let owner = house.as_user("owner").await.cookies;
    let good = owner["ee_session"].clone();
    let cookies = [
        String::new(),
        "x".to_owned(),
        "=".to_owned(),
        "\"\"".to_owned(),
        good.clone(),
        format!("{good}x"),
        good.chars().rev().collect(),
        "a".repeat(5_000),
        "%00".to_owned(),
        format!("{good}; ee_session=other"),
    ];
    for cookie in cookies {
        for start in [
            "/",
            "/studio",
            "/studio/agents",
            "/studio/login",
            "/studio/unknown",
            "/studio/session-expired",
        ] {
            let mut browser = house.browser();
            browser
                .cookies
                .insert("ee_session".to_owned(), cookie.clone());

            let (answer, count) = browser.visit(start).await;

            assert!(count <= 3, "{start} {cookie:?}: {count}");
            assert!(!answer.status.is_server_error(), "{start} {cookie:?}");
        }
    }
}

#[tokio::test]
async fn the_end_of_a_session_has_an_address() {
    let house = House::new();

    let mut stranger = house.browser();
    stranger
        .get("/studio/session-expired?redirect=/studio/workflows")
        .await
        .shows(
            200,
            &[
                "Session expired",
                "/studio/login?redirect=%2Fstudio%2Fworkflows",
            ],
        );
    let mut owner = house.as_user("owner").await;
    owner
        .get(paths::SESSION_EXPIRED)
        .await
        .leads_to(paths::BASE);
}

#[tokio::test]
async fn the_choice_of_colours_is_kept() {
    let house = House::new();
    let mut browser = house.as_user("viewer").await;

    let fields = [("theme", "dark"), ("redirect", "/studio/workflows")];
    let answer = browser.post(paths::THEME, &fields).await;

    answer.leads_to("/studio/workflows");
    assert_eq!(
        answer.header("set-cookie"),
        Some("ee_theme=dark; HttpOnly; SameSite=Lax; Path=/; Max-Age=31536000")
    );
    browser
        .get("/studio/agents")
        .await
        .shows(200, &["<html lang=\"en\" data-theme=\"dark\">"]);
    browser
        .cookies
        .insert("ee_theme".to_owned(), "evil".to_owned());
    browser
        .get("/studio/agents")
        .await
        .shows(200, &["<html lang=\"en\">"]);
}

#[tokio::test]
async fn without_authentication_everything_is_open_and_said() {
    let mut browser = House::open().browser();

    let (page, _) = browser.visit("/").await;
    page.shows(
        200,
        &["Authentication is switched off.", "New agent", "Support"],
    );
    assert!(!page.body.contains("Sign out"));
    browser
        .get(paths::LOGIN)
        .await
        .shows(200, &["Authentication is not configured"]);
    let chat = browser
        .post("/studio/agents/support/chat", &[("message", "Hi")])
        .await;
    assert_eq!(chat.status, StatusCode::SEE_OTHER);
}
