//! Ids in paths, page numbers and sizes in queries.

use ee::server::Op;
use server_tests::{Call, TestServer, Who};

#[tokio::test]
async fn ids_with_forbidden_characters_are_400_in_every_path() {
    let server = TestServer::start().await;

    for op in Op::ALL
        .iter()
        .copied()
        .filter(|op| op.route().path.contains('{'))
    {
        for id in [
            "%00", "a%00b", "a%0ab", "a%0db", "%7f", "a%2fb", "a%5cb", "a%3bb", "a%3fb", "a%23b",
            "%2e", "%2e%2e", "%c2%85", "%ff", "%",
        ] {
            let call = Call::prepare(&server, op, Who::Owner).await;
            let template = op.route().path;
            let path: Vec<&str> = template
                .split('/')
                .map(|part| if part.starts_with('{') { id } else { part })
                .collect();
            let answer = call
                .ask(&server)
                .by(Who::Owner)
                .target(path.join("/") + &call.query)
                .send()
                .await;
            assert!(
                matches!(answer.code(), 400 | 404),
                "{op:?} {id}: {}",
                answer.code()
            );
        }
        let call = Call::prepare(&server, op, Who::Owner).await;
        let long = "x".repeat(256);
        let template = op.route().path;
        let path: Vec<&str> = template
            .split('/')
            .map(|part| if part.starts_with('{') { &*long } else { part })
            .collect();
        let answer = call
            .ask(&server)
            .by(Who::Owner)
            .target(path.join("/") + &call.query)
            .send()
            .await;
        assert_eq!(answer.code(), 400, "{op:?}: {}", answer.text());
        assert_eq!(answer.json()["error"], "Invalid path parameters", "{op:?}");
    }
}

#[tokio::test]
async fn page_numbers_and_sizes_out_of_range_are_400() {
    let server = TestServer::start().await;
    let call = Call::prepare(&server, Op::ListMessages, Who::Owner).await;
    let runs = Call::prepare(&server, Op::ListRuns, Who::Owner).await;
    let lists = [
        "/api/stored/agents".to_owned(),
        "/api/memory/threads".to_owned(),
        call.path,
        runs.path,
    ];

    for path in &lists {
        for query in [
            "perPage=0",
            "perPage=1001",
            "perPage=-1",
            "perPage=abc",
            "perPage=",
            "perPage=1e3",
            "perPage=4294967296",
            "perPage=99999999999999999999",
            "page=-1",
            "page=abc",
            "page=4294967295",
            "page=4294967296",
            "page=1000001&perPage=1",
            "page=1&page=2",
            "perPage=1&perPage=1000",
            "perPage=%00",
            "perPage=0x10",
            "perPage=10.0",
        ] {
            let answer = server
                .get(format!("{path}?{query}"))
                .by(Who::Owner)
                .send()
                .await;
            assert_eq!(answer.code(), 400, "{path}?{query}: {}", answer.text());
            answer.assert_error(400, "invalid");
            assert_eq!(
                answer.json()["error"],
                "Invalid query parameters",
                "{path}?{query}"
            );
        }
        for query in [
            "",
            "perPage=1",
            "perPage=1000",
            "page=0",
            "page=7",
            "requestContext=e30%3D",
        ] {
            let answer = server
                .get(format!("{path}?{query}"))
                .by(Who::Owner)
                .send()
                .await;
            assert_eq!(answer.code(), 200, "{path}?{query}: {}", answer.text());
        }
    }
    for query in [
        "limit=0",
        "limit=1001",
        "fromDate=yesterday",
        "status=lost",
        "offset=-1",
    ] {
        let answer = server
            .get(format!("{}?{query}", lists[3]))
            .by(Who::Owner)
            .send()
            .await;
        assert_eq!(answer.code(), 400, "{query}: {}", answer.text());
        assert_eq!(
            answer.json()["error"],
            "Invalid query parameters",
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_request_target_beyond_8_kib_is_414() {
    let server = TestServer::start().await;

    let answer = server
        .get(format!("/api/agents?x={}", "a".repeat(9_000)))
        .by(Who::Owner)
        .send()
        .await;

    answer.assert_error(414, "uri_too_long");
}

#[tokio::test]
async fn a_run_is_named_by_one_good_id_or_refused() {
    let server = TestServer::start().await;

    for op in [
        Op::StartRun,
        Op::StreamRun,
        Op::ObserveRun,
        Op::RestartRun,
        Op::CreateRun,
    ] {
        for query in [
            "runId=",
            "runId=a/b",
            "runId=%00",
            "runId=..",
            "runId=a&runId=b",
            "runId=a%25b",
        ] {
            let call = Call::prepare(&server, op, Who::Owner).await;
            let ask = call.ask(&server).target(format!("{}?{query}", call.path));
            let answer = ask.by(Who::Owner).send().await;
            answer.assert_error(400, "invalid");
            let error = &answer.json()["error"];
            assert_eq!(error, "Invalid query parameters", "{op:?} {query}");
        }
    }
    for op in [
        Op::StartRun,
        Op::ObserveRun,
        Op::RestartRun,
        Op::RestartRunAsync,
    ] {
        let call = Call::prepare(&server, op, Who::Owner).await;
        let answer = call
            .ask(&server)
            .target(&call.path)
            .by(Who::Owner)
            .send()
            .await;
        answer.assert_error(400, "invalid");
        assert_eq!(answer.json()["issues"][0]["field"], "runId", "{op:?}");
    }
    let call = Call::prepare(&server, Op::CreateRun, Who::Owner).await;
    assert_eq!(call.ask(&server).by(Who::Owner).send().await.code(), 200);
    let again = call.ask(&server).by(Who::Owner).send().await;
    again.assert_error(409, "conflict");
}
