//! What can be done, and what is said of it.

use std::{borrow::Cow, collections::HashMap, fmt, sync::LazyLock};

use serde::{Deserialize, Serialize};

use super::AuditOutcome;
use crate::{Error, ErrorKind};

/// What was done, as a dotted name such as `agents.create`.
///
/// The spelling with a colon (`agents:create`) is accepted on the way in.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(into = "String", try_from = "String")]
pub struct AuditAction(Cow<'static, str>);

/// What an action does to a thing.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub enum Crud {
    /// Makes it.
    #[serde(rename = "c")]
    Create,
    /// Removes it.
    #[serde(rename = "d")]
    Delete,
    /// Has it do something.
    #[serde(rename = "x")]
    Execute,
    /// Looks at it.
    #[serde(rename = "r")]
    Read,
    /// Changes it.
    #[serde(rename = "u")]
    Update,
}

impl Crud {
    /// Returns the letter of the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "c",
            Self::Delete => "d",
            Self::Execute => "x",
            Self::Read => "r",
            Self::Update => "u",
        }
    }
}

/// How surely an event is kept. A policy may say otherwise.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// As well as it can be without keeping anybody waiting. What is lost is counted.
    BestEffort,
    /// In the transaction of the change that it describes, where there is one; else like [`Spooled`](Self::Spooled).
    Outbox,
    /// On the disk of this server or in the store before the answer.
    Spooled,
    /// In the store before the act: without it, nothing is done.
    Strict,
}

impl Delivery {
    /// Returns the spelling of configurations.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BestEffort => "best_effort",
            Self::Outbox => "outbox",
            Self::Spooled => "spooled",
            Self::Strict => "strict",
        }
    }
}

/// How much an event matters: 0 for nothing to 10 for an alarm.
pub type Severity = u8;

/// What is said of an action.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ActionCard {
    /// What it does to a thing.
    pub crud: Crud,
    /// How surely its events are kept.
    pub delivery: Delivery,
    /// What people read.
    pub label: &'static str,
    /// The dotted name.
    pub name: &'static str,
    /// Its stable number: it is never given to another action.
    pub number: u16,
    /// How much it matters when it succeeds.
    pub severity: Severity,
}

/// What is said of actions that are not ours.
const FOREIGN: ActionCard = ActionCard {
    crud: Crud::Execute,
    delivery: Delivery::Spooled,
    label: "",
    name: "",
    number: 9_000,
    severity: 3,
};

/// How much it matters when something fails, or is refused, at least.
const FAILED: Severity = 5;
const REFUSED: Severity = 6;

macro_rules! audit_actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $number:literal, $crud:ident, $delivery:ident,
        $severity:literal, $label:literal;)*) => {
        impl AuditAction {
            $($(#[$doc])* pub const $name: Self = Self(Cow::Borrowed($text));)*
        }

        impl ActionCard {
            /// Lists every action of ours, by number.
            pub const ALL: &'static [Self] = &[$(Self {
                crud: Crud::$crud,
                delivery: Delivery::$delivery,
                label: $label,
                name: $text,
                number: $number,
                severity: $severity,
            },)*];
        }
    };
}

// The numbers stand for good: an action that is not used any more keeps its line.
audit_actions! {
    /// Somebody signed in with credentials.
    LOGIN_CREDENTIALS = "auth.login.credentials", 1002, Execute, Spooled, 2, "Sign-in with credentials";
    /// Somebody came back from the identity provider.
    LOGIN_SSO = "auth.login.sso", 1003, Execute, Spooled, 2, "Single sign-on";
    /// Somebody created an account.
    SIGNUP = "auth.signup", 1004, Create, Spooled, 3, "Sign-up";
    /// Somebody signed out.
    LOGOUT = "auth.logout", 1005, Execute, Spooled, 1, "Sign-out";
    /// The first owner was created.
    SETUP = "auth.setup", 1006, Create, Strict, 7, "First owner created";
    /// Somebody accepted an invitation.
    INVITATION_ACCEPT = "auth.invitation.accept", 1007, Create, Spooled, 3, "Invitation accepted";
    /// A session was prolonged.
    SESSION_REFRESH = "auth.session.refresh", 1011, Update, Spooled, 1, "Session prolonged";
    /// Sessions were ended by hand.
    SESSION_END = "auth.session.revoke", 1012, Delete, Spooled, 4, "Sessions ended";
    /// Somebody was sent to the identity provider.
    SSO_START = "auth.sso.start", 1020, Execute, Spooled, 1, "Sent to the identity provider";
    /// Somebody confirmed an e-mail address.
    EMAIL_VERIFY = "auth.email.verify", 1030, Update, Spooled, 2, "E-mail address confirmed";
    /// Somebody asked for the letter that confirms an address.
    EMAIL_VERIFY_REQUEST = "auth.email.verify_request", 1031, Execute, Spooled, 1, "Confirmation asked for";
    /// Somebody began to set up a second factor.
    FACTOR_BEGIN = "auth.mfa.enrol", 1040, Create, Spooled, 3, "Second factor begun";
    /// Somebody turned the second factor on.
    FACTOR_ENABLE = "auth.mfa.enable", 1041, Update, Spooled, 4, "Second factor turned on";
    /// Somebody turned the second factor off.
    FACTOR_DISABLE = "auth.mfa.disable", 1042, Update, Spooled, 6, "Second factor turned off";
    /// Somebody made new recovery codes.
    FACTOR_RECOVERY_CODES = "auth.mfa.recovery_codes", 1043, Update, Spooled, 5, "New recovery codes";
    /// Somebody finished a sign-in with a second factor.
    FACTOR_VERIFY = "auth.mfa.verify", 1044, Execute, Spooled, 2, "Sign-in with a second factor";
    /// Somebody changed the own password.
    PASSWORD_CHANGE = "auth.password.change", 1050, Update, Strict, 5, "Password changed";
    /// Somebody set a new password by a link.
    PASSWORD_RESET = "auth.password.reset", 1051, Update, Strict, 5, "Password reset";
    /// Somebody asked for a link to set a new password.
    PASSWORD_RESET_REQUEST = "auth.password.reset_request", 1052, Execute, Spooled, 3, "Password reset asked for";
    /// A request was refused with 401 or 403.
    ACCESS_DENIED = "auth.access.denied", 1090, Execute, Spooled, 4, "Access denied";
    /// A stream was ended, since its caller may not have it any more.
    ACCESS_REVOKED = "auth.access.revoked", 1091, Execute, Spooled, 5, "Access ended";
    /// An account was created.
    USER_CREATE = "users.create", 1101, Create, Outbox, 4, "Account created";
    /// An account was changed.
    USER_UPDATE = "users.update", 1102, Update, Outbox, 4, "Account changed";
    /// An account was deleted.
    USER_DELETE = "users.delete", 1103, Delete, Outbox, 5, "Account deleted";
    /// An operator let somebody in again.
    USER_RECOVER = "users.recover", 1104, Update, Strict, 8, "Account recovered";
    /// Somebody was invited.
    INVITATION_CREATE = "users.invite", 1105, Create, Spooled, 3, "Somebody invited";
    /// An invitation was taken back.
    INVITATION_DELETE = "users.invite.revoke", 1106, Delete, Spooled, 3, "Invitation taken back";
    /// An operator made a link that creates the first owner.
    SETUP_LINK = "users.setup_link", 1107, Create, Strict, 8, "Set-up link made";
    /// A group was created.
    GROUP_CREATE = "groups.create", 1121, Create, Outbox, 4, "Group created";
    /// A group was changed.
    GROUP_UPDATE = "groups.update", 1122, Update, Outbox, 4, "Group changed";
    /// A group was deleted.
    GROUP_DELETE = "groups.delete", 1123, Delete, Outbox, 4, "Group deleted";
    /// A user was put into a group.
    GROUP_ADD_MEMBER = "groups.members.add", 1124, Update, Outbox, 5, "Member added";
    /// A user was taken out of a group.
    GROUP_REMOVE_MEMBER = "groups.members.remove", 1125, Update, Outbox, 5, "Member removed";
    /// An API key was created.
    KEY_CREATE = "apikeys.create", 1151, Create, Outbox, 5, "API key created";
    /// An API key was changed.
    KEY_UPDATE = "apikeys.update", 1152, Update, Outbox, 5, "API key changed";
    /// An API key was deleted.
    KEY_DELETE = "apikeys.revoke", 1153, Delete, Outbox, 4, "API key revoked";
    /// An API key got a new secret.
    KEY_ROTATE = "apikeys.rotate", 1154, Update, Outbox, 4, "API key rotated";
    /// An agent was created.
    AGENT_CREATE = "agents.create", 2001, Create, Outbox, 3, "Agent created";
    /// An agent was changed.
    AGENT_UPDATE = "agents.update", 2002, Update, Outbox, 3, "Agent changed";
    /// An agent was deleted.
    AGENT_DELETE = "agents.delete", 2003, Delete, Outbox, 4, "Agent deleted";
    /// An agent answered at once.
    AGENT_EXECUTE = "agents.execute", 2010, Execute, Spooled, 1, "Agent called";
    /// An agent answered piece by piece.
    AGENT_STREAM = "agents.stream", 2011, Execute, Spooled, 1, "Agent streamed";
    /// A workflow was created.
    WORKFLOW_CREATE = "workflows.create", 2101, Create, Strict, 3, "Workflow created";
    /// A workflow was changed.
    WORKFLOW_UPDATE = "workflows.update", 2102, Update, Strict, 3, "Workflow changed";
    /// A workflow was deleted.
    WORKFLOW_DELETE = "workflows.delete", 2103, Delete, Strict, 4, "Workflow deleted";
    /// A run was created and not yet started.
    RUN_CREATE = "workflows.run.create", 2110, Create, Spooled, 1, "Run created";
    /// A run was started.
    RUN_START = "workflows.run.start", 2111, Execute, Spooled, 1, "Run started";
    /// A run came to its end.
    RUN_COMPLETE = "workflows.run.complete", 2112, Execute, Spooled, 1, "Run ended";
    /// A run was cancelled.
    RUN_CANCEL = "workflows.run.cancel", 2113, Execute, Spooled, 2, "Run cancelled";
    /// An interrupted run was started again.
    RUN_RESTART = "workflows.run.restart", 2114, Execute, Spooled, 2, "Run restarted";
    /// A run was deleted.
    RUN_DELETE = "workflows.run.delete", 2115, Delete, Spooled, 3, "Run deleted";
    /// A conversation was created.
    THREAD_CREATE = "threads.create", 2301, Create, Spooled, 1, "Conversation created";
    /// A conversation was changed.
    THREAD_UPDATE = "threads.update", 2302, Update, Spooled, 1, "Conversation changed";
    /// A conversation was deleted.
    THREAD_DELETE = "threads.delete", 2303, Delete, Spooled, 3, "Conversation deleted";
    /// Messages were deleted or saved by hand.
    MESSAGES_SAVE = "messages.save", 2310, Update, Spooled, 2, "Messages changed";
    /// A role was created or changed.
    ROLE_WRITE = "roles.update", 3002, Update, Outbox, 6, "Role written";
    /// A role was deleted.
    ROLE_DELETE = "roles.delete", 3003, Delete, Outbox, 6, "Role deleted";
    /// A role was given to somebody.
    ROLE_ASSIGN = "roles.assign", 3010, Create, Outbox, 6, "Role given";
    /// A role was taken from somebody.
    ROLE_UNASSIGN = "roles.unassign", 3011, Delete, Outbox, 6, "Role taken";
    /// What roles of identity providers stand for was changed.
    ROLE_MAPPING = "roles.mapping.change", 3012, Update, Outbox, 7, "Role mapping changed";
    /// Something was granted on one thing, or forbidden.
    GRANT_CREATE = "acl.grant", 3101, Create, Outbox, 5, "Grant given";
    /// A grant was taken back.
    GRANT_DELETE = "acl.revoke", 3102, Delete, Outbox, 5, "Grant taken back";
    /// A licence was read for the first time.
    LICENSE_LOADED = "license.loaded", 4001, Update, Spooled, 3, "Licence loaded";
    /// What the licence permits is something else than before.
    LICENSE_CHANGED = "license.changed", 4002, Update, Spooled, 6, "Licence changed";
    /// The record was begun, or goes on after a start.
    AUDIT_STARTED = "audit.started", 5001, Execute, Spooled, 3, "Record started";
    /// The record was closed in good order.
    AUDIT_STOPPED = "audit.stopped", 5002, Execute, Spooled, 3, "Record stopped";
    /// What is recorded, and how, is something else than before.
    AUDIT_POLICY_CHANGE = "audit.policy.change", 5003, Update, Strict, 8, "Record policy changed";
    /// Events were not recorded; it says how many.
    AUDIT_GAP = "audit.gap", 5004, Execute, Spooled, 9, "Events missing";
    /// The spool has no room for more events.
    AUDIT_SPOOL_FULL = "audit.spool.full", 5005, Execute, Spooled, 10, "Spool full";
    /// A part of the spool could not be read.
    AUDIT_SPOOL_CORRUPT = "audit.spool.corrupt", 5006, Execute, Spooled, 10, "Spool damaged";
    /// Something was begun, and nobody knows how it ended.
    AUDIT_INTENT_ORPHANED = "audit.intent.orphaned", 5007, Execute, Spooled, 7, "Act without an end";
    /// The clock of a server is not that of another one, or not what it was.
    AUDIT_CLOCK_SKEW = "audit.clock.skew", 5008, Execute, Spooled, 8, "Clocks apart";
    /// Events are not delivered to a sink any more.
    AUDIT_SINK_PAUSED = "audit.sink.paused", 5010, Update, Spooled, 8, "Sink paused";
    /// Events are delivered to a sink again.
    AUDIT_SINK_RESUMED = "audit.sink.resumed", 5011, Update, Spooled, 4, "Sink resumed";
    /// A sink does not take an event.
    AUDIT_SINK_DEADLETTER = "audit.sink.deadletter", 5012, Execute, Spooled, 7, "Sink refused an event";
    /// Events are delivered to a sink once more.
    AUDIT_SINK_REPLAY = "audit.sink.replay", 5013, Execute, Spooled, 4, "Sink replayed";
    /// A sink was sent an event that is in no log.
    AUDIT_SINK_TEST = "audit.sink.test", 5014, Execute, Spooled, 2, "Sink tested";
    /// A checkpoint was kept in another place.
    AUDIT_CHECKPOINT_ANCHORED = "audit.checkpoint.anchored", 5021, Create, Spooled, 1, "Checkpoint anchored";
    /// The record was verified.
    AUDIT_VERIFY_OK = "audit.verify.ok", 5030, Read, Spooled, 1, "Record verified";
    /// The record is not what it was.
    AUDIT_VERIFY_FAILED = "audit.verify.failed", 5031, Read, Spooled, 10, "Record damaged";
    /// The record is shorter than, or differs from, what was seen before.
    AUDIT_ROLLBACK = "audit.rollback.detected", 5032, Read, Spooled, 10, "Record rolled back";
    /// Somebody read the record.
    AUDIT_READ = "audit.read", 5040, Read, Spooled, 2, "Record read";
    /// Somebody took a copy of the record.
    AUDIT_EXPORT = "audit.export", 5041, Read, Strict, 5, "Record exported";
    /// Somebody asked what a value looks like in the record.
    AUDIT_HASH_LOOKUP = "audit.hash.lookup", 5043, Read, Spooled, 5, "Digest looked up";
    /// Somebody read what was said to a model, or what it said.
    AUDIT_CONTENT_READ = "audit.content.read", 5044, Read, Strict, 7, "Content read";
    /// A part of the record was copied to an archive.
    AUDIT_ARCHIVE = "audit.archive", 5050, Read, Strict, 5, "Record archived";
    /// A part of the record was removed after its time.
    AUDIT_PRUNE = "audit.retention.pruned", 5051, Delete, Strict, 8, "Record pruned";
    /// Events must be kept until further notice.
    AUDIT_HOLD_CREATE = "audit.hold.create", 5052, Create, Strict, 6, "Legal hold begun";
    /// Events need not be kept any longer.
    AUDIT_HOLD_RELEASE = "audit.hold.release", 5053, Delete, Strict, 8, "Legal hold ended";
    /// What the record says of a person was erased.
    AUDIT_ERASE = "audit.erasure", 5054, Delete, Strict, 8, "Personal data erased";
    /// Checkpoints are signed with another key.
    AUDIT_KEY_ROTATE = "audit.key.rotate", 5055, Update, Strict, 7, "Signing key changed";
    /// The server started.
    SERVER_START = "server.start", 6001, Execute, Spooled, 3, "Server started";
    /// The server stopped.
    SERVER_STOP = "server.stop", 6002, Execute, Spooled, 3, "Server stopped";
    /// The server runs with another configuration than the last time.
    SERVER_CONFIG = "server.config.change", 6003, Update, Spooled, 6, "Configuration changed";
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

    /// Returns the part before the first dot.
    pub fn category(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }

    /// Returns what is said of it, also where it is not one of ours.
    pub fn card(&self) -> &'static ActionCard {
        static CARDS: LazyLock<HashMap<&str, &ActionCard>> = LazyLock::new(|| {
            let cards = ActionCard::ALL.iter();
            cards.map(|card| (card.name, card)).collect()
        });
        CARDS.get(self.as_str()).copied().unwrap_or(&FOREIGN)
    }

    /// Returns what people read.
    pub fn label(&self) -> &str {
        match self.card().label {
            "" => self.as_str(),
            label => label,
        }
    }

    /// Returns how much it matters when it ends so.
    pub fn severity(&self, outcome: AuditOutcome) -> Severity {
        let severity = self.card().severity;
        match outcome {
            AuditOutcome::Denied => severity.max(REFUSED),
            AuditOutcome::Failure => severity.max(FAILED),
            AuditOutcome::Success => severity,
        }
    }
}

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<AuditAction> for String {
    fn from(action: AuditAction) -> Self {
        action.0.into_owned()
    }
}

impl TryFrom<String> for AuditAction {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::new(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_stored_with_dots() {
        assert_eq!(
            AuditAction::new("agents:create").unwrap(),
            AuditAction::AGENT_CREATE
        );
        for text in ["", ".", "a..b", "a b", "a\n", "agents.*"] {
            assert!(AuditAction::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_and_numbers_are_given_once_and_every_action_has_a_label() {
        for (at, card) in ActionCard::ALL.iter().enumerate() {
            let (before, _) = ActionCard::ALL.split_at(at);
            assert!(before.iter().all(|it| it.number < card.number), "{card:?}");
            assert!(before.iter().all(|it| it.name != card.name), "{card:?}");
            assert!(AuditAction::new(card.name).is_ok(), "{card:?}");
            assert!(!card.label.is_empty() && card.severity <= 10, "{card:?}");
        }
    }

    #[test]
    fn what_is_not_ours_is_recorded_all_the_same() {
        let action = AuditAction::new("billing:invoice.create").unwrap();

        assert_eq!(action.card().number, 9_000);
        assert_eq!(action.label(), "billing.invoice.create");
        assert_eq!(action.category(), "billing");
        assert_eq!(action.severity(AuditOutcome::Denied), 6);
    }
}
