//! Whoever follows a log by its numbers misses nothing.

use std::time::Duration;

use ee::UserId;
use http::Method;
use serde_json::Value;
use server_tests::{Open, TestServer, Who};

use crate::{
    audit::{get, ids},
    streams_revoked::{OVER, SECOND, by_owner},
};

/// The numbers and ids of the events that have come so far.
fn events(text: &str) -> Vec<(u64, String)> {
    let blocks = text.split_terminator("\n\n");
    let event = |block: &str| {
        let mut lines = block.lines();
        let seq = lines.next()?.strip_prefix("id: ")?.parse().ok()?;
        let json: Value = serde_json::from_str(lines.next()?.strip_prefix("data: ")?).ok()?;
        assert_eq!(json["seq"], seq);
        Some((seq, json["id"].as_str()?.to_owned()))
    };
    blocks.filter_map(event).collect()
}

async fn reader(server: &TestServer) -> (UserId, String) {
    server.role("reader", &["audit:read"], &[]).await;
    let ada = server.account("ada", &["reader"]).await;
    let session = server.session_of(&ada).await;
    (ada, session)
}

#[tokio::test]
async fn a_feed_is_the_log_part_by_part() {
    let server = TestServer::start().await;
    let kept = server.keep_many(5).await;

    let first = get(&server, "/api/audit/feed?limit=2").await;
    assert_eq!(ids(&first), kept[..2]);
    assert_eq!((&first["head"], &first["next"]), (&5.into(), &2.into()));
    assert!(first["lagMs"].as_u64().unwrap() > 0);
    let rest = get(&server, "/api/audit/feed?after=2").await;
    assert_eq!(ids(&rest), kept[2..]);
    assert_eq!((&rest["next"], &rest["lagMs"]), (&5.into(), &0.into()));
    let none = get(&server, "/api/audit/feed?after=5").await;
    assert!(ids(&none).is_empty());
    assert_eq!((&none["head"], &none["next"]), (&5.into(), &5.into()));
    let other = get(&server, "/api/audit/feed?partition=other").await;
    assert_eq!(
        (&other["head"], &other["partition"]),
        (&0.into(), &"other".into())
    );
}

#[tokio::test]
async fn a_feed_waits_for_what_comes() {
    let server = TestServer::start().await;
    server.keep_many(1).await;

    let path = "/api/audit/feed?after=1&wait=30";
    let waiting = get(&server, path);
    let writing = async {
        tokio::task::yield_now().await;
        server.keep_many(1).await
    };
    let (feed, written) = tokio::join!(waiting, writing);

    assert_eq!(ids(&feed), written);
}

#[tokio::test]
async fn a_follower_that_is_cut_off_again_and_again_misses_nothing() {
    let server = TestServer::start().await;
    let mut kept = server.keep_many(3).await;
    let mut seen: Vec<(u64, String)> = Vec::new();

    let follow = async |last: Option<u64>| -> Open {
        let ask = server.get("/api/audit/stream?after=0").by(Who::Owner);
        match last {
            Some(last) => ask.header("last-event-id", last.to_string()).open().await,
            None => ask.open().await,
        }
    };
    for round in 0..6 {
        let mut open = follow(seen.last().map(|(seq, _)| *seq)).await;
        // Some were written while nobody listened, and some while somebody does.
        kept.extend(server.keep_many(round).await);
        open.until(kept.last().unwrap()).await;
        seen.extend(events(open.text()));
        drop(open);
        kept.extend(server.keep_many(2).await);
    }
    let mut open = follow(seen.last().map(|(seq, _)| *seq)).await;
    open.until(kept.last().unwrap()).await;
    seen.extend(events(open.text()));

    let numbers: Vec<u64> = seen.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (1..=kept.len() as u64).collect::<Vec<_>>());
    let ids: Vec<String> = seen.into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, kept);
}

#[tokio::test]
async fn a_stream_begins_now_and_tells_where_to_go_on() {
    let server = TestServer::start().await;
    server.keep_many(3).await;

    let mut open = server.get("/api/audit/stream").by(Who::Owner).open().await;
    open.until("id: 3\n\n").await;
    assert!(open.text().starts_with("retry: "), "{}", open.text());
    let kept = server.keep_many(1).await;
    open.until(&kept[0]).await;

    assert_eq!(events(open.text()), [(4, kept[0].clone())]);
}

#[tokio::test]
async fn a_stream_shows_what_fits_and_ends_after_so_many() {
    let server = TestServer::start().await;
    for outcome in [
        ee::AuditOutcome::Denied,
        ee::AuditOutcome::Success,
        ee::AuditOutcome::Denied,
        ee::AuditOutcome::Denied,
    ] {
        server.keep(server.event("agents.create", outcome)).await;
    }

    let path = "/api/audit/stream?after=0&outcome=denied&limit=2";
    let answer = server.get(path).by(Who::Owner).send().await;

    assert_eq!(answer.header("content-type"), "text/event-stream");
    let numbers: Vec<u64> = events(&answer.text()).iter().map(|it| it.0).collect();
    assert_eq!(numbers, [1, 3]);
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_with_the_permission() {
    let server = TestServer::start().await;
    let (_, session) = reader(&server).await;
    let open = server
        .get("/api/audit/stream")
        .cookie(&session)
        .open()
        .await;
    by_owner(&server, Method::DELETE, "sessions?userId=ada", None).await;
    let text = open.to_end_within(SECOND).await;
    assert!(
        text.contains("event: error") && text.contains(OVER),
        "{text}"
    );

    let server = TestServer::start().await;
    let (_, session) = reader(&server).await;
    let mut open = server
        .get("/api/audit/stream")
        .cookie(&session)
        .open()
        .await;
    open.until("retry").await;
    let path = "assignments?userId=ada&role=reader";
    by_owner(&server, Method::DELETE, path, None).await;
    let text = open.to_end_within(SECOND).await;
    assert!(text.contains("audit:read"), "{text}");
    let after = text.split("event: error").nth(1).unwrap();
    assert!(!after.contains("id: "), "{text}");
}

#[tokio::test]
async fn a_feed_that_waits_ends_with_the_permission() {
    let server = TestServer::start().await;
    let (_, session) = reader(&server).await;

    let ask = server
        .get("/api/audit/feed?wait=30")
        .cookie(&session)
        .send();
    let ending = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let path = "assignments?userId=ada&role=reader";
        by_owner(&server, Method::DELETE, path, None).await;
    };
    let (answer, ()) = tokio::time::timeout(SECOND * 5, async { tokio::join!(ask, ending) })
        .await
        .unwrap();

    answer.assert_error(403, "forbidden");
}

#[tokio::test]
async fn malformed_places_are_refused_by_name() {
    let server = TestServer::start().await;

    for last in [
        "",
        "x",
        "-1",
        "1.0",
        "0x1",
        "99999999999999999999",
        "1,2",
        "\u{e9}",
    ] {
        let ask = server.get("/api/audit/stream").by(Who::Owner);
        let answer = ask.header("last-event-id", last).send().await;
        crate::bodies::assert_issue(&answer, "Last-Event-ID", last);
    }
    for (name, value) in [
        ("after", ""),
        ("after", "-1"),
        ("after", "9223372036854775808"),
        ("wait", "31"),
        ("wait", "x"),
        ("limit", "0"),
        ("limit", "1001"),
        ("partition", ""),
        ("partition", "%00"),
        ("cursor", "x"),
        ("surprise", "1"),
    ] {
        let path = format!("/api/audit/feed?{name}={value}");
        let answer = server.get(&path).by(Who::Owner).send().await;
        crate::bodies::assert_issue(&answer, name, &path);
    }
}
