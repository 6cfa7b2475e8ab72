//! What lists may show, and whose new things are.

use std::collections::BTreeSet;

use ee_core::{
    AgentId, Error, ErrorKind, GrantSet, Identity, Licensed, Permission, Resource, ResourceRef,
    UserId, Verdict, Visible, WorkflowId,
    storage::{Cursor, Page, Paged},
};

use crate::{Access, Cx, Scope, context::CxParts};

/// Most parts of a list that a provider of grants is asked for which names no grants: 10,000 things.
const MOST_PARTS: usize = 50;
/// Most things that a store is told by their ids where judging what it has would do.
const MOST_NAMED: usize = 1_000;

/// Most things that are judged for one page: it tells how many may be shown in all, so each counts.
pub(crate) const MOST_JUDGED: u64 = 10_000;

/// Judges the things of a list one by one, each as a request for it would be.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    cx: &'a Cx,
    /// What a provider of grants names that names no grants.
    outside: BTreeSet<String>,
    permission: Permission,
}

impl Judge<'_> {
    /// Tells whether a list may show the thing.
    pub(crate) fn shows(&self, id: &str) -> bool {
        let authority = self.cx.authority();
        let verdict = authority.decide(&self.permission, Some(id), self.cx.now());
        verdict.is_allowed() || verdict == Verdict::Missing && self.outside.contains(id)
    }

    /// Leaves what may be shown of a whole list, and of that one page.
    pub(crate) fn page<T: Clone>(
        &self,
        all: &[T],
        id: impl Fn(&T) -> &str,
        page: Page,
    ) -> Paged<T> {
        let shown: Vec<&T> = all.iter().filter(|row| self.shows(id(row))).collect();
        let before = usize::try_from(page.offset()).unwrap_or(usize::MAX);
        let rows = shown.iter().skip(before).take(page.size as usize);
        Paged {
            rows: rows.copied().cloned().collect(),
            total: shown.len() as u64,
        }
    }
}

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

    /// Returns how many things the caller's grants name, where they are so many that it may take less to judge what
    /// there is.
    pub(crate) fn names_many(&self, permission: &Permission) -> Option<u64> {
        let reach = self.authority().reach(permission);
        (reach > MOST_NAMED).then_some(reach as u64)
    }

    /// Returns what judges the things of a list: what it shows is what [`visible`](Self::visible) contains.
    pub(crate) async fn judge(&self, permission: &Permission) -> Result<Judge<'_>, Error> {
        let outside = match (self.licensed(), self.identity()) {
            (Some(licensed), Some(identity)) => {
                named_outside(&licensed, identity, permission).await?
            }
            _ => Vec::new(),
        };
        Ok(Judge {
            cx: self,
            outside: outside.into_iter().collect(),
            permission: permission.clone(),
        })
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
