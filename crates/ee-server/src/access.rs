//! Who may do what, and how it is changed: users, roles, assignments, grants, groups, keys, sessions.
//!
//! Two rules hold everywhere here. Nobody grants what he does not hold himself, and nobody changes somebody who may do
//! more than he. Every change of a row names the version that it was decided on (`If-Match`).

mod explain;
mod grants;
mod groups;
mod invitations;
mod keys;
mod roles;
mod sessions;
mod users;

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ee_core::{
    AclGrant, AclManager, AclSubject, Error, ErrorKind, GroupId, Identity, KeyManager,
    PermissionPattern, RbacManager, RbacProvider, ResourceRef, RoleId, RoleSet, User, UserId,
    UserProvider,
    storage::{
        AccountStore, AssignmentStore, Changed, Cursor, Effect, GroupStore, Listed, SessionStore,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Cx;

pub(crate) use explain::explain_caller;
pub use {
    explain::{ExplainBody, Explanation, explain},
    grants::{
        GrantBody, GrantQuery, ResourceBody, RevokeQuery, SubjectBody, grant, list_grants, revoke,
    },
    groups::{
        GroupBody, GroupView, MemberBody, PatchGroupBody, add_member, create_group, delete_group,
        get_group, list_groups, members, remove_member, update_group,
    },
    invitations::{InvitationView, InviteBody, invite, list_invitations, revoke_invitation},
    keys::{
        KeyBody, KeyQuery, KeyView, NewKeyView, PatchKeyBody, RotateKeyBody, create_key,
        delete_key, get_key, list_keys, rotate_key, update_key,
    },
    roles::{
        AssignBody, AssignmentQuery, AssignmentView, MappingBody, RoleBody, RoleView, RolesView,
        assign, delete_role, list_assignments, list_roles, mapping, put_role, set_mapping,
        unassign,
    },
    sessions::{
        EndedSessions, SessionName, SessionQuery, SessionView, end_my_other_sessions,
        end_my_session, end_session, end_sessions, list_sessions, my_sessions,
    },
    users::{
        CreateUserBody, PatchUserBody, UserQuery, UserView, create_user, delete_user, get_user,
        list_users, update_user,
    },
};

/// What the management of access needs.
#[derive(Clone, Debug)]
pub struct AccessParts {
    /// People and programs that this server itself knows.
    pub accounts: Arc<dyn AccountStore>,
    /// Changes grants.
    pub acl: Arc<dyn AclManager>,
    /// Who has which role.
    pub assignments: Arc<dyn AssignmentStore>,
    /// Groups and who is in them.
    pub groups: Arc<dyn GroupStore>,
    /// Makes and changes keys.
    pub keys: Arc<dyn KeyManager>,
    /// Changes roles.
    pub rbac: Arc<dyn RbacManager>,
    /// Reads roles.
    pub roles: Arc<dyn RbacProvider>,
    /// Sessions of browsers.
    pub sessions: Arc<dyn SessionStore>,
    /// Finds users, also those that other providers know.
    pub users: Arc<dyn UserProvider>,
}

/// One part of a list.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Shows where the next part begins; absent after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// It was done.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Success {
    /// Always true.
    pub success: bool,
}

/// How many actions were taken back.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Revoked {
    /// How many.
    pub revoked: u64,
}

/// Which part of a list is wanted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// What `nextCursor` was for the part before.
    pub cursor: Option<String>,
    /// Most rows; 50 when absent, 200 at most.
    pub limit: Option<u32>,
}

const DEFAULT_LIMIT: u32 = 50;

fn cursor(cursor: Option<&str>, limit: Option<u32>) -> Result<Cursor, Error> {
    let after = match cursor {
        Some(text) => Some(decode(text)?),
        None => None,
    };
    Cursor::new(after, limit.unwrap_or(DEFAULT_LIMIT))
}

fn decode(text: &str) -> Result<String, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Error::invalid_field("cursor", "is none of ours"))
}

fn listing<T, V>(part: Listed<T>, view: impl FnMut(T) -> V) -> Listing<V> {
    Listing {
        items: part.rows.into_iter().map(view).collect(),
        next_cursor: part.next.map(|next| URL_SAFE_NO_PAD.encode(next)),
    }
}

impl Cx {
    /// Returns what the management of access needs. Fails with [`ErrorKind::Unsupported`] where the server has none.
    pub fn access(&self) -> Result<&AccessParts, Error> {
        self.server().access.as_ref().ok_or_else(|| {
            let message = "this server keeps no roles, grants and keys of its own";
            Error::new(ErrorKind::Unsupported, message)
        })
    }

    /// Returns the id of whoever asks, for the record of who did it.
    fn by(&self) -> Option<&UserId> {
        self.identity().map(|identity| &identity.user.id)
    }

    /// Tells whether the caller holds `*` without a limit. `*:*` is less: it reaches nothing sensitive.
    fn holds_everything(&self) -> bool {
        self.has_full_wildcard() && self.authority().includes(&PermissionPattern::EVERYTHING)
    }

    /// Fails with [`ErrorKind::Forbidden`] unless the caller holds everything that would be granted.
    fn check_holds<'a>(
        &self,
        patterns: impl IntoIterator<Item = &'a PermissionPattern>,
    ) -> Result<(), Error> {
        let beyond = patterns
            .into_iter()
            .find(|pattern| !self.authority().includes(pattern));
        match beyond {
            None => Ok(()),
            Some(pattern) => {
                let message = format!("you do not hold `{pattern}` yourself");
                Err(Error::new(ErrorKind::Forbidden, message))
            }
        }
    }

    /// Fails with [`ErrorKind::Forbidden`] unless the caller holds all that the roles permit, and all that is granted or
    /// forbidden to whoever has them: whoever loses what forbids may do more.
    async fn check_holds_roles(&self, roles: &[RoleId]) -> Result<(), Error> {
        let access = self.access()?;
        for role in roles {
            let patterns = access.roles.role_permissions(role).await?;
            self.check_holds(patterns.iter().flatten())?;
        }
        if self.holds_everything() {
            return Ok(());
        }
        let book = access.rbac.book().await?;
        let own = book.roles.iter().map(|record| record.role.clone());
        let all = RoleSet::lenient(access.rbac.base().iter().cloned().chain(own));
        for role in all.with_inherited(roles) {
            self.check_holds_grants_of(&AclSubject::Role(role)).await?;
        }
        Ok(())
    }

    /// Fails with [`ErrorKind::Forbidden`] unless the caller holds all that is granted or forbidden to the subject.
    async fn check_holds_grants_of(&self, subject: &AclSubject) -> Result<(), Error> {
        if self.holds_everything() {
            return Ok(());
        }
        let grants = self.grants_of(subject).await?;
        grants
            .iter()
            .try_for_each(|it| grants::check_holds_on(self, &it.resource, &it.actions))
    }

    /// Returns all grants of the subject that still count.
    async fn grants_of(&self, subject: &AclSubject) -> Result<Vec<AclGrant>, Error> {
        let acl = &self.access()?.acl;
        let mut grants = Vec::new();
        let mut cursor = Cursor::first(Cursor::MAX_LIMIT);
        loop {
            let part = acl.list_for_subject(subject, &cursor).await?;
            grants.extend(part.rows);
            if part.next.is_none() {
                break;
            }
            cursor.after = part.next;
        }
        grants.retain(|grant| grant.expires_at.is_none_or(|end| self.now() < end));
        Ok(grants)
    }

    /// Fails with [`ErrorKind::Forbidden`] when the user may do something that the caller may not. Oneself is fine, but
    /// not for a key that may do less than its owner.
    async fn check_reaches(&self, user: &UserId) -> Result<(), Error> {
        let is_whole = |identity: &Identity| identity.limits.is_empty();
        let is_self = self.by() == Some(user) && self.identity().is_some_and(is_whole);
        if is_self || self.holds_everything() {
            return Ok(());
        }
        let access = self.access()?;
        let known = access.users.find(user).await?;
        // Somebody who cannot sign in now may have roles that count when he can again.
        let user = known.unwrap_or_else(|| Arc::new(User::new(user.clone())));
        let held = access.roles.permissions(&user).await?;
        let mut patterns = held.patterns().iter();
        if patterns.any(|pattern| !self.authority().includes(pattern)) {
            return Err(beyond_reach());
        }
        let roles = access.roles.roles(&user).await?;
        let groups = access.groups.groups_of(&user.id).await?;
        let subjects = [AclSubject::User(user.id.clone())]
            .into_iter()
            .chain(roles.into_iter().map(AclSubject::Role))
            .chain(groups.into_iter().map(AclSubject::Group));
        for subject in subjects {
            let grants = self.grants_of(&subject).await?;
            for it in grants.iter().filter(|it| it.effect == Effect::Allow) {
                let is_within = grants::check_holds_on(self, &it.resource, &it.actions).is_ok();
                if !is_within
                    && !self
                        .may_rewrite_what_he_made(&user.id, &it.resource)
                        .await?
                {
                    return Err(beyond_reach());
                }
            }
        }
        Ok(())
    }

    /// Tells whether the user has made the thing and the caller may rewrite it. Its owner may do a little more with it,
    /// such as delete it, and yet is not out of the reach of whoever may do everything but that.
    async fn may_rewrite_what_he_made(
        &self,
        user: &UserId,
        thing: &ResourceRef,
    ) -> Result<bool, Error> {
        let enough = ["read", "execute", "write"].map(str::to_owned);
        Ok(self.has_made(user, thing).await?
            && grants::check_holds_on(self, thing, &enough).is_ok())
    }

    /// Fails with [`ErrorKind::Forbidden`] when somebody in the group may do something that the caller may not.
    async fn check_reaches_members(&self, group: &GroupId) -> Result<(), Error> {
        if self.holds_everything() {
            return Ok(());
        }
        let groups = &self.access()?.groups;
        let mut cursor = Cursor::first(Cursor::MAX_LIMIT);
        loop {
            let part = groups.members(group, &cursor).await?;
            for user in &part.rows {
                self.check_reaches(user).await?;
            }
            if part.next.is_none() {
                return Ok(());
            }
            cursor.after = part.next;
        }
    }

    /// Puts together what another user may do, as it would be decided for him.
    pub(crate) async fn authority_of(&self, user: Arc<User>) -> Result<ee_core::Authority, Error> {
        match self.licensed() {
            Some(licensed) => licensed.authority(&Identity::of(user)).await,
            None => Ok(ee_core::Authority::everything()),
        }
    }
}

fn beyond_reach() -> Error {
    let message = "this user may do more than you and can be changed by his equals alone";
    Error::new(ErrorKind::Forbidden, message)
}

/// Turns what became of a change into an answer.
fn done(changed: Changed, what: &str) -> Result<(), Error> {
    match changed {
        Changed::Done => Ok(()),
        Changed::Gone => Err(not_found(what)),
        Changed::LastOwner => Err(Error::new(
            ErrorKind::Conflict,
            "the last owner must stay: make somebody else an owner first",
        )),
        Changed::Stale => Err(stale(what)),
    }
}

/// Fails with [`ErrorKind::Stale`] when a row is not any more what the caller has seen.
fn check_version(found: u64, expected: u64, what: &str) -> Result<(), Error> {
    if found == expected {
        Ok(())
    } else {
        Err(stale(what))
    }
}

fn stale(what: &str) -> Error {
    let message = format!("the {what} was changed meanwhile: read it again");
    Error::new(ErrorKind::Stale, message)
}

fn not_found(what: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no such {what}"))
}
