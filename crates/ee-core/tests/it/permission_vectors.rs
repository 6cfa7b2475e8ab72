//! Recorded answers of the original server, and the few that are answered otherwise here.

use std::collections::BTreeSet;

use ee_core::{
    Permission, PermissionPattern, PermissionSet, Role, RoleId, RoleMapping, RoleSet,
    permission_patterns,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vectors {
    matches: Vec<Match>,
    role_mapping: MappingVectors,
    role_inheritance: InheritanceVectors,
}

#[derive(Deserialize)]
struct Match {
    user: String,
    required: String,
    /// None where the original server fails.
    expected: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MappingVectors {
    mapping: RoleMapping,
    cases: Vec<RoleCase>,
    without_default: Option<Box<MappingVectors>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InheritanceVectors {
    role_definitions: Vec<Role>,
    cases: Vec<RoleCase>,
}

#[derive(Deserialize)]
struct RoleCase {
    roles: Vec<RoleId>,
    expected: Vec<PermissionPattern>,
}

/// Recorded answers that are not ours: (grant, requirement, our answer, reason).
const DEPARTURES: [(&str, &str, bool, &str); 2] = [
    ("", "", false, "a text without a resource names nothing"),
    (
        ":*",
        ":read",
        false,
        "a text without a resource names nothing",
    ),
];

/// Answers of the original server's rules that were not recorded and are not ours either.
const MORE_DEPARTURES: [(&str, &str, bool, &str); 10] = [
    ("*", "", false, "a text without a resource names nothing"),
    (
        "agents:read:a:b",
        "agents:read:a:c",
        false,
        "the id is everything after the second colon",
    ),
    (
        "agents:read:a",
        "agents:read:a:c",
        false,
        "the id is everything after the second colon",
    ),
    (
        "agents:read:*",
        "agents:read:a1",
        true,
        "a star as the id means any",
    ),
    (
        "agents:read:*",
        "agents:read",
        true,
        "a star as the id means any, or none",
    ),
    (
        "*:*:*",
        "agents:read",
        true,
        "a star as the id means any, or none",
    ),
    (
        "*:read",
        "audit:read",
        false,
        "a star as the resource does not reach sensitive ones",
    ),
    (
        "*:*",
        "access:write",
        false,
        "a star as the resource does not reach sensitive ones",
    ),
    (
        "*:read:x",
        "license:read:x",
        false,
        "a star as the resource does not reach sensitive ones",
    ),
    (
        "stored:export",
        "audit:export",
        false,
        "`stored` covers its own family alone",
    ),
];

#[test]
fn grants_cover_what_they_cover_in_the_original() {
    let departs = |case: &&Match| {
        let (user, required) = (case.user.as_str(), case.required.as_str());
        DEPARTURES
            .iter()
            .any(|&(grant, asked, ..)| (grant, asked) == (user, required))
    };
    let vectors = vectors().unwrap().matches;
    let (departing, kept): (Vec<_>, Vec<_>) = vectors.iter().partition(departs);

    assert_eq!(
        departing.len(),
        DEPARTURES.len(),
        "a departure that was not recorded"
    );
    for case in kept {
        // Where the original server fails, nothing is granted.
        let expected = case.expected.unwrap_or(false);
        assert_answers(&case.user, &case.required, expected, "as recorded");
    }
}

#[test]
fn departures_are_answered_our_way() {
    for (grant, required, ours, reason) in DEPARTURES.into_iter().chain(MORE_DEPARTURES) {
        assert_answers(grant, required, ours, reason);
    }
}

#[test]
fn every_permission_of_a_route_is_among_the_patterns() {
    let routes = route_permissions().unwrap();
    let patterns: BTreeSet<_> = permission_patterns().iter().copied().collect();

    assert_eq!(routes.len(), 87);
    for permission in &routes {
        let resource = permission.split(':').next().unwrap();
        assert!(patterns.contains(permission.as_str()), "{permission}");
        assert!(
            patterns.contains(format!("{resource}:*").as_str()),
            "{resource}"
        );
    }
}

#[test]
fn every_pattern_of_the_original_is_among_ours() {
    let routes = route_permissions().unwrap();
    let any_action = routes
        .iter()
        .map(|text| format!("{}:*", text.split(':').next().unwrap()));
    let actions = [
        "create", "delete", "execute", "publish", "read", "share", "write",
    ];
    let any_resource = actions.iter().map(|action| format!("*:{action}"));
    let others = [
        "*",
        "stored:*",
        "stored:read",
        "stored:write",
        "stored:delete",
        "stored-agents:share",
        "stored-skills:share",
    ];
    let mut original: BTreeSet<String> = any_action.chain(any_resource).collect();
    original.extend(routes.iter().cloned());
    original.extend(others.map(String::from));

    assert_eq!(original.len(), 134);
    for pattern in &original {
        assert!(
            permission_patterns().contains(&pattern.as_str()),
            "{pattern}"
        );
        assert!(pattern.parse::<PermissionPattern>().is_ok());
    }
}

#[test]
fn roles_of_a_directory_map_as_in_the_original() {
    let with_default = vectors().unwrap().role_mapping;
    let without_default = with_default.without_default.unwrap();

    for (mapping, cases) in [
        (with_default.mapping, with_default.cases),
        (without_default.mapping, without_default.cases),
    ] {
        for case in cases {
            assert_eq!(
                mapping.resolve(&case.roles),
                case.expected,
                "{:?}",
                case.roles
            );
        }
    }
}

#[test]
fn roles_inherit_as_in_the_original() {
    let vectors = vectors().unwrap().role_inheritance;
    let roles = RoleSet::lenient(vectors.role_definitions.clone());

    for case in vectors.cases {
        assert_eq!(
            roles.resolve(&case.roles),
            case.expected,
            "{:?}",
            case.roles
        );
    }
    assert!(RoleSet::new(vectors.role_definitions).is_err());
}

/// Asks in every way there is.
fn assert_answers(grant: &str, required: &str, expected: bool, reason: &str) {
    let grants: Vec<PermissionPattern> = grant.parse().into_iter().collect();
    let asked: Option<Permission> = required.parse().ok();
    let covered =
        |grant: &PermissionPattern| asked.as_ref().is_some_and(|asked| grant.covers(asked));
    let naive = grants.iter().any(covered);
    let set = PermissionSet::compile(grants);
    let parsed = asked.is_some_and(|asked| set.allows(&asked));

    let answers = [naive, parsed, set.allows_text(required)];
    assert_eq!(
        answers, [expected; 3],
        "grant `{grant}`, required `{required}`: {reason}"
    );
}

fn vectors() -> serde_json::Result<Vectors> {
    serde_json::from_str(include_str!("../fixtures/permission-vectors.json"))
}

fn route_permissions() -> serde_json::Result<Vec<String>> {
    serde_json::from_str(include_str!("../fixtures/route-permissions.json"))
}
