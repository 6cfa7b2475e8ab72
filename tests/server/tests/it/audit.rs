//! The record by its API: lists, counts, single events and their proofs.

use ee::{
    AuditOutcome,
    audit::integrity::{VerifierKeys, verify_proof},
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use server_tests::{TestServer, Who};

pub(crate) async fn get(server: &TestServer, path: &str) -> Value {
    let answer = server.get(path).by(Who::Owner).send().await;
    assert_eq!(answer.code(), 200, "{path}: {}", answer.text());
    answer.json()
}

pub(crate) fn ids(list: &Value) -> Vec<String> {
    let events = list["events"].as_array().unwrap().iter();
    events
        .map(|event| event["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_list_has_every_event_once_while_others_are_written() {
    let server = TestServer::start().await;
    let mut written = server.keep_many(25).await;

    for order in ["desc", "asc"] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        let expected = written.clone();
        loop {
            let path = format!("/api/audit/events?limit=7&order={order}{cursor}");
            let page = get(&server, &path).await;
            seen.extend(ids(&page));
            let Some(next) = page["nextCursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
            if order == "desc" {
                written.extend(server.keep_many(1).await);
            }
        }
        if order == "desc" {
            seen.reverse();
        }
        assert_eq!(seen, expected, "{order}");
    }
}

/// Phase 5: audit logs can be queried with filters (actor, action, time range).
#[tokio::test]
async fn every_filter_narrows_the_list_and_the_grammar_does_the_same() {
    let server = TestServer::start().await;
    let mut event = server.event("roles.assign", AuditOutcome::Denied);
    event.actor.ip = Some("10.1.2.3".parse().unwrap());
    event.actor.roles = vec!["admin".to_owned()];
    event.duration = Some(2_500);
    event.reason = Some("rate limit reached".to_owned());
    let wanted = server.keep(event).await;
    server.clock.advance(SignedDuration::from_secs(1));
    let mut other = server.event("agents.create", AuditOutcome::Success);
    other.actor.id = "eve".to_owned();
    other.actor.email = None;
    other.resource = None;
    server.keep(other).await;

    for query in [
        "actorId=ada",
        "email=ADA@example.com",
        "action=roles.assign",
        "action=roles:assign",
        "action=roles.*",
        "action=*.assign",
        "action=-agents.create",
        "resourceType=agent",
        "resourceId=support&resourceType=agent",
        "outcome=denied",
        "category=roles",
        "code=MA-3010W",
        "ip=10.0.0.0/8",
        "role=admin",
        "minDuration=2s",
        "q=rate%20lim",
        "to=2099-01-01&outcome=denied&outcome=failure",
        "filter=outcome:denied%20-ip:192.0.2.0/24",
        "filter=(resource:agent/support%20OR%20actor:nobody)",
        "filter=%22rate%20limit%22",
    ] {
        let list = get(
            &server,
            &format!("/api/audit/events?allowScan=true&{query}"),
        )
        .await;
        assert_eq!(ids(&list), [&*wanted], "{query}");
    }
    let all = get(&server, "/api/audit/events").await;
    assert_eq!(ids(&all).len(), 2);
    let event = &all["events"][1];
    assert_eq!(event["code"], "MA-3010W");
    assert_eq!(
        (&event["seq"], &event["partition"]),
        (&json!(1), &json!("default"))
    );
}

#[tokio::test]
async fn intents_are_shown_to_whoever_asks_for_them() {
    let server = TestServer::start().await;
    let mut intent = server.event("agents.create", AuditOutcome::Success);
    intent.stage = ee::AuditStage::Intent;
    let intent = server.keep(intent).await;

    assert!(ids(&get(&server, "/api/audit/events").await).is_empty());
    for query in ["stage=intent", "stage=all", "filter=stage:intent"] {
        let list = get(&server, &format!("/api/audit/events?{query}")).await;
        assert_eq!(ids(&list), [&*intent], "{query}");
    }
}

#[tokio::test]
async fn what_fits_is_counted_as_far_as_somebody_wants() {
    let server = TestServer::start().await;
    server.keep_many(5).await;
    let count = async |query: &str| {
        let page = get(&server, &format!("/api/audit/events?limit=2{query}")).await;
        (page["count"].clone(), page["nextCursor"].clone())
    };
    let five = json!({ "counted": 5, "isCapped": false });

    let (counted, next) = count("").await;
    assert_eq!(counted, five);
    assert_eq!(count("&count=none").await.0, Value::Null);
    assert_eq!(count("&count=exact&allowScan=true").await.0, five);
    let cursor = format!("&cursor={}", next.as_str().unwrap());
    assert_eq!(count(&cursor).await.0, Value::Null);
    assert_eq!(count(&format!("{cursor}&count=capped")).await.0, five);
}

#[tokio::test]
async fn columns_and_values_are_counted() {
    let server = TestServer::start().await;
    server.keep_many(3).await;
    server.clock.advance(SignedDuration::from_hours(2));
    let denied = server.event("agents.delete", AuditOutcome::Denied);
    server.keep(denied).await;

    let histogram = get(&server, "/api/audit/histogram?from=-1d&interval=1h").await;
    assert_eq!(histogram["intervalSeconds"], 3_600);
    let buckets = histogram["buckets"].as_array().unwrap();
    let counts: Vec<_> = buckets
        .iter()
        .map(|it| (&it["value"], &it["count"]))
        .collect();
    assert_eq!(
        counts,
        [
            (&json!("success"), &json!(3)),
            (&json!("denied"), &json!(1))
        ]
    );
    let by = get(&server, "/api/audit/histogram?from=-1d&by=action").await;
    assert_eq!(by["intervalSeconds"], 300);
    assert_eq!(by["buckets"].as_array().unwrap().len(), 2);
    // Days begin at midnight of the place, five hours and three quarters before that of UTC.
    let days = "/api/audit/histogram?from=-1d&interval=1d&tz=Asia/Kathmandu";
    let days = get(&server, days).await;
    let start = days["buckets"][0]["start"].as_str().unwrap();
    assert!(start.ends_with("T18:15:00Z"), "{start}");

    let facets = get(
        &server,
        "/api/audit/facets?from=-1d&fields=action,outcome&limit=1",
    )
    .await;
    let expected = json!({
        "facets": {
            "action": [{ "value": "agents.create", "count": 3 }],
            "outcome": [{ "value": "success", "count": 3 }],
        },
        "approximate": false,
    });
    assert_eq!(facets, expected);
    let usual = get(&server, "/api/audit/facets?from=-1d&outcome=denied").await;
    assert_eq!(
        usual["facets"]["actorId"],
        json!([{ "value": "ada", "count": 1 }])
    );
}

#[tokio::test]
async fn an_event_is_shown_with_those_of_the_same_request() {
    let server = TestServer::start().await;
    let mut kept = Vec::new();
    for request in ["req-1", "req-1", "req-2"] {
        server.clock.advance(SignedDuration::from_secs(1));
        let mut event = server.event("agents.create", AuditOutcome::Success);
        let (method, route) = ("POST".to_owned(), "/api/stored/agents".into());
        let context = ee::AuditContext::new(request.to_owned(), method, route, 200);
        event.context = Some(Box::new(context));
        kept.push(server.keep(event).await);
    }

    let path = format!("/api/audit/events/{}", kept[0]);
    let alone = get(&server, &path).await;
    assert_eq!(alone["event"]["id"], *kept[0]);
    assert!(alone.get("related").is_none());
    let both = get(&server, &format!("{path}?include=related")).await;
    let related = both["related"].as_array().unwrap();
    assert_eq!(related.len(), 1);
    assert_eq!(related[0]["id"], *kept[1]);

    let unknown = "/api/audit/events/019a3c5e-7b1c-7d40-9f0e-2a61c0d4e001";
    for path in [
        unknown,
        &format!("{unknown}/proof"),
        &format!("{unknown}/raw"),
    ] {
        let answer = server.get(path).by(Who::Owner).send().await;
        answer.assert_error(404, "not_found");
    }
}

#[tokio::test]
async fn a_proof_is_good_for_whoever_has_the_key_and_nothing_else() {
    let server = TestServer::start().await;
    let kept = server.keep_many(9).await;
    let path = format!("/api/audit/events/{}/proof", kept[4]);

    let early = server.get(&path).by(Who::Owner).send().await;
    early.assert_error(404, "not_found");
    server.seal().await;
    let answer = server.get(&path).by(Who::Owner).send().await;

    assert_eq!(answer.code(), 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    let keys: VerifierKeys = [server.signer.verifier().clone()].into_iter().collect();
    let proven = verify_proof(&answer.text(), &keys).unwrap();
    assert_eq!(proven.seq, 5);
    assert_eq!(proven.checkpoint.origin, "tests/audit/default");
    let raw = get(&server, &format!("/api/audit/events/{}/raw", kept[4])).await;
    assert_eq!(raw["canonical"], proven.canonical);
    assert_eq!(raw["seq"], 5);
    let leaf = ee::AuditHash::of_leaf(proven.canonical.as_bytes());
    assert_eq!(raw["leaf"], leaf.to_string());
    assert_eq!(raw["chain"].as_str().unwrap().len(), 64);
}

/// Phase 5: audit logs can be queried with filters, also by existing clients.
#[tokio::test]
async fn both_generations_of_mastra_get_their_shapes() {
    let server = TestServer::start().await;
    let kept = server.keep_many(5).await;

    let older = get(&server, "/api/audit?limit=2&offset=1&actorType=user").await;
    assert_eq!(ids(&older), [&*kept[3], &*kept[2]]);
    let rest = json!({ "total": 5, "offset": 1, "limit": 2 });
    for (name, value) in rest.as_object().unwrap() {
        assert_eq!(&older[name], value, "{name}");
    }
    assert_eq!(older.as_object().unwrap().len(), 4);
    let bare = get(&server, "/api/audit").await;
    assert_eq!((&bare["offset"], &bare["limit"]), (&json!(0), &json!(100)));

    let newer = get(&server, "/api/audit?page=1&perPage=2&actionPrefix=agents.").await;
    assert_eq!(ids(&newer), [&*kept[2], &*kept[1]]);
    let rest = json!({ "total": 5, "page": 1, "perPage": 2, "hasMore": true });
    for (name, value) in rest.as_object().unwrap() {
        assert_eq!(&newer[name], value, "{name}");
    }
    assert_eq!(newer.as_object().unwrap().len(), 5);
    let all = get(&server, "/api/audit?perPage=false").await;
    assert_eq!(
        (&all["perPage"], &all["hasMore"]),
        (&json!(false), &json!(false))
    );

    let one = get(&server, &format!("/api/audit/{}", kept[0])).await;
    assert_eq!(one, older_of(&bare["events"][4]));
    assert_eq!(one["createdAt"], one["timestamp"]);
    let unknown = server.get("/api/audit/019a3c5e-7b1c-7d40-9f0e-2a61c0d4e001");
    let unknown = unknown.by(Who::Owner).send().await;
    assert_eq!(unknown.json()["error"], "Audit event not found");
}

fn older_of(event: &Value) -> Value {
    let members: Vec<&String> = event.as_object().unwrap().keys().collect();
    for name in ["id", "timestamp", "actor", "action", "resource", "outcome"] {
        assert!(members.iter().any(|it| *it == name), "{name}");
    }
    event.clone()
}

#[tokio::test]
async fn a_server_without_a_record_says_so() {
    let server = server_tests::Setup::loopback()
        .without_record()
        .start()
        .await;

    for path in [
        "/api/audit",
        "/api/audit/events",
        "/api/audit/events/019a3c5e-7b1c-7d40-9f0e-2a61c0d4e001",
        "/api/audit/export",
        "/api/audit/facets",
        "/api/audit/feed",
        "/api/audit/histogram",
        "/api/audit/sinks",
        "/api/audit/status",
        "/api/audit/stream",
    ] {
        let answer = server.get(path).by(Who::Owner).send().await;
        answer.assert_error(501, "unsupported");
    }
}

#[tokio::test]
async fn its_state_is_told() {
    let server = TestServer::start().await;
    server.keep_many(3).await;
    server.seal().await;
    server.keep_many(1).await;

    let status = get(&server, "/api/audit/status").await;

    assert_eq!(status["health"]["isWell"], true);
    let log = &status["logs"][0];
    assert_eq!(
        (&log["partition"], &log["size"]),
        (&json!("default"), &json!(4))
    );
    let checkpoint = &log["checkpoint"];
    assert_eq!(
        (&checkpoint["size"], &checkpoint["isVerified"]),
        (&json!(3), &json!(true))
    );
    assert_eq!(status["sinks"][0]["name"], "siem");
    assert_eq!(status["sinks"][0]["lag"], 4);
}
