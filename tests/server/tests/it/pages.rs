//! What pages show, and where they send a browser.

use http::Method;
use server_tests::{SessionKind, Setup, Who, percent_encode};

use crate::{
    redirects::{assert_ours, hostile},
    studio::start,
};

#[tokio::test]
async fn v07_no_redirect_parameter_of_a_page_leaves_our_origin() {
    let server = start().await;

    for target in hostile() {
        // Each sign-in below ends the oldest of too many sessions.
        let session = server.sign_in(Who::Owner).await;
        let text = percent_encode(&target);
        let known = server
            .get(format!("/studio/login?redirect={text}"))
            .cookie(&session)
            .send()
            .await;
        assert_eq!(known.code(), 303, "{target:?}");
        assert_ours(&server, known.location(), &target);

        let form = format!(
            "email=a%40b.c&password={}&redirect={text}",
            Who::Owner.token().unwrap()
        );
        let signed_in = server
            .post("/studio/login")
            .body("application/x-www-form-urlencoded", form);
        let signed_in = signed_in.send().await;
        assert_eq!(signed_in.code(), 303, "{target:?}: {}", signed_in.text());
        assert_ours(&server, signed_in.location(), &target);

        let sso = server
            .get(format!("/studio/login/sso?redirect={text}"))
            .send()
            .await;
        assert!(
            sso.location().starts_with("https://idp.example/authorize?"),
            "{target:?}"
        );
        assert!(!sso.location().contains("evil"), "{target:?}");

        let page = server
            .get(format!("/studio/login?redirect={text}"))
            .send()
            .await;
        assert_eq!(page.code(), 200, "{target:?}");
        // Empty stands for the first page.
        if let Some(kept) = hidden_redirect(&page.text()).filter(|kept| !kept.is_empty()) {
            assert_ours(&server, &kept, &target);
        }
        let told = server
            .get(format!(
                "/studio/login?error={text}&error_description={text}"
            ))
            .send()
            .await;
        assert!(
            !told.text().contains("evil.example"),
            "{target:?}: {}",
            told.text()
        );
    }
}

/// Returns what the form will send as `redirect`.
fn hidden_redirect(html: &str) -> Option<String> {
    let (_, rest) = html.split_once("name=\"redirect\" value=\"")?;
    let (value, _) = rest.split_once('"')?;
    let plain = [
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
    ];
    Some(
        plain
            .iter()
            .fold(value.to_owned(), |text, (from, to)| text.replace(from, to)),
    )
}

#[tokio::test]
async fn v31_markup_in_names_and_messages_is_shown_as_text() {
    let server = start().await;
    let session = server.sign_in(Who::Owner).await;
    let form = |fields: &[(&str, &str)]| {
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", percent_encode(value)))
            .collect();
        pairs.join("&")
    };

    for text in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</textarea><script>alert(1)</script>",
        "'-alert(1)-'",
        "javascript:alert(1)",
    ] {
        let body = form(&[
            ("name", text),
            ("description", text),
            ("instructions", text),
            ("model", "echo/dev"),
        ]);
        let made = server
            .post("/studio/agents")
            .cookie(&session)
            .body("application/x-www-form-urlencoded", body)
            .send()
            .await;
        assert_eq!(made.code(), 303, "{text}: {}", made.text());
        for page in [
            "/studio/agents".to_owned(),
            made.location().to_owned(),
            format!("{}/edit", made.location()),
            format!("{}/delete", made.location()),
        ] {
            let shown = server.get(&page).cookie(&session).send().await;
            assert_eq!(shown.code(), 200, "{page}");
            let html = shown.text();
            for bad in ["<script>alert", "<img src=x", "href=\"javascript:"] {
                assert!(!html.contains(bad), "{page} {text}");
            }
        }
    }
    let wrong = form(&[("email", "\"><script>alert(1)</script>"), ("password", "x")]);
    let again = server
        .post("/studio/login")
        .body("application/x-www-form-urlencoded", wrong)
        .send()
        .await;
    assert!(!again.text().contains("<script>alert"), "{}", again.text());
}

#[tokio::test]
async fn every_page_has_the_headers_that_keep_foreign_code_out() {
    let server = start().await;
    let session = server.sign_in(Who::Owner).await;

    for path in [
        "/studio/login",
        "/studio/agents",
        "/studio/agents/writer",
        "/studio/nothing",
        "/studio/agents/unknown",
    ] {
        let answer = server.get(path).cookie(&session).send().await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{path}: {policy}"
        );
        assert!(
            !policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        let html = answer.text();
        for inline in [
            " onclick=",
            " onload=",
            " style=",
            "<style",
            "href=\"http",
            "src=\"http",
            "src=\"//",
        ] {
            assert!(!html.contains(inline), "{path}: {inline}");
        }
    }
}

#[tokio::test]
async fn s05_with_any_cookie_a_page_is_reached_within_three_redirects() {
    for kind in [SessionKind::Store, SessionKind::Cookie] {
        let server = Setup::loopback().studio().sessions(kind).start().await;
        let good = server.sign_in(Who::Viewer).await;
        let ended = server.sign_in(Who::Viewer).await;
        server.post("/api/auth/logout").cookie(&ended).send().await;

        for cookie in [
            good.as_str(),
            &ended,
            "ee_session=broken",
            "ee_session=",
            "ee_session=\u{e9}",
            "ee_session=a; ee_session=b",
            "mastra-token=x",
            "x=y",
        ] {
            for first in [
                "/",
                "/studio",
                "/studio/agents",
                "/studio/workflows",
                "/studio/login",
                "/studio/login?redirect=/studio/login",
            ] {
                let mut target = first.to_owned();
                for hop in 0.. {
                    assert!(hop <= 3, "{cookie} {first}: still on the way at {target}");
                    let answer = server.get(&target).cookie(cookie).send().await;
                    assert!(!answer.status.is_server_error(), "{cookie} {target}");
                    if !answer.status.is_redirection() {
                        break;
                    }
                    target = answer.location().to_owned();
                    assert_ours(&server, &target, cookie);
                }
            }
        }
    }
}

#[tokio::test]
async fn v27_a_foreign_conversation_is_not_shown_on_a_page_either() {
    let server = start().await;
    let body = serde_json::json!({ "messages": "private words", "memory": { "thread": "talk-1", "resource": "x" } });
    server
        .post("/api/agents/writer/generate")
        .by(Who::Member)
        .json(&body)
        .send()
        .await;
    let session = server.sign_in(Who::Owner).await;

    let foreign = server
        .get("/studio/agents/writer/threads/talk-1")
        .cookie(&session)
        .send()
        .await;
    let unknown = server
        .get("/studio/agents/writer/threads/talk-2")
        .cookie(&session)
        .send()
        .await;

    assert_eq!((foreign.code(), unknown.code()), (404, 404));
    assert_eq!(foreign.text().replace("talk-1", "talk-2"), unknown.text());
    let speak = server
        .ask(Method::POST, "/studio/agents/writer/chat")
        .cookie(&session);
    let speak = speak.body(
        "application/x-www-form-urlencoded",
        "message=hello&threadId=talk-1&thread=talk-1",
    );
    let answer = speak.send().await;
    assert!(
        !answer.text().contains("private words"),
        "{}",
        answer.status
    );
    let kept = server
        .get("/api/memory/threads/talk-1/messages")
        .by(Who::Member)
        .send()
        .await;
    assert_eq!(kept.json()["total"], 2);
}
