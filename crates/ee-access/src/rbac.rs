//! Roles of a store.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use ee_core::{
    Error, ErrorKind, PermissionPattern, PermissionSet, RbacManager, RbacProvider, Role, RoleCard,
    RoleId, RoleSet, RolesMark, User, UserId,
    storage::{AssignmentRecord, Changed, RoleBook, RoleRecord},
};

use crate::StoreAccess;

#[async_trait]
impl RbacProvider for StoreAccess {
    async fn roles(&self, user: &User) -> Result<Vec<RoleId>, Error> {
        Ok(self.user_access(user).await?.roles.clone())
    }

    async fn permissions(&self, user: &User) -> Result<Arc<PermissionSet>, Error> {
        Ok(Arc::clone(&self.user_access(user).await?.permissions))
    }

    fn known_mark(&self, user: &User) -> Option<RolesMark> {
        Some(self.remembered(user)?.mark)
    }

    async fn available_roles(&self) -> Result<Option<Vec<RoleCard>>, Error> {
        let book = StoreAccess::book(self).await?;
        let card = |role: &Role| RoleCard {
            id: role.id.clone(),
            name: role.name.clone(),
        };
        Ok(Some(book.roles.iter().map(card).collect()))
    }

    async fn lesser_roles(&self) -> Result<Option<Arc<[RoleCard]>>, Error> {
        Ok(Some(Arc::clone(&StoreAccess::book(self).await?.lesser)))
    }

    async fn role_permissions(
        &self,
        role: &RoleId,
    ) -> Result<Option<Vec<PermissionPattern>>, Error> {
        let book = StoreAccess::book(self).await?;
        let exists = book.roles.find(role).is_some();
        Ok(exists.then(|| book.roles.resolve(std::slice::from_ref(role))))
    }
}

#[async_trait]
impl RbacManager for StoreAccess {
    fn base(&self) -> &RoleSet {
        &self.base
    }

    async fn book(&self) -> Result<Arc<RoleBook>, Error> {
        Ok(Arc::clone(&StoreAccess::book(self).await?.stored))
    }

    async fn put(&self, role: Role, revision: u64, by: Option<&UserId>) -> Result<Changed, Error> {
        self.check_not_base(&role.id)?;
        let book = self.stores.roles.book().await?;
        if book.revision != revision {
            return Ok(Changed::Stale);
        }
        let others = book.roles.into_iter().map(|record| record.role);
        let others = others.filter(|other| other.id != role.id);
        let all = self.base.iter().cloned().chain(others);
        // The strict set refuses unknown roles and circles.
        RoleSet::new(all.chain([role.clone()]))
            .map_err(|err| Error::invalid_field("inherits", err.message()))?;
        let mut record = RoleRecord::new(role, self.clock.now());
        record.updated_by = by.cloned();
        self.stores.roles.put(record, revision).await
    }

    async fn delete(&self, role: &RoleId, revision: u64) -> Result<Changed, Error> {
        self.check_not_base(role)?;
        let book = self.stores.roles.book().await?;
        if book.revision != revision {
            return Ok(Changed::Stale);
        }
        let heir = book
            .roles
            .iter()
            .find(|other| other.role.inherits.contains(role));
        if let Some(heir) = heir {
            let message = format!("role `{}` inherits from `{role}`", heir.role.id);
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        let stands = book.mapping.iter().find(|(_, roles)| roles.contains(role));
        if let Some((external, _)) = stands {
            let message = format!("`{external}` of an identity provider stands for role `{role}`");
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        self.stores.roles.delete(role, revision).await
    }

    async fn set_mapping(
        &self,
        mapping: BTreeMap<RoleId, Vec<RoleId>>,
        revision: u64,
    ) -> Result<Changed, Error> {
        let book = StoreAccess::book(self).await?;
        for (external, roles) in &mapping {
            if let Some(unknown) = roles.iter().find(|role| book.roles.find(role).is_none()) {
                let field = format!("mapping.{external}");
                return Err(Error::invalid_field(
                    field,
                    format!("unknown role `{unknown}`"),
                ));
            }
        }
        self.stores.roles.set_mapping(mapping, revision).await
    }

    async fn assign(
        &self,
        user: &UserId,
        role: &RoleId,
        by: Option<&UserId>,
    ) -> Result<bool, Error> {
        if StoreAccess::book(self).await?.roles.find(role).is_none() {
            let message = format!("there is no role `{role}`");
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        let now = self.clock.now();
        let mut assignment = AssignmentRecord::new(user.clone(), role.clone(), now);
        assignment.assigned_by = by.cloned();
        self.stores.assignments.assign(assignment).await
    }

    async fn unassign(&self, user: &UserId, role: &RoleId) -> Result<Changed, Error> {
        self.stores.assignments.unassign(user, role).await
    }
}

impl StoreAccess {
    fn check_not_base(&self, role: &RoleId) -> Result<(), Error> {
        if self.base.find(role).is_some() {
            let message = format!("role `{role}` belongs to the program and cannot be changed");
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        Ok(())
    }
}
