//! Grants of a store.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use ee_core::{
    AclGrant, AclManager, AclProvider, AclSubject, Error, GrantSet, NewGrant, Resource,
    ResourceRef, RoleId, User,
    storage::{Cursor, Effect, GrantRecord, Listed},
};

use crate::StoreAccess;

/// Most actions of one grant, and most bytes of a kind or an action.
const MOST_ACTIONS: usize = 32;
const MOST_NAME_BYTES: usize = 64;

#[async_trait]
impl AclProvider for StoreAccess {
    /// Asks the store itself: what one check costs that nothing is remembered for.
    async fn can_access(
        &self,
        user: &User,
        resource: &ResourceRef,
        action: &str,
    ) -> Result<bool, Error> {
        let access = self.user_access(user).await?;
        let resource = canonical(resource);
        let now = self.clock.now();
        let grants = self
            .stores
            .grants
            .matching(&access.subjects, &resource)
            .await?;
        let mut effects = grants
            .iter()
            .filter(|grant| grant.covers(action) && grant.is_live(now))
            .map(|grant| grant.effect);
        // `Deny` is the greater of the two.
        Ok(effects.by_ref().max() == Some(Effect::Allow))
    }

    async fn list_accessible(
        &self,
        user: &User,
        kind: &str,
        action: &str,
    ) -> Result<Vec<String>, Error> {
        let mut ids = Vec::new();
        let mut cursor = Cursor::first(Cursor::MAX_LIMIT);
        loop {
            let part = self.accessible(user, kind, action, &cursor).await?;
            ids.extend(part.rows);
            if part.next.is_none() {
                return Ok(ids);
            }
            cursor.after = part.next;
        }
    }

    async fn accessible(
        &self,
        user: &User,
        kind: &str,
        action: &str,
        cursor: &Cursor,
    ) -> Result<Listed<String>, Error> {
        let access = self.user_access(user).await?;
        let now = self.clock.now();
        Ok(GrantSet::accessible(
            &access.grants,
            kind,
            action,
            now,
            cursor,
        ))
    }

    async fn grants(&self, user: &User) -> Result<Option<Arc<[Arc<GrantSet>]>>, Error> {
        Ok(Some(Arc::clone(&self.user_access(user).await?.grants)))
    }

    async fn role_grants(&self, role: &RoleId) -> Result<Option<Arc<[Arc<GrantSet>]>>, Error> {
        let book = self.book().await?;
        let mut grants = Vec::new();
        for role in book.roles.with_inherited(std::slice::from_ref(role)) {
            let set = self.grants_of(&AclSubject::Role(role)).await?;
            if !set.is_empty() {
                grants.push(set);
            }
        }
        Ok(Some(grants.into()))
    }
}

#[async_trait]
impl AclManager for StoreAccess {
    async fn grant(&self, grant: NewGrant) -> Result<AclGrant, Error> {
        let now = self.clock.now();
        let resource = canonical(&grant.resource);
        check(&grant, &resource)?;
        if grant.expires_at.is_some_and(|end| end <= now) {
            return Err(Error::invalid_field("expiresAt", "must be in the future"));
        }
        let mut seen = HashSet::new();
        let actions = grant.actions.iter().filter(|action| seen.insert(*action));
        let records = actions.map(|action| {
            let (subject, resource) = (grant.subject.clone(), resource.clone());
            let mut record = GrantRecord::new(subject, resource, action.clone(), now);
            record.effect = grant.effect;
            record.expires_at = grant.expires_at;
            record.granted_by.clone_from(&grant.granted_by);
            record
        });
        let records: Vec<_> = records.collect();
        let actions = records.iter().map(|record| record.action.clone()).collect();
        self.stores.grants.put(records).await?;
        Ok(AclGrant {
            subject: grant.subject,
            resource,
            actions,
            effect: grant.effect,
            expires_at: grant.expires_at,
            granted_at: now,
            granted_by: grant.granted_by,
        })
    }

    async fn revoke(
        &self,
        subject: &AclSubject,
        resource: &ResourceRef,
        effect: Effect,
        actions: &[String],
    ) -> Result<u64, Error> {
        let resource = canonical(resource);
        self.stores
            .grants
            .remove(subject, &resource, effect, actions)
            .await
    }

    async fn list_for_resource(
        &self,
        resource: &ResourceRef,
        cursor: &Cursor,
    ) -> Result<Listed<AclGrant>, Error> {
        let resource = canonical(resource);
        let part = self.stores.grants.on_resource(&resource, cursor).await?;
        Ok(shown(part))
    }

    async fn list_for_subject(
        &self,
        subject: &AclSubject,
        cursor: &Cursor,
    ) -> Result<Listed<AclGrant>, Error> {
        let part = self.stores.grants.of_subject(subject, cursor).await?;
        Ok(shown(part))
    }
}

/// Names a thing as grants name it: a stored agent is an agent.
fn canonical(resource: &ResourceRef) -> ResourceRef {
    ResourceRef {
        kind: GrantSet::kind_of(&resource.kind).to_owned(),
        id: resource.id.clone(),
    }
}

fn check(grant: &NewGrant, resource: &ResourceRef) -> Result<(), Error> {
    if grant.actions.is_empty() || grant.actions.len() > MOST_ACTIONS {
        let message = format!("must have 1 to {MOST_ACTIONS} entries");
        return Err(Error::invalid_field("actions", message));
    }
    for action in &grant.actions {
        if action != GrantRecord::EVERY_ACTION {
            check_name("actions", action)?;
        }
    }
    check_name("resource.type", &resource.kind)?;
    if Resource::find(&resource.kind).is_some_and(Resource::is_sensitive) {
        let message = "is not granted thing by thing: give a role that names it";
        return Err(Error::invalid_field("resource.type", message));
    }
    let id = &resource.id;
    if id.is_empty() || id.len() > ee_core::MAX_ID_BYTES || id.chars().any(char::is_control) {
        let message = "must have 1 to 255 bytes and no control characters";
        return Err(Error::invalid_field("resource.id", message));
    }
    if id == "*" {
        let message = "names one thing: give a role for all of them";
        return Err(Error::invalid_field("resource.id", message));
    }
    Ok(())
}

fn check_name(field: &str, name: &str) -> Result<(), Error> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > MOST_NAME_BYTES || !name.bytes().all(is_name) {
        let message = format!("`{name}` must have 1 to {MOST_NAME_BYTES} of a-z A-Z 0-9 - _ .");
        return Err(Error::invalid_field(field, message));
    }
    Ok(())
}

/// Shows records that differ in their action alone as one grant, where they stand together.
fn shown(part: Listed<GrantRecord>) -> Listed<AclGrant> {
    let mut grants: Vec<AclGrant> = Vec::new();
    for record in part.rows {
        let same = grants.last_mut().filter(|last| {
            last.subject == record.subject
                && last.resource == record.resource
                && last.effect == record.effect
                && last.expires_at == record.expires_at
                && last.granted_at == record.granted_at
                && last.granted_by == record.granted_by
        });
        match same {
            Some(last) => last.actions.push(record.action),
            None => grants.push(AclGrant {
                subject: record.subject,
                resource: record.resource,
                actions: vec![record.action],
                effect: record.effect,
                expires_at: record.expires_at,
                granted_at: record.granted_at,
                granted_by: record.granted_by,
            }),
        }
    }
    Listed {
        rows: grants,
        next: part.next,
    }
}
