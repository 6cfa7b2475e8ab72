//! Roles and what they permit.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;

use crate::{Error, Permission, PermissionPattern, PermissionSet, Role, RoleId, User, UserId};

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
}

/// Changes roles and who has them (`IRBACManager`, phase 4).
#[async_trait]
pub trait RbacManager: std::fmt::Debug + Send + Sync + 'static {
    /// Gives a role to a user.
    async fn assign(&self, user: &UserId, role: &RoleId) -> Result<(), Error>;

    /// Takes a role from a user.
    async fn unassign(&self, user: &UserId, role: &RoleId) -> Result<(), Error>;

    /// Returns all roles.
    async fn list(&self) -> Result<Vec<Role>, Error>;

    /// Creates a role. Fails with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the id is taken.
    async fn create(&self, role: Role) -> Result<(), Error>;

    /// Deletes a role. Fails with [`ErrorKind::NotFound`](crate::ErrorKind::NotFound).
    async fn delete(&self, role: &RoleId) -> Result<(), Error>;
}
