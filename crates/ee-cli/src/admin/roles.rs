//! `mastra-ee roles`.

use anyhow::Result;
use ee::{
    AuditAction, PermissionPattern, Role, RoleId, UserId,
    server::{
        AuditNote,
        access::{self, AssignBody, AssignmentQuery, RoleBody, RoleView, RolesView, Success},
    },
    storage::Cursor,
};
use serde::Serialize;

use super::{
    mapping,
    operator::Operator,
    output::{Table, joined, lines, moment},
};
use crate::args::RolesCommand;

pub(super) async fn run(operator: &Operator, command: &RolesCommand) -> Result<()> {
    match command {
        RolesCommand::Assign { user, role, .. } => {
            operator.check_roles(std::slice::from_ref(role)).await?;
            let body = AssignBody {
                user_id: operator.user(user).await?,
                role: role.clone(),
            };
            let about = about(&body);
            let assign = access::assign(&operator.cx, body);
            let body = operator
                .change(AuditAction::ROLE_ASSIGN, about, assign)
                .await?;
            operator.show(&body, |it| {
                format!("{} has the role {}", it.user_id, it.role)
            })
        }
        RolesCommand::Delete { role, .. } => delete(operator, role).await,
        RolesCommand::List { .. } => {
            let roles = access::list_roles(&operator.cx).await?;
            operator.show(&roles, table)
        }
        RolesCommand::Mapping(command) => mapping::run(operator, command).await,
        RolesCommand::Put {
            role,
            permissions,
            inherits,
            name,
            description,
            ..
        } => {
            operator.check_roles(inherits).await?;
            let body = || RoleBody {
                name: name.clone().unwrap_or_else(|| role.to_string()),
                description: description.clone(),
                permissions: permissions.clone(),
                inherits: inherits.clone(),
            };
            put(operator, role, body).await
        }
        RolesCommand::Show { role, .. } => show(operator, role).await,
        RolesCommand::Unassign { user, role, .. } => {
            let body = AssignBody {
                user_id: operator.user_or_gone(user).await?,
                role: role.clone(),
            };
            let about = about(&body);
            let unassign = access::unassign(&operator.cx, body);
            let body = operator
                .change(AuditAction::ROLE_UNASSIGN, about, unassign)
                .await?;
            operator.show(&body, |it| {
                format!("{} has the role {} no more", it.user_id, it.role)
            })
        }
    }
}

fn about(body: &AssignBody) -> AuditNote {
    AuditNote::about("user", body.user_id.as_str(), None).with("role", body.role.as_str())
}

fn table(roles: &RolesView) -> String {
    let rows = roles.roles.iter().map(|view| {
        let Role {
            id,
            name,
            permissions,
            inherits,
            ..
        } = &view.role;
        [
            id.to_string(),
            name.clone(),
            origin(view).to_owned(),
            joined(inherits),
            joined(permissions),
        ]
    });
    Table::new(["ID", "NAME", "FROM", "INHERITS", "PERMISSIONS"], rows).to_string()
}

fn origin(view: &RoleView) -> &'static str {
    if view.is_base { "program" } else { "store" }
}

/// A role, what comes of it, and who has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    #[serde(flatten)]
    role: RoleView,
    /// With all that it inherits.
    effective_permissions: Vec<PermissionPattern>,
    users: Vec<UserId>,
}

async fn show(operator: &Operator, id: &RoleId) -> Result<()> {
    operator.check_roles(std::slice::from_ref(id)).await?;
    let users = operator
        .all(async |cursor| {
            let query = AssignmentQuery {
                cursor,
                limit: Some(Cursor::MAX_LIMIT),
                role: Some(id.clone()),
                user_id: None,
            };
            access::list_assignments(&operator.cx, query).await
        })
        .await?;
    let permitted = operator.access()?.roles.role_permissions(id).await?;
    let roles = access::list_roles(&operator.cx).await?.roles;
    let mut roles = roles.into_iter().filter(|view| view.role.id == *id);
    let role = roles.next();
    let role = role.ok_or_else(|| anyhow::anyhow!("role `{id}` was deleted meanwhile"))?;
    let shown = Shown {
        role,
        effective_permissions: permitted.unwrap_or_default(),
        users: users.items.into_iter().map(|it| it.user_id).collect(),
    };
    operator.show(&shown, facts)
}

fn facts(shown: &Shown) -> String {
    let role = &shown.role.role;
    lines(&[
        ("id", Some(role.id.to_string())),
        ("name", Some(role.name.clone())),
        ("description", role.description.clone()),
        ("from", Some(origin(&shown.role).to_owned())),
        ("permissions", Some(joined(&role.permissions))),
        ("inherits", Some(joined(&role.inherits))),
        ("in effect", Some(joined(&shown.effective_permissions))),
        ("users", Some(joined(&shown.users))),
        ("changed", shown.role.updated_at.map(moment)),
    ])
}

async fn put(operator: &Operator, role: &RoleId, body: impl Fn() -> RoleBody) -> Result<()> {
    let put = operator.again_if_stale(async || {
        let revision = access::list_roles(&operator.cx).await?.revision;
        access::put_role(&operator.cx, role.clone(), revision, body()).await
    });
    let about = AuditNote::about("role", role.as_str(), None);
    let roles = operator.change(AuditAction::ROLE_WRITE, about, put).await?;
    operator.show(&roles, |_| format!("role {role} is kept"))
}

async fn delete(operator: &Operator, role: &RoleId) -> Result<()> {
    operator.check_roles(std::slice::from_ref(role)).await?;
    let delete = operator.again_if_stale(async || {
        let revision = access::list_roles(&operator.cx).await?.revision;
        access::delete_role(&operator.cx, role, revision).await?;
        Ok(Success { success: true })
    });
    let about = AuditNote::about("role", role.as_str(), None);
    let done = operator
        .change(AuditAction::ROLE_DELETE, about, delete)
        .await?;
    operator.show(&done, |_| format!("role {role} is deleted"))
}
