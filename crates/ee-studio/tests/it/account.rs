//! One's own account. Where somebody is signed in only a whole server can tell: `tests/server` and `tests/e2e` look there.

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

#[tokio::test]
async fn the_menu_leads_to_the_account_and_it_shows_what_there_is() {
    let house = house();
    let mut owner = house.as_user("owner").await;

    owner
        .get("/studio/agents")
        .await
        .shows(200, &["href=\"/studio/account\""]);
    let page = owner.get(paths::ACCOUNT).await;
    page.shows(
        200,
        &[
            "OWNER Person",
            "owner@example.org",
            "Not confirmed",
            "autocomplete=\"current-password\"",
            "autocomplete=\"new-password\"",
            "Two-step sign-in",
        ],
    );
    let foreign = owner.get("/studio/account?done=Call%20555-1234").await;
    assert!(!foreign.body.contains("Call 555"));

    let mut token = House::new().as_user("viewer").await;
    let page = token.get(paths::ACCOUNT).await;
    page.shows(200, &["VIEWER Person"]);
    assert!(!page.body.contains("type=\"password\"") && !page.body.contains("Two-step"));
    let mut nobody = House::open().browser();
    nobody.get(paths::ACCOUNT).await.shows(404, &[]);
}

#[tokio::test]
async fn a_new_password_takes_the_old_one_and_begins_a_new_session() {
    let house = house();
    let mut owner = house.as_user("owner").await;
    let before = owner.clone();

    let wrong = [
        ("current_password", "wrong"),
        ("new_password", Accounts::PASSWORD),
    ];
    let wrong = owner.post(paths::CHANGE_PASSWORD, &wrong).await;
    wrong.shows(400, &["id=\"current_password-error\"", "Is wrong."]);
    let short = [
        ("current_password", "owner-password"),
        ("new_password", "short"),
    ];
    let short = owner.post(paths::CHANGE_PASSWORD, &short).await;
    short.shows(400, &["id=\"new_password-error\"", "15 characters"]);
    assert!(!short.body.contains("owner-password"));
    let right = [
        ("current_password", "owner-password"),
        ("new_password", Accounts::PASSWORD),
    ];
    let right = owner.post(paths::CHANGE_PASSWORD, &right).await;
    right.leads_to("/studio/account?done=password");
    owner
        .get(right.location().unwrap())
        .await
        .shows(200, &["Your password was changed"]);

    assert_ne!(before.cookies, owner.cookies);
    let replayed = before.clone().get(paths::ACCOUNT).await;
    assert_eq!(replayed.status, StatusCode::SEE_OTHER);
    let lines = house.record.lines();
    assert!(
        lines.contains(&"auth.password.change Success owner".to_owned()),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_second_factor_is_set_up_and_its_codes_are_shown_once() {
    let house = house();
    let mut owner = house.as_user("owner").await;

    let setup = owner.post(paths::BEGIN_TOTP, &[]).await;
    setup.shows(200, &["<svg class=\"qr\"", "JBSW", "one-time-code"]);
    keeps_to_the_policy(&setup, "totp");
    let uri = format!("otpauth://totp/House:owner?secret={}", Accounts::SECRET);
    let wrong = [("uri", uri.as_str()), ("code", "000000")];
    let wrong = owner.post(paths::CONFIRM_TOTP, &wrong).await;
    wrong.shows(400, &["<svg class=\"qr\"", "JBSW", "id=\"code-error\""]);
    let right = [("uri", uri.as_str()), ("code", Accounts::CODE)];
    let right = owner.post(paths::CONFIRM_TOTP, &right).await;
    right.shows(200, &["Your recovery codes", Accounts::RECOVERY_CODE]);
    keeps_to_the_policy(&right, "recovery codes");
    assert!(right.header("set-cookie").is_some());

    let page = owner.get(paths::ACCOUNT).await;
    page.shows(200, &["2 recovery codes are left"]);
    assert!(!page.body.contains(Accounts::RECOVERY_CODE));
    let again = owner.post(paths::BEGIN_TOTP, &[]).await;
    again.shows(409, &["The account has a second factor already."]);
}

#[tokio::test]
async fn an_address_for_authenticators_that_was_tampered_with_is_not_drawn() {
    let mut owner = house().as_user("owner").await;

    for uri in [
        "",
        "https://evil.example/?secret=JBSWY3DPEHPK3PXP",
        "<script>",
    ] {
        let fields = [("uri", uri), ("code", "000000")];
        let answer = owner.post(paths::CONFIRM_TOTP, &fields).await;
        answer.shows(400, &["Two-step sign-in"]);
        assert!(!answer.body.contains("class=\"qr\""), "{uri}");
        assert!(!answer.body.contains("<script>"), "{uri}");
    }
}

#[tokio::test]
async fn a_second_factor_is_turned_off_with_password_and_code() {
    let house = house();
    let mut owner = house.as_user("owner").await;
    owner
        .post(paths::CONFIRM_TOTP, &[("code", Accounts::CODE)])
        .await;

    let wrong = [
        ("disable_password", "wrong"),
        ("disable_code", Accounts::CODE),
    ];
    let wrong = owner.post(paths::DISABLE_TOTP, &wrong).await;
    wrong.shows(400, &["id=\"disable_password-error\"", "open"]);
    let code = [
        ("disable_password", "owner-password"),
        ("disable_code", "x"),
    ];
    let code = owner.post(paths::DISABLE_TOTP, &code).await;
    code.shows(400, &["id=\"disable_code-error\""]);
    let codes = [("codes_password", "wrong")];
    let codes = owner.post(paths::RECOVERY_CODES, &codes).await;
    codes.shows(400, &["id=\"codes_password-error\""]);
    let codes = [("codes_password", "owner-password")];
    let codes = owner.post(paths::RECOVERY_CODES, &codes).await;
    codes.shows(200, &[Accounts::RECOVERY_CODE]);
    let right = [
        ("disable_password", "owner-password"),
        ("disable_code", Accounts::CODE),
    ];
    let right = owner.post(paths::DISABLE_TOTP, &right).await;

    right.leads_to("/studio/account?done=factor-off");
    let lines = house.record.lines();
    for line in [
        "auth.mfa.enable Success owner",
        "auth.mfa.disable Failure owner",
        "auth.mfa.recovery_codes Success owner",
        "auth.mfa.disable Success owner",
    ] {
        assert!(lines.iter().any(|it| it == line), "{line}: {lines:?}");
    }
}

#[tokio::test]
async fn the_letter_that_confirms_an_address_is_sent_again() {
    let house = house();
    let mut owner = house.as_user("owner").await;

    let answer = owner.post(paths::SEND_VERIFICATION, &[]).await;

    answer.leads_to("/studio/account?done=letter");
    assert_eq!(
        *house
            .people
            .accounts
            .as_ref()
            .unwrap()
            .letters
            .lock()
            .unwrap(),
        ["owner"]
    );
}
