use std::{collections::BTreeMap, sync::Arc};

use ee_core::{
    Error, PermissionPattern, Role, RoleId, UserId,
    storage::{AssignmentFilter, AssignmentRecord, Changed, RoleBook, RoleRecord},
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Listing, check_version, cursor, done, listing, users::names};
use crate::{AuditNote, Cx};

/// A role.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleView {
    /// What it is.
    #[serde(flatten)]
    pub role: Role,
    /// Whether the program brings it: then nobody can change it.
    pub is_base: bool,
    /// When it was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub updated_at: Option<Timestamp>,
    /// Who changed it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<UserId>,
}

/// All roles.
#[derive(Debug, JsonSchema, Serialize)]
pub struct RolesView {
    /// Those of the program first, then those made here, by id.
    pub roles: Vec<RoleView>,
    /// For `If-Match`: one for all of them, since they depend on each other.
    pub revision: u64,
}

/// Body of `PUT /access/roles/:roleId`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct RoleBody {
    /// Name for people.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it permits by itself.
    pub permissions: Vec<PermissionPattern>,
    /// The roles whose grants it has as well.
    #[serde(default)]
    pub inherits: Vec<RoleId>,
}

/// What roles of identity providers stand for.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct MappingBody {
    /// Role at the provider, such as `org:admin`, and the roles here.
    pub mapping: BTreeMap<RoleId, Vec<RoleId>>,
}

/// Somebody has a role.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentView {
    /// Who.
    pub user_id: UserId,
    /// Which.
    pub role: RoleId,
    /// Since when.
    #[schemars(with = "String")]
    pub assigned_at: Timestamp,
    /// Who gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned_by: Option<UserId>,
}

/// Body of `POST /access/assignments`, and query of `DELETE`.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub struct AssignBody {
    /// Who.
    pub user_id: UserId,
    /// Which.
    pub role: RoleId,
}

/// Query of the list of assignments.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssignmentQuery {
    /// What `nextCursor` was for the part before.
    pub cursor: Option<String>,
    /// Most rows.
    pub limit: Option<u32>,
    /// Of this role.
    pub role: Option<RoleId>,
    /// Of this user.
    pub user_id: Option<UserId>,
}

/// `GET /access/roles`.
pub async fn list_roles(cx: &Cx) -> Result<RolesView, Error> {
    let rbac = &cx.access()?.rbac;
    let book = rbac.book().await?;
    let base = rbac.base().iter().map(|role| RoleView {
        role: role.clone(),
        is_base: true,
        updated_at: None,
        updated_by: None,
    });
    let own = book.roles.iter().map(|record: &RoleRecord| RoleView {
        role: record.role.clone(),
        is_base: false,
        updated_at: Some(record.updated_at),
        updated_by: record.updated_by.clone(),
    });
    Ok(RolesView {
        roles: base.chain(own).collect(),
        revision: book.revision,
    })
}

/// `PUT /access/roles/:roleId`: what it was before and what it becomes must be within what the caller holds.
pub async fn put_role(
    cx: &Cx,
    id: RoleId,
    revision: u64,
    body: RoleBody,
) -> Result<RolesView, Error> {
    let access = cx.access()?;
    if body.name.trim().is_empty() || body.name.chars().count() > 100 {
        return Err(Error::invalid_field(
            "name",
            "must have 1 to 100 characters",
        ));
    }
    if body.permissions.len() > 500 {
        return Err(Error::invalid_field(
            "permissions",
            "must have at most 500 entries",
        ));
    }
    check_revision(cx, revision).await?;
    cx.check_holds_roles(std::slice::from_ref(&id)).await?;
    cx.check_holds(&body.permissions)?;
    cx.check_holds_roles(&body.inherits).await?;
    let note = AuditNote::about("role", id.as_str(), Some(body.name.clone()))
        .with("permissions", texts(&body.permissions))
        .with("inherits", names(&body.inherits));
    cx.note(note);
    let mut role = Role::new(id, body.name, body.permissions).inherits(body.inherits);
    role.description = body.description;
    done(
        access.rbac.put(role, revision, cx.by()).await?,
        "list of roles",
    )?;
    list_roles(cx).await
}

/// `DELETE /access/roles/:roleId`.
pub async fn delete_role(cx: &Cx, id: &RoleId, revision: u64) -> Result<RolesView, Error> {
    let rbac = &cx.access()?.rbac;
    check_revision(cx, revision).await?;
    cx.check_holds_roles(std::slice::from_ref(id)).await?;
    match rbac.delete(id, revision).await? {
        Changed::Gone => Err(super::not_found("role")),
        changed => {
            done(changed, "list of roles")?;
            list_roles(cx).await
        }
    }
}

/// `GET /access/role-mapping`.
pub async fn mapping(cx: &Cx) -> Result<(MappingBody, u64), Error> {
    let book = cx.access()?.rbac.book().await?;
    let mapping = book.mapping.clone();
    Ok((MappingBody { mapping }, book.revision))
}

/// `PUT /access/role-mapping`: what it was before and what it becomes must be within what the caller holds.
pub async fn set_mapping(
    cx: &Cx,
    revision: u64,
    body: MappingBody,
) -> Result<(MappingBody, u64), Error> {
    let rbac = &cx.access()?.rbac;
    let before = check_revision(cx, revision).await?;
    let changed = |at: &RoleId| before.mapping.get(at) != body.mapping.get(at);
    let both = before.mapping.iter().chain(&body.mapping);
    for (_, roles) in both.filter(|(external, _)| changed(external)) {
        cx.check_holds_roles(roles).await?;
    }
    let note = AuditNote::about("role-mapping", "roles", None);
    cx.note(note.with("entries", body.mapping.len()));
    done(
        rbac.set_mapping(body.mapping, revision).await?,
        "list of roles",
    )?;
    mapping(cx).await
}

/// What is judged must be what is changed: the store refuses when it has moved on since.
async fn check_revision(cx: &Cx, expected: u64) -> Result<Arc<RoleBook>, Error> {
    let book = cx.access()?.rbac.book().await?;
    check_version(book.revision, expected, "list of roles")?;
    Ok(book)
}

/// `GET /access/assignments`.
pub async fn list_assignments(
    cx: &Cx,
    query: AssignmentQuery,
) -> Result<Listing<AssignmentView>, Error> {
    let mut filter = AssignmentFilter::default();
    filter.role = query.role;
    filter.user_id = query.user_id;
    let cursor = cursor(query.cursor.as_deref(), query.limit)?;
    let part = cx.access()?.assignments.list(&filter, &cursor).await?;
    Ok(listing(part, |record: AssignmentRecord| AssignmentView {
        user_id: record.user_id,
        role: record.role,
        assigned_at: record.assigned_at,
        assigned_by: record.assigned_by,
    }))
}

/// `POST /access/assignments`. Somebody who has the role already keeps it.
pub async fn assign(cx: &Cx, body: AssignBody) -> Result<AssignBody, Error> {
    let rbac = &cx.access()?.rbac;
    cx.check_holds_roles(std::slice::from_ref(&body.role))
        .await?;
    cx.check_reaches(&body.user_id).await?;
    cx.note(about(&body));
    rbac.assign(&body.user_id, &body.role, cx.by()).await?;
    Ok(body)
}

/// `DELETE /access/assignments`.
pub async fn unassign(cx: &Cx, body: AssignBody) -> Result<AssignBody, Error> {
    let access = cx.access()?;
    cx.check_holds_roles(std::slice::from_ref(&body.role))
        .await?;
    cx.check_reaches(&body.user_id).await?;
    cx.note(about(&body));
    let changed = access.rbac.unassign(&body.user_id, &body.role).await?;
    done(changed, "assignment")?;
    Ok(body)
}

fn about(body: &AssignBody) -> AuditNote {
    AuditNote::about("user", body.user_id.as_str(), None).with("role", body.role.as_str())
}

pub(super) fn texts(all: &[impl ToString]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}
