//! Attacks on the API of the record.

use ee::{AuditOutcome, audit::query::hostile_values};
use serde_json::Value;
use server_tests::{TestServer, Who, percent_encode};

use crate::{
    audit::{get, ids},
    bodies::assert_issue,
};

#[tokio::test]
async fn a_cursor_is_good_for_its_search_alone_and_nobody_makes_one_up() {
    let server = TestServer::start().await;
    server.keep_many(9).await;
    let page = get(&server, "/api/audit/events?limit=2&actorId=ada").await;
    let cursor = page["nextCursor"].as_str().unwrap().to_owned();
    let refused = async |query: &str| {
        let path = format!("/api/audit/events?{query}");
        let answer = server.get(&path).by(Who::Owner).send().await;
        assert_issue(&answer, "cursor", &path);
    };

    let good = get(
        &server,
        &format!("/api/audit/events?limit=4&actorId=ada&cursor={cursor}"),
    )
    .await;
    assert_eq!(ids(&good).len(), 4);
    for query in [
        "",
        "actorId=eve&",
        "order=asc&actorId=ada&",
        "actorId=ada&outcome=denied&",
    ] {
        refused(&format!("{query}limit=2&cursor={cursor}")).await;
    }
    // Every character in turn.
    for at in 0..cursor.len() {
        let mut forged = cursor.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        refused(&format!("limit=2&actorId=ada&cursor={forged}")).await;
    }
    for forged in [
        "x",
        "AAAA",
        "..",
        "%2b",
        &"A".repeat(100),
        &cursor[1..],
        &format!("{cursor}A"),
    ] {
        refused(&format!("limit=2&actorId=ada&cursor={forged}")).await;
    }
    let other = TestServer::start().await;
    other.keep_many(9).await;
    let path = format!("/api/audit/events?limit=2&actorId=ada&cursor={cursor}");
    // The same secret: what a cursor gives is no right, and access is judged for every part.
    assert_eq!(other.get(&path).by(Who::Admin).send().await.code(), 200);
    other
        .get(&path)
        .by(Who::Viewer)
        .send()
        .await
        .assert_error(403, "forbidden");
    assert_eq!(other.get(&path).send().await.code(), 401);
}

#[tokio::test]
async fn parameters_that_nobody_knows_or_that_say_nothing_are_refused_by_name() {
    let server = TestServer::start().await;
    let id = server.keep_many(1).await.remove(0);
    let paths = [
        "/api/audit/events".to_owned(),
        "/api/audit/feed".to_owned(),
        "/api/audit/stream".to_owned(),
        "/api/audit/histogram".to_owned(),
        "/api/audit/facets".to_owned(),
        "/api/audit/export".to_owned(),
        "/api/audit/status".to_owned(),
        "/api/audit/sinks".to_owned(),
        "/api/audit".to_owned(),
        format!("/api/audit/{id}"),
        format!("/api/audit/events/{id}"),
        format!("/api/audit/events/{id}/proof"),
        format!("/api/audit/events/{id}/raw"),
    ];
    for path in paths {
        for name in [
            "surprise",
            "Action",
            "actorID",
            "org_id",
            "__proto__",
            "sort",
        ] {
            let target = format!("{path}?{name}=1");
            let answer = server.get(&target).by(Who::Owner).send().await;
            assert_issue(&answer, name, &target);
            assert_eq!(
                answer.json()["error"],
                "Invalid query parameters",
                "{target}"
            );
        }
    }
    for (query, field) in [
        ("action=", "action"),
        ("action=a%20b", "action"),
        ("action=*a*", "action"),
        ("outcome=maybe", "outcome"),
        ("actorType=robot", "actorType"),
        ("ip=10.0.0.0/33", "ip"),
        ("code=MA-0000", "code"),
        ("from=yesterday", "from"),
        ("to=2026-02-30", "to"),
        ("minDuration=-1", "minDuration"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=1&limit=2", "limit"),
        ("order=up", "order"),
        ("count=estimate", "count"),
        ("q=%20", "q"),
        ("filter=(", "filter"),
        ("filter=surprise:1", "filter"),
        ("allowScan=yes", "allowScan"),
        ("resourceId=a%00b", "resourceId"),
    ] {
        let target = format!("/api/audit/events?{query}");
        let answer = server.get(&target).by(Who::Owner).send().await;
        assert_issue(&answer, field, &target);
    }
    for (query, field) in [
        ("by=", "by"),
        ("by=metadata", "by"),
        ("interval=0m", "interval"),
        ("from=-1d&tz=", "tz"),
        ("from=-1d&tz=Mars%2FPort", "tz"),
        ("from=-1d&tz=..%2F..%2Fetc%2Fpasswd", "tz"),
        ("tz=Europe%2FBerlin&interval=1d&outcome=denied", "from"),
        ("interval=1s&from=-1d", "interval"),
        ("from=-91d&ip=10.0.0.1", "allowScan"),
        ("cursor=x", "cursor"),
        ("limit=5", "limit"),
    ] {
        let target = format!("/api/audit/histogram?{query}");
        let answer = server.get(&target).by(Who::Owner).send().await;
        assert_issue(&answer, field, &target);
    }
    for (query, field) in [
        ("fields=", "fields"),
        ("fields=action,", "fields"),
        ("limit=0", "limit"),
    ] {
        let target = format!("/api/audit/facets?{query}");
        let answer = server.get(&target).by(Who::Owner).send().await;
        assert_issue(&answer, field, &target);
    }
    for (query, field) in [
        ("perPage=0", "perPage"),
        ("page=0&offset=1", "offset"),
        ("offset=10001", "offset"),
        ("from=2026-01-01", "from"),
        ("limit=1001", "limit"),
    ] {
        let target = format!("/api/audit?{query}");
        let answer = server.get(&target).by(Who::Owner).send().await;
        assert_issue(&answer, field, &target);
    }
}

#[tokio::test]
async fn a_long_search_that_no_index_narrows_is_asked_for_on_purpose() {
    let server = TestServer::start().await;
    server.keep_many(1).await;

    for query in [
        "",
        "outcome=success&from=-89d",
        "actorId=ada",
        "ip=10.0.0.1&allowScan=true",
    ] {
        get(&server, &format!("/api/audit/events?{query}")).await;
    }
    for query in ["ip=10.0.0.1", "count=exact", "from=-91d&outcome=success"] {
        let path = format!("/api/audit/events?{query}");
        let answer = server.get(&path).by(Who::Owner).send().await;
        assert_issue(&answer, "allowScan", &path);
    }
}

#[tokio::test]
async fn hostile_values_are_values_and_nothing_else() {
    let server = TestServer::start().await;
    let mut event = server.event("agents.create", AuditOutcome::Success);
    event.actor.id = "nobody-asks-for-me".to_owned();
    server.keep(event).await;
    let values = hostile_values();
    assert!(values.len() >= 300, "{}", values.len());

    for value in &values {
        let mut id = server.event("agents.create", AuditOutcome::Success);
        id.actor.id.clone_from(value);
        if !value.is_empty() && !value.contains('\0') && value.len() <= 200 {
            server.keep(id).await;
        }
        let encoded = percent_encode(value);
        for (path, name) in [
            ("events", "actorId"),
            ("events", "action"),
            ("events", "q"),
            ("events", "filter"),
            ("events", "ip"),
            ("events", "cursor"),
            ("facets", "resourceId"),
            ("histogram", "sessionId"),
            ("feed", "partition"),
            ("export", "actorId"),
        ] {
            let target = format!("/api/audit/{path}?allowScan=true&{name}={encoded}");
            let target = target.replace("feed?allowScan=true&", "feed?");
            if target.len() > 8_000 {
                continue;
            }
            let Some(answer) = server.get(&target).by(Who::Owner).try_send().await else {
                continue;
            };
            assert!(
                matches!(answer.code(), 200 | 400 | 414),
                "{name}={value:?}: {} {}",
                answer.code(),
                answer.text()
            );
            let is_exact = answer.code() == 200 && (path, name) == ("events", "actorId");
            if is_exact {
                let json = answer.json();
                let events = json["events"].as_array().unwrap();
                let of_value = |event: &Value| event["actor"]["id"] == **value;
                assert!(events.iter().all(of_value), "{value:?}: {json}");
            }
        }
    }
    let all = get(&server, "/api/audit/events?actorId=nobody-asks-for-me").await;
    assert_eq!(ids(&all).len(), 1);
}

#[tokio::test]
async fn a_literal_path_is_no_id() {
    let server = TestServer::start().await;
    server.keep_many(1).await;

    for path in ["export", "events", "feed", "status", "sinks"] {
        let answer = server
            .get(format!("/api/audit/{path}"))
            .by(Who::Owner)
            .send()
            .await;
        assert_eq!(answer.code(), 200, "{path}: {}", answer.text());
    }
    for id in [
        "EXPORT",
        "exports",
        "1",
        "019A3C5E-7B1C-7D40-9F0E-2A61C0D4E001",
        "*",
    ] {
        let answer = server
            .get(format!("/api/audit/{id}"))
            .by(Who::Owner)
            .send()
            .await;
        answer.assert_error(400, "invalid");
        assert_eq!(answer.json()["error"], "Invalid path parameters", "{id}");
    }
}
