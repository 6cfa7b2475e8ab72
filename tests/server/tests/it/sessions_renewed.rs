//! The session of somebody whose roles change gets another id, and goes on.

use std::sync::Arc;

use ee::{
    TokenHash, UserId,
    storage::{Cursor, SessionRecord, SessionStore as _},
};
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use server_tests::{Answer, Setup, TestServer, Who};
use tokio::task::JoinSet;

use crate::{
    cookies::{KINDS, assert_cleared, start},
    streams_revoked::{OVER, SECOND, by_owner, chat, under_way},
};

pub(crate) const GRACE: SignedDuration = SignedDuration::from_secs(30);

pub(crate) async fn ask(server: &TestServer, path: &str, session: &str) -> Answer {
    server.get(path).cookie(session).send().await
}

/// Makes a request and returns the new session that its answer hands out.
pub(crate) async fn handed_out(server: &TestServer, session: &str) -> Option<String> {
    let answer = ask(server, "/api/agents", session).await;
    assert_eq!(answer.code(), 200, "{}", answer.text());
    answer.cookie_pair("ee_session")
}

/// Gives the member one more role.
pub(crate) async fn promote(server: &TestServer) {
    let body = json!({ "userId": "member", "role": "developer" });
    by_owner(server, Method::POST, "assignments", Some(body)).await;
}

/// Takes it away again.
async fn demote(server: &TestServer) {
    let path = "assignments?userId=member&role=developer";
    by_owner(server, Method::DELETE, path, None).await;
}

/// Signs a member in, changes his roles and returns his session before and after the next request.
pub(crate) async fn renewed(server: &TestServer) -> (String, String) {
    let old = server.sign_in(Who::Member).await;
    assert_eq!(handed_out(server, &old).await, None);
    promote(server).await;
    let new = handed_out(server, &old).await.unwrap();
    assert_ne!(new, old);
    (old, new)
}

async fn members(server: &TestServer) -> Vec<SessionRecord> {
    let member: UserId = "member".parse().unwrap();
    let all = server.store.list(Some(&member), &Cursor::first(99)).await;
    all.unwrap().rows
}

#[tokio::test]
async fn the_first_request_of_any_kind_after_a_change_gets_it_and_the_others_do_not() {
    let server = Setup::loopback().studio().start().await;
    let mut session = server.sign_in(Who::Member).await;
    // Let in and refused, for everybody and for few, the API and pages.
    let paths = [
        ("/api/agents", 200),
        ("/api/auth/me", 200),
        ("/api/auth/capabilities", 200),
        ("/api/auth/sessions", 200),
        ("/api/access/roles", 403),
        ("/api/agents/unknown", 404),
        ("/studio/agents", 200),
    ];
    for (round, (path, code)) in paths.into_iter().enumerate() {
        assert_eq!(ask(&server, path, &session).await.cookies(), "");

        if round % 2 == 0 {
            promote(&server).await;
        } else {
            demote(&server).await;
        }

        let answer = ask(&server, path, &session).await;
        assert_eq!(answer.code(), code, "{path}");
        assert_eq!(answer.set_cookies().len(), 1, "{path}");
        let cookie = answer.set_cookies()[0];
        assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
        let new = answer.cookie_pair("ee_session").unwrap();
        assert_ne!(new, session, "{path}");
        assert_eq!(ask(&server, path, &new).await.cookies(), "", "{path}");
        assert_eq!(ask(&server, path, &session).await.cookies(), "", "{path}");

        server.clock.advance(GRACE);
        if path != "/api/auth/capabilities" && path != "/api/auth/me" {
            let late = ask(&server, path, &session).await;
            assert!(matches!(late.code(), 303 | 401), "{path}: {}", late.code());
            assert_cleared(&late, path);
        }
        assert_eq!(ask(&server, path, &new).await.code(), code, "{path}");
        session = new;
    }
    assert_eq!(members(&server).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_parallel_requests_one_gets_it_and_all_are_answered() {
    let server = Arc::new(TestServer::start().await);
    for _ in 0..10 {
        let session = server.sign_in(Who::Member).await;
        promote(&server).await;

        let mut tasks = JoinSet::new();
        for _ in 0..64 {
            let (server, session) = (Arc::clone(&server), session.clone());
            tasks.spawn(async move { handed_out(&server, &session).await });
        }
        let new: Vec<String> = tasks.join_all().await.into_iter().flatten().collect();

        assert_eq!(new.len(), 1);
        assert_eq!(handed_out(&server, &new[0]).await, None);
        server.clock.advance(GRACE);
        assert_eq!(ask(&server, "/api/agents", &session).await.code(), 401);
        assert_eq!(handed_out(&server, &new[0]).await, None);
        demote(&server).await;
        let out = server.post("/api/auth/logout").cookie(&new[0]).send().await;
        assert_eq!(out.code(), 200);
    }
}

#[tokio::test]
async fn everything_else_of_the_session_stays_as_it_is() {
    let server = TestServer::start().await;
    let old = server.sign_in(Who::Member).await;
    let before = members(&server).await.remove(0);
    server.clock.advance(SignedDuration::from_secs(7));

    promote(&server).await;
    let new = handed_out(&server, &old).await.unwrap();

    let after = members(&server).await.remove(0);
    assert_eq!(after.previous.unwrap().hash, before.hash);
    let mut same = after.clone();
    (same.hash, same.previous, same.roles_mark) = (before.hash, before.previous, before.roles_mark);
    assert_eq!(same, before);
    // One session, whichever of its ids asks, and the name that it has now.
    for session in [&old, &new] {
        let list = ask(&server, "/api/auth/sessions", session).await.json();
        let items = list["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{list}");
        assert_eq!(items[0]["isCurrent"], true, "{list}");
        assert_eq!(items[0]["id"], after.hash.to_text(), "{list}");
    }
    // It ends when it would have ended, however often it is renewed.
    for _ in 0..12 * 2 - 1 {
        server.clock.advance(SignedDuration::from_mins(30));
        ask(&server, "/api/agents", &new).await;
    }
    demote(&server).await;
    let newest = handed_out(&server, &new).await.unwrap();
    server.clock.advance(SignedDuration::from_mins(30));
    assert_eq!(ask(&server, "/api/agents", &newest).await.code(), 401);
}

#[tokio::test]
async fn the_record_says_that_it_was_renewed_and_why() {
    let server = TestServer::start().await;
    let session = server.sign_in(Who::Member).await;
    promote(&server).await;
    server.audit.take();

    handed_out(&server, &session).await.unwrap();

    let event = server.audit.take_one();
    assert_eq!(event.action.as_str(), "auth.session.refresh");
    assert_eq!(event.actor.id, "member");
    assert_eq!(event.metadata["cause"], "roles");
    handed_out(&server, &session).await;
    assert!(server.audit.take().is_empty());
}

#[tokio::test]
async fn what_changes_no_roles_of_the_person_changes_no_id() {
    let server = TestServer::start().await;
    server.role("own", &["agents:read"], &[]).await;
    let user: UserId = "member".parse().unwrap();
    server.assign(&user, "own").await;
    let session = server.sign_in(Who::Member).await;
    let owner = server.sign_in(Who::Owner).await;

    // Another person, the role itself, a group, a grant, a preview.
    server.assign(&"viewer".parse().unwrap(), "own").await;
    server.role("own", &["agents:*"], &[]).await;
    server.group("friends", &["member"]).await;
    server
        .grant(
            "user:member",
            "agents/writer",
            &["read"],
            ee::storage::Effect::Allow,
        )
        .await;
    assert_eq!(handed_out(&server, &session).await, None);
    let preview = server.get("/api/agents").cookie(&owner);
    let preview = preview.header("x-ee-preview-role", "viewer").send().await;
    assert_eq!((preview.code(), preview.cookies()), (200, String::new()));
    // A token has no session that could be renewed, also beside a cookie of somebody else.
    promote(&server).await;
    let both = server.get("/api/agents").by(Who::Owner).cookie(&session);
    assert_eq!(both.send().await.cookies(), "");
    assert!(handed_out(&server, &session).await.is_some());
}

#[tokio::test]
async fn a_stream_of_before_goes_on_and_ends_with_the_session() {
    let server = Setup::loopback().word_delay(100).start().await;
    let old = server.sign_in(Who::Member).await;
    let mut open = under_way(chat(&server, "writer").cookie(&old)).await;

    for round in 0..2 {
        if round == 0 {
            promote(&server).await;
        } else {
            demote(&server).await;
        }
        let known = open.text().len();
        let session = members(&server).await.remove(0);
        assert_eq!(session.previous.is_some(), round > 0);
        if round == 0 {
            assert!(handed_out(&server, &old).await.is_some());
        }
        server.clock.advance(GRACE);
        // Something else that changes, so that everybody is judged again.
        server.account(&format!("other-{round}"), &["viewer"]).await;
        assert_eq!(ask(&server, "/api/agents", &old).await.code(), 401);
        assert!(open.is_open_after(SECOND).await, "{}", open.text());
        assert!(open.text().len() > known);
    }

    let name = members(&server).await.remove(0).hash.to_text();
    by_owner(&server, Method::DELETE, &format!("sessions/{name}"), None).await;
    let text = open.to_end_within(SECOND).await;
    assert!(text.contains(OVER), "{text}");
}

#[tokio::test]
async fn with_two_servers_it_is_one_session() {
    let one = TestServer::start().await;
    let other = Setup::beside(&one).start().await;
    let old = one.sign_in(Who::Member).await;
    for server in [&one, &other] {
        assert_eq!(handed_out(server, &old).await, None);
    }

    promote(&one).await;
    let new = handed_out(&other, &old).await.unwrap();

    for server in [&one, &other] {
        assert_eq!(handed_out(server, &old).await, None);
        assert_eq!(handed_out(server, &new).await, None);
    }
    one.clock.advance(GRACE);
    for server in [&one, &other] {
        assert_eq!(ask(server, "/api/agents", &old).await.code(), 401);
        assert_eq!(handed_out(server, &new).await, None);
    }

    demote(&other).await;
    let newest = handed_out(&one, &new).await.unwrap();
    assert_eq!(handed_out(&other, &newest).await, None);
    // Signed out at one by the id before: at both by both.
    let out = one.post("/api/auth/logout").cookie(&new).send().await;
    assert_eq!(out.code(), 200);
    for server in [&one, &other] {
        for session in [&old, &new, &newest] {
            assert_eq!(ask(server, "/api/agents", session).await.code(), 401);
        }
    }
}

#[tokio::test]
async fn new_roles_count_at_once_whatever_becomes_of_the_id() {
    for kind in KINDS {
        let server = start(kind).await;
        let session = server.sign_in(Who::Member).await;
        let create = |session: String| {
            let body = json!({ "name": "Made", "instructions": "Be brief." });
            let ask = server.post("/api/stored/agents").cookie(session);
            async move { ask.json(&body).send().await.code() }
        };
        assert_eq!(create(session.clone()).await, 403, "{kind:?}");

        promote(&server).await;

        assert_eq!(create(session.clone()).await, 200, "{kind:?}");
        demote(&server).await;
        assert_eq!(create(session.clone()).await, 403, "{kind:?}");
    }
}

/// What a thief may have read in a list of sessions.
pub(crate) fn name_of(session: &str) -> String {
    let secret = session.split_once('=').unwrap().1;
    TokenHash::of(secret).to_text()
}

pub(crate) fn items(answer: &Answer) -> Vec<Value> {
    answer.json()["items"].as_array().unwrap().clone()
}
