//! What nobody should read is taken out of events.

use std::collections::BTreeMap;

use ee_audit::redact::{Addresses, ContentMode, DigestKey, RedactionConfig, Redactor};
use ee_core::{
    ActorType, AuditAction, AuditActor, AuditAi, AuditChange, AuditEvent, AuditOutcome,
    AuditResource, RedactionMethod,
};
use secrecy::SecretString;
use serde_json::{Value, json};

use ee_testkit::audit_secrets::payloads;

fn event() -> AuditEvent {
    let at = "2026-10-02T09:14:03.218Z".parse().unwrap();
    let actor = AuditActor::new(ActorType::User, "user_42");
    AuditEvent::new(at, actor, AuditAction::AGENT_UPDATE, AuditOutcome::Success)
}

fn with_metadata(metadata: Value) -> AuditEvent {
    let mut event = event();
    event.metadata = serde_json::from_value(metadata).unwrap();
    event
}

fn redactor() -> Redactor {
    Redactor::new(RedactionConfig::default(), None).unwrap()
}

fn config(change: impl FnOnce(&mut RedactionConfig)) -> RedactionConfig {
    let mut config = RedactionConfig::default();
    change(&mut config);
    config
}

fn key() -> DigestKey {
    DigestKey::new("1", &SecretString::from("0123456789abcdef0123456789abcdef")).unwrap()
}

fn paths(event: &AuditEvent) -> Vec<(&str, RedactionMethod)> {
    let list = event.redactions.iter();
    list.map(|it| (it.path.as_str(), it.method)).collect()
}

fn size(event: &AuditEvent) -> usize {
    serde_json::to_vec(event).unwrap().len()
}

/// Acceptance of the secrets fuzz (`audit-license.md` §10, 13): 10,000 payloads in four parts, 0 leaks.
fn no_seeded_secret_is_left(part: u64) {
    let redactors = [ContentMode::Off, ContentMode::Redacted]
        .map(|mode| Redactor::new(config(|config| config.content = mode), None).unwrap());
    for (number, payload) in payloads(part, 2_500).enumerate() {
        let redactor = &redactors[number % 2];
        let redacted = redactor.redact(payload.event.clone());

        let json = serde_json::to_string(&redacted).unwrap();
        let leak = payload.leak(&json);
        assert_eq!(leak, None, "{number}: {:?} became {json}", payload.event);
        for (name, value) in &payload.kept {
            let kept = redacted.metadata.get(name);
            assert_eq!(kept, Some(value), "{number}: {json}");
        }
        assert!(json.len() <= 64 << 10, "{number}");
        assert!(!redacted.redactions.is_empty(), "{number}: {json}");
        assert_eq!(redactor.redact(redacted.clone()), redacted, "{number}");
    }
}

#[test]
fn no_seeded_secret_is_left_of_the_first_part() {
    no_seeded_secret_is_left(1);
}

#[test]
fn no_seeded_secret_is_left_of_the_second_part() {
    no_seeded_secret_is_left(2);
}

#[test]
fn no_seeded_secret_is_left_of_the_third_part() {
    no_seeded_secret_is_left(3);
}

#[test]
fn no_seeded_secret_is_left_of_the_fourth_part() {
    no_seeded_secret_is_left(4);
}

#[test]
fn only_the_secret_is_replaced() {
    let jwt = format!(
        "eyJhbGciOiJIUzI1NiJ9.{}.{}",
        "eyJzdWIiOiJhIn0", "c2lnbmF0dXJl"
    );
    let github = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    let token = "q9Zt3xWv7LkP2mNb8RyC5dFgHjS1aQwE4uTiOoXzVnM";
    for (before, after) in [
        (
            format!("sent {jwt}, refused"),
            "sent [redacted:jwt], refused".to_owned(),
        ),
        (format!("({github})"), "([redacted:key])".to_owned()),
        (
            format!("ids: {token}."),
            "ids: [redacted:token].".to_owned(),
        ),
        (
            "postgres://app:pa/ss@db.example.com/main?sslmode=require".to_owned(),
            "postgres://app:[redacted:login]@db.example.com/main?sslmode=require".to_owned(),
        ),
        (
            "curl -H 'Authorization: Bearer abc' -d a=b https://example.com".to_owned(),
            "curl -H 'Authorization: [redacted:secret]' -d a=b https://example.com".to_owned(),
        ),
        (
            "Bearer s3cr3t-t0ken rejected".to_owned(),
            "Bearer [redacted:bearer] rejected".to_owned(),
        ),
        (
            "Basic YWRhOnNlY3JldA== is old".to_owned(),
            "Basic [redacted:basic] is old".to_owned(),
        ),
        (
            "paid with 4111 1111 1111 1111, twice".to_owned(),
            "paid with [redacted:card], twice".to_owned(),
        ),
        (
            "a -----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- b".to_owned(),
            "a [redacted:pem] b".to_owned(),
        ),
        (
            "cut -----BEGIN RSA PRIVATE KEY-----\nMIIE".to_owned(),
            "cut [redacted:pem]".to_owned(),
        ),
        (
            r#"{\"user\":\"ada\",\"password\":\"swordfish\"}"#.to_owned(),
            r#"{\"user\":\"ada\",\"password\":\"[redacted:secret]\"}"#.to_owned(),
        ),
        (
            "/cb?code=a8Bc99xY&state=7#access_token=zz".to_owned(),
            "/cb?code=[redacted:secret]&state=7#access_token=[redacted:secret]".to_owned(),
        ),
        (
            "/cb?next=%2Flogin%3Ftoken%3Dabc%26lang%3Den".to_owned(),
            "/cb?next=%2Flogin%3Ftoken%3D[redacted:secret]%26lang%3Den".to_owned(),
        ),
        (
            "password: swordfish".to_owned(),
            "password: [redacted:secret]".to_owned(),
        ),
        (
            "pässword=ä password=größe ü".to_owned(),
            "pässword=ä password=[redacted:secret] ü".to_owned(),
        ),
        (
            format!("/reset/{token}/confirm"),
            "/reset/[redacted:token]/confirm".to_owned(),
        ),
    ] {
        let mut event = event();
        event.reason = Some(before.clone());

        let redacted = redactor().redact(event);

        assert_eq!(redacted.reason.as_deref(), Some(&*after), "{before}");
        assert_eq!(paths(&redacted), [("/reason", RedactionMethod::Removed)]);
    }
}

/// What stands in records every day and is no secret.
#[test]
fn plain_texts_stay_as_they_are() {
    let texts = include_str!("redact_plain.txt");
    let kept: Vec<&str> = texts.lines().filter(|line| !line.is_empty()).collect();
    assert!(kept.len() > 100);
    let mut changed = Vec::new();
    for text in kept {
        let mut event = with_metadata(json!({"note": text, "list": [text], "runId": text}));
        event.reason = Some(text.to_owned());
        event.actor.user_agent = Some(text.to_owned());
        event.resource = Some(AuditResource::new("agent", text));

        let redacted = redactor().redact(event.clone());
        if redacted != event {
            changed.push((text, redacted.reason, redacted.metadata));
        }
    }
    assert!(changed.is_empty(), "{changed:#?}");
}

#[test]
fn members_with_secret_names_lose_their_values_at_any_depth() {
    let event = with_metadata(json!({
        "password": "swordfish", "otp": 123_456, "hasPassword": true, "secret": null, "tokens": 512,
        "usage": {"promptTokens": 12, "tokens": {"total": 30, "cached": "7", "first": "abc"}},
        "headers": [["X-API-Key", "abc"], ["Accept", "*/*"]],
        "form": [{"name": "password", "value": "abc"}, {"name": "lang", "value": "en"}],
        "credentials": {"clientId": "c1", "user": "ada", "list": ["a", 5, false]},
        "body": "{\"otp\": 123456, \"user\": \"ada\", \"recoveryCodes\": [\"a-b\"]}",
        "session": "550e8400-e29b-41d4-a716-446655440000", "sessionId": "abcdef",
    }));

    let redacted = redactor().redact(event);

    let secret = "[redacted:secret]";
    assert_eq!(
        Value::Object(redacted.metadata.clone()),
        json!({
            "password": secret, "otp": secret, "hasPassword": true, "secret": null, "tokens": 512,
            "usage": {"promptTokens": 12, "tokens": {"total": 30, "cached": "7", "first": secret}},
            "headers": [["X-API-Key", secret], ["Accept", "*/*"]],
            "form": [{"name": "password", "value": secret}, {"name": "lang", "value": "en"}],
            "credentials": {"clientId": "c1", "user": secret, "list": [secret, secret, false]},
            "body": json!({"otp": secret, "user": "ada", "recoveryCodes": [secret]}).to_string(),
            "session": "550e8400-e29b-41d4-a716-446655440000", "sessionId": secret,
        })
    );
    let mut paths: Vec<&str> = redacted
        .redactions
        .iter()
        .map(|it| it.path.as_str())
        .collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "/metadata/body",
            "/metadata/credentials/list/0",
            "/metadata/credentials/list/1",
            "/metadata/credentials/user",
            "/metadata/form/0/value",
            "/metadata/headers/0/1",
            "/metadata/otp",
            "/metadata/password",
            "/metadata/sessionId",
            "/metadata/usage/tokens/first",
        ]
    );
}

#[test]
fn changes_of_secrets_tell_that_there_was_one() {
    let mut event = event();
    event.changes.push(AuditChange::new(
        "/config/apiKey",
        Some(json!("a")),
        Some(json!("b")),
    ));
    event.changes.push(AuditChange::new(
        "/limits/maxTokens",
        Some(json!(1)),
        Some(json!(2)),
    ));

    let redacted = redactor().redact(event.clone());

    assert_eq!(redacted.changes[0].before, Some(json!("[redacted:secret]")));
    assert_eq!(redacted.changes[1], event.changes[1]);
    let removed = RedactionMethod::Removed;
    assert_eq!(
        paths(&redacted),
        [
            ("/changes/0/before", removed),
            ("/changes/0/after", removed)
        ]
    );
}

#[test]
fn names_that_hold_secrets_are_replaced_and_stay_apart() {
    let one = format!("sk_live_{}", "a1B2c3D4e5F6");
    let two = format!("sk_live_{}", "b1B2c3D4e5F6");
    let event = with_metadata(json!({"of": {(one): 1, (two): 2, "plain": 3}}));

    let redacted = redactor().redact(event);

    assert_eq!(
        redacted.metadata["of"],
        json!({"[redacted:key]": 1, "[redacted:key]#2": 2, "plain": 3})
    );
    assert!(
        redacted
            .redactions
            .iter()
            .all(|it| it.path.starts_with("/metadata/of/[redacted:key]"))
    );
}

#[test]
fn content_is_kept_as_the_configuration_says() {
    let known = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    let random = "q9Zt3xWv7LkP2mNb8RyC5dFgHjS1aQwE4uTiOoXzVnM";
    let said =
        json!([{"role": "user", "content": format!("{random} and {known}"), "password": "abc"}]);
    let mut event = event();
    let mut ai = AuditAi::default();
    ai.agent_id = Some("support".to_owned());
    ai.input = Some(said.clone());
    event.ai = Some(Box::new(ai));
    let of = |mode, agents: BTreeMap<String, ContentMode>| {
        let config = config(|config| {
            config.content = mode;
            config.agents = agents;
        });
        let event = Redactor::new(config, None).unwrap().redact(event.clone());
        let ai = *event.ai.unwrap();
        (ai.input.map(|it| it[0].clone()), ai.input_bytes)
    };

    let secret = "[redacted:secret]";
    let bytes = u64::try_from(said.to_string().len()).unwrap();
    assert_eq!(of(ContentMode::Off, BTreeMap::new()), (None, Some(bytes)));
    let redacted = json!({"role": "user", "content": "[redacted:token] and [redacted:key]", "password": secret});
    assert_eq!(
        of(ContentMode::Redacted, BTreeMap::new()).0,
        Some(redacted.clone())
    );
    let full = json!({"role": "user", "content": format!("{random} and [redacted:key]"), "password": secret});
    assert_eq!(of(ContentMode::Full, BTreeMap::new()).0, Some(full));
    let agents = |agent: &str| BTreeMap::from([(agent.to_owned(), ContentMode::Redacted)]);
    assert_eq!(of(ContentMode::Off, agents("support")).0, Some(redacted));
    assert_eq!(of(ContentMode::Off, agents("other")).0, None);
}

#[test]
fn addresses_are_cut_where_the_configuration_says() {
    let mut event = with_metadata(json!({"client": "2001:db8:1:2::7", "note": "at 192.0.2.77"}));
    event.actor.ip = Some("192.0.2.77".parse().unwrap());
    let config = config(|config| config.addresses = Addresses::Network);

    let redacted = Redactor::new(config, None).unwrap().redact(event.clone());

    assert_eq!(redacted.actor.ip, Some("192.0.2.0".parse().unwrap()));
    assert_eq!(redacted.metadata["client"], "2001:db8:1::");
    assert_eq!(redacted.metadata["note"], "at 192.0.2.77");
    let truncated = RedactionMethod::Truncated;
    assert_eq!(
        paths(&redacted),
        [("/actor/ip", truncated), ("/metadata/client", truncated)]
    );
    assert_eq!(redactor().redact(event.clone()), event);
}

#[test]
fn configured_values_become_digests_of_every_scalar() {
    let mut event = with_metadata(json!({
        "customer": {"number": 5, "name": "Ada", "vip": true, "none": null}, "other": "Ada"
    }));
    event.actor.email = Some("ada@example.com".to_owned());
    let config = config(|config| {
        config.digests = ["/actor/email", "/metadata/customer/*"]
            .map(str::to_owned)
            .into();
    });
    let redactor = Redactor::new(config, Some(key())).unwrap();

    let redacted = redactor.redact(event);

    let email = redacted.actor.email.clone().map(Value::from);
    assert_eq!(
        email,
        redactor.digest(&json!("ada@example.com")).map(Value::from)
    );
    let customer = &redacted.metadata["customer"];
    for (name, value) in [
        ("number", json!(5)),
        ("name", json!("Ada")),
        ("vip", json!(true)),
    ] {
        assert_eq!(
            customer[name].as_str().map(str::to_owned),
            redactor.digest(&value),
            "{name}"
        );
        assert!(
            customer[name]
                .as_str()
                .unwrap()
                .starts_with("hmac-sha256:1:")
        );
    }
    assert_eq!(customer["none"], json!(null));
    assert_eq!(redacted.metadata["other"], "Ada");
    assert!(
        redacted
            .redactions
            .iter()
            .all(|it| it.method == RedactionMethod::Hmac)
    );
    assert_eq!(redacted.redactions.len(), 4);
    assert_eq!(redactor.redact(redacted.clone()), redacted);
    assert_eq!(
        Redactor::new(RedactionConfig::default(), None)
            .unwrap()
            .digest(&json!(1)),
        None
    );
}

#[test]
fn a_configuration_that_cannot_be_met_is_refused() {
    let digests = |places: &[&str]| {
        config(|config| config.digests = places.iter().map(|it| (*it).to_owned()).collect())
    };

    assert!(Redactor::new(digests(&["/actor/email"]), None).is_err());
    for place in [
        "actor/email",
        "/actor/ip",
        "/id",
        "",
        "/metadata",
        "/actor/roles/0",
    ] {
        assert!(
            Redactor::new(digests(&[place]), Some(key())).is_err(),
            "{place}"
        );
    }
    let read: RedactionConfig = toml::from_str(
        "content = 'redacted'\naddresses = 'network'\nnames = ['x']\ndigests = ['/reason']\nagents = { a = 'full' }",
    )
    .unwrap();
    assert_eq!(read.content, ContentMode::Redacted);
    assert!(toml::from_str::<RedactionConfig>("contents = 'off'").is_err());
}

#[test]
fn a_large_event_is_cut_and_never_lost() {
    let mut event = with_metadata(
        json!({"small": "kept", "list": vec!["x".repeat(900); 30], "text": "y".repeat(9_000)}),
    );
    event.reason = Some("\u{1}".repeat(30_000));
    event.resource = Some(AuditResource::new("agent", "ä".repeat(100_000)));
    event.changes = vec![
        AuditChange::new(
            "/a",
            Some(json!({"big": "z".repeat(70_000), "b": 1})),
            Some(json!(2))
        );
        3
    ];

    let redacted = redactor().redact(event.clone());

    assert!(size(&redacted) <= 64 << 10, "{}", size(&redacted));
    assert_eq!(redacted.metadata["small"], "kept");
    let cut = &redacted.changes[0].before.as_ref().unwrap();
    assert_eq!(cut["b"], 1);
    assert_eq!(cut["big"]["$truncated"]["bytes"], 70_002);
    assert_eq!(
        cut["big"]["$truncated"]["sha256"].as_str().unwrap().len(),
        64
    );
    assert!(
        redacted
            .resource
            .as_ref()
            .unwrap()
            .id
            .ends_with("…[truncated:200000]")
    );
    assert!(paths(&redacted).contains(&("/changes/2/before/big", RedactionMethod::Truncated)));
    assert_eq!(redactor().redact(redacted.clone()), redacted);
}

#[test]
fn many_small_things_are_cut_too() {
    let mut event = event();
    event.changes = vec![AuditChange::new("/a", Some(json!(1)), Some(json!(vec![1; 20]))); 20_000];
    event.targets = vec![AuditResource::new("agent", "a"); 20_000];
    event.actor.roles = vec!["viewer".to_owned(); 20_000];
    event.metadata = (0..10_000)
        .map(|number| (format!("key{number:05}"), json!(number)))
        .collect();

    let redacted = redactor().redact(event);

    assert!(size(&redacted) <= 64 << 10, "{}", size(&redacted));
    assert_eq!(redacted.metadata.len(), 64);
    for path in ["/changes", "/targets", "/actor/roles", "/metadata"] {
        assert!(
            paths(&redacted).contains(&(path, RedactionMethod::Truncated)),
            "{path}"
        );
    }
    assert_eq!(redactor().redact(redacted.clone()), redacted);
}

#[test]
fn metadata_have_64_members_and_16_kib() {
    let long = "n".repeat(5_000);
    let mut event =
        with_metadata(json!({"big": "x".repeat(20_000), "a": "y".repeat(10_000), "z": 1}));
    event.metadata.insert(long, json!(1));

    let redacted = redactor().redact(event);

    assert_eq!(redacted.metadata["big"]["$truncated"]["bytes"], 20_002);
    assert_eq!(redacted.metadata["a"].as_str().unwrap().len(), 10_000);
    assert_eq!(redacted.metadata["z"], 1);
    assert!(redacted.metadata.keys().all(|name| name.len() <= 256));
    assert!(serde_json::to_string(&redacted.metadata).unwrap().len() <= 16 << 10);
    assert_eq!(redactor().redact(redacted.clone()), redacted);
}

#[test]
fn thousands_of_secrets_make_a_short_list() {
    let many: Vec<Value> = (0..500).map(|number| json!({"password": number})).collect();
    let long = format!("{}~/password", "\u{2}".repeat(200));
    let mut event = with_metadata(json!({"many": many, "deep": {(long): {"password": 1}}}));
    event.redactions = (0..500)
        .map(|number| ee_core::AuditRedaction::new(format!("/x{number}"), RedactionMethod::Hmac))
        .collect();

    let redacted = redactor().redact(event);

    assert!(
        redacted.redactions.len() <= 88,
        "{}",
        redacted.redactions.len()
    );
    assert!(redacted.redactions.iter().all(|it| it.path.len() <= 256));
    assert_eq!(redactor().redact(redacted.clone()), redacted);
}

#[test]
fn deep_values_do_not_overflow_the_stack() {
    let nest = |depth: usize| {
        let mut value = json!({"password": "swordfish"});
        for level in 0..depth {
            // The macro would recurse.
            value = match level % 2 {
                0 => Value::Array(vec![value]),
                _ => Value::Object([("a".to_owned(), value)].into_iter().collect()),
            };
        }
        value
    };
    for mode in [ContentMode::Off, ContentMode::Redacted, ContentMode::Full] {
        let mut event = event();
        event.metadata.insert("deep".to_owned(), nest(100_000));
        event
            .changes
            .push(AuditChange::new("/a", Some(nest(100_000)), None));
        let mut ai = AuditAi::default();
        ai.input = Some(nest(100_000));
        event.ai = Some(Box::new(ai));
        let redactor = Redactor::new(config(|config| config.content = mode), None).unwrap();

        let redacted = redactor.redact(event);

        let json = serde_json::to_string(&redacted).unwrap();
        assert!(!json.contains("swordfish"), "{json}");
        assert!(
            paths(&redacted)
                .iter()
                .any(|(path, _)| path.starts_with("/metadata/deep/"))
        );
        assert_eq!(redactor.redact(redacted.clone()), redacted);
    }
    let shallow = redactor().redact(with_metadata(json!({"a": nest(20)})));
    assert!(
        serde_json::to_string(&shallow)
            .unwrap()
            .contains("[redacted:secret]")
    );
}

#[test]
fn what_looks_as_if_it_had_been_redacted_is_looked_at() {
    let event = with_metadata(json!({
        "password": "[redacted:secret] swordfish",
        "apiKey": {"$truncated": {"bytes": 1, "rest": "swordfish"}},
        "note": "password=[redacted:secret]swordfish token=[redacted:swordfish]",
    }));

    let redacted = redactor().redact(event);

    assert!(
        !serde_json::to_string(&redacted)
            .unwrap()
            .contains("swordfish"),
        "{redacted:?}"
    );
}

#[test]
fn an_action_that_holds_a_secret_is_none() {
    let mut event = event();
    event.action = AuditAction::new(&format!(
        "tool.ghp_{}",
        "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    ))
    .unwrap();

    let redacted = redactor().redact(event);

    assert_eq!(redacted.action.as_str(), "redacted");
    assert_eq!(paths(&redacted), [("/action", RedactionMethod::Removed)]);
}

#[test]
fn the_time_grows_with_the_size_alone() {
    // Each of these would take minutes if a part of it were looked at again for each of its bytes.
    for part in [
        "sk-",
        "eyJ",
        "a=",
        "password=\"",
        "4111 ",
        "1 ",
        "://a:",
        "-----BEGIN ",
        "Bearer=",
        "Basic=",
        "%25",
        "\\\\",
        "{",
        "aB3/",
        "cookie:",
        "secrets:a:",
    ] {
        let text = part.repeat((1 << 17) / part.len());

        let redacted = redactor().redact(with_metadata(json!({"a": text})));

        assert!(size(&redacted) <= 64 << 10);
    }
}

/// A type that turned into text or JSON by accident would make one of these calls ambiguous: the test is that it compiles.
#[test]
fn secrets_of_our_own_types_never_become_text_or_json() {
    macro_rules! never {
        ($name:ident: $($bound:tt)+) => {
            trait $name<Answer> {
                fn ask() {}
            }
            impl<T: ?Sized> $name<()> for T {}
            impl<T: ?Sized + $($bound)+> $name<u8> for T {}
        };
    }
    never!(Serializes: serde::Serialize);
    never!(Displays: std::fmt::Display);
    never!(IntoText: Into<String>);
    never!(IntoJson: Into<Value>);
    never!(AsText: AsRef<str>);
    never!(DerefsToText: std::ops::Deref<Target = str>);
    macro_rules! are_secret {
        ($($secret:ty),*) => {$(
            <$secret as Serializes<_>>::ask();
            <$secret as Displays<_>>::ask();
            <$secret as IntoText<_>>::ask();
            <$secret as IntoJson<_>>::ask();
            <$secret as AsText<_>>::ask();
            <$secret as DerefsToText<_>>::ask();
        )*};
    }

    are_secret!(
        SecretString,
        ee_core::KeySecret,
        ee_core::RecoveryCodes,
        ee_core::SessionId,
        ee_core::SsoTokens,
        ee_core::TokenHash
    );
}
