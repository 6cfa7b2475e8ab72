//! What class of the schema an action is.

use ee_core::{AuditAction, Crud};

/// The number of an activity that has none of its own.
pub(super) const OTHER: u8 = 99;

/// A class of events.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Class {
    AccountChange,
    ApiActivity,
    ApplicationLifecycle,
    Authentication,
    EntityManagement,
    EventLogActivity,
    GroupManagement,
    UserAccess,
}

impl Class {
    pub(super) const fn uid(self) -> u32 {
        match self {
            Self::AccountChange => 3_001,
            Self::ApiActivity => 6_003,
            Self::ApplicationLifecycle => 6_002,
            Self::Authentication => 3_002,
            Self::EntityManagement => 3_004,
            Self::EventLogActivity => 1_008,
            Self::GroupManagement => 3_006,
            Self::UserAccess => 3_005,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::AccountChange => "Account Change",
            Self::ApiActivity => "API Activity",
            Self::ApplicationLifecycle => "Application Lifecycle",
            Self::Authentication => "Authentication",
            Self::EntityManagement => "Entity Management",
            Self::EventLogActivity => "Event Log Activity",
            Self::GroupManagement => "Group Management",
            Self::UserAccess => "User Access Management",
        }
    }

    pub(super) const fn category(self) -> &'static str {
        match self {
            Self::ApiActivity | Self::ApplicationLifecycle => "Application Activity",
            Self::EventLogActivity => "System Activity",
            _ => "Identity & Access Management",
        }
    }

    /// Returns what the schema calls an activity. `None` for the other ones, which have names of ours.
    pub(super) fn activity(self, id: u8) -> Option<&'static str> {
        let names: &[&str] = match self {
            Self::AccountChange => &[
                "Create",
                "Enable",
                "Password Change",
                "Password Reset",
                "Disable",
                "Delete",
                "Attach Policy",
                "Detach Policy",
                "Lock",
                "MFA Factor Enable",
                "MFA Factor Disable",
                "Unlock",
            ],
            Self::ApiActivity | Self::EntityManagement => &["Create", "Read", "Update", "Delete"],
            Self::ApplicationLifecycle => &[
                "Install", "Remove", "Start", "Stop", "Restart", "Enable", "Disable", "Update",
            ],
            Self::Authentication => &[
                "Logon",
                "Logoff",
                "Authentication Ticket",
                "Service Ticket Request",
                "Service Ticket Renew",
                "Preauth",
            ],
            Self::EventLogActivity => &[
                "Clear", "Delete", "Export", "Archive", "Rotate", "Start", "Stop", "Restart",
                "Enable", "Disable",
            ],
            Self::GroupManagement => &[
                "Assign Privileges",
                "Revoke Privileges",
                "Add User",
                "Remove User",
                "Delete",
                "Create",
            ],
            Self::UserAccess => &["Assign Privileges", "Revoke Privileges"],
        };
        names.get(usize::from(id).checked_sub(1)?).copied()
    }
}

/// Returns the class and the activity of an action.
pub(super) fn class_of(action: &AuditAction) -> (Class, u8) {
    match action.as_str() {
        "auth.login.credentials" | "auth.login.sso" | "auth.mfa.verify" => {
            (Class::Authentication, 1)
        }
        "auth.logout" | "auth.session.revoke" => (Class::Authentication, 2),
        "auth.sso.start" => (Class::Authentication, 6),
        "auth.session.refresh" => (Class::Authentication, OTHER),
        "auth.invitation.accept" | "auth.setup" | "auth.signup" | "users.create" => {
            (Class::AccountChange, 1)
        }
        "auth.password.change" => (Class::AccountChange, 3),
        "auth.password.reset" => (Class::AccountChange, 4),
        "users.delete" => (Class::AccountChange, 6),
        "auth.mfa.enable" => (Class::AccountChange, 10),
        "auth.mfa.disable" => (Class::AccountChange, 11),
        "users.recover" => (Class::AccountChange, 12),
        "users.invite" | "users.setup_link" => (Class::EntityManagement, 1),
        "users.invite.revoke" => (Class::EntityManagement, 4),
        "groups.members.add" => (Class::GroupManagement, 3),
        "groups.members.remove" => (Class::GroupManagement, 4),
        "groups.delete" => (Class::GroupManagement, 5),
        "groups.create" => (Class::GroupManagement, 6),
        "acl.grant" | "roles.assign" => (Class::UserAccess, 1),
        "acl.revoke" | "roles.unassign" => (Class::UserAccess, 2),
        "server.start" => (Class::ApplicationLifecycle, 3),
        "server.stop" => (Class::ApplicationLifecycle, 4),
        "license.loaded" => (Class::ApplicationLifecycle, 6),
        "audit.erasure" | "audit.retention.pruned" => (Class::EventLogActivity, 2),
        "audit.export" => (Class::EventLogActivity, 3),
        "audit.archive" => (Class::EventLogActivity, 4),
        "audit.started" => (Class::EventLogActivity, 6),
        "audit.stopped" => (Class::EventLogActivity, 7),
        "audit.sink.resumed" => (Class::EventLogActivity, 9),
        "audit.sink.paused" => (Class::EventLogActivity, 10),
        "auth.access.denied" | "auth.access.revoked" => (Class::ApiActivity, OTHER),
        _ => by_category(action),
    }
}

fn by_category(action: &AuditAction) -> (Class, u8) {
    let crud = match action.card().crud {
        Crud::Create => 1,
        Crud::Read => 2,
        Crud::Update => 3,
        Crud::Delete => 4,
        Crud::Execute => OTHER,
    };
    match action.category() {
        "apikeys" | "roles" => (Class::EntityManagement, crud),
        "audit" => (Class::EventLogActivity, OTHER),
        "auth" | "users" => (Class::AccountChange, OTHER),
        "groups" => (Class::GroupManagement, OTHER),
        "license" | "server" => (Class::ApplicationLifecycle, 8),
        _ => (Class::ApiActivity, crud),
    }
}
