//! What lists may show, and whose new things are.

use ee_core::{
    AgentId, Error, ErrorKind, GrantSet, Identity, Licensed, Permission, Resource, ResourceRef,
    UserId, Verdict, Visible, WorkflowId, storage::Cursor,
};

use crate::{Access, Cx, Scope, context::CxParts};

/// Most parts of a list that a provider of grants is asked for which names no grants: 10,000 things.
const MOST_PARTS: usize = 50;

impl Cx {
    /// Returns which things a list may show: exactly those that the caller may do this with.
    pub async fn visible(&self, permission: &Permission) -> Result<Visible, Error> {
        let visible = self.authority().visible(permission, self.now());
        let (Visible::Only(mut ids), Some(licensed), Some(identity)) =
            (visible.clone(), self.licensed(), self.identity())
        else {
            return Ok(visible);
        };
        let named = named_outside(&licensed, identity, permission).await?;
        ids.extend(named.into_iter().filter(|id| {
            let verdict = self.authority().decide(permission, Some(id), self.now());
            verdict == Verdict::Missing
        }));
        Ok(Visible::Only(ids))
    }

    /// Tells whether the caller may do this with a thing that he has made only now.
    pub async fn allows_on_new(&self, permission: &Permission, id: &str) -> bool {
        let (Some(licensed), Some(identity)) = (self.licensed(), self.identity()) else {
            return self.allows_on(permission, id);
        };
        let authority = licensed.authority(identity).await;
        authority.is_ok_and(|it| it.allows_on(permission, id, self.now()))
    }

    /// Returns who is granted everything with what he makes: whoever asks, where the server keeps grants.
    pub(crate) fn owner_of_new(&self) -> Option<UserId> {
        let identity = self.identity().filter(|_| self.server().access.is_some());
        identity.map(|identity| identity.user.id.clone())
    }

    /// Tells whether the user has made the thing.
    pub(crate) async fn has_made(&self, user: &UserId, thing: &ResourceRef) -> Result<bool, Error> {
        let kind = Resource::find(GrantSet::kind_of(&thing.kind));
        let maker = match (kind, &self.server().agents, &self.server().workflows) {
            (Some(Resource::Agents), Some(agents), _) => {
                let Ok(id) = AgentId::new(&*thing.id) else {
                    return Ok(false);
                };
                agents.find(&id).await?.and_then(|agent| agent.created_by)
            }
            (Some(Resource::Workflows), _, Some(workflows)) => {
                let Ok(id) = WorkflowId::new(&*thing.id) else {
                    return Ok(false);
                };
                let workflow = workflows.find(&id).await?;
                workflow.and_then(|workflow| workflow.created_by)
            }
            _ => None,
        };
        Ok(maker.as_ref() == Some(user))
    }
}

/// Tells whether something of what a list shows is permitted by a provider of grants that does not name them, where nothing
/// else has decided.
pub(crate) async fn listed_outside(
    licensed: &Licensed<'_>,
    parts: &CxParts,
    access: &Access,
) -> Result<bool, Error> {
    let (Access::Permission { any_of, scope }, Some(identity)) = (access, parts.caller.identity())
    else {
        return Ok(false);
    };
    for permission in any_of.iter().filter(|_| *scope == Scope::Some) {
        let named = named_outside(licensed, identity, permission).await?;
        let is_missing = |id: &String| {
            let verdict = parts.authority.decide(permission, Some(id), parts.now);
            verdict == Verdict::Missing
        };
        if named.iter().any(is_missing) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the ids of the things that are permitted by a provider of grants which does not name its grants. Everything
/// else that decides counts before it.
async fn named_outside(
    licensed: &Licensed<'_>,
    identity: &Identity,
    permission: &Permission,
) -> Result<Vec<String>, Error> {
    let (Some(acl), Some(action)) = (licensed.acl(), permission.action()) else {
        return Ok(Vec::new());
    };
    let user = &identity.user;
    if acl.grants(user).await?.is_some() {
        return Ok(Vec::new());
    }
    let kind = GrantSet::kind_of(permission.resource());
    let mut cursor = Cursor::first(Cursor::MAX_LIMIT);
    let mut ids = Vec::new();
    for _ in 0..MOST_PARTS {
        let part = acl.accessible(user, kind, action, &cursor).await?;
        ids.extend(part.rows);
        if part.next.is_none() {
            return Ok(ids);
        }
        cursor.after = part.next;
    }
    // A list that leaves something out would be taken for the whole.
    let message = format!(
        "more than {} things are granted to `{}`",
        ids.len(),
        user.id
    );
    Err(Error::new(ErrorKind::Internal, message))
}
