use ee_auth_simple::{SimpleAuth, SimpleConfig, SimpleUser};
use ee_core::{
    AuthProvider as _, CredentialsProvider, ErrorKind, PublicCapabilities, RequestHead, SignIn,
    SignUp, with_ee,
};
use http::HeaderMap;
use jiff::Timestamp;
use serde_json::json;

use crate::run;

const TOKEN: &str = "sk-3f1b0c5e9a7d4422";

fn auth() -> SimpleAuth {
    let ada = SimpleUser::new("ada".parse().unwrap()).email("ada@example.com");
    SimpleAuth::new(SimpleConfig::new().token(TOKEN, ada)).unwrap()
}

fn sign_in(email: &str, password: &str) -> Result<Option<String>, ee_core::Error> {
    let headers = HeaderMap::new();
    let auth = auth();
    let end = run(auth.sign_in(email, password, &RequestHead::new(&headers, None)))?;
    Ok(match end {
        SignIn::Success(user) => Some(user.id.to_string()),
        _ => None,
    })
}

#[test]
fn the_password_is_the_token_and_any_address_will_do() {
    for email in ["ada@example.com", "somebody@else.example", "me@localhost"] {
        assert_eq!(sign_in(email, TOKEN).unwrap().as_deref(), Some("ada"));
    }
    for password in [
        "",
        "wrong",
        "constructor",
        "__proto__",
        &format!(" {TOKEN}"),
        &format!("{TOKEN} "),
    ] {
        assert_eq!(
            sign_in("ada@example.com", password).unwrap(),
            None,
            "{password:?}"
        );
    }
}

#[test]
fn what_is_no_address_is_refused_by_field() {
    for email in ["", "ada", "@", "a b@c.d", "a@b\r\n"] {
        let refused = sign_in(email, TOKEN).unwrap_err();

        assert_eq!(refused.kind(), ErrorKind::Invalid);
        assert_eq!(refused.issues()[0].field, "email");
    }
}

#[test]
fn nobody_signs_up() {
    let headers = HeaderMap::new();
    let auth = auth();
    let head = RequestHead::new(&headers, None);

    assert!(!auth.sign_up_enabled());
    let created = run(auth.sign_up("a@b.c", "some password", None, &head)).unwrap();
    assert_eq!(created, SignUp::Refused);
}

#[test]
fn the_sign_in_page_offers_credentials_without_a_licence() {
    let auth = with_ee(auth()).build();

    let public = PublicCapabilities::detect(&auth.at(Timestamp::UNIX_EPOCH), "/api");

    assert!(
        auth.credentials()
            .is_some_and(|part| !CredentialsProvider::sign_up_enabled(part))
    );
    assert_eq!(
        serde_json::to_value(public).unwrap(),
        json!({ "enabled": true, "login": { "type": "credentials", "signUpEnabled": false } })
    );
}
