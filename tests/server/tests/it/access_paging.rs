//! Lists by cursor: every row once, and nothing but rows.

use std::collections::BTreeSet;

use ee::storage::Effect;
use serde_json::{Value, json};
use server_tests::{TestServer, Who};

/// The lists, and what tells a row of each from the others.
const LISTS: [(&str, &[&str]); 9] = [
    ("/api/access/users?", &["id"]),
    ("/api/access/assignments?", &["userId", "role"]),
    ("/api/access/groups?", &["id"]),
    ("/api/access/groups/all/members?", &["userId"]),
    ("/api/access/grants?subject=role:viewer&", &["resource"]),
    (
        "/api/access/grants?resourceType=agents&resourceId=shared&",
        &["subject"],
    ),
    ("/api/access/keys?", &["id"]),
    ("/api/access/sessions?", &["id"]),
    ("/api/auth/sessions?", &["id"]),
];
const ROWS: usize = 23;

async fn filled() -> TestServer {
    let server = TestServer::start().await;
    server.group("all", &[]).await;
    for number in 1..ROWS {
        server.group(&format!("group-{number}"), &[]).await;
    }
    for number in 0..ROWS {
        // Ids with characters that mean something in a list, a query or a pattern.
        let id = format!("u{}[\"%_,é {number}", number % 3);
        let user = server.account(&id, &["viewer"]).await;
        let all = "all".parse().unwrap();
        assert!(server.access.groups.add_member(&all, &user).await.unwrap());
        let thing = format!("agents/thing {number}");
        server
            .grant("role:viewer", &thing, &["read"], Effect::Allow)
            .await;
        server
            .grant(
                &format!("user:{id}"),
                "agents/shared",
                &["read"],
                Effect::Allow,
            )
            .await;
        let body = json!({ "userId": id, "name": "A key", "scopes": ["agents:read"] });
        let ask = server.post("/api/access/keys").by(Who::Owner).json(&body);
        assert_eq!(ask.send().await.code(), 200);
    }
    for _ in 0..3 {
        server.sign_in(Who::Owner).await;
        server.sign_in(Who::Viewer).await;
    }
    server
}

async fn page(server: &TestServer, list: &str, limit: usize, cursor: Option<&str>) -> Value {
    let cursor = cursor
        .map(|text| format!("&cursor={text}"))
        .unwrap_or_default();
    let ask = server
        .get(format!("{list}limit={limit}{cursor}"))
        .by(Who::Owner);
    let answer = ask.send().await;
    assert_eq!(answer.code(), 200, "{list}: {}", answer.text());
    answer.json()
}

/// Goes through a list and returns what tells its rows apart.
async fn walk(server: &TestServer, (list, key): (&str, &[&str]), limit: usize) -> Vec<String> {
    let mut rows = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let part = page(server, list, limit, cursor.as_deref()).await;
        let items = part["items"].as_array().unwrap();
        assert!(items.len() <= limit, "{list}");
        rows.extend(items.iter().map(|item| {
            let values: Vec<_> = key.iter().map(|name| item[name].clone()).collect();
            json!(values).to_string()
        }));
        assert!(rows.len() < 1_000, "{list} does not end");
        match part["nextCursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return rows,
        }
    }
}

#[tokio::test]
async fn every_row_comes_once_whatever_the_size_of_the_parts() {
    let server = filled().await;

    for list in LISTS {
        let all = walk(&server, list, 200).await;
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "{list:?}");
        let least = if list.0.contains("sessions") { 3 } else { ROWS };
        assert!(all.len() >= least, "{list:?}: {}", all.len());
        for limit in [1, 2, 7, all.len() - 1, all.len(), all.len() + 1] {
            assert_eq!(walk(&server, list, limit).await, all, "{list:?} {limit}");
        }
    }
}

#[tokio::test]
async fn a_row_that_is_made_between_two_parts_moves_no_other() {
    let server = filled().await;
    let list = ("/api/access/users?", &["id"][..]);
    let before = walk(&server, list, 200).await;
    let first = page(&server, list.0, 10, None).await;
    server.account("a-new-one", &[]).await;
    server.account("z-new-one", &[]).await;

    let next = first["nextCursor"].as_str().unwrap();
    let rest = page(&server, list.0, 100, Some(next)).await;

    let ids = |part: &Value| -> Vec<String> {
        let items = part["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| json!([item["id"]]).to_string())
            .collect()
    };
    let mut seen = ids(&first);
    seen.extend(ids(&rest));
    seen.retain(|id| !id.contains("new-one"));
    assert_eq!(seen, before);
}

#[tokio::test]
async fn a_filter_holds_in_every_part() {
    let server = filled().await;
    server.account("watched", &["member"]).await;

    for (list, field, expected) in [
        ("/api/access/assignments?role=member&", "role", "member"),
        (
            "/api/access/assignments?userId=watched&",
            "userId",
            "watched",
        ),
        ("/api/access/sessions?userId=viewer&", "userId", "viewer"),
        ("/api/access/users?search=watched&", "id", "watched"),
    ] {
        let rows = walk(&server, (list, &[field]), 1).await;
        let expected = json!([expected]).to_string();
        assert!(
            !rows.is_empty() && rows.iter().all(|row| *row == expected),
            "{list}: {rows:?}"
        );
    }
    for list in ["kind=agent", "status=disabled", "search=nobody%25"] {
        let rows = walk(&server, (&format!("/api/access/users?{list}&"), &["id"]), 5).await;
        assert!(rows.is_empty(), "{list}: {rows:?}");
    }
}

#[tokio::test]
async fn a_malformed_cursor_or_limit_is_400() {
    let server = filled().await;

    for (list, _) in LISTS {
        for query in [
            "limit=0",
            "limit=201",
            "limit=-1",
            "limit=x",
            "limit=",
            "limit=1&limit=2",
            "cursor=%00",
            "cursor=*",
            "cursor=a",
            "cursor=====",
            "cursor=_w",
            "cursor=YQ==",
            "cursor=YQ%3D%3D",
            "cursor=YQ&cursor=YQ",
            "page=1",
            "Cursor=YQ",
        ] {
            let ask = server.get(format!("{list}{query}")).by(Who::Owner);
            let answer = ask.send().await;
            assert_eq!(answer.code(), 400, "{list}{query}: {}", answer.text());
            answer.assert_error(400, "invalid");
        }
    }
    // A cursor of another list is no place in this one, or a place like any other; never a failure of ours.
    for (list, _) in LISTS {
        for (other, _) in LISTS {
            let part = page(&server, other, 1, None).await;
            let next = part["nextCursor"].as_str().unwrap();
            let ask = server.get(format!("{list}cursor={next}")).by(Who::Owner);
            let answer = ask.send().await;
            assert!(
                matches!(answer.code(), 200 | 400),
                "{list} {other}: {}",
                answer.text()
            );
        }
    }
}
