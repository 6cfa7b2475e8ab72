//! Accounts with passwords, over HTTP: how people get them and look after them.

use ee::Clock as _;
use ee::auth_password::{SecondFactorDemand, SignUpMode, totp_for_tests};
use jiff::SignedDuration;
use serde_json::{Value, json};
use server_tests::{Answer, AuthKind, Setup, TestServer};

pub(crate) const PASSWORD: &str = "violet tractor sings";
pub(crate) const OTHER: &str = "eleven quiet ferries";

/// A server with accounts and nobody in it.
pub(crate) async fn empty() -> TestServer {
    Setup::loopback().auth(AuthKind::Password).start().await
}

/// A server with an owner, and the owner's cookies.
pub(crate) async fn with_owner() -> (TestServer, String) {
    let server = empty().await;
    let owner = set_up(&server).await;
    (server, owner)
}

pub(crate) async fn set_up(server: &TestServer) -> String {
    use secrecy::ExposeSecret as _;

    let link = server.passwords.setup_link().await.unwrap().unwrap();
    let (_, token) = link.expose_secret().split_once("#token=").unwrap();
    let body = json!({ "token": token, "email": "olga@example.com", "password": PASSWORD });
    let answer = post(server, "/api/auth/setup", &body).await;
    assert_eq!(answer.code(), 200, "{}", answer.text());
    answer.cookies()
}

pub(crate) async fn post(server: &TestServer, path: &str, body: &Value) -> Answer {
    server.post(path).json(body).send().await
}

/// Invites somebody, who accepts; returns his cookies.
pub(crate) async fn join(server: &TestServer, owner: &str, email: &str, role: &str) -> String {
    let invite = json!({ "email": email, "roles": [role] });
    let invited = server
        .post("/api/access/invitations")
        .cookie(owner)
        .json(&invite)
        .send()
        .await;
    assert_eq!(invited.code(), 200, "{}", invited.text());
    let body = json!({ "token": server.letters.last().token(), "password": PASSWORD });
    let accepted = post(server, "/api/auth/invitations/accept", &body).await;
    assert_eq!(accepted.code(), 200, "{}", accepted.text());
    accepted.cookies()
}

pub(crate) async fn sign_in(server: &TestServer, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    post(server, "/api/auth/credentials/sign-in", &body).await
}

async fn me(server: &TestServer, cookies: &str) -> Value {
    server
        .get("/api/auth/me")
        .cookie(cookies)
        .send()
        .await
        .json()
}

#[tokio::test]
async fn the_first_owner_comes_by_the_link_and_there_is_no_second() {
    let server = empty().await;
    let owner = set_up(&server).await;

    assert_eq!(me(&server, &owner).await["roles"], json!(["owner"]));
    assert!(server.passwords.setup_link().await.unwrap().is_none());
    let again = json!({ "token": "none", "email": "eve@example.com", "password": PASSWORD });
    let again = post(&server, "/api/auth/setup", &again).await;
    again.assert_error(400, "invalid");
    assert_eq!(again.json()["issues"][0]["field"], "token");
}

#[tokio::test]
async fn an_invitation_makes_an_account_with_its_roles() {
    let (server, owner) = with_owner().await;
    let body = json!({ "email": "vera@example.com", "roles": ["viewer"] });
    let invited = server
        .post("/api/access/invitations")
        .cookie(&owner)
        .json(&body)
        .send()
        .await;
    let letter = server.letters.last();
    assert_eq!(letter.to, "vera@example.com");
    assert!(!invited.text().contains(&letter.token()));
    let list = server
        .get("/api/access/invitations")
        .cookie(&owner)
        .send()
        .await;
    assert_eq!(list.json()["items"][0]["id"], invited.json()["id"]);

    let token = json!({ "token": letter.token() });
    let found = post(&server, "/api/auth/invitations/find", &token).await;
    assert_eq!(found.json()["email"], "vera@example.com");
    let weak = json!({ "token": letter.token(), "password": "short" });
    let weak = post(&server, "/api/auth/invitations/accept", &weak).await;
    assert_eq!(weak.json()["issues"][0]["field"], "password");
    let good = json!({ "token": letter.token(), "password": PASSWORD, "name": "Vera" });
    let vera = post(&server, "/api/auth/invitations/accept", &good).await;

    assert_eq!(
        me(&server, &vera.cookies()).await["roles"],
        json!(["viewer"])
    );
    let twice = post(&server, "/api/auth/invitations/accept", &good).await;
    twice.assert_error(400, "invalid");
}

#[tokio::test]
async fn a_withdrawn_invitation_is_of_no_use() {
    let (server, owner) = with_owner().await;
    let body = json!({ "email": "vera@example.com", "roles": ["viewer"] });
    let invited = server
        .post("/api/access/invitations")
        .cookie(&owner)
        .json(&body)
        .send()
        .await;
    let path = format!(
        "/api/access/invitations/{}",
        invited.json()["id"].as_str().unwrap()
    );

    let gone = server.delete(&path).cookie(&owner).send().await;
    assert_eq!(gone.code(), 200);
    let again = server.delete(&path).cookie(&owner).send().await;
    again.assert_error(404, "not_found");

    let body = json!({ "token": server.letters.last().token(), "password": PASSWORD });
    let accepted = post(&server, "/api/auth/invitations/accept", &body).await;
    accepted.assert_error(400, "invalid");
}

#[tokio::test]
async fn a_sign_up_goes_on_with_the_letter() {
    let server = Setup::loopback()
        .auth(AuthKind::Password)
        .sign_up(SignUpMode::Open)
        .start()
        .await;
    let body = json!({ "email": "sam@example.com", "password": PASSWORD, "name": "Sam" });

    let asked = post(&server, "/api/auth/credentials/sign-up", &body).await;

    assert_eq!(asked.code(), 202);
    assert_eq!(asked.json(), json!({ "confirmEmail": true }));
    assert!(asked.cookies().is_empty());
    sign_in(&server, "sam@example.com", PASSWORD)
        .await
        .assert_error(401, "unauthenticated");
    let token = json!({ "token": server.letters.last().token() });
    let confirmed = post(&server, "/api/auth/email/verify", &token).await;
    assert_eq!(confirmed.json(), json!({ "success": true }));
    assert_eq!(
        sign_in(&server, "sam@example.com", PASSWORD).await.code(),
        200
    );
}

#[tokio::test]
async fn a_new_password_ends_all_sessions_but_begins_one() {
    let (server, owner) = with_owner().await;
    let elsewhere = sign_in(&server, "olga@example.com", PASSWORD)
        .await
        .cookies();
    let wrong = json!({ "currentPassword": OTHER, "newPassword": OTHER });
    let wrong = server
        .post("/api/auth/password")
        .cookie(&owner)
        .json(&wrong)
        .send()
        .await;
    assert_eq!(wrong.json()["issues"][0]["field"], "currentPassword");

    let body = json!({ "currentPassword": PASSWORD, "newPassword": OTHER });
    let changed = server
        .post("/api/auth/password")
        .cookie(&owner)
        .json(&body)
        .send()
        .await;

    assert_eq!(changed.code(), 200, "{}", changed.text());
    for ended in [&owner, &elsewhere] {
        assert_eq!(me(&server, ended).await, Value::Null);
    }
    assert_eq!(
        me(&server, &changed.cookies()).await["email"],
        "olga@example.com"
    );
    sign_in(&server, "olga@example.com", PASSWORD)
        .await
        .assert_error(401, "unauthenticated");
    assert_eq!(
        sign_in(&server, "olga@example.com", OTHER).await.code(),
        200
    );
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_link() {
    let (server, owner) = with_owner().await;
    let ask = |email: &'static str| {
        let server = &server;
        async move {
            let body = json!({ "email": email });
            post(server, "/api/auth/password/forgot", &body).await
        }
    };

    let (known, unknown) = (
        ask("olga@example.com").await,
        ask("nobody@example.com").await,
    );
    assert_eq!(
        (known.code(), known.text()),
        (unknown.code(), unknown.text())
    );
    assert_eq!(server.letters.all().len(), 1);
    let body = json!({ "token": server.letters.last().token(), "password": OTHER });
    let reset = post(&server, "/api/auth/password/reset", &body).await;

    assert_eq!(reset.json(), json!({ "success": true }));
    assert!(reset.cookies().is_empty());
    assert_eq!(me(&server, &owner).await, Value::Null);
    assert_eq!(
        sign_in(&server, "olga@example.com", OTHER).await.code(),
        200
    );
    let twice = post(&server, "/api/auth/password/reset", &body).await;
    twice.assert_error(400, "invalid");
}

#[tokio::test]
async fn a_second_factor_is_set_up_asked_for_and_turned_off() {
    let (server, owner) = with_owner().await;
    let begun = server.post("/api/auth/totp").cookie(&owner).send().await;
    let secret = begun.json()["secret"].as_str().unwrap().to_owned();
    let code = || totp_for_tests(&secret, server.clock.now()).unwrap();
    let body = json!({ "code": code() });
    let confirmed = server
        .post("/api/auth/totp/confirm")
        .cookie(&owner)
        .json(&body)
        .send()
        .await;
    assert_eq!(confirmed.code(), 200, "{}", confirmed.text());
    let recovery = confirmed.json()["recoveryCodes"][0]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(me(&server, &owner).await, Value::Null, "the id is another");
    let owner = confirmed.cookies();
    let account = server.get("/api/auth/account").cookie(&owner).send().await;
    assert_eq!(
        account.json(),
        json!({
            "hasPassword": true,
            "hasSecondFactor": true,
            "isEmailVerified": true,
            "recoveryCodes": 10,
        })
    );

    server.clock.advance(SignedDuration::from_secs(60));
    let half = sign_in(&server, "olga@example.com", PASSWORD).await;
    assert_eq!(half.code(), 202);
    assert!(half.cookies().is_empty());
    let token = half.json()["secondFactor"]["token"].clone();
    let show = |code: String| {
        let (server, token) = (&server, &token);
        async move {
            let body = json!({ "token": token, "code": code });
            post(server, "/api/auth/credentials/second-factor", &body).await
        }
    };
    show("000000".to_owned())
        .await
        .assert_error(401, "unauthenticated");
    let whole = show(code()).await;
    assert_eq!(whole.code(), 200, "{}", whole.text());
    show(code()).await.assert_error(401, "unauthenticated");

    let off = json!({ "password": PASSWORD, "code": recovery });
    let off = server
        .post("/api/auth/totp/disable")
        .cookie(whole.cookies())
        .json(&off)
        .send()
        .await;
    assert_eq!(off.code(), 200, "{}", off.text());
    assert_eq!(
        sign_in(&server, "olga@example.com", PASSWORD).await.code(),
        200
    );
}

#[tokio::test]
async fn a_factor_that_everybody_needs_is_set_up_while_signing_in() {
    let server = Setup::loopback()
        .auth(AuthKind::Password)
        .second_factor(SecondFactorDemand::Required)
        .start()
        .await;
    set_up(&server).await;
    let half = sign_in(&server, "olga@example.com", PASSWORD).await;
    let factor = half.json()["secondFactor"].clone();
    assert_eq!(factor["methods"], json!(["enrol"]));

    let body = json!({ "token": factor["token"] });
    let begun = post(&server, "/api/auth/credentials/second-factor/enrol", &body).await;
    let secret = begun.json()["secret"].as_str().unwrap().to_owned();
    let code = totp_for_tests(&secret, server.clock.now()).unwrap();
    let body = json!({ "token": factor["token"], "code": code });
    let whole = post(&server, "/api/auth/credentials/second-factor", &body).await;

    assert_eq!(whole.code(), 200, "{}", whole.text());
    assert_eq!(
        me(&server, &whole.cookies()).await["email"],
        "olga@example.com"
    );
}
