//! Handlers of the management of access.

use axum::{Json, response::Response};
use ee_core::{AclGrant, GroupId, KeyId, RoleId, TokenId, UserId};
use ee_server::{Reply, access};
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};

use super::{Answer, json_reply};
use crate::{AuthContext, HttpError, IfMatch, JsonBody, PathParams, QueryParams};

type Replied = Result<Response, HttpError>;

/// Adds what a change of it has to name.
fn tagged(mut response: Response, version: u64) -> Response {
    if let Ok(tag) = HeaderValue::try_from(format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn shown<T: Serialize>(body: T, version: u64) -> Response {
    tagged(json_reply(Reply::new(body)), version)
}

const DONE: Json<access::Success> = Json(access::Success { success: true });

/// Query that names a user.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct OfUser {
    user_id: UserId,
}

pub(super) async fn my_sessions(
    AuthContext(cx): AuthContext,
    QueryParams(query): QueryParams<access::Part>,
) -> Answer<access::Listing<access::SessionView>> {
    Ok(Json(access::my_sessions(&cx, query).await?))
}

pub(super) async fn end_my_session(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<access::SessionName>,
) -> Answer<access::EndedSessions> {
    Ok(Json(access::end_my_session(&cx, id).await?))
}

pub(super) async fn end_my_other_sessions(
    AuthContext(cx): AuthContext,
) -> Answer<access::EndedSessions> {
    Ok(Json(access::end_my_other_sessions(&cx).await?))
}

pub(super) async fn list_sessions(
    AuthContext(cx): AuthContext,
    QueryParams(query): QueryParams<access::SessionQuery>,
) -> Answer<access::Listing<access::SessionView>> {
    Ok(Json(access::list_sessions(&cx, query).await?))
}

pub(super) async fn end_session(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<access::SessionName>,
) -> Answer<access::EndedSessions> {
    Ok(Json(access::end_session(&cx, id).await?))
}

pub(super) async fn end_sessions(
    AuthContext(cx): AuthContext,
    QueryParams(query): QueryParams<OfUser>,
) -> Answer<access::EndedSessions> {
    Ok(Json(access::end_sessions(&cx, &query.user_id).await?))
}

pub(super) async fn list_users(
    AuthContext(cx): AuthContext,
    QueryParams(query): QueryParams<access::UserQuery>,
) -> Answer<access::Listing<access::UserView>> {
    Ok(Json(access::list_users(&cx, query).await?))
}

pub(super) async fn create_user(
    AuthContext(cx): AuthContext,
    JsonBody(body): JsonBody<access::CreateUserBody>,
) -> Answer<access::UserView> {
    Ok(Json(access::create_user(&cx, body).await?))
}

pub(super) async fn get_user(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<UserId>,
) -> Replied {
    let user = access::get_user(&cx, &id).await?;
    let version = user.version;
    Ok(shown(user, version))
}

pub(super) async fn update_user(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<UserId>,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody<access::PatchUserBody>,
) -> Replied {
    let user = access::update_user(&cx, &id, version, body).await?;
    let version = user.version;
    Ok(shown(user, version))
}

pub(super) async fn delete_user(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<UserId>,
    IfMatch(version): IfMatch,
) -> Answer<access::Success> {
    access::delete_user(&cx, &id, version).await?;
    Ok(DONE)
}

pub(super) async fn list_roles(AuthContext(cx): AuthContext) -> Replied {
    let roles = access::list_roles(&cx).await?;
    let revision = roles.revision;
    Ok(shown(roles, revision))
}

pub(super) async fn put_role(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<RoleId>,
    IfMatch(revision): IfMatch,
    JsonBody(body): JsonBody<access::RoleBody>,
) -> Replied {
    let roles = access::put_role(&cx, id, revision, body).await?;
    let revision = roles.revision;
    Ok(shown(roles, revision))
}

pub(super) async fn delete_role(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<RoleId>,
    IfMatch(revision): IfMatch,
) -> Replied {
    let roles = access::delete_role(&cx, &id, revision).await?;
    let revision = roles.revision;
    Ok(shown(roles, revision))
}

pub(super) async fn mapping(AuthContext(cx): AuthContext) -> Replied {
    let (mapping, revision) = access::mapping(&cx).await?;
    Ok(shown(mapping, revision))
}

pub(super) async fn set_mapping(
    AuthContext(cx): AuthContext,
    IfMatch(revision): IfMatch,
    JsonBody(body): JsonBody<access::MappingBody>,
) -> Replied {
    let (mapping, revision) = access::set_mapping(&cx, revision, body).await?;
    Ok(shown(mapping, revision))
}

pub(super) async fn list_assignments(
    AuthContext(cx): AuthContext,
    QueryParams(query): QueryParams<access::AssignmentQuery>,
) -> Answer<access::Listing<access::AssignmentView>> {
    Ok(Json(access::list_assignments(&cx, query).await?))
}

pub(super) async fn assign(
    AuthContext(cx): AuthContext,
    JsonBody(body): JsonBody<access::AssignBody>,
) -> Answer<access::AssignBody> {
    Ok(Json(access::assign(&cx, body).await?))
}

pub(super) async fn unassign(
    AuthContext(cx): AuthContext,
    QueryParams(query): QueryParams<access::AssignBody>,
) -> Answer<access::AssignBody> {
    Ok(Json(access::unassign(&cx, query).await?))
}

pub(super) async fn list_grants(
    AuthContext(cx): AuthContext,
    QueryParams(query): QueryParams<access::GrantQuery>,
) -> Answer<access::Listing<AclGrant>> {
    Ok(Json(access::list_grants(&cx, query).await?))
}

pub(super) async fn grant(
    AuthContext(cx): AuthContext,
    JsonBody(body): JsonBody<access::GrantBody>,
) -> Answer<AclGrant> {
    Ok(Json(access::grant(&cx, body).await?))
}

pub(super) async fn revoke(
    AuthContext(cx): AuthContext,
    QueryParams(query): QueryParams<access::RevokeQuery>,
) -> Answer<access::Revoked> {
    Ok(Json(access::revoke(&cx, query).await?))
}

pub(super) async fn explain(
    AuthContext(cx): AuthContext,
    JsonBody(body): JsonBody<access::ExplainBody>,
) -> Answer<access::Explanation> {
    Ok(Json(access::explain(&cx, body).await?))
}

pub(super) async fn list_invitations(
    AuthContext(cx): AuthContext,
    QueryParams(part): QueryParams<access::Part>,
) -> Answer<access::Listing<access::InvitationView>> {
    Ok(Json(access::list_invitations(&cx, part).await?))
}

pub(super) async fn invite(
    AuthContext(cx): AuthContext,
    JsonBody(body): JsonBody<access::InviteBody>,
) -> Answer<access::InvitationView> {
    Ok(Json(access::invite(&cx, body).await?))
}

pub(super) async fn revoke_invitation(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<TokenId>,
) -> Answer<access::Success> {
    access::revoke_invitation(&cx, &id).await?;
    Ok(DONE)
}

pub(super) async fn list_groups(
    AuthContext(cx): AuthContext,
    QueryParams(part): QueryParams<access::Part>,
) -> Answer<access::Listing<access::GroupView>> {
    Ok(Json(access::list_groups(&cx, part).await?))
}

pub(super) async fn create_group(
    AuthContext(cx): AuthContext,
    JsonBody(body): JsonBody<access::GroupBody>,
) -> Answer<access::GroupView> {
    Ok(Json(access::create_group(&cx, body).await?))
}

pub(super) async fn get_group(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<GroupId>,
) -> Replied {
    let group = access::get_group(&cx, &id).await?;
    let version = group.version;
    Ok(shown(group, version))
}

pub(super) async fn update_group(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<GroupId>,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody<access::PatchGroupBody>,
) -> Replied {
    let group = access::update_group(&cx, &id, version, body).await?;
    let version = group.version;
    Ok(shown(group, version))
}

pub(super) async fn delete_group(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<GroupId>,
    IfMatch(version): IfMatch,
) -> Answer<access::Success> {
    access::delete_group(&cx, &id, version).await?;
    Ok(DONE)
}

pub(super) async fn members(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<GroupId>,
    QueryParams(part): QueryParams<access::Part>,
) -> Answer<access::Listing<access::MemberBody>> {
    Ok(Json(access::members(&cx, &id, part).await?))
}

pub(super) async fn add_member(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<GroupId>,
    JsonBody(body): JsonBody<access::MemberBody>,
) -> Answer<access::MemberBody> {
    Ok(Json(access::add_member(&cx, &id, body).await?))
}

pub(super) async fn remove_member(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<GroupId>,
    QueryParams(query): QueryParams<OfUser>,
) -> Answer<access::Success> {
    access::remove_member(&cx, &id, &query.user_id).await?;
    Ok(DONE)
}

pub(super) async fn list_keys(
    AuthContext(cx): AuthContext,
    QueryParams(query): QueryParams<access::KeyQuery>,
) -> Answer<access::Listing<access::KeyView>> {
    Ok(Json(access::list_keys(&cx, query).await?))
}

pub(super) async fn create_key(
    AuthContext(cx): AuthContext,
    JsonBody(body): JsonBody<access::KeyBody>,
) -> Answer<access::NewKeyView> {
    Ok(Json(access::create_key(&cx, body).await?))
}

pub(super) async fn get_key(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<KeyId>,
) -> Replied {
    let key = access::get_key(&cx, &id).await?;
    let version = key.version;
    Ok(shown(key, version))
}

pub(super) async fn update_key(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<KeyId>,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody<access::PatchKeyBody>,
) -> Replied {
    let key = access::update_key(&cx, &id, version, body).await?;
    let version = key.version;
    Ok(shown(key, version))
}

pub(super) async fn rotate_key(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<KeyId>,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody<Option<access::RotateKeyBody>>,
) -> Replied {
    let body = body.unwrap_or_default();
    let made = access::rotate_key(&cx, &id, version, &body).await?;
    let version = made.key.version;
    Ok(shown(made, version))
}

pub(super) async fn delete_key(
    AuthContext(cx): AuthContext,
    PathParams(id): PathParams<KeyId>,
) -> Answer<access::Success> {
    access::delete_key(&cx, &id).await?;
    Ok(DONE)
}
