//! What somebody might try with accounts.

use ee::server::Op;
use jiff::SignedDuration;
use serde_json::{Value, json};
use server_tests::{Call, TestServer, Who, needs_accounts};

use crate::accounts::{OTHER, PASSWORD, join, post, sign_in, with_owner};

async fn invite(server: &TestServer, cookies: &str, roles: &[&str]) -> u16 {
    let body = json!({ "email": "new@example.com", "roles": roles });
    let ask = server.post("/api/access/invitations").cookie(cookies);
    ask.json(&body).send().await.code()
}

async fn id_of(server: &TestServer, cookies: &str) -> String {
    let me = server.get("/api/auth/me").cookie(cookies).send().await;
    me.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn nobody_invites_to_more_than_he_holds() {
    let (server, owner) = with_owner().await;
    let admin = join(&server, &owner, "adam@example.com", "admin").await;
    let viewer = join(&server, &owner, "vera@example.com", "viewer").await;

    assert_eq!(invite(&server, &admin, &["owner"]).await, 403);
    assert_eq!(invite(&server, &viewer, &["viewer"]).await, 403);
    assert_eq!(invite(&server, &owner, &["no-such-role"]).await, 400);
    assert_eq!(invite(&server, &admin, &["member"]).await, 200);
}

#[tokio::test]
async fn an_invitation_is_worth_no_more_than_whoever_sent_it() {
    for change in ["disabled", "demoted", "deleted"] {
        let (server, owner) = with_owner().await;
        let admin = join(&server, &owner, "adam@example.com", "admin").await;
        let id = id_of(&server, &admin).await;
        assert_eq!(invite(&server, &admin, &["admin"]).await, 200);
        let token = server.letters.last().token();

        let user = format!("/api/access/users/{id}");
        let ask = match change {
            "disabled" => server.patch(&user).json(&json!({ "status": "disabled" })),
            "deleted" => server.delete(&user),
            _ => server.delete(format!("/api/access/assignments?userId={id}&role=admin")),
        };
        let version = server.get(&user).cookie(&owner).send().await.json()["version"].clone();
        let done = ask
            .if_match(version.as_u64().unwrap())
            .cookie(&owner)
            .send()
            .await;
        assert_eq!(done.code(), 200, "{change}: {}", done.text());

        for (path, body) in [
            ("find", json!({ "token": token })),
            ("accept", json!({ "token": token, "password": PASSWORD })),
        ] {
            let path = format!("/api/auth/invitations/{path}");
            let refused = post(&server, &path, &body).await;
            refused.assert_error(400, "invalid");
        }
        sign_in(&server, "new@example.com", PASSWORD)
            .await
            .assert_error(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_dangerous_act_wants_a_fresh_sign_in() {
    let (server, owner) = with_owner().await;
    let write = |cookies: String| {
        let server = &server;
        async move {
            let body = json!({ "name": "Some people" });
            let ask = server.post("/api/access/groups").cookie(cookies);
            ask.json(&body).send().await
        }
    };
    server.clock.advance(SignedDuration::from_mins(10));
    assert_eq!(write(owner.clone()).await.code(), 200);
    server.clock.advance(SignedDuration::from_secs(1));

    let refused = write(owner.clone()).await;

    refused.assert_error(401, "insufficient_user_authentication");
    let challenge = refused.headers["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("insufficient_user_authentication"));
    assert!(!refused.clears_session(), "it is only not fresh");
    // A refresh is no sign-in.
    let refreshed = server.post("/api/auth/refresh").cookie(&owner).send().await;
    write(refreshed.cookies())
        .await
        .assert_error(401, "insufficient_user_authentication");
    let list = server.get("/api/access/groups");
    let list = list.cookie(refreshed.cookies()).send().await;
    assert_eq!(list.code(), 200, "looking is no dangerous act");

    let again = sign_in(&server, "olga@example.com", PASSWORD).await;
    assert_eq!(write(again.cookies()).await.code(), 200);
}

#[tokio::test]
async fn who_may_not_act_is_not_asked_to_sign_in_again() {
    let (server, owner) = with_owner().await;
    let viewer = join(&server, &owner, "vera@example.com", "viewer").await;
    server.clock.advance(SignedDuration::from_mins(11));

    let body = json!({ "name": "Some people" });
    let ask = server.post("/api/access/groups").cookie(&viewer);
    ask.json(&body).send().await.assert_error(403, "forbidden");
}

#[tokio::test]
async fn a_key_changes_no_credentials() {
    let (server, owner) = with_owner().await;
    let id = id_of(&server, &owner).await;
    let body = json!({ "userId": id, "name": "All", "scopes": ["*"] });
    let key = server.post("/api/access/keys").cookie(&owner);
    let key = key.json(&body).send().await;
    let key = key.json()["secret"].as_str().unwrap().to_owned();

    let change = json!({ "currentPassword": PASSWORD, "newPassword": OTHER });
    let bodies: [(&str, Value); 4] = [
        ("/api/auth/password", change),
        ("/api/auth/totp/confirm", json!({ "code": "000000" })),
        (
            "/api/auth/totp/disable",
            json!({ "code": "000000", "password": PASSWORD }),
        ),
        ("/api/auth/recovery-codes", json!({ "password": PASSWORD })),
    ];
    for (path, body) in &bodies {
        let refused = server.post(*path).bearer(&key).json(body).send().await;
        refused.assert_error(403, "forbidden");
    }
    for path in ["/api/auth/totp", "/api/auth/email/send-verification"] {
        let refused = server.post(path).bearer(&key).send().await;
        refused.assert_error(403, "forbidden");
    }
    let refused = server.get("/api/auth/account").bearer(&key).send().await;
    refused.assert_error(403, "forbidden");
}

#[tokio::test]
async fn the_record_names_people_and_no_secrets() {
    let (server, owner) = with_owner().await;
    join(&server, &owner, "vera@example.com", "viewer").await;
    let tokens: Vec<String> = server
        .letters
        .all()
        .iter()
        .map(server_tests::Letter::token)
        .collect();
    sign_in(&server, "vera@example.com", OTHER).await;

    let events = server.audit.take();
    let record = format!("{events:?}");

    for action in ["auth.setup", "users.invite", "auth.invitation.accept"] {
        assert!(record.contains(action), "{action}");
    }
    for secret in tokens.iter().map(String::as_str).chain([PASSWORD, OTHER]) {
        assert!(!record.contains(secret));
    }
    let mut events = events.into_iter();
    let failed = events.rfind(|it| it.action.as_str() == "auth.login.credentials");
    assert_eq!(failed.unwrap().metadata["email"], "vera@example.com");
}

#[tokio::test]
async fn pages_of_others_reach_no_account() {
    let (server, owner) = with_owner().await;

    for op in Op::ALL.iter().copied().filter(|op| needs_accounts(*op)) {
        if !op.route().is_unsafe() {
            continue;
        }
        let call = Call::prepare(&server, op, Who::Owner).await;
        for said in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("origin", "https://evil.example")],
            &[],
        ] {
            let mut ask = call.ask(&server).header("cookie", &owner);
            for (name, value) in said {
                ask = ask.header(name, value);
            }
            ask.send().await.assert_error(403, "forbidden");
        }
    }
}

#[tokio::test]
async fn while_the_store_is_down_nothing_is_done_with_accounts() {
    let (server, owner) = with_owner().await;

    for op in Op::ALL.iter().copied().filter(|op| needs_accounts(*op)) {
        let call = Call::prepare(&server, op, Who::Owner).await;
        server.store.go_down();
        let answer = call.ask(&server).cookie(&owner).send().await;
        answer.assert_error(503, "unavailable");
        assert!(answer.set_cookies().is_empty(), "{op:?}");
        let answer = call.ask(&server).send().await;
        let is_public = op.route().access.is_public();
        let expected = if is_public { 503 } else { 401 };
        assert_eq!(answer.code(), expected, "{op:?}: {}", answer.text());
        server.store.come_back();
    }
}
