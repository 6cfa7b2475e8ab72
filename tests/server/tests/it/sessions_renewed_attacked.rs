//! Whoever holds the id that a session had before its renewal, and what must not bring one back.

use ee::storage::{AccountStore, Changed, SessionStore as _};
use http::Method;
use jiff::SignedDuration;
use serde_json::json;
use server_tests::{TestServer, Who};

use crate::{
    cookies::assert_cleared,
    sessions_renewed::{GRACE, ask, handed_out, items, name_of, promote, renewed},
    streams_revoked::by_owner,
};

async fn is_refused(server: &TestServer, session: &str) {
    let answer = ask(server, "/api/agents", session).await;
    answer.assert_error(401, "unauthenticated");
    assert_cleared(&answer, "refused");
    assert_eq!(ask(server, "/api/auth/me", session).await.text(), "null");
    let refresh = server.post("/api/auth/refresh").cookie(session);
    refresh.send().await.assert_error(401, "unauthenticated");
}

#[tokio::test]
async fn a_stolen_id_is_no_way_to_the_one_after_it() {
    let server = TestServer::start().await;
    let (stolen, new) = renewed(&server).await;
    let new_secret = new.split_once('=').unwrap().1;

    for _ in 0..2 {
        for path in [
            "/api/agents",
            "/api/auth/me",
            "/api/auth/sessions",
            "/api/auth/capabilities",
        ] {
            let answer = ask(&server, path, &stolen).await;
            assert_eq!(answer.cookies(), "", "{path}");
            assert!(!answer.text().contains(new_secret), "{path}");
        }
        let refresh = server.post("/api/auth/refresh").cookie(&stolen);
        let answer = refresh.send().await;
        assert_eq!((answer.code(), answer.cookies()), (200, String::new()));
        server.clock.advance(SignedDuration::from_secs(10));
    }
    // Roles that change once more make no difference to it, and neither does the time until it is good for nothing.
    server.assign(&"member".parse().unwrap(), "viewer").await;
    assert_eq!(handed_out(&server, &stolen).await, None);
    server.clock.advance(SignedDuration::from_micros(9_999_999));
    assert_eq!(handed_out(&server, &stolen).await, None);
    server.clock.advance(SignedDuration::from_micros(1));
    is_refused(&server, &stolen).await;
    // The one who has the new one gets the next.
    let newest = handed_out(&server, &new).await.unwrap();
    is_refused(&server, &stolen).await;
    server.clock.advance(GRACE);
    for old in [&stolen, &new] {
        is_refused(&server, old).await;
    }
    assert_eq!(handed_out(&server, &newest).await, None);
}

#[tokio::test]
async fn an_id_that_came_too_late_ends_nothing() {
    let server = TestServer::start().await;
    let (stolen, new) = renewed(&server).await;
    server.clock.advance(GRACE);

    let out = server.post("/api/auth/logout").cookie(&stolen).send().await;
    assert_eq!(out.code(), 200);
    let body = json!({ "email": Who::Viewer.email(), "password": Who::Viewer.token().unwrap() });
    let other = server.post("/api/auth/login").cookie(&stolen).json(&body);
    assert_eq!(other.send().await.code(), 200);
    for path in [
        "/api/auth/sessions".to_owned(),
        format!("/api/auth/sessions/{}", name_of(&new)),
    ] {
        let answer = server
            .ask(Method::DELETE, path)
            .cookie(&stolen)
            .send()
            .await;
        assert_eq!(answer.code(), 401);
    }
    is_refused(&server, &stolen).await;

    assert_eq!(handed_out(&server, &new).await, None);
}

#[tokio::test]
async fn whichever_id_ends_the_session_it_comes_back_by_none() {
    let server = TestServer::start().await;
    for round in 0..8 {
        let (old, new) = renewed(&server).await;
        let other = server.sign_in(Who::Member).await;
        // Both are remembered by the server.
        for session in [&old, &new] {
            assert_eq!(handed_out(&server, session).await, None);
        }

        match round {
            0 | 1 => {
                let by = if round == 0 { &old } else { &new };
                let out = server.post("/api/auth/logout").cookie(by).send().await;
                assert!(out.clears_session());
            }
            2 | 3 => {
                let name = name_of(if round == 2 { &old } else { &new });
                by_owner(&server, Method::DELETE, &format!("sessions/{name}"), None).await;
            }
            4 => {
                let others = server.delete("/api/auth/sessions").cookie(&other);
                assert_eq!(others.send().await.json()["ended"], 1);
            }
            5 => {
                let all = "sessions?userId=member";
                by_owner(&server, Method::DELETE, all, None).await;
            }
            6 => {
                let member = "member".parse().unwrap();
                server.store.trim(&member, 1).await.unwrap();
            }
            _ => {
                // A sign-in ends the one that the browser had.
                let who = Who::Member;
                let body = json!({ "email": who.email(), "password": who.token().unwrap() });
                let login = server.post("/api/auth/login").cookie(&old).json(&body);
                assert_eq!(login.send().await.code(), 200);
            }
        }

        for _ in 0..2 {
            for session in [&old, &new] {
                is_refused(&server, session).await;
            }
            server
                .assign(
                    &format!("somebody-{round}-{}", server.number())
                        .parse()
                        .unwrap(),
                    "viewer",
                )
                .await;
        }
        let all = "sessions?userId=member";
        by_owner(&server, Method::DELETE, all, None).await;
        let path = "assignments?userId=member&role=developer";
        by_owner(&server, Method::DELETE, path, None).await;
    }
}

#[tokio::test]
async fn ending_all_others_by_the_id_before_keeps_the_one_that_asks() {
    let server = TestServer::start().await;
    let (old, new) = renewed(&server).await;
    let other = server.sign_in(Who::Member).await;

    let ended = server
        .delete("/api/auth/sessions")
        .cookie(&old)
        .send()
        .await;

    assert_eq!(ended.json()["ended"], 1, "{}", ended.text());
    is_refused(&server, &other).await;
    assert_eq!(handed_out(&server, &new).await, None);
    let left = ask(&server, "/api/auth/sessions", &new).await;
    assert_eq!(items(&left).len(), 1);
}

#[tokio::test]
async fn a_session_that_is_over_is_not_renewed() {
    let server = TestServer::start().await;
    let session = server.sign_in(Who::Member).await;
    server.clock.advance(SignedDuration::from_hours(1));
    promote(&server).await;
    is_refused(&server, &session).await;
    let path = "assignments?userId=member&role=developer";
    by_owner(&server, Method::DELETE, path, None).await;

    let session = server.sign_in(Who::Member).await;
    promote(&server).await;
    let out = server
        .post("/api/auth/logout")
        .cookie(&session)
        .send()
        .await;
    assert!(out.clears_session());
    assert_eq!(out.set_cookies().len(), 1, "{:?}", out.set_cookies());
    is_refused(&server, &session).await;
    by_owner(&server, Method::DELETE, path, None).await;

    // Nor is one of somebody who may not come in any more.
    let ada = server.account("ada", &["member"]).await;
    let session = server.session_of(&ada).await;
    let account = AccountStore::find(&*server.store, &ada).await.unwrap();
    let mut account = account.unwrap();
    account.status = ee::storage::AccountStatus::Disabled;
    let changed = AccountStore::update(&*server.store, account).await;
    assert_eq!(changed.unwrap(), Changed::Done);
    server.assign(&ada, "viewer").await;
    let answer = ask(&server, "/api/agents", &session).await;
    assert_eq!(answer.code(), 401);
    assert_cleared(&answer, "disabled");
}

#[tokio::test]
async fn a_page_of_another_site_renews_nothing() {
    let server = TestServer::start().await;
    let session = server.sign_in(Who::Member).await;
    promote(&server).await;

    let forged = server.post("/api/stored/agents").cookie(&session);
    let forged = forged.replace("sec-fetch-site", "cross-site");
    let answer = forged.json(&json!({})).send().await;

    assert_eq!((answer.code(), answer.cookies()), (403, String::new()));
    assert!(handed_out(&server, &session).await.is_some());
}

#[tokio::test]
async fn a_refresh_takes_the_place_of_a_renewal() {
    let server = TestServer::start().await;
    let (old, new) = renewed(&server).await;

    let refresh = server.post("/api/auth/refresh").cookie(&new).send().await;

    let newest = refresh.cookie_pair("ee_session").unwrap();
    assert_eq!(refresh.set_cookies().len(), 1);
    for session in [&old, &new] {
        is_refused(&server, session).await;
    }
    assert_eq!(handed_out(&server, &newest).await, None);
}
