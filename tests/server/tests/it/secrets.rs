//! No secret that was used shows up where it does not belong (S13, S14, V21, V37).

use std::collections::HashSet;

use ee::server::Op;
use http::Method;
use serde_json::json;
use server_tests::{Answer, Call, FakeIdp, LogCapture, SessionKind, Setup, TestServer, Who};

/// What must not be seen, and what was seen.
#[derive(Default)]
struct Watch {
    secrets: HashSet<String>,
    seen: Vec<String>,
}

impl Watch {
    /// Keeps the answer but for the `Set-Cookie` that hands a secret out; what it hands out is a secret from now on.
    fn note(&mut self, answer: &Answer) {
        for cookie in answer.set_cookies() {
            let value = cookie.split(';').next().unwrap().split_once('=').unwrap().1;
            if !value.is_empty() {
                self.secrets.insert(value.to_owned());
            }
        }
        let mut headers = answer.headers.clone();
        headers.remove("set-cookie");
        self.seen
            .push(format!("{} {headers:?}\n{}", answer.status, answer.text()));
    }

    fn check(&self, server: &TestServer, logs: &LogCapture) {
        let events = server.audit.take();
        assert!(events.len() > 50, "{}", events.len());
        let events = events
            .iter()
            .map(|event| format!("{event:?} {}", serde_json::to_string(event).unwrap()));
        let texts: Vec<String> = events
            .chain(self.seen.iter().cloned())
            .chain([logs.text()])
            .collect();
        assert!(self.secrets.len() > 10, "{}", self.secrets.len());
        for secret in &self.secrets {
            for text in &texts {
                assert!(!text.contains(secret.as_str()), "`{secret}` in {text}");
            }
        }
    }
}

#[tokio::test]
async fn s14_no_secret_reaches_the_record_the_log_or_an_answer() {
    for kind in [SessionKind::Store, SessionKind::Cookie] {
        let logs = LogCapture::start();
        let server = Setup::loopback().sessions(kind).sso().start().await;
        let mut watch = Watch::default();
        watch.secrets.extend(
            Who::ALL
                .into_iter()
                .filter_map(|who| who.token().map(str::to_owned)),
        );
        let wrong = "wrong-secret-5a6978-not-a-token";
        watch.secrets.insert(wrong.to_owned());

        for who in [Who::Owner, Who::Viewer, Who::Nobody] {
            let answer = server.try_sign_in(who).await;
            watch.note(&answer);
            let session = answer.cookie_pair("ee_session").unwrap();
            for op in Op::ALL.iter().copied() {
                let call = Call::prepare(&server, op, who).await;
                watch.note(&call.ask(&server).by(who).send().await);
                let call = Call::prepare(&server, op, who).await;
                if !matches!(op, Op::Logout | Op::Refresh | Op::Login | Op::SignIn) {
                    watch.note(&call.ask(&server).cookie(&session).send().await);
                }
                watch.note(
                    &call
                        .ask(&server)
                        .header("authorization", format!("Bearer {wrong}"))
                        .send()
                        .await,
                );
                watch.note(
                    &call
                        .ask(&server)
                        .cookie(format!("ee_session={wrong}"))
                        .send()
                        .await,
                );
            }
            watch.note(
                &server
                    .post("/api/auth/refresh")
                    .cookie(&session)
                    .send()
                    .await,
            );
            watch.note(
                &server
                    .post("/api/auth/logout")
                    .cookie(&session)
                    .send()
                    .await,
            );
        }
        wrong_sign_ins(&server, &mut watch, wrong).await;
        single_sign_on(&server, &mut watch).await;

        watch.check(&server, &logs);
        assert!(!logs.text().is_empty(), "the capture listens");
    }
}

async fn wrong_sign_ins(server: &TestServer, watch: &mut Watch, wrong: &str) {
    for body in [
        json!({ "email": "a@b.c", "password": wrong }),
        json!({ "email": wrong, "password": wrong }),
        json!({ "email": Who::Owner.token(), "password": "x" }),
        json!({ "email": "a@b.c", "password": wrong, "surprise": 1 }),
        json!({ "email": "a@b.c", "password": { "x": wrong } }),
        json!({ "email": "a@b.c" , "password": wrong.repeat(100) }),
    ] {
        for path in [
            "/api/auth/login",
            "/api/auth/credentials/sign-in",
            "/api/auth/signup",
        ] {
            watch.note(&server.post(path).json(&body).send().await);
        }
    }
    for name in ["apiKey", "token"] {
        watch.note(
            &server
                .get(format!("/api/agents?{name}={wrong}"))
                .send()
                .await,
        );
        watch.note(
            &server
                .ask(Method::POST, format!("/api/nothing?{name}={wrong}"))
                .send()
                .await,
        );
    }
    watch.note(
        &server
            .get("/api/agents")
            .header("x-playground-access", wrong)
            .send()
            .await,
    );
    watch.note(
        &server
            .get("/api/agents")
            .cookie(format!("mastra-token={wrong}"))
            .send()
            .await,
    );
    watch.note(
        &server
            .get("/api/agents")
            .header("referer", format!("http://x/?token={wrong}"))
            .send()
            .await,
    );
}

async fn single_sign_on(server: &TestServer, watch: &mut Watch) {
    for is_good in [true, false] {
        let started = server.get("/api/auth/sso/login").send().await;
        let url = started.json()["url"].as_str().unwrap().to_owned();
        let (code, state) = (server.idp.agree(&url), FakeIdp::state(&url));
        let cookie = started.cookie_pair("ee_flow_").unwrap();
        // The address holds state, nonce and challenge, which the browser has to carry; the secret of the flow it must not.
        let secret = cookie.split_once('=').unwrap().1;
        assert!(!started.text().contains(secret));
        watch.secrets.insert(secret.to_owned());
        let ask = server.get(format!("/api/auth/sso/callback?code={code}&state={state}"));
        let back = if is_good {
            ask.cookie(&cookie).send().await
        } else {
            ask.send().await
        };
        watch.secrets.extend([code, state]);
        watch.note(&back);
    }
}

#[tokio::test]
async fn v37_line_breaks_and_long_values_forge_no_line_of_the_log() {
    let logs = LogCapture::start();
    let server = TestServer::start().await;

    for agent in ["a\u{e9}b", "x ERROR forged", &"y".repeat(30_000)] {
        let _ = server
            .get("/api/agents")
            .header("user-agent", agent)
            .send()
            .await;
    }
    for path in [
        "/api/x%0aERROR%20forged",
        "/api/x%0d%0aERROR",
        "/api/%1b%5b31m",
    ] {
        let _ = server.get(path).send().await;
    }
    let body = json!({ "email": "a\nERROR forged@b.c", "password": "x" });
    let _ = server.post("/api/auth/login").json(&body).send().await;

    let text = logs.text();
    assert!(
        !text.contains("forged") && !text.contains('\u{1b}'),
        "{text}"
    );
}

#[tokio::test]
async fn debug_output_of_the_whole_server_holds_no_token() {
    let server = Setup::loopback().sso().start().await;
    let session = server.sign_in(Who::Owner).await;

    let printed = format!("{server:?}");

    let secret = session.split_once('=').unwrap().1;
    assert!(!printed.contains(secret));
    for who in Who::ALL {
        assert!(
            who.token().is_none_or(|token| !printed.contains(token)),
            "{who:?}"
        );
    }
}
