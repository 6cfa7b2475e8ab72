//! The second step of a sign-in.

use ee_studio::paths;
use http::StatusCode;
use jiff::SignedDuration;

use crate::{
    browser::{Answer, Browser, House},
    doubles::{Accounts, Factor, People},
    markup::{attribute, tags},
    table::keeps_to_the_policy,
};

fn house(factor: Factor) -> House {
    House::with(People::with_accounts(Accounts {
        factor,
        ..Accounts::default()
    }))
}

/// The hidden fields of the first form of a page, as a browser sends them back.
fn hidden(page: &Answer) -> Vec<(String, String)> {
    let (form, _) = page.body.split_once("</form>").unwrap();
    tags(form)
        .into_iter()
        .filter(|(name, rest)| *name == "input" && attribute(rest, "type") == Some("hidden"))
        .map(|(_, rest)| {
            let value = attribute(rest, "value").unwrap().replace("&amp;", "&");
            (attribute(rest, "name").unwrap().to_owned(), value)
        })
        .collect()
}

async fn send(browser: &mut Browser, target: &str, page: &Answer, more: &[(&str, &str)]) -> Answer {
    let kept = hidden(page);
    let mut fields: Vec<(&str, &str)> = kept
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    fields.extend(more);
    browser.post(target, &fields).await
}

async fn first_step(browser: &mut Browser, more: &[(&str, &str)]) -> Answer {
    let mut fields = vec![
        ("email", "owner@example.org"),
        ("password", "owner-password"),
    ];
    fields.extend(more);
    browser.post(paths::LOGIN, &fields).await
}

#[tokio::test]
async fn a_code_finishes_a_sign_in_and_leads_to_where_it_began() {
    let house = house(Factor::Code);
    let mut browser = house.browser();

    let page = first_step(
        &mut browser,
        &[("redirect", "/studio/workflows"), ("remember", "1")],
    )
    .await;
    page.shows(
        200,
        &[
            "Enter your code",
            "autocomplete=\"one-time-code\"",
            "inputmode=\"numeric\"",
            "Use a recovery code",
            "value=\"waits-owner\"",
        ],
    );
    keeps_to_the_policy(&page, "second factor");
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);
    assert!(!page.body.contains("owner-password"));
    browser
        .get("/studio/agents")
        .await
        .leads_to("/studio/login?redirect=%2Fstudio%2Fagents");

    let wrong = send(
        &mut browser,
        paths::SECOND_FACTOR,
        &page,
        &[("code", "000000")],
    )
    .await;
    wrong.shows(
        401,
        &[
            "id=\"code-error\"",
            "The code is wrong",
            "value=\"waits-owner\"",
            "name=\"remember\" value=\"1\"",
        ],
    );
    assert!(!wrong.body.contains("000000"));
    let right = send(
        &mut browser,
        paths::SECOND_FACTOR,
        &wrong,
        &[("code", Accounts::CODE)],
    )
    .await;
    right.leads_to("/studio/workflows");
    browser.get("/studio/agents").await.shows(200, &["OWNER"]);

    let lines = house.record.lines();
    for line in [
        "auth.login.credentials Failure anonymous",
        "auth.mfa.verify Failure anonymous",
        "auth.mfa.verify Success owner",
    ] {
        assert!(lines.iter().any(|it| it == line), "{line}: {lines:?}");
    }
}

#[tokio::test]
async fn a_recovery_code_has_a_field_of_its_own() {
    let mut browser = house(Factor::Code).browser();
    let page = first_step(&mut browser, &[]).await;

    let wrong = [("code", ""), ("recovery_code", "WRONG")];
    let wrong = send(&mut browser, paths::SECOND_FACTOR, &page, &wrong).await;
    wrong.shows(
        401,
        &[
            "id=\"recovery_code-error\"",
            "<details class=\"disclosure\" open>",
        ],
    );
    let right = [("recovery_code", Accounts::RECOVERY_CODE)];
    let right = send(&mut browser, paths::SECOND_FACTOR, &wrong, &right).await;

    right.leads_to(paths::BASE);
}

#[tokio::test]
async fn whoever_took_too_long_begins_anew() {
    let house = house(Factor::Code);
    let mut browser = house.browser();
    let page = first_step(&mut browser, &[("redirect", "/studio/workflows")]).await;

    house.people.clock.advance(SignedDuration::from_mins(5));
    let late = [("code", Accounts::CODE)];
    let late = send(&mut browser, paths::SECOND_FACTOR, &page, &late).await;

    late.leads_to("/studio/login?redirect=%2Fstudio%2Fworkflows&done=late");
    browser
        .get(late.location().unwrap())
        .await
        .shows(200, &["The sign-in took too long.", "/studio/workflows"]);
}

#[tokio::test]
async fn too_many_codes_are_said_and_what_was_begun_is_kept() {
    let mut browser = house(Factor::Code).browser();
    let page = first_step(&mut browser, &[]).await;

    let limited = send(
        &mut browser,
        paths::SECOND_FACTOR,
        &page,
        &[("code", "429")],
    )
    .await;

    limited.shows(429, &["Too many attempts.", "value=\"waits-owner\""]);
}

#[tokio::test]
async fn a_factor_that_is_demanded_is_set_up_within_the_sign_in() {
    let house = house(Factor::Enrol);
    let mut browser = house.browser();
    let page = first_step(&mut browser, &[("redirect", "/studio/workflows")]).await;
    page.shows(200, &["Set up two-step sign-in", paths::ENROL]);
    assert!(!page.body.contains("name=\"code\""));

    let setup = send(&mut browser, paths::ENROL, &page, &[]).await;
    setup.shows(200, &["<svg class=\"qr\"", "JBSW", "name=\"code\""]);
    keeps_to_the_policy(&setup, "enrol");
    let wrong = [("code", "000000")];
    let wrong = send(&mut browser, paths::SECOND_FACTOR, &setup, &wrong).await;
    wrong.shows(401, &["<svg class=\"qr\"", "JBSW", "id=\"code-error\""]);
    let right = [("code", Accounts::CODE)];
    let right = send(&mut browser, paths::SECOND_FACTOR, &wrong, &right).await;
    right.leads_to("/studio/account?done=factor-on");
    browser
        .get(right.location().unwrap())
        .await
        .shows(200, &["Make recovery codes now"]);

    let lines = house.record.lines();
    assert!(lines.contains(&"auth.mfa.enrol Success anonymous".to_owned()));
}

#[tokio::test]
async fn a_set_up_without_a_sign_in_that_waits_leads_back() {
    let mut browser = house(Factor::Enrol).browser();

    for token in ["", "x", Accounts::LINK] {
        let fields = [("token", token), ("redirect", "//evil.example")];
        let answer = browser.post(paths::ENROL, &fields).await;
        answer.leads_to("/studio/login?done=late");
    }
}

#[tokio::test]
async fn what_a_form_holds_is_not_believed() {
    let hostile = "\"><script>alert(1)</script>";
    let mut browser = house(Factor::Code).browser();
    for (name, value) in [
        ("token", hostile),
        ("redirect", hostile),
        ("uri", hostile),
        ("uri", "otpauth://totp/\"><script>?secret=JBSWY3DPEHPK3PXP"),
        ("ends_at", hostile),
        ("ends_at", "99999999999999999999999999"),
        ("code", hostile),
        ("recovery_code", hostile),
    ] {
        let answer = browser.post(paths::SECOND_FACTOR, &[(name, value)]).await;

        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
        assert!(!answer.body.contains("<script>"), "{name}: {}", answer.body);
    }
    for target in ["https://evil.example", "//evil.example", "/\\evil.example"] {
        let fields = [
            ("token", "waits-owner"),
            ("code", Accounts::CODE),
            ("redirect", target),
        ];
        let answer = browser.post(paths::SECOND_FACTOR, &fields).await;
        answer.leads_to(paths::BASE);
    }
}

#[tokio::test]
async fn the_second_step_is_never_led_to_by_an_address() {
    let mut browser = house(Factor::Code).browser();

    for target in [paths::SECOND_FACTOR, paths::ENROL] {
        browser.get(target).await.leads_to(paths::LOGIN);
    }
}
