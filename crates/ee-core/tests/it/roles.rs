//! Acceptance criteria of roles.

use ee_core::{Action, Permission, PermissionSet, Resource, Role, RoleId, RoleSet};

/// Phase 4: roles can be defined with sets of permissions.
#[test]
fn p4_roles_can_be_defined_with_sets_of_permissions() {
    let defined = r#"[
        { "id": "support", "name": "Support", "permissions": ["agents:read", "threads:*"] },
        { "id": "lead", "name": "Lead", "permissions": ["agents:write:faq"], "inherits": ["support"] }
    ]"#;
    let defined: Vec<Role> = serde_json::from_str(defined).unwrap();
    let roles = RoleSet::new(defined).unwrap();

    let held_by = |id| PermissionSet::compile(roles.resolve(&[RoleId::new(id).unwrap()]));
    let (support, lead, nobody) = (held_by("support"), held_by("lead"), held_by("nobody"));
    let write = Permission::known(Resource::Agents, Action::Write);

    assert!(support.allows_text("agents:read") && support.allows_text("threads:close"));
    assert!(!support.allows_some(&write));
    assert!(lead.allows_text("agents:read") && lead.allows_on(&write, "faq"));
    assert!(!lead.allows(&write) && !lead.allows_on(&write, "billing"));
    assert!(!nobody.allows_text("agents:read"));
}
