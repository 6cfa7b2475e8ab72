//! What an authentication provider is.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{
    AclProvider, AuditLogger, CredentialsProvider, Error, RbacProvider, RequestHead,
    SessionProvider, SsoProvider, User, UserProvider,
};

/// Finds out who is calling (`MastraAuthProvider`).
///
/// Every further ability is declared by returning it; what is absent is `None`. A provider that can
/// only check tokens implements the two methods without a default.
#[async_trait]
pub trait AuthProvider: fmt::Debug + Send + Sync + 'static {
    /// Stable lower-case name for logs and the sign-in page.
    fn name(&self) -> &str;

    /// Finds out who shows these headers.
    ///
    /// `Ok(None)` means that nothing here is for this provider. Fails with
    /// [`ErrorKind::Unauthenticated`](crate::ErrorKind::Unauthenticated) for credentials that are malformed, and with
    /// [`ErrorKind::Forbidden`](crate::ErrorKind::Forbidden) for somebody who is known and not admitted.
    async fn authenticate(&self, head: &RequestHead<'_>) -> Result<Option<Arc<User>>, Error>;

    /// Finds users by id.
    fn users(&self) -> Option<&dyn UserProvider> {
        None
    }

    /// Keeps browsers signed in.
    fn sessions(&self) -> Option<&dyn SessionProvider> {
        None
    }

    /// Signs people in at an identity provider.
    fn sso(&self) -> Option<&dyn SsoProvider> {
        None
    }

    /// Signs people in with a password.
    fn credentials(&self) -> Option<&dyn CredentialsProvider> {
        None
    }

    /// Tells what people may do.
    fn rbac(&self) -> Option<&dyn RbacProvider> {
        None
    }

    /// Tells what people may do with single things.
    fn acl(&self) -> Option<&dyn AclProvider> {
        None
    }

    /// Writes the record.
    fn audit(&self) -> Option<&dyn AuditLogger> {
        None
    }

    /// Tells whether the provider works without a licence (`isMastraCloudAuth`, `isSimpleAuth`).
    fn license_exempt(&self) -> bool {
        false
    }
}
