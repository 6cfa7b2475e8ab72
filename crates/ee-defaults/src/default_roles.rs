//! The roles of a server on which nobody has defined any.

use ee_core::{Action, PermissionPattern, Resource, Role, RoleId, RoleSet};

/// Returns the default roles (`DEFAULT_ROLES`, phase 4).
///
/// | Role | Permissions |
/// | --- | --- |
/// | `owner` | `*` |
/// | `admin` | `*:read *:write *:execute *:create *:publish *:share`, `audit:read audit:export`, `access:read access:write` |
/// | `developer` | those of `member`, and `write` on agents, workflows, tools, memory, datasets, stored agents and stored workflows |
/// | `member` | `*:read *:execute` |
/// | `viewer` | `*:read` |
///
/// A stored agent is created and changed under `stored-agents` and a stored workflow under
/// `stored-workflows`, so without these two a developer could change neither. Nobody but an owner
/// deletes. `*` in place of a resource does not reach `audit`, `access` and `license`.
pub fn default_roles() -> RoleSet {
    let anywhere = |actions: &[Action]| -> Vec<_> {
        actions
            .iter()
            .map(|&action| PermissionPattern::any_resource(action))
            .collect()
    };
    let mut admin = anywhere(&[
        Action::Read,
        Action::Write,
        Action::Execute,
        Action::Create,
        Action::Publish,
        Action::Share,
    ]);
    admin.extend([
        PermissionPattern::known(Resource::Audit, Action::Read),
        PermissionPattern::known(Resource::Audit, Action::Export),
        PermissionPattern::known(Resource::Access, Action::Read),
        PermissionPattern::known(Resource::Access, Action::Write),
    ]);
    let developer = [
        Resource::Agents,
        Resource::Workflows,
        Resource::Tools,
        Resource::Memory,
        Resource::Datasets,
        Resource::StoredAgents,
        Resource::StoredWorkflows,
    ]
    .map(|resource| PermissionPattern::known(resource, Action::Write));
    RoleSet::lenient([
        Role::new(id("owner"), "Owner", [PermissionPattern::EVERYTHING])
            .description("May do everything, delete and read the licence included."),
        Role::new(id("admin"), "Admin", admin).description(
            "Sets up agents, workflows and who may use them; reads the audit log; deletes nothing.",
        ),
        Role::new(id("developer"), "Developer", developer)
            .description("Builds agents, workflows, tools and datasets, and runs them.")
            .inherits([id("member")]),
        Role::new(
            id("member"),
            "Member",
            anywhere(&[Action::Read, Action::Execute]),
        )
        .description("Talks to agents and runs workflows."),
        Role::new(id("viewer"), "Viewer", anywhere(&[Action::Read]))
            .description("Looks at everything that is not sensitive and changes nothing."),
    ])
}

#[expect(clippy::expect_used, reason = "the texts are the five above")]
fn id(text: &str) -> RoleId {
    RoleId::new(text).expect("a short word without control characters is a role id")
}

#[cfg(test)]
mod tests {
    use ee_core::PermissionSet;

    use super::*;

    fn held_by(role: &str) -> Vec<String> {
        let grants = default_roles().resolve(&[id(role)]);
        grants.iter().map(ToString::to_string).collect()
    }

    /// Phase 4: `DEFAULT_ROLES` provides sensible defaults (admin, developer, viewer).
    #[test]
    fn p4_default_roles_provide_sensible_defaults() {
        assert_eq!(held_by("owner"), ["*"]);
        assert_eq!(
            held_by("admin").join(" "),
            "*:read *:write *:execute *:create *:publish *:share \
             audit:read audit:export access:read access:write"
        );
        assert_eq!(
            held_by("developer").join(" "),
            "agents:write workflows:write tools:write memory:write datasets:write \
             stored-agents:write stored-workflows:write *:read *:execute"
        );
        assert_eq!(held_by("member"), ["*:read", "*:execute"]);
        assert_eq!(held_by("viewer"), ["*:read"]);

        let roles = default_roles();
        let names: Vec<_> = roles.iter().map(|role| role.id.as_str()).collect();
        assert_eq!(names, ["owner", "admin", "developer", "member", "viewer"]);
        assert!(roles.iter().all(|role| role.description.is_some()));
        assert!(RoleSet::new(roles.iter().cloned()).is_ok());
    }

    #[test]
    fn sensitive_things_are_for_those_who_are_named() {
        let who_may = |permission: &str| -> Vec<String> {
            let roles = default_roles();
            let may = |role: &&Role| {
                let grants = roles.resolve(std::slice::from_ref(&role.id));
                PermissionSet::compile(grants).allows_text(permission)
            };
            roles
                .iter()
                .filter(may)
                .map(|role| role.id.to_string())
                .collect()
        };

        assert_eq!(who_may("license:read"), ["owner"]);
        assert_eq!(who_may("stored-agents:delete"), ["owner"]);
        assert_eq!(who_may("audit:read"), ["owner", "admin"]);
        assert_eq!(who_may("access:write"), ["owner", "admin"]);
        assert_eq!(
            who_may("stored-agents:write"),
            ["owner", "admin", "developer"]
        );
        assert_eq!(
            who_may("agents:execute"),
            ["owner", "admin", "developer", "member"]
        );
        assert_eq!(who_may("agents:read").len(), 5);
    }
}
