use std::sync::Arc;

use ee_core::{Authority, Error, Permission, PermissionSet, RoleId, User, UserId, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::not_found;
use crate::Cx;

/// Body of `POST /access/explain`: a user, or roles that somebody might have.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub struct ExplainBody {
    /// Who.
    pub user_id: Option<UserId>,
    /// Somebody with these roles and nothing else.
    pub roles: Option<Vec<RoleId>>,
    /// May do what.
    pub permission: Permission,
    /// With which thing, if with one.
    pub resource_id: Option<String>,
}

/// A decision and what it rests on.
#[derive(Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The decision.
    pub allowed: bool,
    /// What decided: `permission`, `permission-for-id`, `grant`, `deny-grant`, `limit` or `nothing`.
    pub decided_by: &'static str,
    /// In words.
    pub reason: String,
    /// The permission that covers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The role that the permission comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleId>,
    /// Whose grant decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// `POST /access/explain`.
pub async fn explain(cx: &Cx, body: ExplainBody) -> Result<Explanation, Error> {
    let access = cx.access()?;
    let (roles, authority) = match (body.user_id, body.roles) {
        (Some(id), None) => {
            let user = access.users.find(&id).await?;
            let user = user.ok_or_else(|| not_found("user"))?;
            let roles = access.roles.roles(&user).await?;
            (roles, cx.authority_of(user).await?)
        }
        (None, Some(roles)) => {
            let mut patterns = Vec::new();
            for role in &roles {
                let permitted = access.roles.role_permissions(role).await?;
                let permitted = permitted.ok_or_else(|| {
                    Error::invalid_field("roles", format!("there is no role `{role}`"))
                })?;
                patterns.extend(permitted);
            }
            let set = Arc::new(PermissionSet::compile(patterns));
            (roles, Authority::set(set))
        }
        _ => {
            let message = "name either `userId` or `roles`";
            return Err(Error::invalid_field("userId", message));
        }
    };
    let question = Question {
        id: body.resource_id.as_deref(),
        permission: &body.permission,
        roles: &roles,
    };
    question.answer(cx, &authority).await
}

/// Explains the decision about the caller himself, for those who may know (`access:read`).
pub(crate) async fn explain_caller(
    cx: &Cx,
    user: &User,
    permission: &Permission,
    id: Option<&str>,
) -> Result<Explanation, Error> {
    let roles = cx.access()?.roles.roles(user).await?;
    let question = Question {
        id,
        permission,
        roles: &roles,
    };
    question.answer(cx, cx.authority()).await
}

struct Question<'a> {
    id: Option<&'a str>,
    permission: &'a Permission,
    roles: &'a [RoleId],
}

impl Question<'_> {
    /// The verdict is the one that requests are decided by; the rest only names what it rests on.
    async fn answer(&self, cx: &Cx, authority: &Authority) -> Result<Explanation, Error> {
        let wanted = match self.id {
            Some(id) => self.permission.on(id),
            None => self.permission.clone(),
        };
        let verdict = authority.decide(self.permission, self.id, cx.now());
        let mut explanation = Explanation {
            allowed: verdict.is_allowed(),
            decided_by: "nothing",
            reason: String::new(),
            pattern: None,
            role: None,
            subject: None,
        };
        match verdict {
            Verdict::BeyondLimit(limit) => {
                explanation.decided_by = "limit";
                explanation.reason = format!("`{wanted}` is beyond the {limit}");
            }
            Verdict::ByGrant(subject) => {
                explanation.decided_by = "grant";
                explanation.subject = Some(subject.to_string());
                explanation.reason = format!("a grant to `{subject}` permits `{wanted}`");
            }
            Verdict::DeniedByGrant(subject) => {
                explanation.decided_by = "deny-grant";
                explanation.subject = Some(subject.to_string());
                explanation.reason = format!("a grant to `{subject}` forbids `{wanted}`");
            }
            Verdict::ById | Verdict::ByPermission => {
                explanation.decided_by = match verdict {
                    Verdict::ById => "permission-for-id",
                    _ => "permission",
                };
                let pattern = authority.matching(&wanted).map(ToString::to_string);
                explanation.role = self.role_with(cx, &wanted).await?;
                explanation.reason = match (&pattern, &explanation.role) {
                    (Some(pattern), Some(role)) => {
                        format!("role `{role}` holds `{pattern}`, which covers `{wanted}`")
                    }
                    (Some(pattern), None) => format!("`{pattern}` covers `{wanted}`"),
                    (None, _) => "there are no roles: whoever is signed in may do it".to_owned(),
                };
                explanation.pattern = pattern;
            }
            Verdict::Missing => {
                explanation.reason = match self.roles {
                    [] => format!("no role, and nothing else permits `{wanted}`"),
                    roles => {
                        let names: Vec<_> = roles.iter().map(|role| format!("`{role}`")).collect();
                        format!(
                            "none of the roles {} permits `{wanted}`, and no grant does",
                            names.join(", ")
                        )
                    }
                };
            }
        }
        Ok(explanation)
    }

    async fn role_with(&self, cx: &Cx, wanted: &Permission) -> Result<Option<RoleId>, Error> {
        for role in self.roles {
            let patterns = cx.access()?.roles.role_permissions(role).await?;
            if patterns
                .iter()
                .flatten()
                .any(|pattern| pattern.covers(wanted))
            {
                return Ok(Some(role.clone()));
            }
        }
        Ok(None)
    }
}
