use ee_core::{
    PermissionPattern, RbacProvider as _, Role, RoleCard, RoleId, RoleMapping, RoleSet, User,
};
use ee_defaults::{StaticRbac, default_roles};

use crate::doubles::run;

fn id(text: &str) -> RoleId {
    text.parse().unwrap()
}

fn user(roles: &[&str]) -> User {
    let mut user = User::new("ada".parse().unwrap());
    user.roles = roles.iter().map(|role| id(role)).collect();
    user
}

fn grants(texts: &[&str]) -> Vec<PermissionPattern> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn held(rbac: &StaticRbac, roles: &[&str]) -> Vec<String> {
    let set = run(rbac.permissions(&user(roles))).unwrap();
    set.patterns().iter().map(ToString::to_string).collect()
}

fn mapping() -> RoleMapping {
    RoleMapping::new([
        (id("Engineering"), grants(&["agents:*", "workflows:*"])),
        (id("Product"), grants(&["agents:read"])),
        (id("Empty"), Vec::new()),
        (id("_default"), grants(&["logs:read"])),
    ])
}

/// Phase 4: `hasPermission()` checks the user's effective permissions.
#[test]
fn p4_has_permission_checks_effective_permissions() {
    let rbac = StaticRbac::new(default_roles());
    let developer = user(&["developer"]);
    let may = |text: &str| run(rbac.has_permission(&developer, &text.parse().unwrap())).unwrap();

    assert!(may("agents:write") && may("stored-agents:write"));
    assert!(may("agents:read:a1") && may("workflows:execute"));
    assert!(!may("agents:delete") && !may("audit:read") && !may("logs:write"));

    let all = ["agents:read", "agents:delete"].map(|text| text.parse().unwrap());
    assert!(!run(rbac.has_all_permissions(&developer, &all)).unwrap());
    assert!(run(rbac.has_any_permission(&developer, &all)).unwrap());
    assert!(run(rbac.has_all_permissions(&developer, &[])).unwrap());
    assert!(!run(rbac.has_any_permission(&developer, &[])).unwrap());
}

/// Phase 4: users can be assigned roles via the auth provider.
#[test]
fn p4_roles_come_from_the_provider_or_from_a_function() {
    let by_user = StaticRbac::new(default_roles());
    let by_function = StaticRbac::new(default_roles()).user_roles(|user| {
        let role = if user.id.as_str() == "ada" {
            "owner"
        } else {
            "viewer"
        };
        vec![id(role)]
    });
    let ada = user(&["viewer"]);

    assert_eq!(run(by_user.roles(&ada)).unwrap(), [id("viewer")]);
    assert_eq!(run(by_function.roles(&ada)).unwrap(), [id("owner")]);
    assert!(run(by_user.has_role(&ada, &id("viewer"))).unwrap());
    assert!(run(by_function.has_role(&ada, &id("owner"))).unwrap());
    assert!(!run(by_function.has_role(&ada, &id("viewer"))).unwrap());
    assert_eq!(held(&by_function, &["viewer"]), ["*"]);
}

/// Weakness 9 of the original: both lists were one text, `a,b`.
#[test]
fn a_role_with_a_comma_shares_nothing_with_two_roles() {
    let rbac = StaticRbac::new(
        RoleSet::new([
            Role::new(id("a"), "A", grants(&["agents:delete"])),
            Role::new(id("b"), "B", grants(&["tools:delete"])),
            Role::new(id("a,b"), "Both", grants(&["logs:read"])),
        ])
        .unwrap(),
    );

    for _ in 0..2 {
        assert_eq!(held(&rbac, &["a,b"]), ["logs:read"]);
        assert_eq!(held(&rbac, &["a", "b"]), ["agents:delete", "tools:delete"]);
        assert_eq!(held(&rbac, &["b", "a"]), ["tools:delete", "agents:delete"]);
    }
}

#[test]
fn asking_leaves_the_roles_of_the_user_in_their_order() {
    let rbac = StaticRbac::new(default_roles());
    let user = user(&["viewer", "admin", "developer"]);
    let before = user.clone();

    run(rbac.permissions(&user)).unwrap();

    assert_eq!(user, before);
    assert_eq!(run(rbac.roles(&user)).unwrap(), before.roles);
}

#[test]
fn who_has_no_role_or_an_unknown_one_may_do_nothing() {
    let rbac = StaticRbac::new(default_roles());

    assert!(held(&rbac, &[]).is_empty());
    assert!(held(&rbac, &["nobody", "Owner"]).is_empty());
}

#[test]
fn a_mapping_answers_for_the_roles_of_a_directory() {
    let rbac = StaticRbac::from_mapping(mapping());

    assert_eq!(
        held(&rbac, &["Product", "Engineering"]),
        ["agents:read", "agents:*", "workflows:*"]
    );
    assert_eq!(
        held(&rbac, &["QA", "Product"]),
        ["logs:read", "agents:read"]
    );
    assert!(held(&rbac, &["Empty"]).is_empty() && held(&rbac, &[]).is_empty());
}

#[test]
fn available_roles_are_the_defined_or_the_mapped_ones() {
    let card = |id_text: &str, name: &str| RoleCard {
        id: id(id_text),
        name: name.to_owned(),
    };
    let available = |rbac: &StaticRbac| run(rbac.available_roles()).unwrap().unwrap();

    assert_eq!(
        available(&StaticRbac::new(default_roles()))[2],
        card("developer", "Developer")
    );
    assert_eq!(
        available(&StaticRbac::from_mapping(mapping())),
        [
            card("Empty", "Empty"),
            card("Engineering", "Engineering"),
            card("Product", "Product")
        ]
    );
}

#[test]
fn what_a_role_permits_is_told_with_what_it_inherits() {
    let defined = StaticRbac::new(default_roles());
    let mapped = StaticRbac::from_mapping(mapping());
    let strict = StaticRbac::from_mapping(RoleMapping::new([(id("a"), Vec::new())]));
    let permits = |rbac: &StaticRbac, role| run(rbac.role_permissions(&id(role))).unwrap();

    assert_eq!(
        permits(&defined, "member"),
        Some(grants(&["*:read", "*:execute"]))
    );
    assert_eq!(permits(&defined, "developer").unwrap().len(), 9);
    assert_eq!(permits(&defined, "nobody"), None);
    assert_eq!(permits(&mapped, "Empty"), Some(Vec::new()));
    assert_eq!(permits(&mapped, "QA"), Some(grants(&["logs:read"])));
    assert_eq!(permits(&strict, "QA"), None);
}
