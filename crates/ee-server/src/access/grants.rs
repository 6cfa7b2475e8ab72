use ee_core::{
    AclGrant, AclManager, AclSubject, Action, Error, ErrorKind, GrantSet, NewGrant,
    PermissionPattern, Resource, ResourceRef,
    storage::{Cursor, Effect, GrantRecord},
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Listing, Revoked, cursor, listing};
use crate::{AuditNote, Cx, Object};

/// Who a grant is for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct SubjectBody {
    /// `user`, `role` or `group`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which one.
    pub id: String,
}

/// A thing that a grant is about.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct ResourceBody {
    /// Kind of thing, such as `agents`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which one.
    pub id: String,
}

/// Body of `POST /access/grants`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub struct GrantBody {
    /// Who.
    pub subject: Object<SubjectBody>,
    /// With which thing.
    pub resource: Object<ResourceBody>,
    /// What, such as `read`; `*` is everything.
    pub actions: Vec<String>,
    /// Which way it decides; `allow` when absent.
    #[serde(default)]
    pub effect: Effect,
    /// When it ends, if it does.
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
}

/// Query of the list of grants: of a subject, or on a thing.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantQuery {
    /// What `nextCursor` was for the part before.
    pub cursor: Option<String>,
    /// Most rows.
    pub limit: Option<u32>,
    /// Which thing.
    pub resource_id: Option<String>,
    /// Of which kind.
    pub resource_type: Option<String>,
    /// Whose, as `user:ID`, `role:ID` or `group:ID`.
    pub subject: Option<String>,
}

/// Query of `DELETE /access/grants`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RevokeQuery {
    /// What, with commas in between; everything when absent.
    pub actions: Option<String>,
    /// Which way it decides; `allow` when absent.
    #[serde(default)]
    pub effect: Effect,
    /// Which thing.
    pub resource_id: String,
    /// Of which kind.
    pub resource_type: String,
    /// Whose, as `user:ID`, `role:ID` or `group:ID`.
    pub subject: String,
}

/// `GET /access/grants`.
pub async fn list_grants(cx: &Cx, query: GrantQuery) -> Result<Listing<AclGrant>, Error> {
    let acl = &cx.access()?.acl;
    let cursor = cursor(query.cursor.as_deref(), query.limit)?;
    let part = match (query.subject, query.resource_type, query.resource_id) {
        (Some(subject), None, None) => acl.list_for_subject(&named(&subject)?, &cursor).await?,
        (None, Some(kind), Some(id)) => {
            acl.list_for_resource(&ResourceRef { kind, id }, &cursor)
                .await?
        }
        _ => {
            let message = "name either `subject`, or `resourceType` and `resourceId`";
            return Err(Error::invalid_field("subject", message));
        }
    };
    Ok(listing(part, |grant| grant))
}

/// `POST /access/grants`. What is permitted must be within what the caller holds.
pub async fn grant(cx: &Cx, body: GrantBody) -> Result<AclGrant, Error> {
    let acl = &cx.access()?.acl;
    let Object(subject) = body.subject;
    let subject = subject.parse()?;
    let Object(ResourceBody { kind, id }) = body.resource;
    let resource = ResourceRef { kind, id };
    check_holds_on(cx, &resource, &body.actions)?;
    if body.effect == Effect::Deny {
        check_reaches(cx, &subject).await?;
    }
    cx.note(about(&subject, &resource, body.effect, &body.actions));
    let mut new = NewGrant::new(subject, resource, body.actions);
    new.effect = body.effect;
    new.expires_at = body.expires_at;
    new.granted_by = cx.by().cloned();
    acl.grant(new).await
}

/// `DELETE /access/grants`.
pub async fn revoke(cx: &Cx, query: RevokeQuery) -> Result<Revoked, Error> {
    let acl = &cx.access()?.acl;
    let subject = named(&query.subject)?;
    let resource = ResourceRef {
        kind: query.resource_type,
        id: query.resource_id,
    };
    let actions: Vec<String> = query
        .actions
        .iter()
        .flat_map(|text| text.split(','))
        .map(str::to_owned)
        .collect();
    if query.effect == Effect::Deny {
        // To take back what forbids is to permit.
        let freed = match &*actions {
            [] => forbidden(acl.as_ref(), &subject, &resource).await?,
            named => named.to_vec(),
        };
        check_holds_on(cx, &resource, &freed)?;
    } else {
        check_reaches(cx, &subject).await?;
    }
    cx.note(about(&subject, &resource, query.effect, &actions));
    let count = acl
        .revoke(&subject, &resource, query.effect, &actions)
        .await?;
    if count == 0 {
        return Err(super::not_found("grant"));
    }
    Ok(Revoked { revoked: count })
}

/// Returns every action on the thing that is forbidden to the subject.
async fn forbidden(
    acl: &dyn AclManager,
    subject: &AclSubject,
    resource: &ResourceRef,
) -> Result<Vec<String>, Error> {
    let mut actions = Vec::new();
    let mut cursor = Cursor::first(Cursor::MAX_LIMIT);
    loop {
        let part = acl.list_for_resource(resource, &cursor).await?;
        let denied = part
            .rows
            .into_iter()
            .filter(|grant| grant.effect == Effect::Deny && grant.subject == *subject);
        actions.extend(denied.flat_map(|grant| grant.actions));
        if part.next.is_none() {
            return Ok(actions);
        }
        cursor.after = part.next;
    }
}

impl SubjectBody {
    fn parse(self) -> Result<AclSubject, Error> {
        let Self { kind, id } = self;
        let subject = match &*kind {
            "group" => id.parse().map(AclSubject::Group),
            "role" => id.parse().map(AclSubject::Role),
            "user" => id.parse().map(AclSubject::User),
            _ => {
                let message = "must be `user`, `role` or `group`";
                return Err(Error::invalid_field("subject.type", message));
            }
        };
        subject.map_err(|err| Error::invalid_field("subject.id", err.message()))
    }
}

fn named(subject: &str) -> Result<AclSubject, Error> {
    subject
        .parse()
        .map_err(|err: Error| Error::invalid_field("subject", err.message()))
}

/// The caller must be allowed each action on the thing, as an agent and as a stored agent, by role or by grant. Whoever
/// holds everything is not bound by what forbids, or nobody could take it back.
pub(super) fn check_holds_on(
    cx: &Cx,
    resource: &ResourceRef,
    actions: &[String],
) -> Result<(), Error> {
    if cx.holds_everything() {
        return Ok(());
    }
    let kind = GrantSet::kind_of(&resource.kind);
    let stored = format!("stored-{kind}");
    let kinds = [Some(kind), Resource::find(&stored).map(Resource::as_str)];
    for action in actions {
        for kind in kinds.into_iter().flatten() {
            if !holds_on(cx, kind, action, &resource.id)? {
                let message = format!("you do not hold `{kind}:{action}:{}` yourself", resource.id);
                return Err(Error::new(ErrorKind::Forbidden, message));
            }
        }
    }
    Ok(())
}

fn holds_on(cx: &Cx, kind: &str, action: &str, id: &str) -> Result<bool, Error> {
    if action != GrantRecord::EVERY_ACTION {
        return Ok(cx.allows_on(&format!("{kind}:{action}").parse()?, id));
    }
    let every: PermissionPattern = format!("{kind}:*:{id}").parse()?;
    let mut holds = cx.authority().includes(&every);
    for action in Action::ALL {
        holds = holds && cx.allows_on(&format!("{kind}:{}", action.as_str()).parse()?, id);
    }
    Ok(holds)
}

/// Nobody takes something from somebody who may do more than he.
async fn check_reaches(cx: &Cx, subject: &AclSubject) -> Result<(), Error> {
    match subject {
        AclSubject::User(id) => cx.check_reaches(id).await,
        AclSubject::Role(id) => cx.check_holds_roles(std::slice::from_ref(id)).await,
        AclSubject::Group(id) => cx.check_reaches_members(id).await,
    }
}

fn about(
    subject: &AclSubject,
    resource: &ResourceRef,
    effect: Effect,
    actions: &[String],
) -> AuditNote {
    AuditNote::about("grant", format!("{}:{}", resource.kind, resource.id), None)
        .with("subject", subject.to_string())
        .with("actions", actions.to_vec())
        .with(
            "effect",
            if effect == Effect::Deny {
                "deny"
            } else {
                "allow"
            },
        )
}
