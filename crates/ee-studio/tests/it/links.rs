//! Where the links of letters lead.

use ee_studio::paths;
use http::StatusCode;

use crate::{
    browser::House,
    doubles::{Accounts, People},
    table::keeps_to_the_policy,
};

fn house() -> House {
    House::with(People::with_accounts(Accounts::default()))
}

const LINKS: [&str; 4] = [
    paths::ACCEPT_INVITATION,
    paths::RESET_PASSWORD,
    paths::SETUP,
    paths::VERIFY_EMAIL,
];

#[tokio::test]
async fn opening_a_link_changes_nothing_and_asks_for_its_secret() {
    let house = house();
    for target in LINKS {
        let page = house.browser().get(target).await;

        page.shows(
            200,
            &[
                "data-link-secret",
                "Code from the link",
                "<form class=\"form\" method=\"post\"",
            ],
        );
        keeps_to_the_policy(&page, target);
        assert!(page.header("set-cookie").is_none(), "{target}");
        // A secret in the query is nobody's business.
        let query = format!("{target}?token={}", Accounts::LINK);
        let page = house.browser().get(&query).await;
        assert!(!page.body.contains(Accounts::LINK), "{target}");
    }
    assert!(house.record.lines().is_empty());
}

#[tokio::test]
async fn where_nobody_looks_after_accounts_there_are_no_such_pages() {
    let house = House::new();
    for target in LINKS.into_iter().chain([paths::FORGOT_PASSWORD]) {
        house
            .browser()
            .get(target)
            .await
            .shows(404, &["Page not found"]);
        let fields = [("token", Accounts::LINK), ("password", Accounts::PASSWORD)];
        let answer = house.browser().post(target, &fields).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{target}");
    }
    let page = house.browser().get(paths::LOGIN).await;
    assert!(!page.body.contains("Forgot") && !page.body.contains("remember"));
}

#[tokio::test]
async fn a_link_that_is_not_good_is_asked_for_again_and_never_shown() {
    let house = house();
    let hostile = "\"><script>alert(1)</script>";
    for target in LINKS.into_iter().chain([paths::FIND_INVITATION]) {
        for token in ["", "used", hostile] {
            let fields = [
                ("token", token),
                ("email", "a@example.org"),
                ("password", Accounts::PASSWORD),
            ];
            let answer = house.browser().post(target, &fields).await;

            answer.shows(400, &["id=\"token-error\"", "This link is not good."]);
            assert!(!answer.body.contains("<script>"), "{target}");
            assert!(!answer.body.contains("value=\"used\""), "{target}");
        }
    }
}

#[tokio::test]
async fn a_new_password_is_set_by_a_link_and_nobody_is_signed_in() {
    let house = house();
    let mut browser = house.browser();

    let short = [("token", Accounts::LINK), ("password", "short")];
    let short = browser.post(paths::RESET_PASSWORD, &short).await;
    short.shows(
        400,
        &[
            "id=\"password-error\"",
            "Must have at least 15 characters.",
            "type=\"hidden\" name=\"token\" value=\"good-link_0123456789\"",
        ],
    );
    assert!(!short.body.contains("value=\"short\""));
    // Without a script people paste the whole link.
    let link = format!(
        "http://127.0.0.1:4111/studio/reset-password#token={}",
        Accounts::LINK
    );
    let done = [("token", link.as_str()), ("password", Accounts::PASSWORD)];
    let done = browser.post(paths::RESET_PASSWORD, &done).await;

    done.leads_to("/studio/login?done=password");
    assert!(browser.cookies.is_empty());
    browser
        .get("/studio/login?done=password")
        .await
        .shows(200, &["Your new password is set."]);
    let foreign = browser.get("/studio/login?done=Call%20555-1234").await;
    assert!(!foreign.body.contains("555"));
}

#[tokio::test]
async fn an_invitation_is_opened_and_accepted() {
    let house = house();
    let mut browser = house.browser();

    let page = browser.get(paths::ACCEPT_INVITATION).await;
    page.shows(200, &["data-link-send", "Continue"]);
    let open = browser
        .post(paths::FIND_INVITATION, &[("token", Accounts::LINK)])
        .await;
    open.shows(
        200,
        &[
            "Create your account",
            "&lt;b&gt;guest&lt;/b&gt;",
            "autocomplete=\"username\"",
            "autocomplete=\"new-password\"",
            "readonly",
        ],
    );
    assert!(!open.body.contains("data-link-send"));
    let short = [
        ("token", Accounts::LINK),
        ("email", "guest@example.org"),
        ("name", "<b>G"),
        ("password", "short"),
    ];
    let short = browser.post(paths::ACCEPT_INVITATION, &short).await;
    short.shows(
        400,
        &["guest@example.org", "&lt;b&gt;G", "id=\"password-error\""],
    );
    let done = [("token", Accounts::LINK), ("password", Accounts::PASSWORD)];
    browser
        .post(paths::ACCEPT_INVITATION, &done)
        .await
        .leads_to(paths::BASE);

    browser.get("/studio/agents").await.shows(200, &["VIEWER"]);
    let lines = house.record.lines();
    assert!(
        lines.contains(&"auth.invitation.accept Success viewer".to_owned()),
        "{lines:?}"
    );
}

#[tokio::test]
async fn the_first_owner_is_created_and_signed_in() {
    let mut browser = house().browser();

    let wrong = [
        ("token", Accounts::LINK),
        ("email", "nowhere"),
        ("password", Accounts::PASSWORD),
    ];
    let wrong = browser.post(paths::SETUP, &wrong).await;
    wrong.shows(400, &["id=\"email-error\"", "value=\"nowhere\""]);
    let right = [
        ("token", Accounts::LINK),
        ("email", "owner@example.org"),
        ("password", Accounts::PASSWORD),
    ];
    browser
        .post(paths::SETUP, &right)
        .await
        .leads_to(paths::BASE);

    browser.get("/studio/agents").await.shows(200, &["OWNER"]);
}

#[tokio::test]
async fn an_address_is_confirmed_by_whoever_presses_the_button() {
    let house = house();
    let fields = [("token", Accounts::LINK)];

    let mut stranger = house.browser();
    let answer = stranger.post(paths::VERIFY_EMAIL, &fields).await;
    answer.leads_to("/studio/login?done=email");
    assert!(stranger.cookies.is_empty());
    let mut owner = house.as_user("owner").await;
    let answer = owner.post(paths::VERIFY_EMAIL, &fields).await;
    answer.leads_to("/studio/account?done=email");

    let lines = house.record.lines();
    assert!(
        lines.contains(&"auth.email.verify Success viewer".to_owned()),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_letter_is_promised_to_everybody_alike() {
    let house = house();
    let mut browser = house.browser();
    browser
        .get(paths::LOGIN)
        .await
        .shows(200, &[paths::FORGOT_PASSWORD, "name=\"remember\""]);

    let wrong = [("email", "<b>nowhere")];
    let wrong = browser.post(paths::FORGOT_PASSWORD, &wrong).await;
    wrong.shows(400, &["id=\"email-error\"", "&lt;b&gt;nowhere"]);
    let sent = [("email", " <i>@example.org ")];
    let sent = browser.post(paths::FORGOT_PASSWORD, &sent).await;

    sent.shows(200, &["Check your mail", "&lt;i&gt;@example.org"]);
    assert_eq!(
        *house
            .people
            .accounts
            .as_ref()
            .unwrap()
            .letters
            .lock()
            .unwrap(),
        ["<i>@example.org"]
    );
    let lines = house.record.lines();
    assert!(
        lines.contains(&"auth.password.reset_request Success anonymous".to_owned()),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_sign_up_that_waits_for_a_letter_signs_nobody_in() {
    let house = House::with(People::with_accounts(Accounts {
        confirms_email: true,
        ..Accounts::default()
    }));
    let mut browser = house.browser();

    let fields = [
        ("email", "<b>@example.org"),
        ("password", Accounts::PASSWORD),
    ];
    let answer = browser.post(paths::SIGN_UP, &fields).await;

    answer.shows(200, &["Check your mail", "&lt;b&gt;@example.org"]);
    assert!(browser.cookies.is_empty() && !answer.body.contains(Accounts::PASSWORD));
}

#[tokio::test]
async fn no_secret_of_a_form_is_recorded_or_stands_in_an_address() {
    let house = house();
    let secrets = [
        Accounts::LINK,
        Accounts::PASSWORD,
        Accounts::CODE,
        "waits-owner",
    ];
    let fields = [
        ("token", Accounts::LINK),
        ("email", "a@example.org"),
        ("password", Accounts::PASSWORD),
        ("code", Accounts::CODE),
    ];
    let second = [("token", "waits-owner"), ("code", Accounts::CODE)];
    for target in LINKS.into_iter().chain([paths::FIND_INVITATION]) {
        let answer = house.browser().post(target, &fields).await;
        let headers = format!("{:?}", answer.headers);
        assert!(!secrets.iter().any(|it| headers.contains(it)), "{headers}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{target}");
        assert_eq!(
            answer.header("referrer-policy"),
            Some("same-origin"),
            "{target}"
        );
    }
    for code in [&second[..], &[second[0], ("code", "000000")]] {
        house.browser().post(paths::SECOND_FACTOR, code).await;
    }

    let events = house.record.0.lock().unwrap();
    assert!(events.len() >= 6, "{events:?}");
    for event in events.iter() {
        let text = format!("{event:?}");
        assert!(!secrets.iter().any(|it| text.contains(it)), "{text}");
    }
}
