//! Roles from configuration.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use async_trait::async_trait;
use ee_core::{
    Error, PermissionPattern, PermissionSet, RbacProvider, RoleCard, RoleId, RoleMapping, RoleSet,
    RolesMark, User,
};
use foldhash::fast::RandomState;

/// Most lists of roles whose permissions are kept compiled.
const MAX_COMPILED: usize = 4_096;

type Compiled = (RolesMark, Arc<PermissionSet>);
type UserRoles = dyn Fn(&User) -> Vec<RoleId> + Send + Sync;

/// Tells what users may do by roles that are fixed when the server starts (`StaticRBACProvider`, phase 4).
///
/// The roles are either defined here ([`new`](Self::new)) or those of a directory, mapped to
/// permissions ([`from_mapping`](Self::from_mapping)). Which roles a user has is what his provider
/// says ([`User::roles`]), unless [`user_roles`](Self::user_roles) says otherwise.
///
/// What a list of roles permits is compiled once and kept under the list itself: the ids in their
/// order, never joined into one text.
///
/// ```
/// use ee_core::{RbacProvider as _, User};
/// use ee_defaults::{StaticRbac, default_roles};
///
/// # let (ada, read) = (User::new("ada".parse()?), "agents:read".parse()?);
/// let rbac = StaticRbac::new(default_roles())
///     .user_roles(|user| match user.email.as_deref() {
///         Some(email) if email.ends_with("@example.com") => user.roles.clone(),
///         _ => Vec::new(),
///     });
/// # let allowed = rbac.has_permission(&ada, &read);
/// # Ok::<(), ee_core::Error>(())
/// ```
pub struct StaticRbac {
    compiled: RwLock<HashMap<Box<[RoleId]>, Compiled, RandomState>>,
    /// The roles that do not permit everything, found out once.
    lesser: OnceLock<Arc<[RoleCard]>>,
    source: Source,
    /// Absent: the roles that the user comes with, which are looked at and not copied.
    user_roles: Option<Box<UserRoles>>,
}

#[derive(Debug)]
enum Source {
    Mapping(RoleMapping),
    Roles(RoleSet),
}

impl StaticRbac {
    /// Takes roles that are defined here.
    pub fn new(roles: RoleSet) -> Self {
        Self::from_source(Source::Roles(roles))
    }

    /// Takes a mapping from the roles of a directory.
    pub fn from_mapping(mapping: RoleMapping) -> Self {
        Self::from_source(Source::Mapping(mapping))
    }

    /// Changes which roles a user has (`getUserRoles`).
    #[must_use]
    pub fn user_roles(
        mut self,
        roles: impl Fn(&User) -> Vec<RoleId> + Send + Sync + 'static,
    ) -> Self {
        self.user_roles = Some(Box::new(roles));
        self
    }

    fn from_source(source: Source) -> Self {
        Self {
            compiled: RwLock::default(),
            lesser: OnceLock::new(),
            source,
            user_roles: None,
        }
    }

    fn cards(&self) -> Vec<RoleCard> {
        match &self.source {
            Source::Mapping(mapping) => {
                let card = |id: &RoleId| RoleCard {
                    id: id.clone(),
                    name: id.to_string(),
                };
                mapping.roles().map(card).collect()
            }
            Source::Roles(roles) => {
                let card = |role: &ee_core::Role| RoleCard {
                    id: role.id.clone(),
                    name: role.name.clone(),
                };
                roles.iter().map(card).collect()
            }
        }
    }

    fn permitted(&self, roles: &[RoleId]) -> Arc<PermissionSet> {
        self.compiled(roles).1
    }

    fn compiled(&self, roles: &[RoleId]) -> Compiled {
        let known = self.compiled.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(compiled) = known.get(roles) {
            return compiled.clone();
        }
        drop(known);
        self.compile(roles)
    }

    #[cold]
    fn compile(&self, roles: &[RoleId]) -> Compiled {
        let set = Arc::new(PermissionSet::compile(match &self.source {
            Source::Mapping(mapping) => mapping.resolve(roles),
            Source::Roles(set) => set.resolve(roles),
        }));
        let mut known = self
            .compiled
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_COMPILED {
            known.clear();
        }
        let compiled = (RolesMark::of(roles), set);
        known.insert(roles.into(), compiled.clone());
        compiled
    }
}

#[async_trait]
impl RbacProvider for StaticRbac {
    async fn roles(&self, user: &User) -> Result<Vec<RoleId>, Error> {
        Ok(match &self.user_roles {
            Some(roles) => roles(user),
            None => user.roles.clone(),
        })
    }

    async fn permissions(&self, user: &User) -> Result<Arc<PermissionSet>, Error> {
        Ok(match &self.user_roles {
            Some(roles) => self.permitted(&roles(user)),
            None => self.permitted(&user.roles),
        })
    }

    fn known_mark(&self, user: &User) -> Option<RolesMark> {
        let (mark, _) = match &self.user_roles {
            Some(roles) => self.compiled(&roles(user)),
            None => self.compiled(&user.roles),
        };
        Some(mark)
    }

    async fn has_role(&self, user: &User, role: &RoleId) -> Result<bool, Error> {
        Ok(match &self.user_roles {
            Some(roles) => roles(user).contains(role),
            None => user.roles.contains(role),
        })
    }

    /// Lists the defined roles, or the mapped ones, of which only the id is known.
    async fn available_roles(&self) -> Result<Option<Vec<RoleCard>>, Error> {
        Ok(Some(self.cards()))
    }

    async fn lesser_roles(&self) -> Result<Option<Arc<[RoleCard]>>, Error> {
        let lesser = self.lesser.get_or_init(|| {
            let is_lesser = |card: &RoleCard| {
                let permitted = self.permitted(std::slice::from_ref(&card.id));
                !permitted.has_full_wildcard()
            };
            self.cards().into_iter().filter(is_lesser).collect()
        });
        Ok(Some(Arc::clone(lesser)))
    }

    /// Returns what the role permits, with what it inherits. A role that is not mapped permits what
    /// `_default` does and exists in so far as that is anything.
    async fn role_permissions(
        &self,
        role: &RoleId,
    ) -> Result<Option<Vec<PermissionPattern>>, Error> {
        let permissions = self
            .permitted(std::slice::from_ref(role))
            .patterns()
            .to_vec();
        let exists = match &self.source {
            Source::Mapping(mapping) => mapping.roles().any(|mapped| mapped == role),
            Source::Roles(roles) => roles.find(role).is_some(),
        };
        Ok((exists || !permissions.is_empty()).then_some(permissions))
    }
}

impl fmt::Debug for StaticRbac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticRbac")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RoleId {
        text.parse().unwrap()
    }

    #[test]
    fn compiled_sets_are_shared_and_bounded() {
        let rbac = StaticRbac::new(crate::default_roles());
        let viewer = [id("viewer")];

        let first = rbac.permitted(&viewer);
        assert!(Arc::ptr_eq(&first, &rbac.permitted(&viewer)));

        for n in 0..2 * MAX_COMPILED {
            rbac.permitted(&[id(&n.to_string())]);
        }
        assert!(rbac.compiled.read().unwrap().len() <= MAX_COMPILED);
        assert_eq!(rbac.permitted(&viewer).patterns(), first.patterns());
    }
}
