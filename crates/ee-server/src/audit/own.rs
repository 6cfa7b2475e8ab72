//! What of the record somebody sees who may not see all of it: with `audit:read:own`, what he did himself.

use ee_core::{ActorType, AuditField, AuditFilter, Error, ErrorKind};

use crate::{Cx, permissions::AUDIT_READ};

/// Stands in the place of an id in the permission to see what one did oneself.
const OWN: &str = "own";

impl Cx {
    /// Returns what of what fits the caller may see.
    ///
    /// Fails with [`ErrorKind::Forbidden`] when that is nothing.
    pub(super) fn readable(&self, filter: AuditFilter) -> Result<AuditFilter, Error> {
        if self.allows(&AUDIT_READ) {
            return Ok(filter);
        }
        if !self.allows_on(&AUDIT_READ, OWN) {
            let message = format!("Missing required permission: {AUDIT_READ}");
            return Err(Error::new(ErrorKind::Forbidden, message));
        }
        let own = AuditFilter::All(vec![
            AuditFilter::is(AuditField::ActorType, ActorType::User.as_str()),
            AuditFilter::is(AuditField::ActorId, self.owner()?.as_str()),
        ]);
        Ok(filter.and(own))
    }
}
