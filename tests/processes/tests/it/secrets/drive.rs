//! Everything that can be done with a secret, and everything that can go wrong.

use processes::{Api, Ask, Credential};
use reqwest::Method;
use serde_json::{Value, json};

use super::{secret, watch::Watch};

/// Does everything once.
pub(crate) async fn everything(api: &Api, watch: &mut Watch, owner: &str) {
    let token = Credential::Token(owner.to_owned());
    let session = watch
        .sign_in("sign-in", api.signing_in("a@b.c", owner))
        .await;
    let key = keys(api, watch, &token).await;
    let wrong = secret("wrong-token");
    watch.keep("a wrong token", &wrong);
    let strangers = [
        Credential::Token(wrong.clone()),
        Credential::Cookie(format!("ee_session={wrong}")),
        Credential::Token(format!("ee_dev_0123456789abcdef_{wrong}")),
    ];
    for who in strangers.iter().chain([&token, &session, &key]) {
        every_route(api, watch, who, &wrong).await;
    }
    for api in [api, &api.over_http2()] {
        sign_ins(api, watch, owner, &wrong).await;
        misplaced(api, watch, &token, &key, &wrong).await;
    }
    for who in [&token, &session, &key] {
        let answer = watch.send("a list", api.get("/api/agents").by(who)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    chat(api, watch, &session).await;
    sessions(api, watch, owner).await;
    let last = api.delete("/api/auth/sessions").by(&session);
    watch.send("the end of other sessions", last).await;
    let out = api.post("/api/auth/logout").by(&session);
    watch.send("sign-out", out).await;
    watch
        .send("after the sign-out", api.get("/api/agents").by(&session))
        .await;
}

/// Does the most usual things again.
pub(crate) async fn once_more(api: &Api, watch: &mut Watch, owner: &str) {
    let token = Credential::Token(owner.to_owned());
    let session = watch
        .sign_in("sign-in", api.signing_in("a@b.c", owner))
        .await;
    for who in [&token, &session] {
        watch.send("a list", api.get("/api/agents").by(who)).await;
    }
}

/// Asks for everything that the server describes, with bodies that it cannot use.
pub(crate) async fn every_route(api: &Api, watch: &mut Watch, who: &Credential, wrong: &str) {
    let document = api.get("/api/openapi.json").done().await;
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = without_parameters(path);
        for name in item.as_object().unwrap().keys() {
            let Ok(method) = Method::from_bytes(name.to_uppercase().as_bytes()) else {
                continue;
            };
            // These end or replace what the next request needs, and come later.
            let ends_others = path.ends_with("/auth/sessions") && name == "delete";
            if ends_others || ["/api/auth/logout", "/api/auth/refresh"].contains(&&*path) {
                continue;
            }
            let ask = || api.ask(method.clone(), &path).by(who);
            let what = format!("{name} {path}");
            watch.send(&what, ask()).await;
            if method != Method::GET {
                watch
                    .send(&what, ask().json(&json!({ "surprise": wrong })))
                    .await;
                watch.send(&what, ask().raw(format!("\"{wrong}\""))).await;
                watch
                    .send(&what, ask().raw(format!(r#"{{"password": "{wrong}", "#)))
                    .await;
            }
        }
    }
}

fn without_parameters(path: &str) -> String {
    let parts = path.split('/').map(|part| match part.strip_prefix('{') {
        Some(_) => "nothing-of-that-name",
        None => part,
    });
    let path = parts.collect::<Vec<_>>().join("/");
    if path == "/api/audit/stream" {
        // By itself it has no end.
        return path + "?after=0&limit=1";
    }
    path
}

/// Signs in in every way that works and in every way that does not.
async fn sign_ins(api: &Api, watch: &mut Watch, owner: &str, wrong: &str) {
    for password in [
        json!(wrong),
        json!({ "is": wrong }),
        json!([wrong]),
        json!(wrong.repeat(50)),
        json!(format!("{owner} ")),
        json!({ "is": owner }),
    ] {
        for body in [
            json!({ "email": "a@b.c", "password": password }),
            json!({ "email": "no address", "password": password }),
            json!({ "email": "a@b.c", "password": password, "surprise": 1 }),
            json!({ "email": "a@b.c", "password": "x", "remember": password }),
        ] {
            for path in [
                "/api/auth/login",
                "/api/auth/credentials/sign-in",
                "/api/auth/signup",
            ] {
                watch.send(path, api.post(path).json(&body)).await;
            }
        }
    }
    for password in [owner, wrong] {
        let fields = [
            ("email", ""),
            ("password", password),
            ("redirect", "/studio"),
        ];
        for path in ["/studio/login", "/studio/sign-up"] {
            watch.send(path, api.post(path).form(&fields)).await;
        }
    }
    for header in ["x-playground-access", "x-api-key", "authorization"] {
        for value in [owner, wrong] {
            for value in [
                value.to_owned(),
                format!("Bearer {value}"),
                format!("Basic {value}"),
            ] {
                let ask = api.get("/api/agents").header(header, &value);
                watch.send(header, ask).await;
            }
        }
    }
    for path in ["/api/agents", "/studio", "/studio/login", "/nothing"] {
        for cookie in ["mastra-token", "ee_session", "__Host-ee_session"] {
            let cookie = Credential::Cookie(format!("{cookie}={wrong}"));
            watch.send(path, api.get(path).by(&cookie)).await;
        }
    }
}

/// Puts secrets where people put them by mistake.
async fn misplaced(api: &Api, watch: &mut Watch, who: &Credential, key: &Credential, wrong: &str) {
    let (Credential::Cookie(key) | Credential::Token(key)) = key;
    for secret in [key.as_str(), wrong] {
        for name in ["token", "apiKey", "key", "access_token"] {
            for path in [
                "/api/agents",
                "/api/access/keys",
                "/studio/login",
                "/nothing",
            ] {
                let ask = api.get(path).by(who).query(&[(name, secret)]);
                watch.send(path, ask).await;
            }
        }
        let referrer = api
            .get("/api/agents")
            .header("referer", &format!("http://x/?t={secret}"));
        watch.send("a referrer", referrer).await;
    }
    // Whoever copies a key has the whole of it at hand, and it can be told from an id.
    let path = format!("/api/access/keys/{key}");
    watch
        .send("a key by its secret", api.get(&path).by(who))
        .await;
    watch
        .send("a key by its secret", api.delete(&path).by(who))
        .await;
    let rotate = api.post(&format!("{path}/rotate")).by(who).if_match(1);
    watch
        .send("a key by its secret", rotate.json(&json!({})))
        .await;
}

/// Makes a key, lets it be used and changed, and returns one that is good.
pub(crate) async fn keys(api: &Api, watch: &mut Watch, owner: &Credential) -> Credential {
    let body = json!({ "name": "Key", "scopes": ["agents:read"] });
    let path = "/api/access/keys";
    let made = watch
        .reveal(api.post(path).by(owner).json(&body))
        .await
        .json();
    let (first, id) = shown(watch, &made);
    let used = |key: &Credential| api.get("/api/agents").by(key);
    watch.send("a key", used(&first)).await;

    let rotate = |version: u64, overlap: u64| -> Ask {
        let rotate = api.post(&format!("{path}/{id}/rotate")).by(owner);
        rotate
            .if_match(version)
            .json(&json!({ "overlapSeconds": overlap }))
    };
    let version = made["key"]["version"].as_u64().unwrap();
    let rotated = watch.reveal(rotate(version, 600)).await.json();
    let (second, _) = shown(watch, &rotated);
    for key in [&first, &second] {
        assert_eq!(watch.send("a rotated key", used(key)).await.status, 200);
    }
    watch.send("an old version", rotate(version, 0)).await;
    let version = rotated["key"]["version"].as_u64().unwrap();
    let rotated = watch.reveal(rotate(version, 0)).await.json();
    let (third, _) = shown(watch, &rotated);
    watch.send("an old secret", used(&second)).await;
    for path in [path.to_owned(), format!("{path}/{id}")] {
        watch.send("keys", api.get(&path).by(owner)).await;
    }

    let made = watch
        .reveal(api.post(path).by(owner).json(&body))
        .await
        .json();
    let (gone, id) = shown(watch, &made);
    watch
        .send(
            "the end of a key",
            api.delete(&format!("{path}/{id}")).by(owner),
        )
        .await;
    watch.send("a deleted key", used(&gone)).await;
    third
}

/// Keeps a key that was just shown, and the part of it that nobody may see again.
fn shown(watch: &mut Watch, made: &Value) -> (Credential, String) {
    let (key, id) = (
        made["secret"].as_str().unwrap(),
        made["key"]["id"].as_str().unwrap(),
    );
    let (_, secret) = key.split_once(&format!("{id}_")).unwrap();
    watch.keep("an API key", key);
    watch.keep("the secret of an API key", secret);
    (Credential::Token(key.to_owned()), id.to_owned())
}

/// Asks agents, whose endpoint refuses the server's own key.
async fn chat(api: &Api, watch: &mut Watch, who: &Credential) {
    for way in ["generate", "stream"] {
        let path = format!("/api/agents/writer/{way}");
        for body in [
            json!({ "messages": "Hello" }),
            json!({ "messages": "Hello", "memory": { "thread": "t", "resource": "r" } }),
        ] {
            watch.send(way, api.post(&path).by(who).json(&body)).await;
        }
    }
    let path = "/api/workflows/briefing/start-async";
    let input = json!({ "inputData": { "topic": "tests", "audience": "us" } });
    watch
        .send("a run", api.post(path).by(who).json(&input))
        .await;
    for path in [
        "/api/workflows/briefing/runs",
        "/studio",
        "/studio/agents",
        "/studio/workflows",
    ] {
        watch.send(path, api.get(path).by(who)).await;
    }
}

/// Begins sessions, prolongs, lists and ends them.
async fn sessions(api: &Api, watch: &mut Watch, owner: &str) {
    let session = watch
        .sign_in("sign-in", api.signing_in("a@b.c", owner))
        .await;
    let refreshed = watch
        .send("refresh", api.post("/api/auth/refresh").by(&session))
        .await;
    let session = refreshed.cookie().unwrap_or(session);
    for path in ["/api/auth/sessions", "/api/access/sessions", "/api/auth/me"] {
        watch.send(path, api.get(path).by(&session)).await;
    }
    let list = api.get("/api/auth/sessions").by(&session);
    let list = watch.send("sessions", list).await.json();
    for item in list["items"].as_array().into_iter().flatten() {
        if item["isCurrent"] == true {
            let path = format!("/api/auth/sessions/{}", item["id"].as_str().unwrap());
            watch
                .send("the end of a session", api.delete(&path).by(&session))
                .await;
        }
    }
    watch
        .send(
            "a session that was ended",
            api.get("/api/agents").by(&session),
        )
        .await;
}
