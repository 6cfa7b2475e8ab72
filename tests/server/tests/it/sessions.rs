//! How sessions begin, change and end (V9, V10).

use std::sync::Arc;

use ee::server::Op;
use serde_json::json;
use server_tests::{Call, SessionKind, TestServer, Who};

use crate::cookies::{KINDS, assert_cleared, start};

#[tokio::test]
async fn v10_a_session_that_was_signed_out_is_refused_for_ever() {
    for kind in KINDS {
        let server = start(kind).await;
        let session = server.sign_in(Who::Owner).await;

        let out = server
            .post("/api/auth/logout")
            .cookie(&session)
            .send()
            .await;

        assert_eq!(out.code(), 200);
        assert!(out.clears_session());
        for _ in 0..3 {
            let replayed = server.get("/api/agents").cookie(&session).send().await;
            assert_eq!(replayed.code(), 401, "{kind:?}");
            assert_cleared(&replayed, "replayed");
        }
        let refresh = server
            .post("/api/auth/refresh")
            .cookie(&session)
            .send()
            .await;
        refresh.assert_error(401, "unauthenticated");
        assert_eq!(refresh.json()["error"], "Session expired");
        assert_eq!(
            server
                .get("/api/auth/me")
                .cookie(&session)
                .send()
                .await
                .text(),
            "null"
        );
    }
}

#[tokio::test]
async fn v10_a_refresh_ends_the_old_id() {
    for kind in KINDS {
        let server = start(kind).await;
        let session = server.sign_in(Who::Owner).await;

        let refreshed = server
            .post("/api/auth/refresh")
            .cookie(&session)
            .send()
            .await;
        assert_eq!(refreshed.json(), json!({ "success": true }));
        let next = refreshed.cookie_pair("ee_session").unwrap();

        assert_ne!(next, session, "{kind:?}");
        assert_eq!(
            server
                .get("/api/agents")
                .cookie(&session)
                .send()
                .await
                .code(),
            401,
            "{kind:?}"
        );
        assert_eq!(
            server.get("/api/agents").cookie(&next).send().await.code(),
            200,
            "{kind:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn v22_of_32_parallel_refreshes_exactly_one_succeeds_and_only_its_session_lives() {
    for kind in [SessionKind::Store, SessionKind::Cookie] {
        let server = Arc::new(start(kind).await);
        for _ in 0..20 {
            let session = server.sign_in(Who::Owner).await;
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..32 {
                let (server, session) = (Arc::clone(&server), session.clone());
                tasks.spawn(async move {
                    let ask = server.post("/api/auth/refresh").cookie(&session);
                    let answer = ask.send().await;
                    (answer.code() == 200).then(|| answer.cookie_pair("ee_session").unwrap())
                });
            }
            let fresh: Vec<String> = tasks.join_all().await.into_iter().flatten().collect();
            assert_eq!(fresh.len(), 1, "{kind:?}");
            let live = server.get("/api/agents").cookie(&fresh[0]).send().await;
            assert_eq!(live.code(), 200);
        }
    }
}

#[tokio::test]
async fn a_session_ends_when_it_was_not_used_and_at_its_absolute_end() {
    let server = start(SessionKind::Store).await;
    let session = server.sign_in(Who::Owner).await;
    let used = || server.get("/api/agents").cookie(&session).send();

    for _ in 0..20 {
        server.clock.advance(jiff::SignedDuration::from_mins(34));
        assert_eq!(used().await.code(), 200);
    }
    server.clock.advance(jiff::SignedDuration::from_mins(50));
    assert_eq!(used().await.code(), 401, "12 hours are over");

    let session = server.sign_in(Who::Owner).await;
    server.clock.advance(jiff::SignedDuration::from_mins(60));
    assert_eq!(
        server
            .get("/api/agents")
            .cookie(&session)
            .send()
            .await
            .code(),
        401
    );
    server.clock.advance(jiff::SignedDuration::from_mins(-60));
    assert_eq!(
        server
            .get("/api/agents")
            .cookie(&session)
            .send()
            .await
            .code(),
        401,
        "the clock was set back"
    );
}

#[tokio::test]
async fn v09_a_session_that_was_there_before_does_not_survive_the_sign_in() {
    for kind in KINDS {
        let server = start(kind).await;
        let planted = server.sign_in(Who::Viewer).await;
        let body = json!({ "email": "a@b.c", "password": Who::Owner.token() });

        let ask = server.post("/api/auth/login").cookie(&planted).json(&body);
        let fresh = ask.send().await.cookie_pair("ee_session").unwrap();

        assert_ne!(fresh, planted, "{kind:?}");
        assert_eq!(
            server
                .get("/api/agents")
                .cookie(&planted)
                .send()
                .await
                .code(),
            401,
            "{kind:?}"
        );
        let me = server.get("/api/auth/me").cookie(&fresh).send().await;
        assert_eq!(me.json()["id"], "owner", "{kind:?}");

        let chosen = "ee_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let ask = server.post("/api/auth/login").cookie(chosen).json(&body);
        assert_ne!(
            ask.send().await.cookie_pair("ee_session").unwrap(),
            chosen,
            "{kind:?}"
        );
        assert_eq!(
            server.get("/api/agents").cookie(chosen).send().await.code(),
            401,
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn v09_each_sign_in_has_an_id_of_its_own() {
    for kind in KINDS {
        let server = start(kind).await;
        let mut seen = std::collections::HashSet::new();
        for _ in 0..200 {
            assert!(seen.insert(server.sign_in(Who::Owner).await), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn the_raw_token_is_accepted_in_the_old_cookie_and_never_set() {
    let server = TestServer::start().await;
    let cookie = format!("mastra-token={}", Who::Viewer.token().unwrap());

    assert_eq!(
        server
            .get("/api/agents")
            .cookie(&cookie)
            .send()
            .await
            .code(),
        200
    );
    let answer = server.try_sign_in(Who::Viewer).await;
    for set in answer.set_cookies() {
        assert!(!set.contains(Who::Viewer.token().unwrap()), "{set}");
    }
    let stale = server
        .get("/api/agents")
        .cookie("mastra-token=constructor")
        .send()
        .await;
    assert_eq!(stale.code(), 401);
}

#[tokio::test]
async fn a_session_opens_exactly_what_its_user_may() {
    for kind in KINDS {
        let server = start(kind).await;
        for who in [Who::Viewer, Who::Member, Who::Writer] {
            let session = server.sign_in(who).await;
            for op in [
                Op::ListAgents,
                Op::GenerateAgent,
                Op::DeleteStoredAgent,
                Op::CreateThread,
            ] {
                let call = Call::prepare(&server, op, who).await;
                let by_cookie = call.ask(&server).cookie(&session).send().await.code();
                let call = Call::prepare(&server, op, who).await;
                let by_token = call.ask(&server).by(who).send().await.code();
                assert_eq!(by_cookie, by_token, "{kind:?} {who:?} {op:?}");
            }
        }
    }
}
