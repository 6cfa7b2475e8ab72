//! `X-EE-Preview-Role`: an owner sees the server as somebody else would, and never more.

use ee::{
    server::{Access, Op},
    storage::Effect,
};
use http::Method;
use serde_json::{Value, json};
use server_tests::{Answer, Call, Dice, SessionKind, Setup, TestServer, Who};

use crate::roles::cells;

const HEADER: &str = "x-ee-preview-role";

async fn get(server: &TestServer, session: &str, role: &str, path: &str) -> Answer {
    let ask = server.get(path).cookie(session).header(HEADER, role);
    ask.send().await
}

#[tokio::test]
async fn an_owner_who_previews_a_role_gets_what_somebody_with_it_gets() {
    for kind in [SessionKind::Store, SessionKind::Cookie] {
        let server = Setup::loopback().sessions(kind).start().await;
        for (op, who, status) in cells() {
            if matches!(who, Who::Anonymous | Who::Nobody) {
                continue;
            }
            // What a sign-in or a refresh has to do with is the person himself.
            let route = op.route();
            if route.access.is_public() {
                continue;
            }
            let session = server.sign_in(Who::Owner).await;
            let call = Call::prepare(&server, op, Who::Owner).await;
            let ask = call.ask(&server).cookie(&session).header(HEADER, who.id());
            let answer = ask.send().await;
            // One's own sessions and credentials are nobody's role.
            let status = match route.access {
                Access::Authenticated if status == 200 => 403,
                _ => status,
            };
            // Whoever may do everything previews what narrows nothing, and is narrowed down all the same.
            let is_narrower = who == Who::Owner && answer.code() == 403;
            assert!(
                answer.code() == status || is_narrower,
                "{kind:?} {op:?} {who:?}: {} {}",
                answer.code(),
                answer.text()
            );
        }
    }
}

#[tokio::test]
async fn what_is_shown_is_what_the_role_could_see() {
    let server = Setup::loopback().studio().start().await;
    server
        .role(
            "one",
            &["agents:read:writer", "stored-agents:read:writer"],
            &[],
        )
        .await;
    server
        .grant("role:one", "agents/reviewer", &["read"], Effect::Allow)
        .await;
    server.role("none-of-it", &["*:read"], &["one"]).await;
    server
        .grant("role:none-of-it", "agents/writer", &["*"], Effect::Deny)
        .await;
    let ada = server.account("ada", &["one"]).await;
    let eve = server.account("eve", &["none-of-it"]).await;
    let owner = server.sign_in(Who::Owner).await;

    for (user, role) in [(ada, "one"), (eve, "none-of-it")] {
        let real = server.session_of(&user).await;
        for path in ["/api/agents", "/api/stored/agents", "/api/workflows"] {
            let theirs = server.get(path).cookie(&real).send().await;
            let shown = get(&server, &owner, role, path).await;
            assert_eq!(shown.code(), theirs.code(), "{role} {path}");
            assert_eq!(
                shown.json_without_id(),
                theirs.json_without_id(),
                "{role} {path}"
            );
        }
        for agent in ["writer", "reviewer", "researcher"] {
            let path = format!("/studio/agents/{agent}");
            let theirs = server.get(&path).cookie(&real).send().await.code();
            assert_eq!(
                get(&server, &owner, role, &path).await.code(),
                theirs,
                "{role} {path}"
            );
        }
        let theirs = server.get("/api/auth/me").cookie(&real).send().await.json();
        let shown = get(&server, &owner, role, "/api/auth/me").await.json();
        assert_eq!(shown["id"], "owner");
        assert_eq!(shown["roles"], theirs["roles"]);
        assert_eq!(shown["permissions"], theirs["permissions"]);
        let path = "/api/auth/capabilities";
        let theirs = server.get(path).cookie(&real).send().await.json();
        let shown = get(&server, &owner, role, path).await.json();
        assert_eq!(shown["access"], theirs["access"]);
        assert_eq!(shown["availableRoles"], Value::Null);
    }
    let page = get(&server, &owner, "one", "/studio/agents").await.text();
    assert!(page.contains("Writer") && !page.contains("Researcher"));
    let whole = server
        .get("/api/auth/capabilities")
        .cookie(&owner)
        .send()
        .await
        .json();
    assert_eq!(whole["access"]["permissions"], json!(["*"]));
    assert!(whole["availableRoles"].is_array());
}

#[tokio::test]
async fn only_a_session_of_whoever_may_do_everything_previews() {
    let server = TestServer::start().await;
    for who in [
        Who::Admin,
        Who::Developer,
        Who::Member,
        Who::Viewer,
        Who::Writer,
        Who::Nobody,
    ] {
        let session = server.sign_in(who).await;
        for (role, path) in [
            ("viewer", "/api/agents"),
            ("owner", "/api/agents"),
            // Whether there is such a role is not for them either.
            ("unknown", "/api/agents"),
            ("owner", "/api/auth/me"),
            ("owner", "/api/auth/capabilities"),
        ] {
            let answer = get(&server, &session, role, path).await;
            answer.assert_error(403, "forbidden");
            let message = answer.json()["message"].as_str().unwrap().to_owned();
            assert_eq!(
                message,
                "`x-ee-preview-role` is for those who may do everything"
            );
        }
    }
    let body = json!({ "name": "All", "scopes": ["*"] });
    let made = server
        .post("/api/access/keys")
        .by(Who::Owner)
        .json(&body)
        .send()
        .await;
    let key = made.json()["secret"].as_str().unwrap().to_owned();
    for token in [&*key, Who::Owner.token().unwrap()] {
        let ask = server
            .get("/api/agents")
            .bearer(token)
            .header(HEADER, "viewer");
        ask.send().await.assert_error(403, "forbidden");
    }
    for path in ["/api/auth/me", "/api/auth/capabilities"] {
        let with = server.get(path).header(HEADER, "unknown").send().await;
        let without = server.get(path).send().await;
        assert_eq!((with.code(), with.json()), (without.code(), without.json()));
    }
    let anonymous = server
        .get("/api/agents")
        .header(HEADER, "owner")
        .send()
        .await;
    anonymous.assert_error(401, "unauthenticated");
}

#[tokio::test]
async fn what_names_no_role_is_400() {
    let server = TestServer::start().await;
    let session = server.sign_in(Who::Owner).await;

    for value in [
        &b"unknown"[..],
        b"",
        b"viewer, admin",
        b"VIEWER",
        b"\xe9",
        b"*",
        b"viewer\t",
    ] {
        let ask = server
            .get("/api/agents")
            .cookie(&session)
            .header(HEADER, value);
        let answer = ask.send().await;
        if value.ends_with(b"\t") && answer.code() == 200 {
            continue;
        }
        answer.assert_error(400, "invalid");
        assert!(
            answer.text().contains("x-ee-preview-role"),
            "{}",
            answer.text()
        );
    }
    let twice = server.get("/api/agents").cookie(&session);
    let twice = twice.header(HEADER, "viewer").header(HEADER, "viewer");
    let answer = twice.send().await;
    answer.assert_error(400, "invalid");
    assert!(
        answer.text().contains("x-ee-preview-role"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_preview_is_recorded_and_opens_nothing_for_other_sites() {
    let server = TestServer::start().await;
    let session = server.sign_in(Who::Owner).await;
    server.audit.take();

    let path = "/api/stored/agents/writer";
    let delete = server.ask(Method::DELETE, path).cookie(&session);
    delete
        .header(HEADER, "viewer")
        .send()
        .await
        .assert_error(403, "forbidden");

    let event = server.audit.take_one();
    assert_eq!(
        (event.actor.id.as_str(), event.action.as_str()),
        ("owner", "agents.delete")
    );
    assert_eq!(event.outcome, ee::AuditOutcome::Denied);
    assert_eq!(event.metadata["previewedRole"], "viewer");

    let call = Call::prepare(&server, Op::CreateThread, Who::Owner).await;
    let made = call
        .ask(&server)
        .cookie(&session)
        .header(HEADER, "developer");
    assert_eq!(made.send().await.code(), 200);
    assert_eq!(
        server.audit.take_one().metadata["previewedRole"],
        "developer"
    );

    let foreign = server.ask(Method::DELETE, path).header("cookie", &session);
    let foreign = foreign
        .header("sec-fetch-site", "cross-site")
        .header(HEADER, "owner");
    foreign.send().await.assert_error(403, "forbidden");
    let preflight = server
        .ask(Method::OPTIONS, path)
        .header("origin", "https://evil.example");
    let preflight = preflight.header("access-control-request-method", "DELETE");
    let preflight = preflight
        .header("access-control-request-headers", HEADER)
        .send()
        .await;
    assert_eq!(preflight.header("access-control-allow-headers"), "");
}

#[tokio::test]
async fn a_stream_of_a_preview_ends_when_the_role_loses_it() {
    let server = Setup::loopback().word_delay(100).start().await;
    server.role("asker", &["agents:execute"], &[]).await;
    let session = server.sign_in(Who::Owner).await;
    let ask = server.post("/api/agents/writer/stream").cookie(&session);
    let ask = ask
        .header(HEADER, "asker")
        .json(&json!({ "messages": "word ".repeat(100) }));
    let mut open = ask.open().await;
    open.until("text-delta").await;

    server.role("asker", &["agents:read"], &[]).await;

    let text = open.to_end_within(std::time::Duration::from_secs(1)).await;
    assert!(text.contains("Missing required permission"), "{text}");
}

#[tokio::test]
async fn no_random_role_shows_more_than_it_permits() {
    const PATTERNS: [&str; 12] = [
        "*",
        "*:*",
        "*:read",
        "agents:*",
        "agents:read",
        "agents:read:writer",
        "stored:*",
        "stored-agents:read",
        "workflows:execute",
        "access:read",
        "memory:*",
        "system:read",
    ];
    let server = TestServer::start().await;
    let session = server.sign_in(Who::Owner).await;
    let mut dice = Dice::new(7);
    for round in 0..40 {
        let patterns = dice.some(&PATTERNS, 4);
        let (role, user) = (format!("random-{round}"), format!("user-{round}"));
        server.role(&role, &patterns, &[]).await;
        let user = server.account(&user, &[&role]).await;
        let theirs = server.session_of(&user).await;
        for path in [
            "/api/agents",
            "/api/agents/writer",
            "/api/agents/reviewer",
            "/api/stored/agents",
            "/api/workflows",
            "/api/access/users",
            "/api/memory/threads",
            "/api/system/packages",
            "/api/auth/roles/viewer/permissions",
        ] {
            let real = server.get(path).cookie(&theirs).send().await.code();
            let shown = get(&server, &session, &role, path).await.code();
            // Whoever is narrowed down never counts as one who may do everything.
            let is_whole = patterns
                .iter()
                .any(|pattern| ["*", "*:*"].contains(pattern));
            let is_narrower = is_whole && shown == 403;
            assert!(
                shown == real || is_narrower,
                "{patterns:?} {path}: {shown} {real}"
            );
        }
    }
}
