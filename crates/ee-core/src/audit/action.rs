use std::{borrow::Cow, fmt};

use serde::Serialize;

use crate::{Error, ErrorKind};

/// What was done, as a dotted name such as `agents.create`.
///
/// The spelling with a colon (`agents:create`) is accepted on the way in.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(transparent)]
pub struct AuditAction(Cow<'static, str>);

macro_rules! audit_actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        impl AuditAction {
            $($(#[$doc])* pub const $name: Self = Self(Cow::Borrowed($text));)*

            /// Every action of ours.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

audit_actions! {
    /// A request was refused with 401 or 403.
    ACCESS_DENIED = "auth.access.denied",
    /// A stream was ended, since its caller may not have it any more.
    ACCESS_REVOKED = "auth.access.revoked",
    /// Somebody signed in with credentials.
    LOGIN_CREDENTIALS = "auth.login.credentials",
    /// Somebody came back from the identity provider.
    LOGIN_SSO = "auth.login.sso",
    /// Somebody confirmed an e-mail address.
    EMAIL_VERIFY = "auth.email.verify",
    /// Somebody asked for the letter that confirms an address.
    EMAIL_VERIFY_REQUEST = "auth.email.verify_request",
    /// Somebody began to set up a second factor.
    FACTOR_BEGIN = "auth.factor.begin",
    /// Somebody turned the second factor on.
    FACTOR_ENABLE = "auth.factor.enable",
    /// Somebody turned the second factor off.
    FACTOR_DISABLE = "auth.factor.disable",
    /// Somebody made new recovery codes.
    FACTOR_RECOVERY_CODES = "auth.factor.recovery_codes",
    /// Somebody finished a sign-in with a second factor.
    FACTOR_VERIFY = "auth.factor.verify",
    /// Somebody accepted an invitation.
    INVITATION_ACCEPT = "auth.invitation.accept",
    /// Somebody signed out.
    LOGOUT = "auth.logout",
    /// Somebody changed the own password.
    PASSWORD_CHANGE = "auth.password.change",
    /// Somebody set a new password by a link.
    PASSWORD_RESET = "auth.password.reset",
    /// Somebody asked for a link to set a new password.
    PASSWORD_RESET_REQUEST = "auth.password.reset_request",
    /// A session was prolonged.
    SESSION_REFRESH = "auth.session.refresh",
    /// The first owner was created.
    SETUP = "auth.setup",
    /// Somebody created an account.
    SIGNUP = "auth.signup",
    /// Somebody was sent to the identity provider.
    SSO_START = "auth.sso.start",
    /// An agent was created.
    AGENT_CREATE = "agents.create",
    /// An agent was deleted.
    AGENT_DELETE = "agents.delete",
    /// An agent answered at once.
    AGENT_EXECUTE = "agents.execute",
    /// An agent answered piece by piece.
    AGENT_STREAM = "agents.stream",
    /// An agent was changed.
    AGENT_UPDATE = "agents.update",
    /// A user was put into a group.
    GROUP_ADD_MEMBER = "access.groups.members.add",
    /// A group was created.
    GROUP_CREATE = "access.groups.create",
    /// A group was deleted.
    GROUP_DELETE = "access.groups.delete",
    /// A user was taken out of a group.
    GROUP_REMOVE_MEMBER = "access.groups.members.remove",
    /// A group was changed.
    GROUP_UPDATE = "access.groups.update",
    /// Something was granted on one thing, or forbidden.
    GRANT_CREATE = "access.grants.create",
    /// A grant was taken back.
    GRANT_DELETE = "access.grants.delete",
    /// Somebody was invited.
    INVITATION_CREATE = "access.invitations.create",
    /// An invitation was taken back.
    INVITATION_DELETE = "access.invitations.delete",
    /// An API key was created.
    KEY_CREATE = "access.keys.create",
    /// An API key was deleted.
    KEY_DELETE = "access.keys.delete",
    /// An API key got a new secret.
    KEY_ROTATE = "access.keys.rotate",
    /// An API key was changed.
    KEY_UPDATE = "access.keys.update",
    /// A role was given to somebody.
    ROLE_ASSIGN = "access.roles.assign",
    /// A role was deleted.
    ROLE_DELETE = "access.roles.delete",
    /// What roles of identity providers stand for was changed.
    ROLE_MAPPING = "access.roles.mapping",
    /// A role was taken from somebody.
    ROLE_UNASSIGN = "access.roles.unassign",
    /// A role was created or changed.
    ROLE_WRITE = "access.roles.write",
    /// Sessions were ended by hand.
    SESSION_END = "access.sessions.end",
    /// An operator made a link that creates the first owner.
    SETUP_LINK = "access.users.setup_link",
    /// An account was created.
    USER_CREATE = "access.users.create",
    /// An account was deleted.
    USER_DELETE = "access.users.delete",
    /// An operator let somebody in again.
    USER_RECOVER = "access.users.recover",
    /// An account was changed.
    USER_UPDATE = "access.users.update",
    /// Messages were deleted or saved by hand.
    MESSAGES_SAVE = "messages.save",
    /// A conversation was created.
    THREAD_CREATE = "threads.create",
    /// A conversation was deleted.
    THREAD_DELETE = "threads.delete",
    /// A conversation was changed.
    THREAD_UPDATE = "threads.update",
    /// A workflow was created.
    WORKFLOW_CREATE = "workflows.create",
    /// A workflow was deleted.
    WORKFLOW_DELETE = "workflows.delete",
    /// A run was cancelled.
    RUN_CANCEL = "workflows.run.cancel",
    /// A run was created and not yet started.
    RUN_CREATE = "workflows.run.create",
    /// A run was deleted.
    RUN_DELETE = "workflows.run.delete",
    /// An interrupted run was started again.
    RUN_RESTART = "workflows.run.restart",
    /// A run was started.
    RUN_START = "workflows.run.start",
    /// A workflow was changed.
    WORKFLOW_UPDATE = "workflows.update",
    /// The server started.
    SERVER_START = "server.start",
    /// The server stopped.
    SERVER_STOP = "server.stop",
}

impl AuditAction {
    /// Takes an action of an embedder's own. Fails with [`ErrorKind::Invalid`] unless it is made of
    /// letters, digits, `-`, `_` and the separators `.` and `:`; a colon becomes a dot.
    pub fn new(text: &str) -> Result<Self, Error> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let text = text.replace(':', ".");
        let fits = text.len() <= 128
            && text
                .split('.')
                .all(|part| !part.is_empty() && part.chars().all(plain));
        if !fits {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("`{text}` is not an audit action"),
            ));
        }
        Ok(Self(Cow::Owned(text)))
    }

    /// Returns the dotted name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_stored_with_dots_and_unique() {
        assert_eq!(
            AuditAction::new("agents:create").unwrap(),
            AuditAction::AGENT_CREATE
        );
        for text in ["", ".", "a..b", "a b", "a\n", "agents.*"] {
            assert!(AuditAction::new(text).is_err(), "{text:?}");
        }
        for (at, action) in AuditAction::ALL.iter().enumerate() {
            assert!(
                !AuditAction::ALL
                    .iter()
                    .skip(at + 1)
                    .any(|other| other == action),
                "{action}"
            );
        }
    }
}
