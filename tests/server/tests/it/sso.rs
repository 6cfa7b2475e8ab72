//! Single sign-on: the good way, and everything that must not work (V17 to V20, V31).

use std::sync::Arc;

use ee::AuditOutcome;
use http::Method;
use server_tests::{Answer, FakeIdp, Setup, TestServer, Who, percent_encode};

/// A sign-in that is under way in a browser.
struct Flow {
    code: String,
    cookie: String,
    state: String,
}

async fn begin(server: &TestServer, target: &str) -> Flow {
    let answer = server
        .get(format!("/api/auth/sso/login?redirect_uri={target}"))
        .send()
        .await;
    assert_eq!(answer.code(), 200, "{}", answer.text());
    let url = answer.json()["url"].as_str().unwrap().to_owned();
    Flow {
        code: server.idp.agree(&url),
        cookie: answer.cookie_pair("ee_flow_").unwrap(),
        state: FakeIdp::state(&url),
    }
}

async fn come_back(server: &TestServer, query: &str, cookie: &str) -> Answer {
    let ask = server.get(format!("/api/auth/sso/callback?{query}"));
    if cookie.is_empty() {
        ask.send().await
    } else {
        ask.cookie(cookie).send().await
    }
}

fn assert_refused(answer: &Answer, what: &str) {
    assert_eq!(answer.code(), 302, "{what}: {}", answer.text());
    let location = answer.location();
    assert_eq!(
        location, "/studio/login?error=The+sign-in+did+not+finish.+Try+again.",
        "{what}"
    );
    assert!(answer.cookie_pair("ee_session").is_none(), "{what}");
}

#[tokio::test]
async fn p3_sso_login_redirects_and_callback_returns() {
    for setup in [Setup::loopback().sso(), Setup::https().sso()] {
        let server = setup.start().await;
        let flow = begin(&server, "/studio/agents?q=1").await;

        let query = format!("code={}&state={}", flow.code, flow.state);
        let back = come_back(&server, &query, &flow.cookie).await;

        assert_eq!(back.code(), 302, "{}", back.text());
        assert_eq!(back.location(), "/studio/agents?q=1");
        let session = back.cookie_pair("ee_session").unwrap();
        let name = flow.cookie.split_once('=').unwrap().0;
        let cleared = format!("{name}=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
        assert!(
            back.set_cookies()
                .iter()
                .any(|cookie| cookie.starts_with(&cleared))
        );
        let me = server.get("/api/auth/me").cookie(&session).send().await;
        assert_eq!(me.json()["id"], "member");
        let events = server.audit.take();
        let last = events.last().unwrap();
        assert_eq!(
            (last.action.as_str(), last.outcome),
            ("auth.login.sso", AuditOutcome::Success)
        );
        assert_eq!(last.actor.id, "member");
    }
}

#[tokio::test]
async fn p3_sso_login_answers_a_program_with_json_and_a_browser_with_a_redirect() {
    let server = Setup::loopback().sso().start().await;

    let program = server.get("/api/auth/sso/login").send().await;
    assert!(
        program.json()["url"]
            .as_str()
            .unwrap()
            .starts_with("https://idp.example/authorize?")
    );

    let browser = server
        .get("/api/auth/sso/login")
        .header("sec-fetch-mode", "navigate")
        .send()
        .await;
    assert_eq!(browser.code(), 302);
    assert!(
        browser
            .location()
            .starts_with("https://idp.example/authorize?")
    );
    assert!(browser.cookie_pair("ee_flow_").is_some());
}

#[tokio::test]
async fn without_single_sign_on_its_routes_are_404() {
    let server = TestServer::start().await;

    for path in [
        "/api/auth/sso/login",
        "/api/auth/sso/callback?code=a&state=b",
    ] {
        let answer = server.get(path).send().await;
        answer.assert_error(404, "not_found");
        assert_eq!(answer.json()["error"], "SSO not configured");
    }
}

#[tokio::test]
async fn the_flow_cookie_is_short_lived_and_the_address_holds_no_secret_of_the_browser() {
    let server = Setup::https().sso().start().await;

    let answer = server.get("/api/auth/sso/login").send().await;

    let set = answer.set_cookies()[0].to_owned();
    assert!(set.starts_with("__Host-ee_flow_"), "{set}");
    assert!(
        set.ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=600; Secure"),
        "{set}"
    );
    let secret = answer
        .cookie_pair("ee_flow_")
        .unwrap()
        .split_once('=')
        .unwrap()
        .1
        .to_owned();
    assert_eq!(secret.len(), 43);
    assert!(!answer.text().contains(&secret));
    let state = FakeIdp::state(answer.json()["url"].as_str().unwrap());
    assert!(state.len() >= 43 && !set.contains(&state));
}

#[tokio::test]
async fn v18_a_state_that_is_missing_wrong_replayed_or_of_another_browser_is_refused() {
    let server = Setup::loopback().sso().start().await;
    let other = begin(&server, "/").await;

    let flow = begin(&server, "/").await;
    let code = &flow.code;
    let wrong = [
        ("no state", format!("code={code}"), flow.cookie.clone()),
        (
            "empty state",
            format!("code={code}&state="),
            flow.cookie.clone(),
        ),
        (
            "made-up state",
            format!("code={code}&state=abc"),
            flow.cookie.clone(),
        ),
        (
            "another flow's state",
            format!("code={code}&state={}", other.state),
            flow.cookie.clone(),
        ),
        (
            "no cookie",
            format!("code={code}&state={}", flow.state),
            String::new(),
        ),
        (
            "another browser's cookie",
            format!("code={code}&state={}", flow.state),
            other.cookie.clone(),
        ),
        (
            "a state with a target",
            format!("code={code}&state={}|https://evil.example", flow.state),
            flow.cookie.clone(),
        ),
    ];
    for (what, query, cookie) in &wrong {
        assert_refused(&come_back(&server, query, cookie).await, what);
        let event = server.audit.take().pop().unwrap();
        assert_eq!(event.outcome, AuditOutcome::Failure, "{what}");
        assert_eq!(event.actor.id, "anonymous", "{what}");
    }

    let query = format!("code={code}&state={}", flow.state);
    assert_eq!(
        come_back(&server, &query, &flow.cookie).await.location(),
        "/"
    );
    assert_refused(&come_back(&server, &query, &flow.cookie).await, "replayed");
}

#[tokio::test]
async fn v17_a_state_with_the_cookie_name_of_the_flow_and_another_secret_is_refused() {
    let server = Setup::loopback().sso().start().await;
    let flow = begin(&server, "/").await;
    let name = flow.cookie.split_once('=').unwrap().0;

    let query = format!("code={}&state={}", flow.code, flow.state);
    let forged = come_back(&server, &query, &format!("{name}=AAAA")).await;
    assert_refused(&forged, "forged secret");

    let honest = come_back(&server, &query, &flow.cookie).await;
    assert_refused(&honest, "a flow that somebody else touched is over");
}

#[tokio::test]
async fn v18_a_sign_in_that_takes_ten_minutes_is_refused() {
    let server = Setup::loopback().sso().start().await;

    for (minutes, is_good) in [(9, true), (10, false), (60, false)] {
        let flow = begin(&server, "/studio").await;
        server
            .clock
            .advance(jiff::SignedDuration::from_mins(minutes));
        let query = format!("code={}&state={}", flow.code, flow.state);
        let back = come_back(&server, &query, &flow.cookie).await;
        if is_good {
            assert_eq!(back.location(), "/studio");
        } else {
            assert_refused(&back, "late");
        }
    }
}

#[tokio::test]
async fn v18_a_code_of_another_flow_fails_at_the_verifier() {
    let server = Setup::loopback().sso().start().await;
    let victim = begin(&server, "/").await;
    let attacker = begin(&server, "/").await;

    let query = format!("code={}&state={}", attacker.code, victim.state);
    assert_refused(
        &come_back(&server, &query, &victim.cookie).await,
        "injected code",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn v20_of_32_parallel_callbacks_with_one_state_exactly_one_gets_a_session() {
    let server = Arc::new(Setup::loopback().sso().start().await);

    for _ in 0..20 {
        let flow = Arc::new(begin(&server, "/").await);
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..32 {
            let (server, flow) = (Arc::clone(&server), Arc::clone(&flow));
            tasks.spawn(async move {
                let query = format!("code={}&state={}", flow.code, flow.state);
                come_back(&server, &query, &flow.cookie).await
            });
        }
        let answers = tasks.join_all().await;
        let sessions = answers
            .iter()
            .filter(|answer| answer.cookie_pair("ee_session").is_some());
        assert_eq!(sessions.count(), 1);
    }
}

#[tokio::test]
async fn v31_what_the_identity_provider_says_is_never_reflected() {
    let server = Setup::loopback().sso().start().await;

    for text in [
        "access_denied",
        "<script>alert(1)</script>",
        "%0d%0aset-cookie:x=y",
        "evil.example",
        "' OR 1=1",
    ] {
        let flow = begin(&server, "/").await;
        let encoded = percent_encode(text);
        for query in [
            format!("error={encoded}&state={}", flow.state),
            format!("error={encoded}&error_description={encoded}"),
            format!("error={encoded}&code={}&state={encoded}", flow.code),
        ] {
            let answer = come_back(&server, &query, &flow.cookie).await;
            assert_refused(&answer, text);
            for event in server.audit.take() {
                let event = serde_json::to_string(&event).unwrap();
                assert!(!event.contains(text), "{event}");
            }
        }
    }
}

#[tokio::test]
async fn each_way_to_fail_has_its_own_fixed_sentence() {
    let server = Setup::loopback().sso().start().await;

    for (code, sentence) in [
        ("not-admitted", "This+account+is+not+admitted+here."),
        (
            "idp-down",
            "The+identity+provider+does+not+answer.+Try+again+in+a+moment.",
        ),
        ("unknown", "The+sign-in+did+not+finish.+Try+again."),
    ] {
        let flow = begin(&server, "/").await;
        let query = format!("code={code}&state={}", flow.state);
        let answer = come_back(&server, &query, &flow.cookie).await;
        assert_eq!(answer.location(), format!("/studio/login?error={sentence}"));
        assert!(answer.cookie_pair("ee_session").is_none());
    }
    let bare = come_back(&server, "", "").await;
    bare.assert_error(400, "invalid");
    assert_eq!(bare.json()["issues"][0]["field"], "code");
}

#[tokio::test]
async fn v09_a_sign_in_by_sso_ends_the_session_that_was_there() {
    let server = Setup::loopback().sso().start().await;
    let planted = server.sign_in(Who::Viewer).await;
    let flow = begin(&server, "/").await;

    let query = format!("code={}&state={}", flow.code, flow.state);
    let back = come_back(&server, &query, &format!("{}; {planted}", flow.cookie)).await;

    assert_ne!(back.cookie_pair("ee_session").unwrap(), planted);
    assert_eq!(
        server
            .get("/api/agents")
            .cookie(&planted)
            .send()
            .await
            .code(),
        401
    );
}

#[tokio::test]
async fn the_callback_takes_no_post() {
    let server = Setup::loopback().sso().start().await;
    let flow = begin(&server, "/").await;

    let target = format!(
        "/api/auth/sso/callback?code={}&state={}",
        flow.code, flow.state
    );
    let posted = server
        .ask(Method::POST, target)
        .cookie(&flow.cookie)
        .send()
        .await;

    posted.assert_error(401, "unauthenticated");
    assert!(posted.set_cookies().is_empty());
}
