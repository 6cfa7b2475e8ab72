//! API keys: what they open, and what they never do.

use ee::Clock as _;
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use server_tests::{Answer, Dice, LogCapture, TestServer, Who};

/// Makes a key and returns its secret and its id.
async fn make(server: &TestServer, body: Value) -> (String, String) {
    let ask = server.post("/api/access/keys").by(Who::Owner).json(&body);
    let answer = ask.send().await;
    assert_eq!(answer.code(), 200, "{}", answer.text());
    let json = answer.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&json["secret"]), text(&json["key"]["id"]))
}

async fn reader(server: &TestServer) -> (String, String) {
    server.account("ada", &["member"]).await;
    let body = json!({ "userId": "ada", "name": "Reader", "scopes": ["agents:read"] });
    make(server, body).await
}

async fn code(server: &TestServer, key: &str) -> u16 {
    server.get("/api/agents").bearer(key).send().await.code()
}

async fn by_owner(server: &TestServer, method: Method, path: &str, body: Value) -> Answer {
    let path = format!("/api/access/{path}");
    let version = server.get(path.trim_end_matches("/rotate")).by(Who::Owner);
    let version = version.send().await.json()["version"].as_u64().unwrap_or(1);
    let ask = server.ask(method, path).by(Who::Owner).if_match(version);
    let answer = if body.is_null() { ask } else { ask.json(&body) }
        .send()
        .await;
    assert_eq!(answer.code(), 200, "{}", answer.text());
    answer
}

#[tokio::test]
async fn a_key_is_its_owner_and_only_ever_less() {
    let server = TestServer::start().await;
    let (key, _) = reader(&server).await;
    let ask = |method: Method, path: &str| server.ask(method, path.to_owned()).bearer(&key);

    let me = ask(Method::GET, "/api/auth/me").send().await.json();
    assert_eq!(me["id"], "ada");
    assert_eq!(
        ask(Method::GET, "/api/agents/writer").send().await.code(),
        200
    );
    // Its owner may do this and the key may not.
    for path in [
        "/api/workflows",
        "/api/memory/threads",
        "/api/system/packages",
    ] {
        ask(Method::GET, path)
            .send()
            .await
            .assert_error(403, "forbidden");
    }
    let body = json!({ "messages": "Hello" });
    let execute = ask(Method::POST, "/api/agents/writer/generate").json(&body);
    execute.send().await.assert_error(403, "forbidden");
    assert_eq!(
        ask(Method::GET, "/api/access/keys").send().await.code(),
        403
    );
}

#[tokio::test]
async fn a_key_loses_what_its_owner_loses() {
    let server = TestServer::start().await;
    let (key, _) = reader(&server).await;
    let stored = async || {
        let ask = server.get("/api/stored/agents").bearer(&key);
        ask.send().await.code()
    };
    assert_eq!((code(&server, &key).await, stored().await), (200, 403));

    let path = "assignments?userId=ada&role=member";
    by_owner(&server, Method::DELETE, path, Value::Null).await;

    assert_eq!(code(&server, &key).await, 403);
    server.assign(&"ada".parse().unwrap(), "owner").await;
    // Whatever its owner gains, the key is what it was.
    assert_eq!((code(&server, &key).await, stored().await), (200, 403));
}

#[tokio::test]
async fn a_key_for_one_thing_opens_that_thing() {
    let server = TestServer::start().await;
    let scopes = ["agents:read:writer"];
    let (key, _) = make(&server, json!({ "name": "One", "scopes": scopes })).await;
    let get = async |path: &str| server.get(path.to_owned()).bearer(&key).send().await;

    assert_eq!(get("/api/agents/writer").await.code(), 200);
    assert_eq!(get("/api/agents/reviewer").await.code(), 403);
    let list = get("/api/agents").await.json();
    assert_eq!(
        list.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["writer"]
    );
}

#[tokio::test]
async fn an_expired_a_deleted_and_a_rotated_key_are_refused() {
    let server = TestServer::start().await;
    let (key, id) = reader(&server).await;
    let path = format!("keys/{id}");
    let rotate = format!("keys/{id}/rotate");

    let body = json!({ "overlapSeconds": 60 });
    let rotated = by_owner(&server, Method::POST, &rotate, body).await.json();
    let next = rotated["secret"].as_str().unwrap().to_owned();
    assert_ne!(next, key);
    assert_eq!(
        (code(&server, &key).await, code(&server, &next).await),
        (200, 200)
    );
    server.clock.advance(SignedDuration::from_secs(59));
    assert_eq!(
        (code(&server, &key).await, code(&server, &next).await),
        (200, 200)
    );
    server.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(
        (code(&server, &key).await, code(&server, &next).await),
        (401, 200)
    );

    // Without an overlap the old secret is over at once, and a body is not needed.
    let rotated = by_owner(&server, Method::POST, &rotate, Value::Null)
        .await
        .json();
    let last = rotated["secret"].as_str().unwrap().to_owned();
    assert_eq!(
        (code(&server, &next).await, code(&server, &last).await),
        (401, 200)
    );

    let end = server.clock.now() + SignedDuration::from_secs(10);
    by_owner(&server, Method::PATCH, &path, json!({ "expiresAt": end })).await;
    server.clock.advance(SignedDuration::from_secs(9));
    assert_eq!(code(&server, &last).await, 200);
    server.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(code(&server, &last).await, 401);

    let end = server.clock.now() + SignedDuration::from_hours(1);
    by_owner(&server, Method::PATCH, &path, json!({ "expiresAt": end })).await;
    assert_eq!(code(&server, &last).await, 200);
    by_owner(&server, Method::DELETE, &path, Value::Null).await;
    assert_eq!(code(&server, &last).await, 401);
}

#[tokio::test]
async fn a_key_that_says_nothing_of_its_end_ends_after_ninety_days() {
    let server = TestServer::start().await;
    let (key, _) = make(
        &server,
        json!({ "name": "Mine", "scopes": ["agents:read"] }),
    )
    .await;

    server
        .clock
        .advance(SignedDuration::from_hours(90 * 24) - SignedDuration::from_secs(1));
    assert_eq!(code(&server, &key).await, 200);
    server.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(code(&server, &key).await, 401);
}

#[tokio::test]
async fn a_key_is_good_from_its_addresses_alone() {
    let server = TestServer::start().await;
    let addresses = ["203.0.113.0/24", "2001:db8::/32", "198.51.100.7"];
    let body = json!({ "name": "Here", "scopes": ["agents:read"], "addresses": addresses });
    let (key, _) = make(&server, body).await;

    for (peer, expected) in [
        ("203.0.113.9", 200),
        ("203.0.114.9", 401),
        ("198.51.100.7", 200),
        ("198.51.100.8", 401),
        ("2001:db8:1::1", 200),
        ("2001:db9::1", 401),
        ("127.0.0.1", 401),
    ] {
        let ask = server.get("/api/agents").bearer(&key).peer(peer);
        // A header of the client's is no address.
        let ask = ask.header("x-forwarded-for", "203.0.113.9");
        assert_eq!(ask.send().await.code(), expected, "{peer}");
    }
}

#[tokio::test]
async fn what_is_not_quite_a_key_is_401() {
    let server = TestServer::start().await;
    let (key, id) = reader(&server).await;
    let (_, other) = make(&server, json!({ "name": "Other", "scopes": ["*"] })).await;
    let secret = key.rsplit('_').next().unwrap().to_owned();
    // A secret may have an underscore in it: what stands after the third one is the secret.
    let secret = key
        .strip_prefix(&format!("ee_dev_{id}_"))
        .unwrap_or(&secret);
    let mut wrong = vec![
        format!("ee_live_{id}_{secret}"),
        format!("ee__{id}_{secret}"),
        format!("ee_dev_{other}_{secret}"),
        format!("ee_dev_{id}_{}", "A".repeat(43)),
        format!("ee_dev__{secret}"),
        format!("ee_dev_{}_{secret}", "x".repeat(300)),
        format!("ee_dev_{id}_"),
        format!("ee_dev_{id}"),
        "ee_".to_owned(),
        "ee_dev".to_owned(),
        secret.to_owned(),
        id,
        key.repeat(100),
    ];
    let mut dice = Dice::new(1);
    let alphabet: Vec<char> = "Aaz09-_=.%/+:~é€\u{2028}".chars().collect();
    while wrong.len() < 1_013 {
        let mut text: Vec<char> = key.chars().collect();
        for _ in 0..=dice.roll(2) {
            let (at, other) = (dice.roll(text.len()), dice.pick(&alphabet));
            match dice.roll(5) {
                0 => text.insert(at, other),
                1 => drop(text.remove(at)),
                2 => text.truncate(at),
                3 => text[at] = text[at].to_ascii_uppercase(),
                _ => text[at] = other,
            }
            if text.is_empty() {
                text.push('e');
            }
        }
        let text: String = text.into_iter().collect();
        if text != key {
            wrong.push(text);
        }
    }

    for text in &wrong {
        let answer = server.get("/api/agents").bearer(text).send().await;
        assert_eq!(answer.code(), 401, "{text:?}: {}", answer.text());
        assert!(!answer.text().contains(secret), "{text:?}");
    }
    let session = server.sign_in(Who::Owner).await;
    let saved = server.get("/api/agents").cookie(&session).bearer(&wrong[0]);
    assert_eq!(
        saved.send().await.code(),
        401,
        "a cookie does not save a wrong key"
    );
    let twice = server.get("/api/agents").bearer(&key).bearer(&key);
    assert_eq!(twice.send().await.code(), 401);
    assert_eq!(code(&server, &key).await, 200);
}

#[tokio::test]
async fn a_secret_is_shown_once_and_stands_in_no_record_and_no_log() {
    let logs = LogCapture::start();
    let server = TestServer::start().await;
    let (key, id) = reader(&server).await;
    let path = format!("keys/{id}/rotate");
    let rotated = by_owner(&server, Method::POST, &path, Value::Null)
        .await
        .json();
    let next = rotated["secret"].as_str().unwrap().to_owned();
    for text in [&key, &next, &format!("{key}x")] {
        code(&server, text).await;
    }

    let mut texts = vec![logs.text(), format!("{:?}", server.audit.take())];
    for path in [
        "keys".to_owned(),
        format!("keys/{id}"),
        "keys?userId=ada".to_owned(),
        "users/ada".to_owned(),
    ] {
        let ask = server.get(format!("/api/access/{path}")).by(Who::Owner);
        texts.push(ask.send().await.text());
    }
    let body = json!({ "name": "Renamed" });
    let path = format!("keys/{id}");
    texts.push(by_owner(&server, Method::PATCH, &path, body).await.text());
    for key in [&key, &next] {
        let secret = &key[key.len() - 43..];
        for text in &texts {
            assert!(!text.contains(secret), "{text}");
        }
    }
    let seen = server
        .get(format!("/api/access/{path}"))
        .by(Who::Owner)
        .send()
        .await
        .json();
    assert!(seen["lastUsedAt"].is_string(), "{seen}");
}

#[tokio::test]
async fn a_key_changes_its_own_secret_and_makes_no_other_of_its_owner() {
    let server = TestServer::start().await;
    let scopes = ["access:read", "access:write"];
    let addresses = ["203.0.113.0/24"];
    let body = json!({ "name": "Keeper", "scopes": scopes, "addresses": addresses });
    let (key, id) = make(&server, body).await;
    let path = format!("/api/access/keys/{id}");

    // A key that is good from some addresses alone would get rid of that.
    let more = json!({ "name": "More", "scopes": ["access:read"] });
    let more = server.post("/api/access/keys").bearer(&key).json(&more);
    more.send().await.assert_error(403, "forbidden");
    let anywhere = json!({ "addresses": [] });
    let patch = server.ask(Method::PATCH, &path).bearer(&key).if_match(1);
    patch
        .json(&anywhere)
        .send()
        .await
        .assert_error(403, "forbidden");

    let seen = server.get(&path).bearer(&key).send().await.json();
    let version = seen["version"].as_u64().unwrap();
    let rotate = server
        .post(format!("{path}/rotate"))
        .bearer(&key)
        .if_match(version);
    let rotated = rotate.send().await;
    assert_eq!(rotated.code(), 200, "{}", rotated.text());
    assert_eq!(rotated.json()["key"]["addresses"], json!(addresses));
    let next = rotated.json()["secret"].as_str().unwrap().to_owned();
    let users = async |key: &str| {
        server
            .get("/api/access/users")
            .bearer(key)
            .send()
            .await
            .code()
    };
    assert_eq!((users(&key).await, users(&next).await), (401, 200));
}

#[tokio::test]
async fn a_key_that_reads_access_changes_none() {
    let server = TestServer::start().await;
    let body = json!({ "name": "Auditor", "scopes": ["access:read"] });
    let (key, id) = make(&server, body).await;
    let ask = |method, path: &str| server.ask(method, path.to_owned()).bearer(&key);

    assert_eq!(
        ask(Method::GET, "/api/access/users").send().await.code(),
        200
    );
    let wider = json!({ "scopes": ["*"] });
    let patch = ask(Method::PATCH, &format!("/api/access/keys/{id}"))
        .if_match(1)
        .json(&wider);
    patch.send().await.assert_error(403, "forbidden");
    let more = json!({ "name": "More", "scopes": ["access:read"] });
    let more = ask(Method::POST, "/api/access/keys")
        .json(&more)
        .send()
        .await;
    more.assert_error(403, "forbidden");
}
