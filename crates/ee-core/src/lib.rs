//! Traits, domain types, licence gate, capabilities and the permission algebra of enterprise
//! access for servers of AI agents.
//!
//! The crate does no I/O: it knows no async runtime, no HTTP server and no environment. Plugins
//! (providers, stores, adapters) depend on this crate alone.
#![doc = include_str!("../README.md")]

mod acl;
mod api_key;
mod audit;
mod authority;
mod capabilities;
mod clock;
mod composite;
mod cookie;
mod credentials;
mod error;
pub mod host;
mod id;
mod identity;
mod license;
mod permission;
mod provider;
mod rbac;
mod request;
mod return_to;
mod role;
mod secret;
mod session;
mod sso;
pub mod storage;
mod user;
mod with_ee;

pub use acl::{AclGrant, AclManager, AclProvider, AclSubject, GrantSet, NewGrant, ResourceRef};
pub use api_key::{KeyManager, KeyProvider, KeySecret, NewKey};
pub use audit::{
    AUDIT_NODE_WIDTH, ActionCard, ActorKind, ActorType, AuditAction, AuditActor, AuditAi,
    AuditCellKind, AuditChange, AuditColumn, AuditContext, AuditEvent, AuditField, AuditFilter,
    AuditGlance, AuditHash, AuditHead, AuditLink, AuditLogger, AuditNode, AuditOutcome, AuditParty,
    AuditPermission, AuditPlace, AuditQuery, AuditRedaction, AuditResource, AuditRide, AuditStage,
    AuditTable, AuditTableFormat, AuditTest, Crud, Delivery, RedactionMethod, Severity, words_of,
};
pub use authority::{Authority, Limit, Verdict, Visible};
pub use capabilities::{
    Access, AuthenticatedCapabilities, Capabilities, CapabilityFlags, Login, LoginType,
    PublicCapabilities, SsoButton,
};
pub use clock::{Clock, SystemClock};
pub use composite::CompositeAuth;
pub use cookie::ServerCookie;
pub use credentials::{
    AccountSecurity, CredentialsManager, CredentialsProvider, FactorMethod, Invitation,
    InvitationManager, Invite, Newcomer, RecoveryCodes, SecondFactor, SignIn, SignUp,
    TotpEnrolment,
};
pub use error::{Error, ErrorKind, Issue};
pub use id::{
    AgentId, GroupId, KeyId, MAX_ID_BYTES, MessageId, RunId, ThreadId, TokenId, UserId, WorkflowId,
};
pub use identity::{Caller, Identity};
pub use license::{
    Feature, FeatureSet, License, LicenseGate, LicenseInfo, LicenseStatus, MIN_KEY_CHARS,
};
pub use permission::{
    Action, Permission, PermissionPattern, PermissionSet, Resource, permission_patterns,
};
pub use provider::AuthProvider;
pub use rbac::{RbacManager, RbacProvider, RoleCard};
pub use request::RequestHead;
pub use return_to::ReturnTo;
pub use role::{Role, RoleId, RoleMapping, RoleSet, RolesMark};
pub use secret::{SessionId, TokenHash, fill_random, random_token};
pub use session::{NewSession, Session, SessionProvider, add_cookies};
pub use sso::{SsoCallback, SsoLogin, SsoProvider, SsoStart, SsoTokens};
pub use user::{User, UserCard, UserProvider};
pub use with_ee::{EeAuthProvider, Licensed, WithEe, with_ee, with_ee_shared};
