use ee_core::{
    AclSubject, UserId,
    storage::{OWNER_ROLE, RoleBook},
};

use super::{
    accounts::Accounts, assignments::Assignments, grants::Grants, groups::Groups,
    identities::Identities, keys::Keys, tokens::Tokens,
};

/// Accounts and what hangs on them, under one lock: deleting an account, a role or a group takes
/// the rest along, and the rule about the last owner spans accounts and assignments.
#[derive(Default)]
pub(super) struct Directory {
    pub(super) accounts: Accounts,
    pub(super) assignments: Assignments,
    pub(super) grants: Grants,
    pub(super) groups: Groups,
    pub(super) identities: Identities,
    pub(super) keys: Keys,
    pub(super) roles: RoleBook,
    pub(super) tokens: Tokens,
}

impl Directory {
    /// Tells whether the user is an owner and nobody else is whose account is not disabled.
    pub(super) fn is_last_owner(&self, user: &UserId) -> bool {
        let mut is_owner = false;
        for owner in self.assignments.holders(OWNER_ROLE) {
            if owner == user {
                is_owner = true;
            } else if !self.accounts.is_disabled(owner) {
                return false;
            }
        }
        is_owner
    }

    /// Forgets an account and all that is kept here because of it.
    pub(super) fn remove_user(&mut self, user: &UserId) {
        self.accounts.remove(user);
        self.assignments.remove_user(user);
        self.grants.remove_subject(&AclSubject::User(user.clone()));
        self.groups.remove_user(user);
        self.identities.remove_user(user);
        self.keys.remove_user(user);
        self.tokens.remove_user(user);
    }
}
