//! Roles and what they permit.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use serde::Serialize;

use crate::{
    Error, Permission, PermissionPattern, PermissionSet, Role, RoleId, RoleSet, RolesMark, User,
    UserId,
    storage::{Changed, RoleBook},
};

/// Id and name of a role.
#[derive(Clone, Debug, Eq, PartialEq, schemars::JsonSchema, Serialize)]
pub struct RoleCard {
    /// The role's id.
    pub id: RoleId,
    /// Its name for people.
    pub name: String,
}

/// Tells what a user may do (`IRBACProvider`, phase 4).
#[async_trait]
pub trait RbacProvider: std::fmt::Debug + Send + Sync + 'static {
    /// Returns the user's roles.
    async fn roles(&self, user: &User) -> Result<Vec<RoleId>, Error>;

    /// Returns everything that the user's roles permit, compiled.
    ///
    /// A failure is an error and never an empty set: who cannot be judged is refused by the caller.
    async fn permissions(&self, user: &User) -> Result<Arc<PermissionSet>, Error>;

    /// Returns the mark of the user's roles if it is known without asking anybody; `None` sends whoever wants to know to
    /// [`roles`](Self::roles). Every request that comes by a session asks for it.
    fn known_mark(&self, _user: &User) -> Option<RolesMark> {
        None
    }

    /// Tells whether the user has the role.
    async fn has_role(&self, user: &User, role: &RoleId) -> Result<bool, Error> {
        Ok(self.roles(user).await?.contains(role))
    }

    /// Tells whether the user holds the permission.
    async fn has_permission(&self, user: &User, permission: &Permission) -> Result<bool, Error> {
        Ok(self.permissions(user).await?.allows(permission))
    }

    /// Tells whether the user holds every one; true for none.
    async fn has_all_permissions(
        &self,
        user: &User,
        permissions: &[Permission],
    ) -> Result<bool, Error> {
        let held = self.permissions(user).await?;
        Ok(permissions.iter().all(|permission| held.allows(permission)))
    }

    /// Tells whether the user holds at least one; false for none.
    async fn has_any_permission(
        &self,
        user: &User,
        permissions: &[Permission],
    ) -> Result<bool, Error> {
        let held = self.permissions(user).await?;
        Ok(permissions.iter().any(|permission| held.allows(permission)))
    }

    /// Returns the roles that exist; `None` when the provider cannot list them.
    async fn available_roles(&self) -> Result<Option<Vec<RoleCard>>, Error> {
        Ok(None)
    }

    /// Returns what a role permits; `None` when the provider cannot tell or has no such role.
    async fn role_permissions(
        &self,
        _role: &RoleId,
    ) -> Result<Option<Vec<PermissionPattern>>, Error> {
        Ok(None)
    }

    /// Returns the roles that do not permit everything, which those who may do everything can preview; `None` when the
    /// provider cannot list its roles.
    ///
    /// Follows from the two methods above. A provider whose roles stay as they are does better to keep the list.
    async fn lesser_roles(&self) -> Result<Option<Arc<[RoleCard]>>, Error> {
        let Some(all) = self.available_roles().await? else {
            return Ok(None);
        };
        let mut lesser = Vec::new();
        for role in all {
            let patterns = self.role_permissions(&role.id).await?.unwrap_or_default();
            if !patterns.iter().any(PermissionPattern::is_full_wildcard) {
                lesser.push(role);
            }
        }
        Ok(Some(lesser.into()))
    }
}

/// Changes roles and who has them (`IRBACManager`, phase 4).
///
/// Roles depend on each other, so every change of one names the revision of the book that it was decided on.
#[async_trait]
pub trait RbacManager: std::fmt::Debug + Send + Sync + 'static {
    /// Returns the roles that the program brings; nobody can change them.
    fn base(&self) -> &RoleSet;

    /// Returns the roles that were made here, and what roles of identity providers stand for.
    async fn book(&self) -> Result<Arc<RoleBook>, Error>;

    /// Writes a role, new or not.
    ///
    /// Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) for the id of a base role, and with
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for one that inherits from an unknown role or in a circle.
    async fn put(&self, role: Role, revision: u64, by: Option<&UserId>) -> Result<Changed, Error>;

    /// Deletes a role. Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) for a base role and for one that
    /// others inherit from or that a role of an identity provider stands for.
    async fn delete(&self, role: &RoleId, revision: u64) -> Result<Changed, Error>;

    /// Replaces what roles of identity providers stand for. Fails with
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for an unknown role.
    async fn set_mapping(
        &self,
        mapping: BTreeMap<RoleId, Vec<RoleId>>,
        revision: u64,
    ) -> Result<Changed, Error>;

    /// Gives a role to a user. False when he has it already. Fails with
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) for an unknown role.
    async fn assign(
        &self,
        user: &UserId,
        role: &RoleId,
        by: Option<&UserId>,
    ) -> Result<bool, Error>;

    /// Takes a role from a user.
    async fn unassign(&self, user: &UserId, role: &RoleId) -> Result<Changed, Error>;
}
