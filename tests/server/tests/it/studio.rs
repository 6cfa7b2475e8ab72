//! The same attacks on the pages for people.

use ee::{server::Access, studio::StudioOp};
use server_tests::{Answer, Ask, Setup, TestServer, Who};

pub(crate) async fn start() -> TestServer {
    Setup::loopback().studio().sso().start().await
}

fn protected() -> impl Iterator<Item = StudioOp> {
    StudioOp::ALL
        .iter()
        .copied()
        .filter(|op| !op.route().access.is_public())
}

fn path(op: StudioOp) -> String {
    op.route()
        .path
        .replace("{agentId}", "writer")
        .replace("{file}", "x.css")
        .replace("{runId}", "run-1")
        .replace("{sessionId}", &"A".repeat(43))
        .replace("{threadId}", "thread-1")
        .replace("{workflowId}", "briefing")
}

fn ask(server: &TestServer, op: StudioOp) -> Ask<'_> {
    let ask = server.ask(op.route().method, path(op));
    if op.route().is_unsafe() {
        ask.body(
            "application/x-www-form-urlencoded",
            "name=x&message=x&instructions=x",
        )
    } else {
        ask
    }
}

/// Tells whether a stranger was sent to the sign-in page, or refused.
fn is_closed(answer: &Answer) -> bool {
    answer.code() == 401 || (answer.code() == 303 && answer.location().starts_with("/studio/login"))
}

#[tokio::test]
async fn v05_no_page_behind_the_sign_in_is_shown_to_a_stranger() {
    let server = start().await;

    for op in protected() {
        let answer = ask(&server, op).send().await;
        assert!(is_closed(&answer), "{op:?}: {}", answer.status);
        assert!(!answer.text().contains("Researcher"), "{op:?}");
        assert_eq!(
            server.audit.take_one().outcome,
            ee::AuditOutcome::Denied,
            "{op:?}"
        );
    }
    for path in [
        "/studio/nothing",
        "/studio/agents/a/b/c/d",
        "/studio/.env",
        "/studio/assets/../agents",
    ] {
        let answer = server.get(path).send().await;
        assert!(
            is_closed(&answer) || answer.code() == 400,
            "{path}: {}",
            answer.status
        );
    }
}

#[tokio::test]
async fn what_a_role_forbids_is_refused_again_on_the_server() {
    let server = start().await;

    for kind in [Who::Nobody, Who::Viewer] {
        let session = server.sign_in(kind).await;
        // One's own account is there for everybody.
        let needs_permission =
            |op: &StudioOp| matches!(op.route().access, Access::Permission { .. });
        for op in protected().filter(needs_permission) {
            let reads = matches!(
                op,
                StudioOp::Agents
                    | StudioOp::Agent
                    | StudioOp::Thread
                    | StudioOp::Workflows
                    | StudioOp::Workflow
                    | StudioOp::Run
            );
            if kind == Who::Viewer && reads {
                continue;
            }
            let answer = ask(&server, op).cookie(&session).send().await;
            assert_eq!(answer.code(), 403, "{kind:?} {op:?}");
        }
    }
}

#[tokio::test]
async fn a_foreign_page_sends_no_form_of_ours() {
    let server = start().await;
    let session = server.sign_in(Who::Owner).await;

    for op in StudioOp::ALL
        .iter()
        .copied()
        .filter(|op| op.route().is_unsafe())
    {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "none"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("referer", "http://127.0.0.1:4111/studio"),
        ] {
            let answer = ask(&server, op)
                .header("cookie", &session)
                .header(name, value)
                .send()
                .await;
            assert_eq!(answer.code(), 403, "{op:?} {name}: {value}");
            assert!(answer.set_cookies().is_empty(), "{op:?} {name}: {value}");
        }
    }
    assert_eq!(
        server
            .get("/studio/agents")
            .cookie(&session)
            .send()
            .await
            .code(),
        200
    );
}

#[tokio::test]
async fn v01_spellings_of_a_page_open_nothing() {
    let server = start().await;

    for op in protected() {
        let path = path(op);
        let inner = path.strip_prefix("/studio/").unwrap();
        for spelling in [
            format!("/STUDIO/{inner}"),
            format!("//studio/{inner}"),
            format!("/studio//{inner}"),
            format!("/studio/./{inner}"),
            format!("/studio/login/../{inner}"),
            format!("/studio/assets/..%2f{inner}"),
            format!("/studio/assets/%2e%2e/{inner}"),
            format!("/studio%2f{inner}"),
            format!("/studio;x/{inner}"),
            format!("/studio/assets/..;/{inner}"),
            format!("/studio\\{inner}"),
            format!("{path}/"),
            format!("{path}%00"),
            format!("{path};.css"),
            format!("{path}?.css"),
            format!("{path}#/studio/assets/x.css"),
            format!("/%73tudio/{inner}"),
            format!("/api/..{path}"),
        ] {
            if let Some(answer) = ask(&server, op).target(&spelling).try_send().await {
                let refused = is_closed(&answer) || answer.code() == 400;
                assert!(refused, "{op:?} {spelling}: {}", answer.status);
            }
        }
    }
}

#[tokio::test]
async fn a_form_of_another_kind_or_beyond_the_limit_is_refused() {
    let server = start().await;
    let session = server.sign_in(Who::Owner).await;

    let json = server
        .post("/studio/agents")
        .cookie(&session)
        .body("application/json", "{}")
        .send()
        .await;
    assert_eq!(json.code(), 415);
    let large = vec![b'a'; 1_024 * 1_024 + 1];
    let large = server
        .post("/studio/agents")
        .cookie(&session)
        .body("application/x-www-form-urlencoded", large);
    assert_eq!(large.send().await.code(), 413);
    let stranger = server.post("/studio/login").body(
        "application/x-www-form-urlencoded",
        vec![b'a'; 16 * 1_024 + 1],
    );
    assert_eq!(
        stranger.send().await.code(),
        413,
        "a stranger may send 16 KiB"
    );
}
