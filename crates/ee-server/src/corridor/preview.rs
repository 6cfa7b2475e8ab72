//! `X-EE-Preview-Role`: whoever may do everything sees the server as somebody with a role would.

use std::sync::Arc;

use ee_core::{
    Authority, Error, ErrorKind, Identity, Licensed, Limit, PermissionSet, RbacProvider, RoleId,
};
use http::{HeaderMap, HeaderName};

use super::single;

pub(super) static NAME: HeaderName = HeaderName::from_static("x-ee-preview-role");

/// Narrows the caller down to the role that he asks for, with the grants to it. Nothing is ever added.
///
/// Fails with [`ErrorKind::Forbidden`] for whoever is not shown `availableRoles`, and for keys and tokens: a preview is
/// for people who look at pages. Fails with [`ErrorKind::Invalid`] for a role that there is not.
pub(super) async fn narrow(
    licensed: &Licensed<'_>,
    identity: &mut Identity,
    headers: &HeaderMap,
) -> Result<(), Error> {
    let rbac = previewer(licensed, identity).await?;
    let text = single(headers, &NAME)?.and_then(|value| value.to_str().ok());
    let role = text.and_then(|text| RoleId::new(text).ok());
    let unknown = || Error::new(ErrorKind::Invalid, format!("`{NAME}` names no role"));
    let role = role.ok_or_else(unknown)?;
    let permitted = rbac.role_permissions(&role).await?.ok_or_else(unknown)?;
    let mut authority = Authority::set(Arc::new(PermissionSet::compile(permitted)));
    if let Some(acl) = licensed.acl()
        && let Some(grants) = acl.role_grants(&role).await?
    {
        authority = authority.with_grants(grants);
    }
    let limit = Limit::new(format!("previewed role `{role}`"), authority);
    identity.limits.push(Arc::new(limit));
    identity.previewed = Some(role);
    Ok(())
}

/// Returns who knows the roles, for whoever may preview them.
async fn previewer<'a>(
    licensed: &Licensed<'a>,
    identity: &Identity,
) -> Result<&'a dyn RbacProvider, Error> {
    let refused = |why: &str| Error::new(ErrorKind::Forbidden, format!("`{NAME}` is for {why}"));
    if identity.session.is_none() || !identity.limits.is_empty() {
        return Err(refused("sessions of people, not for keys and tokens"));
    }
    let whole = "those who may do everything";
    let rbac = licensed.rbac().ok_or_else(|| refused(whole))?;
    let held = rbac.permissions(&identity.user).await?;
    if held.has_full_wildcard() {
        Ok(rbac)
    } else {
        Err(refused(whole))
    }
}
