//! Copies of the record: their shapes, their manifests, and what the record says of them.

use ee::{
    AuditEvent, AuditOutcome, AuditStage,
    audit::{
        export::{ExportLine, Manifest},
        integrity::{Evidence, Outcome, VerifierKeys, verify_copy, verify_note},
    },
};
use serde_json::{Value, json};
use server_tests::{Answer, TestServer, Who};

async fn export(server: &TestServer, query: &str) -> Answer {
    let path = format!("/api/audit/export{query}");
    let answer = server.get(&path).by(Who::Owner).send().await;
    assert_eq!(answer.code(), 200, "{path}: {}", answer.text());
    answer
}

fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Takes an answer of two parts apart: the copy and the signed note about it.
fn parts(answer: &Answer) -> (String, String) {
    let kind = answer.header("content-type");
    let boundary = kind.strip_prefix("multipart/mixed; boundary=").unwrap();
    let text = answer.text();
    let separator = format!("\r\n--{boundary}");
    let mut parts = text.split(&separator).skip(1);
    let mut body = || {
        let (_, body) = parts.next().unwrap().split_once("\r\n\r\n").unwrap();
        body.to_owned()
    };
    let both = (body(), body());
    assert_eq!(parts.next(), Some("--\r\n"));
    both
}

fn keys(server: &TestServer) -> VerifierKeys {
    [server.signer.verifier().clone()].into_iter().collect()
}

#[tokio::test]
async fn a_copy_has_everything_that_fits_in_the_order_that_was_asked_for() {
    let server = TestServer::start().await;
    let kept = server.keep_many(1_203).await;

    let answer = export(&server, "?format=ndjson&order=asc").await;

    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"audit.ndjson\""
    );
    assert_eq!(answer.header("cache-control"), "no-store, no-transform");
    let ids: Vec<String> = answer
        .text()
        .lines()
        .map(|line| {
            serde_json::from_str::<ExportLine>(line)
                .unwrap()
                .event
                .id
                .to_string()
        })
        .collect();
    assert_eq!(ids, kept);
    let newest = export(&server, "?format=ndjson&to=2099-01-01").await.text();
    assert_eq!(lines(&newest)[0]["id"], *kept[1_202]);
    let none = export(&server, "?format=ndjson&outcome=denied").await;
    assert_eq!(none.text(), "");
}

#[tokio::test]
async fn a_manifest_says_what_is_in_the_copy_and_is_signed() {
    let server = TestServer::start().await;
    server.keep_many(20).await;
    server.seal().await;

    let query = "?format=ndjson&evidence=true&manifest=true&order=asc&action=agents.*";
    let (copy, note) = parts(&export(&server, query).await);

    let text = verify_note(&note, &keys(&server)).unwrap();
    let manifest = Manifest::from_text(&text).unwrap();
    assert!(manifest.is_of(copy.as_bytes()).unwrap());
    assert!(!manifest.is_of(&copy.as_bytes()[1..]).unwrap());
    assert_eq!(manifest.count, 20);
    assert!(
        manifest.filter.starts_with("action:agents.*"),
        "{}",
        manifest.filter
    );
    let partition = &manifest.partitions[0];
    assert_eq!(
        (partition.first, partition.last, partition.count),
        (1, 20, 20)
    );
    let evidence = Evidence::new("tests", keys(&server));
    let reports = verify_copy(copy.as_bytes(), &evidence, |_| ()).unwrap();
    assert_eq!(reports[0].outcome, Outcome::Ok, "{}", reports[0]);
    let forged = note.replace("\"count\":20", "\"count\":19");
    assert!(verify_note(&forged, &keys(&server)).is_err());
}

#[tokio::test]
async fn other_systems_get_their_formats() {
    let server = TestServer::start().await;
    let kept = server.keep_many(2).await;

    let ocsf = lines(&export(&server, "?format=ocsf").await.text());
    assert_eq!(ocsf.len(), 2);
    assert_eq!(ocsf[0]["metadata"]["uid"], *kept[1]);
    let cef = export(&server, "?format=cef").await.text();
    assert_eq!(cef.lines().count(), 2);
    assert!(cef.starts_with("CEF:0|mastra-ee|audit|"), "{cef}");
    let csv = export(&server, "?format=csv&columns=all&bom=true")
        .await
        .text();
    assert!(
        csv.starts_with("\u{feff}id,timestamp,receivedAt,partition,seq,"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 3);
}

#[tokio::test]
async fn clients_of_mastra_get_their_copies() {
    let server = TestServer::start().await;
    let kept = server.keep_many(2).await;

    for query in [
        "",
        "?format=json",
        "?format=json&actorId=ada&startDate=2020-01-01",
    ] {
        let answer = export(&server, query).await;
        assert_eq!(answer.header("content-type"), "application/json");
        let events = answer.json();
        assert_eq!(events.as_array().unwrap().len(), 2, "{query}");
        assert_eq!(events[0]["id"], *kept[1]);
        assert_eq!(
            events[0]["actor"],
            json!({ "type": "user", "id": "ada", "email": "ada@example.com" })
        );
        assert!(events[0].get("seq").is_none());
    }
    let head = "id,timestamp,actorType,actorId,actorEmail,action,resourceType,resourceId,outcome,duration\r\n";
    let csv = export(&server, "?format=csv&outcome=success").await.text();
    assert!(csv.starts_with(head), "{csv}");
    assert_eq!(csv.lines().count(), 3);
    let empty = export(&server, "?format=csv&outcome=denied").await.text();
    assert_eq!(empty, head);
    assert_eq!(export(&server, "?outcome=denied").await.text(), "[]");
    let chosen = export(&server, "?format=csv&columns=mastra&q=support")
        .await
        .text();
    assert!(chosen.starts_with(head), "{chosen}");
}

#[tokio::test]
async fn no_cell_of_a_table_is_a_formula() {
    let server = TestServer::start().await;
    let attacks = [
        "=cmd|'/c calc'!A1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "  =1",
        "\"=1",
        "＝1",
    ];
    for attack in attacks {
        let mut event = server.event("agents.create", AuditOutcome::Success);
        attack.clone_into(&mut event.actor.id);
        event.actor.email = Some(attack.to_owned());
        event.reason = Some(attack.to_owned());
        server.keep(event).await;
    }

    for query in ["?format=csv", "?format=csv&columns=all"] {
        let text = export(&server, query).await.text();
        for attack in attacks {
            let doubled = attack.replace('"', "\"\"");
            assert!(
                text.contains(&format!("\"'{doubled}\"")),
                "{query} {attack:?}"
            );
            assert!(
                !text.contains(&format!("\"{doubled}\"")),
                "{query} {attack:?}"
            );
        }
    }
}

/// What the record says of copies since the last look.
fn told(server: &TestServer) -> Vec<AuditEvent> {
    let mut events = server.audit.take();
    events.retain(|event| event.action.as_str() == "audit.export");
    events
}

#[tokio::test]
async fn a_copy_is_recorded_before_its_first_byte_and_at_its_end() {
    let server = TestServer::start().await;
    server.keep_many(3).await;

    for _ in 0..2 {
        server.audit.take();
        let copy = export(&server, "?format=ndjson&actorId=ada").await;
        let events = told(&server);
        let stages: Vec<AuditStage> = events.iter().map(|event| event.stage).collect();
        assert_eq!(stages, [AuditStage::Intent, AuditStage::Result]);
        let end = &events[1];
        assert_eq!(
            (end.outcome, end.actor.id.as_str()),
            (AuditOutcome::Success, "owner")
        );
        assert_eq!(end.metadata["count"], 3);
        assert_eq!(end.metadata["bytes"], copy.body.len());
        assert_eq!(end.metadata["format"], "ndjson");
        assert_eq!(end.metadata["content"], false);
        let filter = end.metadata["filter"].as_str().unwrap();
        assert!(filter.contains("actorId:ada"), "{filter}");
        assert_eq!(end.metadata["sha256"].as_str().unwrap().len(), 64);
    }
}

#[tokio::test]
async fn a_copy_that_nobody_fetches_to_its_end_is_recorded_as_a_failure() {
    let server = TestServer::start().await;
    server.keep_many(1_500).await;
    server.audit.take();

    let path = "/api/audit/export?format=ndjson&order=asc";
    let mut open = server.get(path).by(Who::Owner).open().await;
    open.until("\n").await;
    drop(open);

    let events = told(&server);
    assert_eq!(events.len(), 2);
    let end = &events[1];
    assert_eq!(end.outcome, AuditOutcome::Failure);
    assert_eq!(end.reason.as_deref(), Some("aborted before its end"));
    assert!(end.metadata["count"].as_u64().unwrap() < 1_500);
    assert!(end.metadata.get("sha256").is_none());
}

#[tokio::test]
async fn a_copy_that_cannot_be_recorded_is_not_made() {
    let server = TestServer::start().await;
    server.keep_many(1).await;
    server.audit.break_off();

    let answer = server.get("/api/audit/export").by(Who::Owner).send().await;

    answer.assert_error(503, "unavailable");
}

#[tokio::test]
async fn what_a_copy_cannot_be_is_refused_by_name() {
    let server = TestServer::start().await;

    for (query, field) in [
        ("format=xlsx", "format"),
        ("format=", "format"),
        ("format=csv&format=json", "format"),
        ("limit=1", "limit"),
        ("cursor=x", "cursor"),
        ("count=none", "count"),
        ("page=1", "page"),
        ("columns=all", "columns"),
        ("format=csv&columns=some", "columns"),
        ("format=ocsf&evidence=true", "evidence"),
        ("manifest=yes", "manifest"),
        ("format=ndjson&startDate=2026-01-01", "startDate"),
        ("surprise=1", "surprise"),
        ("ip=10.0.0.0/8", "allowScan"),
        ("order=up", "order"),
    ] {
        let path = format!("/api/audit/export?{query}");
        let answer = server.get(&path).by(Who::Owner).send().await;
        crate::bodies::assert_issue(&answer, field, &path);
        assert_eq!(answer.json()["error"], "Invalid query parameters", "{path}");
    }
}
