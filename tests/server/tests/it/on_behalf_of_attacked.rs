//! Attempts to gain something by `X-EE-On-Behalf-Of`.

use ee::server::Op;
use http::Method;
use serde_json::json;
use server_tests::{Call, Dice, TestServer, Who};

use crate::on_behalf_of::{HEADER, code, key, patch, start, try_make};

#[tokio::test]
async fn for_all_of_the_routes_it_is_never_more_than_each_of_the_three() {
    let server = start().await;
    server.account("chief", &["owner"]).await;
    let (whole, _) = key(&server, &["*:read", "*:execute"], &["chief", "eve"]).await;

    for op in Op::ALL
        .iter()
        .copied()
        .filter(|op| !op.route().access.is_public())
    {
        for user in ["chief", "eve"] {
            let call = Call::prepare(&server, op, Who::Member).await;
            let both = call
                .ask(&server)
                .bearer(&whole)
                .header(HEADER, user)
                .send()
                .await;
            if both.code() >= 300 {
                continue;
            }
            let call = Call::prepare(&server, op, Who::Member).await;
            let robot = call.ask(&server).bearer(&whole).send().await.code();
            let session = server.session_of(&user.parse().unwrap()).await;
            let call = Call::prepare(&server, op, Who::Member).await;
            let person = call.ask(&server).cookie(&session).send().await.code();
            assert!(
                robot != 403 && person != 403,
                "{op:?} {user}: {robot} {person}"
            );
        }
    }
}

#[tokio::test]
async fn nobody_makes_a_key_that_acts_for_somebody_beyond_his_reach() {
    let server = TestServer::start().await;
    for name in ["robot", "ada", "eve"] {
        server.account(name, &["member"]).await;
    }
    server.account("chief", &["owner"]).await;
    let body = |users: &[&str]| json!({ "userId": "robot", "name": "R", "scopes": ["agents:read"], "mayActFor": users });

    for users in [&["chief"][..], &["ada", "owner"]] {
        let made = try_make(&server, Who::Admin, &body(users)).await;
        made.assert_error(403, "forbidden");
    }
    let made = try_make(&server, Who::Admin, &body(&["ada", "eve"])).await;
    assert_eq!(made.code(), 200, "{}", made.text());
    let unknown = try_make(&server, Who::Owner, &body(&["nobody-at-all"])).await;
    unknown.assert_error(400, "invalid");
    let many: Vec<String> = (0..101).map(|_| "ada".to_owned()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    try_make(&server, Who::Owner, &body(&many))
        .await
        .assert_error(400, "invalid");
    for wrong in [json!(true), json!("ada"), json!([1]), json!([""])] {
        let mut body = body(&[]);
        body["mayActFor"] = wrong;
        try_make(&server, Who::Owner, &body)
            .await
            .assert_error(400, "invalid");
    }

    // Nor does somebody change, widen or renew one that was made by somebody greater.
    let (_, id) = key(&server, &["agents:read"], &["chief"]).await;
    for change in [json!({ "name": "Mine" }), json!({ "scopes": ["*:read"] })] {
        patch(&server, Who::Admin, &id, &change)
            .await
            .assert_error(403, "forbidden");
    }
    let rotate = server
        .post(format!("/api/access/keys/{id}/rotate"))
        .by(Who::Admin);
    rotate
        .if_match(1)
        .send()
        .await
        .assert_error(403, "forbidden");
    let (_, id) = key(&server, &["agents:read"], &["ada"]).await;
    let change = json!({ "mayActFor": ["ada", "chief"] });
    patch(&server, Who::Admin, &id, &change)
        .await
        .assert_error(403, "forbidden");
    let change = json!({ "mayActFor": [] });
    let less = patch(&server, Who::Admin, &id, &change).await;
    assert_eq!((less.code(), &less.json()["mayActFor"]), (200, &json!([])));
}

#[tokio::test]
async fn a_key_that_acts_makes_no_keys_and_reaches_nobody_through_its_user() {
    let server = start().await;
    server.account("chief", &["owner"]).await;
    server.assign(&"robot".parse().unwrap(), "admin").await;
    let (key, id) = key(
        &server,
        &["*:read", "access:read", "access:write"],
        &["chief"],
    )
    .await;

    let more = json!({ "userId": "chief", "name": "More", "scopes": ["access:read"] });
    let more = server
        .post("/api/access/keys")
        .bearer(&key)
        .header(HEADER, "chief")
        .json(&more);
    more.send().await.assert_error(403, "forbidden");
    let all = json!({ "name": "R", "scopes": ["*"] });
    let all = server
        .post("/api/access/keys")
        .bearer(&key)
        .header(HEADER, "chief")
        .json(&all);
    all.send().await.assert_error(403, "forbidden");
    let body = json!({ "mayActFor": ["chief", "owner"] });
    let wider = server
        .ask(Method::PATCH, format!("/api/access/keys/{id}"))
        .bearer(&key);
    let wider = wider.header(HEADER, "chief").if_match(1).json(&body);
    wider.send().await.assert_error(403, "forbidden");
    let body = json!({ "userId": "eve", "role": "owner" });
    let assign = server
        .post("/api/access/assignments")
        .bearer(&key)
        .header(HEADER, "chief");
    assign
        .json(&body)
        .send()
        .await
        .assert_error(403, "forbidden");
}

#[tokio::test]
async fn random_users_robots_and_scopes_meet_in_what_all_three_may() {
    const PATTERNS: [&str; 8] = [
        "*:read",
        "agents:*",
        "agents:read",
        "agents:read:writer",
        "stored:*",
        "workflows:*",
        "system:read",
        "*:*",
    ];
    let server = TestServer::start().await;
    let mut dice = Dice::new(11);
    for round in 0..25 {
        let names = ["user", "robot"].map(|name| format!("{name}-{round}"));
        for name in &names {
            server.role(name, &dice.some(&PATTERNS, 3), &[]).await;
            server.account(name, &[name]).await;
        }
        // A scope has to be within what the owner of the key holds: here it is all of it.
        let me = server.session_of(&names[1].parse().unwrap()).await;
        let me = server.get("/api/auth/me").cookie(&me).send().await.json();
        let scopes = me["permissions"].as_array().unwrap().clone();
        if scopes.is_empty() {
            continue;
        }
        let body =
            json!({ "userId": names[1], "name": "R", "scopes": scopes, "mayActFor": [names[0]] });
        let made = try_make(&server, Who::Owner, &body).await;
        assert_eq!(made.code(), 200, "{}", made.text());
        let key = made.json()["secret"].as_str().unwrap().to_owned();
        let user = server.session_of(&names[0].parse().unwrap()).await;
        for path in [
            "/api/agents/writer",
            "/api/agents/reviewer",
            "/api/stored/agents/writer",
            "/api/workflows/briefing",
            "/api/system/packages",
        ] {
            let his = server.get(path).cookie(&user).send().await.code();
            let its = server.get(path).bearer(&key).send().await.code();
            let both = code(&server, path, &key, &names[0]).await;
            let expected = if his == 200 && its == 200 { 200 } else { 403 };
            assert_eq!(both, expected, "{path}: {his} {its} {scopes:?}");
        }
    }
}
