//! Acceptance criteria of phase 2 about providers and how they are put together.

use std::sync::{Arc, atomic::Ordering};

use async_trait::async_trait;
use ee_core::{
    AuditAction, AuditActor, AuditEvent, AuditOutcome, AuthProvider, Authority, Caller,
    CapabilityFlags, EeAuthProvider, Error, ErrorKind, FeatureSet, Identity, LicenseInfo,
    RequestHead, Role, User, with_ee, with_ee_shared,
};

use crate::doubles::{ALL, Ability, Roles, Stub, gate, headers, now, parts, run};

/// A provider as there were before the enterprise edition: it only checks a token.
#[derive(Debug)]
struct Existing;

#[async_trait]
impl AuthProvider for Existing {
    fn name(&self) -> &'static str {
        "existing"
    }

    async fn authenticate(&self, head: &RequestHead<'_>) -> Result<Option<Arc<User>>, Error> {
        let known = head.bearer()? == Some("let-me-in");
        Ok(known.then(|| Arc::new(User::new("ada".parse().unwrap()))))
    }
}

fn listed(names: &[&str]) -> LicenseInfo {
    let mut info = LicenseInfo::unlimited();
    info.features = Some(FeatureSet::from_names(names.iter().copied()).unwrap());
    info
}

fn complete() -> Stub {
    Stub::new("complete", &ALL)
}

/// Phase 2: interfaces are designed for composition (providers implement what they support).
#[test]
fn p2_providers_implement_what_they_support() {
    assert_eq!(parts(&Existing), [false; 7]);
    assert!(!Existing.license_exempt());

    for (at, ability) in ALL.iter().enumerate() {
        let mut expected = [false; 7];
        expected[at] = true;
        assert_eq!(
            parts(&Stub::new("one", &[*ability])),
            expected,
            "{ability:?}"
        );
    }
    assert_eq!(parts(&complete()), [true; 7]);
}

/// Phase 2: `buildCapabilities()` detects which interfaces a provider implements.
#[test]
fn p2_capabilities_detect_which_interfaces_a_provider_implements() {
    let flags = |abilities: &[Ability]| {
        let auth = with_ee(Stub::new("one", abilities))
            .license(gate(&LicenseInfo::unlimited()))
            .build();
        let flags = CapabilityFlags::detect(&auth.at(now()));
        [
            flags.user,
            flags.session,
            flags.sso,
            flags.rbac,
            flags.acl,
            flags.fga,
        ]
    };

    assert_eq!(flags(&[]), [false; 6]);
    assert_eq!(
        flags(&[Ability::Users]),
        [true, false, false, false, false, false]
    );
    assert_eq!(
        flags(&[Ability::Sessions]),
        [false, true, false, false, false, false]
    );
    assert_eq!(
        flags(&[Ability::Sso]),
        [false, false, true, false, false, false]
    );
    assert_eq!(
        flags(&[Ability::Rbac]),
        [false, false, false, true, false, false]
    );
    assert_eq!(
        flags(&[Ability::Acl]),
        [false, false, false, false, true, false]
    );
    assert_eq!(flags(&ALL), [true, true, true, true, true, false]);
}

/// Phase 2: `withEE()` allows wrapping existing auth providers with EE capabilities.
#[test]
fn p2_with_ee_wraps_existing_providers() {
    let added = Arc::new(Stub::new("added", &ALL));
    let auth = with_ee(Existing)
        .users(added.clone())
        .sessions(added.clone())
        .sso(added.clone())
        .credentials(added.clone())
        .rbac(Arc::new(Roles::default()))
        .acl(added.clone())
        .audit(added)
        .license(gate(&LicenseInfo::unlimited()))
        .build();
    let headers = headers(&[("authorization", "Bearer let-me-in")]);

    let user = run(auth.authenticate(&RequestHead::new(&headers, None))).unwrap();

    assert_eq!(auth.name(), "existing-ee");
    assert_eq!(parts(&auth), [true; 7]);
    assert_eq!(user.unwrap().id.as_str(), "ada");
    assert!(!auth.license_exempt());
}

#[test]
fn an_option_wins_over_what_the_base_offers() {
    let option = Arc::new(Stub::new("option", &ALL));
    let auth = with_ee(complete())
        .users(option.clone())
        .sso(option.clone())
        .audit(option.clone())
        .license(gate(&LicenseInfo::unlimited()))
        .build();
    let at = auth.at(now());
    let find = |id: &str| run(at.users().unwrap().find(&id.parse().unwrap())).unwrap();
    let event = AuditEvent::new(
        now(),
        AuditActor::system(),
        AuditAction::SERVER_START,
        AuditOutcome::Success,
    );

    run(at.audit().unwrap().log(event)).unwrap();

    assert!(find("option").is_some() && find("complete").is_none());
    assert_eq!(at.sso().unwrap().login_button().provider, "option");
    assert_eq!(option.events.load(Ordering::Relaxed), 1);
    assert!(at.credentials().is_some() && at.sessions().is_some());
}

#[test]
fn the_exemption_of_the_base_is_kept() {
    let mut exempt = complete();
    exempt.exempt = true;
    let shared: Arc<dyn AuthProvider> = Arc::new(exempt);

    for auth in [
        with_ee_shared(shared.clone()).build(),
        with_ee_shared(shared.clone())
            .license(gate(&LicenseInfo::invalid()))
            .build(),
        with_ee(complete()).exempt_local_development().build(),
    ] {
        assert!(auth.license_exempt());
        assert_eq!(parts(&auth), [true; 7]);
        assert_eq!(auth.at(now()).features(), FeatureSet::ALL);
    }
}

/// Phase 2: the license check is enforced: unlicensed providers get no EE features.
#[test]
fn p2_unlicensed_providers_get_no_ee_features() {
    let only_audit = [false, false, false, false, false, false, true];
    let headers = headers(&[("authorization", "Bearer complete")]);
    let head = RequestHead::new(&headers, None);

    for auth in [
        with_ee(complete()).build(),
        with_ee(complete())
            .license(gate(&LicenseInfo::invalid()))
            .build(),
        with_ee(Existing)
            .sso(Arc::new(complete()))
            .audit(Arc::new(complete()))
            .license(gate(&listed(&[])))
            .build(),
    ] {
        // The record never stops, and who is calling is still asked.
        assert_eq!(parts(&auth), only_audit);
        let flags = CapabilityFlags::detect(&auth.at(now()));
        assert_eq!(flags, CapabilityFlags::default());
        assert!(run(auth.authenticate(&head)).is_ok());
    }
    let unlicensed = with_ee(complete()).build();
    let caller = run(unlicensed.identify(now(), &head)).unwrap();
    assert!(matches!(caller, Caller::Known(_)));
}

#[test]
fn a_licence_opens_what_it_lists_and_nothing_else() {
    let open = |names: &[&str]| {
        let auth = with_ee(complete()).license(gate(&listed(names))).build();
        parts(&auth)
    };

    assert_eq!(
        open(&["rbac"]),
        [false, false, false, false, true, false, true]
    );
    assert_eq!(
        open(&["auth"]),
        [true, true, false, true, false, false, true]
    );
    assert_eq!(
        open(&["sso", "acl"]),
        [false, false, true, false, false, true, true]
    );
}

#[test]
fn roles_without_a_licence_close_and_never_open() {
    let ada = Identity::of(Arc::new(User::new("ada".parse().unwrap())));
    let authority = |auth: &EeAuthProvider| run(auth.at(now()).authority(&ada));
    let allows =
        |authority: &Authority, text: &str| authority.allows(&text.parse().unwrap(), now());
    let without_roles = [Ability::Users];
    let role = Role::new("r".parse().unwrap(), "R", ["agents:read".parse().unwrap()]);
    let roles = || Roles {
        given: vec!["r".parse().unwrap()],
        set: ee_core::RoleSet::new([role.clone()]).unwrap(),
        ..Roles::default()
    };

    for auth in [
        with_ee(complete()).build(),
        with_ee(complete())
            .license(gate(&listed(&["acl", "auth"])))
            .build(),
        with_ee(Existing).rbac(Arc::new(roles())).build(),
        // A grant that forbids must not be forgotten.
        with_ee(Stub::new("grants", &[Ability::Acl])).build(),
    ] {
        assert_eq!(authority(&auth).unwrap_err().kind(), ErrorKind::Unlicensed);
    }

    let none = with_ee(Stub::new("none", &without_roles)).build();
    assert!(allows(&authority(&none).unwrap(), "audit:read"));

    let licensed = with_ee(Existing)
        .rbac(Arc::new(roles()))
        .license(gate(&listed(&["rbac"])))
        .build();
    let held = authority(&licensed).unwrap();
    assert!(allows(&held, "agents:read") && !allows(&held, "agents:write"));

    let broken = Roles {
        broken: true,
        ..roles()
    };
    let broken = with_ee(Existing)
        .rbac(Arc::new(broken))
        .license(gate(&listed(&["rbac"])))
        .build();
    assert_eq!(
        authority(&broken).unwrap_err().kind(),
        ErrorKind::Unavailable
    );
}

#[test]
fn callers_are_told_apart() {
    let caller = |info: &LicenseInfo, pairs: &[(&str, &str)]| {
        let auth = with_ee(complete()).license(gate(info)).build();
        let headers = headers(pairs);
        run(auth.identify(now(), &RequestHead::new(&headers, None))).unwrap()
    };
    let full = LicenseInfo::unlimited();
    let by_session = caller(&full, &[("cookie", "ee_session=good")]);
    let by_token = caller(
        &full,
        &[
            ("authorization", "bearer complete"),
            ("cookie", "ee_session=good"),
        ],
    );

    assert!(by_session.identity().unwrap().session.is_some());
    assert!(by_token.identity().unwrap().session.is_none());
    assert!(matches!(caller(&full, &[]), Caller::Anonymous));
    for wrong in ["Bearer nobody", "Bearer", "Basic YTpi"] {
        let pairs = [("authorization", wrong), ("cookie", "ee_session=good")];
        assert!(matches!(caller(&full, &pairs), Caller::Refused), "{wrong}");
    }
    for stale in ["over", "orphan", "mal%20formed", "a; ee_session=b"] {
        let cookie = format!("ee_session={stale}");
        let caller = caller(&full, &[("cookie", &cookie)]);
        assert!(matches!(caller, Caller::StaleSession), "{stale}");
    }
    let unlicensed = caller(&listed(&["rbac"]), &[("cookie", "ee_session=good")]);
    assert!(matches!(unlicensed, Caller::Anonymous));
}

#[test]
fn a_provider_that_fails_is_no_anonymous_caller() {
    let mut stub = complete();
    stub.fails = Some(ErrorKind::Unavailable);
    let auth = with_ee(stub).exempt_local_development().build();
    let headers = headers(&[("cookie", "ee_session=good")]);

    let error = run(auth.identify(now(), &RequestHead::new(&headers, None))).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
