//! Paths that are written in another way (V1): one canonical form or a refusal, never another route's handler.

use ee::server::{Access, Op};
use server_tests::{Call, TestServer, Who, needs_accounts, percent_encode};

/// Writes a path in other ways. Each keeps the meaning for at least one known parser.
#[expect(clippy::too_many_lines, reason = "it is one list")]
fn spellings(path: &str, query: &str) -> Vec<String> {
    let rest = path.strip_prefix("/api").unwrap();
    let last = path.rsplit('/').next().unwrap();
    let parent = path.strip_suffix(last).unwrap();
    let inner = &rest[1..];
    let (head, tail) = inner.split_once('/').unwrap_or((inner, ""));
    let slash_tail = if tail.is_empty() {
        String::new()
    } else {
        format!("/{tail}")
    };
    let hex = percent_encode;
    let first_of_last = &last[..1];
    let rest_of_last = &last[1..];
    let mut all = vec![
        path.to_uppercase(),
        format!("/API{rest}"),
        format!("/Api{rest}"),
        format!("/aPi{rest}"),
        format!("/api/{}{slash_tail}", head.to_uppercase()),
        format!("{parent}{}", last.to_uppercase()),
        format!("/{path}"),
        format!("//{path}"),
        format!("/api/{rest}"),
        format!("/api//{rest}"),
        format!("{parent}/{last}"),
        format!("{path}/"),
        format!("{path}//"),
        format!("{path}/."),
        format!("{path}/.."),
        format!("{path}/../{last}"),
        format!("/.{path}"),
        format!("/./{}", &path[1..]),
        format!("/x/..{path}"),
        format!("/health/live/../..{path}"),
        format!("/api/./{inner}"),
        format!("/api/auth/../{inner}"),
        format!("/api/auth/capabilities/../../{inner}"),
        format!("/api/%2e/{inner}"),
        format!("/api/%2E/{inner}"),
        format!("/api/auth/%2e%2e/{inner}"),
        format!("/api/auth/.%2e/{inner}"),
        format!("/api/auth/%2e./{inner}"),
        format!("/api/auth/%2E%2E/{inner}"),
        format!("/api/auth/capabilities/%2e%2e/%2e%2e/{inner}"),
        format!("/api/auth/..%2f{inner}"),
        format!("/api/auth%2f..%2f{inner}"),
        format!("/api%2f{inner}"),
        format!("/api%2F{inner}"),
        format!("/%2fapi{rest}"),
        format!("%2fapi{rest}"),
        format!("/api%5c{inner}"),
        format!("/api%5C{inner}"),
        format!("/api\\{inner}"),
        format!("/api/auth/..\\{inner}"),
        format!("/api/auth/..%5c{inner}"),
        format!("\\api{rest}"),
        format!("/api;x{rest}"),
        format!("/api;x=y{rest}"),
        format!("/api/;/{inner}"),
        format!("/api/..;/api/{inner}"),
        format!("{path};"),
        format!("{path};x"),
        format!("{path};jsessionid=1"),
        format!("{path}%3bx"),
        format!("{path}%00"),
        format!("{path}%00.json"),
        format!("/api/%00{inner}"),
        format!("{path}%0a"),
        format!("{path}%0d%0a"),
        format!("{path}%09"),
        format!("{path}%20"),
        format!("/api/%20{inner}"),
        format!("{path}%7f"),
        format!("{path}\t"),
        format!("{path} "),
        format!("{path}."),
        format!("{path}.json"),
        format!("{path}%2ejson"),
        format!("{path}%2f"),
        format!("{path}%2f%2f"),
        format!("{path}#x"),
        format!("{path}%23"),
        format!("{path}%3f"),
        format!("{path}?"),
        format!("{path}??x=1"),
        format!("{path}?/api/auth/capabilities"),
        format!("/api/auth/capabilities%3f/../../{inner}"),
        format!("/api/{}", hex(inner)),
        format!("/api/{}{slash_tail}", hex(head)),
        format!("/api/{}{slash_tail}", hex(head).to_uppercase()),
        format!("/{}{rest}", hex("api")),
        format!("{parent}{}{rest_of_last}", hex(first_of_last)),
        format!("/api/%25{}", hex(inner).replace('%', "25%")),
        format!("/api/{}", hex(inner).replace('%', "%25")),
        format!("/api/auth/%252e%252e/{inner}"),
        format!("/api%252f{inner}"),
        format!("/api/auth/%c0%ae%c0%ae/{inner}"),
        format!("/api%c0%af{inner}"),
        format!("/api%e0%80%af{inner}"),
        format!("/api%f0%80%80%af{inner}"),
        format!("/api%c1%9c{inner}"),
        format!("/api/auth/%u002e%u002e/{inner}"),
        format!("/api%u2215{inner}"),
        format!("/api%ef%bc%8f{inner}"),
        format!("/api%e2%81%84{inner}"),
        format!("/api/%ef%bc%8e%ef%bc%8e/api/{inner}"),
        format!("/api/{inner}%ff"),
        format!("{path}%"),
        format!("{path}%2"),
        format!("{path}%zz"),
        format!("{path}/{}", "a/".repeat(2_000)),
        format!("/{}..{path}", "x/../".repeat(300)),
        format!("http://127.0.0.1:4111{path}"),
        format!("http://127.0.0.1:4111/api//{inner}"),
        format!("https://127.0.0.1:4111{path}"),
        format!("http://evil.example{path}"),
        format!("http://user@127.0.0.1:4111{path}"),
        "*".to_owned(),
        format!("{path}&x=1"),
        format!("{path}\u{fc}"),
    ];
    for spelling in &mut all {
        if !query.is_empty() && !spelling.contains(['?', '#']) && !spelling.starts_with('*') {
            spelling.push_str(query);
        }
    }
    all
}

#[tokio::test]
async fn v01_no_spelling_of_a_protected_path_opens_without_credentials() {
    let server = TestServer::start().await;

    for op in Op::ALL
        .iter()
        .copied()
        .filter(|op| !op.route().access.is_public())
    {
        let call = Call::prepare(&server, op, Who::Owner).await;
        let mut judged = 0;
        for spelling in spellings(&call.path, &call.query) {
            let Some(answer) = call.ask(&server).target(&spelling).try_send().await else {
                continue;
            };
            judged += 1;
            assert!(
                matches!(answer.code(), 400 | 401 | 414),
                "{op:?} {spelling:?}: {} {}",
                answer.code(),
                answer.text()
            );
        }
        assert!(
            judged >= 60,
            "{op:?}: only {judged} spellings reach the server"
        );
    }
}

#[tokio::test]
async fn v01_no_spelling_of_a_write_opens_for_a_viewer() {
    let server = TestServer::start().await;

    let writes = Op::ALL
        .iter()
        .copied()
        .filter(|op| !op.route().access.is_public() && op.route().is_unsafe());
    for op in writes {
        if op.route().access == Access::Authenticated {
            only_the_viewers_own_things_end(&server, op).await;
            continue;
        }
        let call = Call::prepare(&server, op, Who::Viewer).await;
        for spelling in spellings(&call.path, &call.query) {
            let ask = call.ask(&server).by(Who::Viewer).target(&spelling);
            let Some(answer) = ask.try_send().await else {
                continue;
            };
            assert!(
                matches!(answer.code(), 400 | 403 | 404 | 405 | 414),
                "{op:?} {spelling:?}: {} {}",
                answer.code(),
                answer.text()
            );
        }
    }
}

/// A viewer may end sessions of his own; no spelling of that ends a session of somebody else.
async fn only_the_viewers_own_things_end(server: &TestServer, op: Op) {
    let owner = server.sign_in(Who::Owner).await;
    let call = Call::prepare(server, op, Who::Viewer).await;
    for spelling in spellings(&call.path, &call.query) {
        let ask = call.ask(server).by(Who::Viewer).target(&spelling);
        let Some(answer) = ask.try_send().await else {
            continue;
        };
        let code = answer.code();
        let expected = matches!(code, 200 | 400 | 403 | 404 | 405 | 414);
        assert!(expected, "{op:?} {spelling:?}: {code} {}", answer.text());
    }
    let foreign = Call::prepare(server, op, Who::Owner).await;
    for spelling in spellings(&foreign.path, &foreign.query) {
        let ask = foreign.ask(server).by(Who::Viewer).target(&spelling);
        drop(ask.try_send().await);
    }
    let still = server.get("/api/agents").cookie(&owner).send().await;
    assert_eq!(still.code(), 200, "{op:?} ended the owner's session");
}

#[tokio::test]
async fn v01_a_spelling_that_opens_answers_exactly_like_the_route_itself() {
    let server = TestServer::start().await;

    let reads = Op::ALL
        .iter()
        .copied()
        .filter(|op| !op.route().access.is_public() && !op.route().is_unsafe())
        // Some spellings lose the query, without which that one has no end.
        .filter(|op| !needs_accounts(*op) && *op != Op::StreamAudit);
    for op in reads {
        let call = Call::prepare(&server, op, Who::Owner).await;
        let plain = call.ask(&server).by(Who::Owner).send().await;
        let mut opened = 0;
        for spelling in spellings(&call.path, &call.query) {
            let ask = call.ask(&server).by(Who::Owner).target(&spelling);
            let Some(answer) = ask.try_send().await else {
                continue;
            };
            match answer.code() {
                200 => {
                    opened += 1;
                    assert_eq!(answer.body, plain.body, "{op:?} {spelling:?}");
                }
                400 | 404 | 405 | 414 => {}
                other => panic!("{op:?} {spelling:?}: {other} {}", answer.text()),
            }
        }
        assert!(
            opened >= 4,
            "{op:?}: a trailing slash, an encoded letter and a query are no other path"
        );
    }
}

#[tokio::test]
async fn v06_what_stands_in_the_query_or_the_fragment_makes_nothing_public() {
    let server = TestServer::start().await;

    for tail in [
        "?/api/auth/capabilities",
        "?path=/health/live",
        "?x=/api/auth/login",
        "#/api/auth/capabilities",
        "#/health/live",
        "?_method=GET",
        "?.css",
        "?public=true",
        "?x=.js#.css",
    ] {
        let answer = server.get(format!("/api/agents{tail}")).send().await;
        assert_eq!(answer.code(), 401, "{tail}");
    }
}

#[tokio::test]
async fn v01_the_thing_that_is_judged_is_the_thing_that_is_shown() {
    let server = TestServer::start().await;

    for spelling in [
        "/api/agents/reviewer",
        "/api/agents/writer/../reviewer",
        "/api/agents/writer%2f..%2freviewer",
        "/api/agents/writer%00reviewer",
        "/api/agents/writer;/../reviewer",
        "/api/agents/%72eviewer",
        "/api/agents/reviewer/",
        "/api/agents/writer,reviewer",
        "/api/agents/writer%3a",
        "/api/agents/*",
        "/api/agents/%2a",
        "/api/agents/writer%20",
        "/api/agents/WRITER",
    ] {
        let answer = server.get(spelling).by(Who::Writer).send().await;
        assert!(
            matches!(answer.code(), 400 | 403),
            "{spelling}: {}",
            answer.code()
        );
    }
    for spelling in [
        "/api/agents/writer",
        "/api/agents/%77riter",
        "/api/agents/writer/",
    ] {
        let answer = server.get(spelling).by(Who::Writer).send().await;
        assert_eq!(answer.json()["id"], "writer", "{spelling}");
    }
}
