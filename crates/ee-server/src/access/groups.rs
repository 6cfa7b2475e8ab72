use ee_core::{AclSubject, Error, GroupId, UserId, storage::GroupRecord};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Listing, Part, check_version, cursor, done, listing, not_found};
use crate::{AuditNote, Cx};

/// A group.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupView {
    /// Identity.
    pub id: GroupId,
    /// Name for people.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it was created.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// For `If-Match`.
    pub version: u64,
}

impl From<GroupRecord> for GroupView {
    fn from(group: GroupRecord) -> Self {
        Self {
            id: group.id,
            name: group.name,
            description: group.description,
            created_at: group.created_at,
            version: group.version,
        }
    }
}

/// Body of `POST /access/groups`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct GroupBody {
    /// Identity; made up when absent.
    pub id: Option<GroupId>,
    /// Name for people.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
}

/// Body of `PATCH /access/groups/:groupId`: what is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct PatchGroupBody {
    /// Name for people.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
}

/// Body of `POST /access/groups/:groupId/members`.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub struct MemberBody {
    /// Who.
    pub user_id: UserId,
}

/// `GET /access/groups`.
pub async fn list_groups(cx: &Cx, part: Part) -> Result<Listing<GroupView>, Error> {
    let cursor = cursor(part.cursor.as_deref(), part.limit)?;
    let part = cx.access()?.groups.list(&cursor).await?;
    Ok(listing(part, GroupView::from))
}

/// `GET /access/groups/:groupId`.
pub async fn get_group(cx: &Cx, id: &GroupId) -> Result<GroupView, Error> {
    find(cx, id).await.map(GroupView::from)
}

/// `POST /access/groups`.
pub async fn create_group(cx: &Cx, body: GroupBody) -> Result<GroupView, Error> {
    check_name(&body.name)?;
    let id = body.id.unwrap_or_else(GroupId::ordered);
    let mut group = GroupRecord::new(id, body.name, cx.now());
    group.description = body.description;
    let name = Some(group.name.clone());
    cx.note(AuditNote::about("group", group.id.as_str(), name));
    cx.access()?.groups.create(group.clone()).await?;
    Ok(group.into())
}

/// `PATCH /access/groups/:groupId`.
pub async fn update_group(
    cx: &Cx,
    id: &GroupId,
    expected: u64,
    body: PatchGroupBody,
) -> Result<GroupView, Error> {
    let mut group = find(cx, id).await?;
    check_version(group.version, expected, "group")?;
    if let Some(name) = body.name {
        check_name(&name)?;
        group.name = name;
    }
    if body.description.is_some() {
        group.description = body.description;
    }
    group.updated_at = cx.now();
    done(cx.access()?.groups.update(group).await?, "group")?;
    get_group(cx, id).await
}

/// `DELETE /access/groups/:groupId`. What is granted or forbidden to the group must be within what the caller holds.
pub async fn delete_group(cx: &Cx, id: &GroupId, expected: u64) -> Result<(), Error> {
    check_version(find(cx, id).await?.version, expected, "group")?;
    cx.check_reaches_members(id).await?;
    let group = AclSubject::Group(id.clone());
    cx.check_holds_grants_of(&group).await?;
    if cx.access()?.groups.delete(id).await? {
        Ok(())
    } else {
        Err(not_found("group"))
    }
}

/// `GET /access/groups/:groupId/members`.
pub async fn members(cx: &Cx, id: &GroupId, part: Part) -> Result<Listing<MemberBody>, Error> {
    find(cx, id).await?;
    let cursor = cursor(part.cursor.as_deref(), part.limit)?;
    let part = cx.access()?.groups.members(id, &cursor).await?;
    Ok(listing(part, |user_id| MemberBody { user_id }))
}

/// `POST /access/groups/:groupId/members`. Who is in it already stays. What is granted to the group must be within what
/// the caller holds.
pub async fn add_member(cx: &Cx, id: &GroupId, body: MemberBody) -> Result<MemberBody, Error> {
    cx.check_reaches(&body.user_id).await?;
    let group = AclSubject::Group(id.clone());
    cx.check_holds_grants_of(&group).await?;
    cx.note(about(id, &body.user_id));
    cx.access()?.groups.add_member(id, &body.user_id).await?;
    Ok(body)
}

/// `DELETE /access/groups/:groupId/members`. Whoever leaves is free of what is forbidden to the group, so that must be
/// within what the caller holds as well.
pub async fn remove_member(cx: &Cx, id: &GroupId, user: &UserId) -> Result<(), Error> {
    cx.check_reaches(user).await?;
    let group = AclSubject::Group(id.clone());
    cx.check_holds_grants_of(&group).await?;
    cx.note(about(id, user));
    if cx.access()?.groups.remove_member(id, user).await? {
        Ok(())
    } else {
        Err(not_found("member"))
    }
}

async fn find(cx: &Cx, id: &GroupId) -> Result<GroupRecord, Error> {
    let found = cx.access()?.groups.find(id).await?;
    found.ok_or_else(|| not_found("group"))
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.trim().is_empty() || name.chars().count() > 100 {
        return Err(Error::invalid_field(
            "name",
            "must have 1 to 100 characters",
        ));
    }
    Ok(())
}

fn about(group: &GroupId, user: &UserId) -> AuditNote {
    AuditNote::about("group", group.as_str(), None).with("userId", user.as_str())
}
