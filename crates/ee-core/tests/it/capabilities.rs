//! The JSON of `GET /api/auth/capabilities`, member by member.

use std::sync::Arc;

use ee_core::{
    Capabilities, EeAuthProvider, FeatureSet, Identity, LicenseInfo, PublicCapabilities, Role,
    RoleSet, SsoLogin, User, with_ee,
};
use serde_json::{Value, json};

use crate::doubles::{ALL, Ability, Roles, Stub, gate, now, run};

fn wrapped(stub: Stub, info: &LicenseInfo) -> EeAuthProvider {
    with_ee(stub).license(gate(info)).build()
}

fn licensed(stub: Stub) -> EeAuthProvider {
    wrapped(stub, &LicenseInfo::unlimited())
}

/// What anybody sees.
fn public(abilities: &[Ability]) -> Value {
    let auth = licensed(Stub::new("acme", abilities));
    detect(&auth, None)
}

fn detect(auth: &EeAuthProvider, user: Option<User>) -> Value {
    let identity = user.map(|user| Identity::of(Arc::new(user)));
    let found = run(Capabilities::detect(
        &auth.at(now()),
        identity.as_ref(),
        "/api",
    ));
    serde_json::to_value(found).unwrap()
}

fn ann() -> User {
    let mut user = User::new("u1".parse().unwrap());
    user.avatar_url = Some("https://i/a.png".into());
    user.email = Some("a@b.c".into());
    user.name = Some("Ann".into());
    user.metadata.insert("secret".into(), "x".into());
    user
}

fn role(id: &str, name: &str, grants: &[&str]) -> Role {
    let grants = grants.iter().map(|text| text.parse().unwrap());
    Role::new(id.parse().unwrap(), name, grants)
}

/// Everybody has the given role.
fn roles(given: &str) -> Roles {
    Roles {
        given: vec![given.parse().unwrap()],
        set: RoleSet::new([
            role("owner", "Owner", &["*"]),
            role("root", "Root", &["*:*"]),
            role("editor", "Editor", &["agents:*"]),
            role("viewer", "Viewer", &["*:read"]),
            role("heir", "Heir", &[]).inherits(["owner".parse().unwrap()]),
        ])
        .unwrap(),
        ..Roles::default()
    }
}

fn with_roles(roles: Roles) -> EeAuthProvider {
    let mut stub = Stub::new("acme", &[Ability::Credentials, Ability::Rbac]);
    stub.rbac = roles;
    licensed(stub)
}

#[test]
fn without_authentication_there_is_nothing_to_say() {
    let disabled = serde_json::to_value(PublicCapabilities::disabled()).unwrap();

    assert_eq!(disabled, json!({ "enabled": false, "login": null }));
}

#[test]
fn who_cannot_sign_in_is_told_so() {
    let none = json!({ "enabled": true, "login": null });

    assert_eq!(public(&[]), none);
    assert_eq!(
        public(&[Ability::Users, Ability::Sessions, Ability::Rbac]),
        none
    );
}

#[test]
fn single_sign_on_alone_says_nothing_of_sign_up() {
    assert_eq!(
        public(&[Ability::Sso]),
        json!({
            "enabled": true,
            "login": {
                "type": "sso",
                "sso": { "provider": "acme", "text": "Sign in", "url": "/api/auth/sso/login" },
            },
        })
    );
}

#[test]
fn credentials_say_whether_people_sign_up() {
    let expected = |sign_up: bool| json!({ "enabled": true, "login": { "type": "credentials", "signUpEnabled": sign_up } });

    assert_eq!(public(&[Ability::Credentials]), expected(false));
    assert_eq!(
        public(&[Ability::Credentials, Ability::SignUp]),
        expected(true)
    );
}

#[test]
fn both_ways_with_everything_that_a_button_can_have() {
    let mut stub = Stub::new(
        "workos",
        &[Ability::Sso, Ability::Credentials, Ability::SignUp],
    );
    stub.sso = SsoLogin::new("workos", "Sign in");
    stub.sso.icon = Some("https://i/x.svg".into());
    stub.sso.description = Some("Staff only".into());

    assert_eq!(
        detect(&licensed(stub), None),
        json!({
            "enabled": true,
            "login": {
                "type": "both",
                "signUpEnabled": true,
                "description": "Staff only",
                "sso": {
                    "provider": "workos",
                    "text": "Sign in",
                    "icon": "https://i/x.svg",
                    "description": "Staff only",
                    "url": "/api/auth/sso/login",
                },
            },
        })
    );
}

#[test]
fn the_address_follows_the_prefix() {
    let auth = licensed(Stub::new("acme", &[Ability::Sso]));
    let url = |prefix: &str| {
        let public = PublicCapabilities::detect(&auth.at(now()), prefix);
        public.login.unwrap().sso.unwrap().url
    };

    assert_eq!(url("/api"), "/api/auth/sso/login");
    assert_eq!(url("/api/"), "/api/auth/sso/login");
    assert_eq!(url("/v1/mastra"), "/v1/mastra/auth/sso/login");
    assert_eq!(url(""), "/auth/sso/login");
}

#[test]
fn without_a_licence_even_a_session_shows_nothing() {
    let none = json!({ "enabled": true, "login": null });
    let unlicensed = wrapped(Stub::new("acme", &ALL), &LicenseInfo::invalid());

    assert_eq!(detect(&unlicensed, None), none);
    assert_eq!(detect(&unlicensed, Some(ann())), none);
}

#[test]
fn who_is_signed_in_sees_himself_and_what_he_may_do() {
    let mut stub = Stub::new(
        "acme",
        &[
            Ability::Users,
            Ability::Sessions,
            Ability::Sso,
            Ability::Rbac,
        ],
    );
    stub.rbac = roles("editor");

    assert_eq!(
        detect(&licensed(stub), Some(ann())),
        json!({
            "enabled": true,
            "login": {
                "type": "sso",
                "sso": { "provider": "acme", "text": "Sign in", "url": "/api/auth/sso/login" },
            },
            "user": { "id": "u1", "email": "a@b.c", "name": "Ann", "avatarUrl": "https://i/a.png" },
            "capabilities": {
                "user": true, "session": true, "sso": true, "rbac": true, "acl": false, "fga": false,
            },
            "access": { "roles": ["editor"], "permissions": ["agents:*"] },
        })
    );
}

#[test]
fn what_is_not_known_of_a_user_is_left_out() {
    let auth = licensed(Stub::new("acme", &[Ability::Credentials]));

    assert_eq!(
        detect(&auth, Some(User::new("u2".parse().unwrap()))),
        json!({
            "enabled": true,
            "login": { "type": "credentials", "signUpEnabled": false },
            "user": { "id": "u2" },
            "capabilities": {
                "user": false, "session": false, "sso": false, "rbac": false, "acl": false, "fga": false,
            },
            "access": null,
        })
    );
}

#[test]
fn roles_that_cannot_be_read_or_are_not_licensed_are_null() {
    let broken = with_roles(Roles {
        broken: true,
        ..roles("owner")
    });
    let mut auth_only = LicenseInfo::unlimited();
    auth_only.features = Some(FeatureSet::from_names(["auth"]).unwrap());
    let unlicensed = wrapped(Stub::new("acme", &ALL), &auth_only);

    for (auth, rbac) in [(broken, true), (unlicensed, false)] {
        let found = detect(&auth, Some(ann()));

        assert_eq!(found["access"], Value::Null);
        assert!(found.as_object().unwrap().contains_key("access"));
        assert!(found.get("availableRoles").is_none());
        assert_eq!(found["capabilities"]["rbac"], rbac);
    }
}

#[test]
fn who_may_do_everything_sees_the_lesser_roles() {
    for given in ["owner", "root", "heir"] {
        let found = detect(&with_roles(roles(given)), Some(ann()));

        assert_eq!(
            found["availableRoles"],
            json!([{ "id": "editor", "name": "Editor" }, { "id": "viewer", "name": "Viewer" }]),
            "{given}"
        );
    }
}

#[test]
fn others_see_no_list_of_roles() {
    for given in ["editor", "viewer", "nobody"] {
        let found = detect(&with_roles(roles(given)), Some(ann()));

        assert!(found.get("availableRoles").is_none(), "{given}");
        assert!(found["access"].is_object(), "{given}");
    }
    let secretive = with_roles(Roles {
        secretive: true,
        ..roles("owner")
    });
    assert!(
        detect(&secretive, Some(ann()))
            .get("availableRoles")
            .is_none()
    );
}

#[test]
fn a_caller_who_is_unknown_never_sees_a_user() {
    let auth = with_roles(roles("owner"));

    let found = detect(&auth, None);

    let members: Vec<_> = found.as_object().unwrap().keys().collect();
    assert_eq!(members, ["enabled", "login"]);
}
