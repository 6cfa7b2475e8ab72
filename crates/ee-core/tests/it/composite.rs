//! Several providers at once.

use std::sync::Arc;

use ee_core::{
    AuthProvider, CompositeAuth, CredentialsProvider as _, ErrorKind, RequestHead, SignIn, SignUp,
    UserId, UserProvider as _,
};

use crate::doubles::{ALL, Ability, Stub, headers, parts, run};

fn composite(members: Vec<Stub>) -> CompositeAuth {
    let members = members
        .into_iter()
        .map(|member| Arc::new(member) as Arc<dyn AuthProvider>);
    CompositeAuth::new(members.collect()).unwrap()
}

#[test]
fn a_composite_has_members_of_different_names() {
    let twice: Vec<Arc<dyn AuthProvider>> =
        vec![Arc::new(Stub::new("a", &[])), Arc::new(Stub::new("a", &[]))];

    assert_eq!(
        CompositeAuth::new(Vec::new()).unwrap_err().kind(),
        ErrorKind::Invalid
    );
    let error = CompositeAuth::new(twice).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("`a`"));
}

#[test]
fn the_first_member_that_knows_the_caller_decides() {
    let who = |members: Vec<Stub>, token: &str| {
        let value = format!("Bearer {token}");
        let headers = headers(&[("authorization", &value)]);
        run(composite(members).authenticate(&RequestHead::new(&headers, None)))
            .map(|user| user.map(|user| user.id.to_string()))
            .map_err(|err| err.kind())
    };
    let pair = || vec![Stub::new("a", &[]), Stub::new("b", &[])];
    let failing = |kind| {
        let mut members = pair();
        members[0].fails = Some(kind);
        members
    };

    assert_eq!(who(pair(), "b"), Ok(Some("b".to_owned())));
    assert_eq!(who(pair(), "c"), Ok(None));
    assert_eq!(
        who(failing(ErrorKind::Unauthenticated), "b"),
        Ok(Some("b".to_owned()))
    );
    assert_eq!(
        who(failing(ErrorKind::Unauthenticated), "c"),
        Err(ErrorKind::Unauthenticated)
    );
    assert_eq!(
        who(failing(ErrorKind::Unavailable), "b"),
        Err(ErrorKind::Unavailable)
    );
    assert_eq!(
        who(failing(ErrorKind::Forbidden), "b"),
        Err(ErrorKind::Forbidden)
    );
}

#[test]
fn a_composite_is_exempt_when_every_member_is() {
    let member = |name, exempt| {
        let mut stub = Stub::new(name, &[]);
        stub.exempt = exempt;
        stub
    };

    assert!(composite(vec![member("a", true), member("b", true)]).license_exempt());
    assert!(!composite(vec![member("a", true), member("b", false)]).license_exempt());
}

#[test]
fn a_composite_has_the_abilities_of_its_members() {
    let none = composite(vec![Stub::new("a", &[]), Stub::new("b", &[])]);
    let some = composite(vec![
        Stub::new("a", &[Ability::Users]),
        Stub::new("b", &[Ability::Sso, Ability::Audit]),
        Stub::new("c", &ALL),
    ]);

    assert_eq!(parts(&none), [false; 7]);
    assert_eq!(parts(&some), [true; 7]);
    assert_eq!(some.sso().unwrap().login_button().provider, "b");
}

#[test]
fn an_id_that_two_members_know_is_nobody_s() {
    let mut twin = Stub::new("b", &[Ability::Users]);
    twin.knows = "a".parse().unwrap();
    let both = composite(vec![Stub::new("a", &[Ability::Users]), twin]);
    let apart = composite(vec![
        Stub::new("a", &[Ability::Users]),
        Stub::new("b", &[Ability::Users]),
        Stub::new("c", &[]),
    ]);
    let find = |auth: &CompositeAuth, id: &str| run(auth.find(&UserId::new(id).unwrap()));

    assert_eq!(find(&both, "a").unwrap_err().kind(), ErrorKind::Conflict);
    assert!(find(&apart, "b").unwrap().is_some());
    assert!(find(&apart, "c").unwrap().is_none());
}

#[test]
fn credentials_are_tried_with_each_member() {
    let auth = composite(vec![
        Stub::new("a", &[Ability::Credentials]),
        Stub::new("b", &[]),
        Stub::new("c", &[Ability::Credentials, Ability::SignUp]),
    ]);
    let closed = composite(vec![Stub::new("a", &[Ability::Credentials])]);
    let headers = headers(&[]);
    let head = RequestHead::new(&headers, None);
    let sign_in = |password| match run(auth.sign_in("a@b.c", password, &head)).unwrap() {
        SignIn::Success(user) => Some(user.id.to_string()),
        _ => None,
    };

    assert_eq!(sign_in("a").as_deref(), Some("a"));
    assert_eq!(sign_in("c").as_deref(), Some("c"));
    assert_eq!((sign_in("b"), sign_in("")), (None, None));
    let shows = |token| match run(auth.second_factor(token, "000000", &head)).unwrap() {
        SignIn::Success(user) => Some(user.id.to_string()),
        _ => None,
    };
    assert_eq!(shows("c").as_deref(), Some("c"));
    assert_eq!((shows("b"), shows("")), (None, None));
    assert!(
        run(auth.device_cookie(&UserId::new("a").unwrap()))
            .unwrap()
            .is_none()
    );
    assert!(auth.sign_up_enabled() && !closed.sign_up_enabled());
    let created = run(auth.sign_up("a@b.c", "password", None, &head)).unwrap();
    assert!(matches!(created, SignUp::Created(user) if user.id.as_str() == "c"));
    let refused = run(closed.sign_up("a@b.c", "password", None, &head)).unwrap();
    assert_eq!(refused, SignUp::Refused);
}
