use ee_auth_simple::{SimpleAuth, SimpleConfig, SimpleConfigError};
use ee_core::{AuthProvider as _, Error, ErrorKind, UserProvider as _};
use serde_json::json;

use crate::run;

const TOKEN: &str = "sk-3f1b0c5e9a7d4422";

fn config(json: serde_json::Value) -> SimpleConfig {
    serde_json::from_value(json).unwrap()
}

fn refused(json: serde_json::Value) -> SimpleConfigError {
    SimpleAuth::new(config(json)).unwrap_err()
}

fn id<T: std::str::FromStr<Err = Error>>(text: &str) -> T {
    text.parse().unwrap()
}

#[test]
fn users_are_read_with_all_they_have() {
    let auth = SimpleAuth::new(config(json!({
        "tokens": {
            (TOKEN): {
                "id": "ada", "name": "Ada", "email": "ada@example.com",
                "avatarUrl": "https://example.com/a.png", "role": "owner", "team": "platform",
            },
        },
        "users": {
            "another-long-token-1": { "id": "bob", "roles": ["viewer", "ops"], "metadata": { "floor": 2 } },
            "another-long-token-2": { "id": "bob", "roles": ["viewer", "ops"], "metadata": { "floor": 2 } },
        },
        "headers": "X-Api-Token",
    })))
    .unwrap();
    let find = |user| run(auth.find(&id(user))).unwrap();

    let ada = find("ada").unwrap();
    let bob = find("bob").unwrap();

    assert_eq!(ada.name.as_deref(), Some("Ada"));
    assert_eq!(ada.email.as_deref(), Some("ada@example.com"));
    assert_eq!(ada.avatar_url.as_deref(), Some("https://example.com/a.png"));
    assert_eq!(ada.roles, [id("owner")]);
    assert_eq!(ada.metadata["team"], "platform");
    assert_eq!(bob.roles, [id("viewer"), id("ops")]);
    assert_eq!(bob.metadata["floor"], 2);
    assert!(find("eve").is_none());
    assert_eq!(auth.name(), "simple");
    assert!(auth.license_exempt());
}

#[test]
fn the_same_is_read_from_toml() {
    let text = r#"
        headers = ["X-Api-Token", "X-Other"]
        [tokens."sk-3f1b0c5e9a7d4422"]
        id = "ada"
        avatar_url = "https://example.com/a.png"
        roles = "owner"
    "#;

    let auth = SimpleAuth::new(toml::from_str(text).unwrap()).unwrap();

    let ada = run(auth.find(&id("ada"))).unwrap().unwrap();
    assert_eq!(ada.roles, [id("owner")]);
    assert!(ada.avatar_url.is_some() && ada.metadata.is_empty());
}

#[test]
fn what_cannot_be_meant_is_refused_by_name() {
    let ada = || json!({ "id": "ada" });
    let token = |token: &str| refused(json!({ "tokens": { token: ada() } })).to_string();

    assert_eq!(refused(json!({})), SimpleConfigError::NoToken);
    assert_eq!(token(""), "a token of user `ada` is empty");
    assert_eq!(token("a b"), "a token of user `ada` holds white space");
    assert_eq!(
        token("a\0b"),
        "a token of user `ada` holds control characters"
    );
    assert_eq!(
        refused(json!({ "tokens": { (TOKEN): ada() }, "users": { (TOKEN): { "id": "bob" } } })),
        SimpleConfigError::TokenTwice {
            first: id("ada"),
            second: id("bob")
        }
    );
    assert_eq!(
        refused(
            json!({ "tokens": { "long-enough-token-a": ada() }, "users": { "long-enough-token-b": { "id": "ada", "role": "owner" } } })
        ),
        SimpleConfigError::UserTwice { user: id("ada") }
    );
    assert_eq!(
        refused(json!({ "tokens": { (TOKEN): { "id": "ada", "role": "a", "roles": ["b"] } } })),
        SimpleConfigError::RoleTwice { user: id("ada") }
    );
    assert_eq!(
        refused(json!({ "tokens": { (TOKEN): { "id": "ada", "email": "ada" } } })),
        SimpleConfigError::UserEmail { user: id("ada") }
    );
    for name in ["", "a b", "Cookie", "ü"] {
        let refused = refused(json!({ "tokens": { (TOKEN): ada() }, "headers": name }));
        assert_eq!(
            refused,
            SimpleConfigError::Header {
                name: name.to_owned()
            }
        );
    }
    assert_eq!(
        Error::from(SimpleConfigError::NoToken).kind(),
        ErrorKind::Invalid
    );
}

#[test]
fn a_token_that_comes_twice_in_one_map_is_noticed() {
    let text =
        format!(r#"{{ "tokens": {{ "{TOKEN}": {{ "id": "a" }}, "{TOKEN}": {{ "id": "b" }} }} }}"#);

    let refused = SimpleAuth::new(serde_json::from_str(&text).unwrap()).unwrap_err();

    assert!(matches!(refused, SimpleConfigError::TokenTwice { .. }));
}

#[test]
fn unknown_options_and_broken_users_are_not_read() {
    for json in [
        json!({ "token": { (TOKEN): { "id": "ada" } } }),
        json!({ "tokens": { (TOKEN): {} } }),
        json!({ "tokens": { (TOKEN): { "id": "" } } }),
        json!({ "tokens": { (TOKEN): { "id": "ada", "roles": [""] } } }),
        json!({ "tokens": [] }),
        json!({ "headers": 1 }),
    ] {
        assert!(
            serde_json::from_value::<SimpleConfig>(json.clone()).is_err(),
            "{json}"
        );
    }
}

#[test]
fn tokens_do_not_print() {
    let config = config(json!({ "tokens": { (TOKEN): { "id": "ada" } } }));
    let before = format!("{config:?}");

    let auth = SimpleAuth::new(config.clone()).unwrap();
    let twice = SimpleAuth::new(config.clone().token(TOKEN, config.tokens[0].1.clone()));

    let printed = format!("{before} {auth:?} {:?}", twice.unwrap_err());
    assert!(!printed.contains("3f1b0c5e"), "{printed}");
}
