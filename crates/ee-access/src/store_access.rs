//! What everybody may do, put together and remembered.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwapOption;
use ee_core::{
    AclSubject, Clock, Error, GrantSet, GroupId, PermissionSet, Role, RoleCard, RoleId, RoleSet,
    RolesMark, User, UserId,
    storage::{
        AssignmentStore, ChangeCount as _, ChangeHub, GrantStore, GroupStore, RoleBook, RoleStore,
    },
};
use quick_cache::{UnitWeighter, Weighter, sync::Cache};

use crate::{AT_FIRST, Epochs};

/// Most users of whom is remembered what they may do.
const USERS: u64 = 50_000;
/// Most things in all grants that are remembered, a subject counted as one.
const THINGS: u64 = 4_000_000;
/// Most grants that one subject may have.
const MOST_GRANTS: u32 = 2_000_000;

/// Where roles, groups and grants are kept.
#[derive(Clone, Debug)]
pub struct AccessStores {
    /// Who has which role.
    pub assignments: Arc<dyn AssignmentStore>,
    /// Grants on single things.
    pub grants: Arc<dyn GrantStore>,
    /// Groups and who is in them.
    pub groups: Arc<dyn GroupStore>,
    /// Roles beside those that the program brings.
    pub roles: Arc<dyn RoleStore>,
}

/// Roles, groups and grants of a store.
///
/// A user has the roles that are assigned to him here, those that his provider asserts and that exist here, and those
/// that asserted ones stand for. Grants count that are his own, of his groups, and of his roles with all that they
/// inherit.
pub struct StoreAccess {
    pub(crate) base: RoleSet,
    book: ArcSwapOption<Book>,
    pub(crate) clock: Arc<dyn Clock>,
    epochs: Arc<Epochs>,
    grants: Cache<AclSubject, (u64, Arc<GrantSet>), Things>,
    pub(crate) stores: AccessStores,
    users: Cache<UserId, Arc<UserAccess>>,
}

#[derive(Clone, Debug)]
struct Things;

impl Weighter<AclSubject, (u64, Arc<GrantSet>)> for Things {
    fn weight(&self, _subject: &AclSubject, (_, grants): &(u64, Arc<GrantSet>)) -> u64 {
        1 + grants.len() as u64
    }
}

/// All roles at one revision.
#[derive(Debug)]
pub(crate) struct Book {
    at: u64,
    /// The roles that do not permit everything.
    pub(crate) lesser: Arc<[RoleCard]>,
    pub(crate) stored: Arc<RoleBook>,
    pub(crate) roles: RoleSet,
}

/// What one user may do, and the state of the world that it was found in.
#[derive(Debug)]
pub(crate) struct UserAccess {
    asserted: Vec<RoleId>,
    at: u64,
    /// The count of all changes up to which nothing of `at` has changed.
    checked: AtomicU64,
    pub(crate) grants: Arc<[Arc<GrantSet>]>,
    pub(crate) mark: RolesMark,
    pub(crate) permissions: Arc<PermissionSet>,
    /// The roles that count, without those that they inherit.
    pub(crate) roles: Vec<RoleId>,
    /// Whose grants count.
    pub(crate) subjects: Vec<AclSubject>,
}

impl StoreAccess {
    /// Takes the roles that the program brings and the stores of the rest. `hub` is theirs; `epochs` listens to it.
    pub fn new(
        base: RoleSet,
        stores: AccessStores,
        clock: Arc<dyn Clock>,
        epochs: Arc<Epochs>,
    ) -> Self {
        Self {
            base,
            book: ArcSwapOption::empty(),
            clock,
            epochs,
            grants: Cache::with_weighter(AT_FIRST, THINGS, Things),
            stores,
            users: Cache::with_weighter(AT_FIRST, USERS, UnitWeighter),
        }
    }

    /// Makes the epochs for a store and has them told of its changes.
    pub fn epochs_of(hub: &ChangeHub) -> Arc<Epochs> {
        let epochs = Arc::new(Epochs::default());
        hub.listen(Arc::clone(&epochs) as _);
        epochs
    }

    /// Returns all roles as they stand.
    pub(crate) async fn book(&self) -> Result<Arc<Book>, Error> {
        let now = self.epochs.roles();
        if let Some(book) = &*self.book.load()
            && book.at == now
        {
            return Ok(Arc::clone(book));
        }
        let book = self.stores.roles.book().await?;
        let own = book.roles.iter().map(|record| record.role.clone());
        let roles = RoleSet::lenient(self.base.iter().cloned().chain(own));
        let book = Arc::new(Book {
            at: now,
            lesser: lesser(&roles),
            roles,
            stored: Arc::new(book),
        });
        self.book.store(Some(Arc::clone(&book)));
        Ok(book)
    }

    /// Returns what a user may do.
    pub(crate) async fn user_access(&self, user: &User) -> Result<Arc<UserAccess>, Error> {
        // Before what hangs on it: see `Epochs`.
        let now = self.epochs.count();
        match self.known_access(user, now) {
            Some(known) => Ok(known),
            None => self.read_user_access(user, now).await,
        }
    }

    /// Returns what a user may do if it is remembered.
    pub(crate) fn remembered(&self, user: &User) -> Option<Arc<UserAccess>> {
        self.known_access(user, self.epochs.count())
    }

    fn known_access(&self, user: &User, now: u64) -> Option<Arc<UserAccess>> {
        let known = self.users.get(&user.id)?;
        if known.asserted != user.roles {
            return None;
        }
        if known.checked.load(Ordering::Acquire) == now {
            return Some(known);
        }
        let is_same = known.at == self.at(&user.id, &known.subjects);
        is_same.then(|| {
            known.checked.store(now, Ordering::Release);
            known
        })
    }

    /// Counts everything that what a user may do hangs on.
    fn at(&self, user: &UserId, subjects: &[AclSubject]) -> u64 {
        let grants = subjects.iter().map(|subject| self.epochs.grants(subject));
        self.epochs.roles() + self.epochs.user(user) + grants.sum::<u64>()
    }

    #[cold]
    async fn read_user_access(&self, user: &User, now: u64) -> Result<Arc<UserAccess>, Error> {
        let at = self.epochs.roles() + self.epochs.user(&user.id);
        let book = self.book().await?;
        let assigned = self.stores.assignments.roles_of(&user.id).await?;
        let groups = self.stores.groups.groups_of(&user.id).await?;
        let roles = book.roles_of(assigned, &user.roles);
        let subjects = book.subjects(&user.id, &roles, &groups);
        let at_grants: u64 = subjects.iter().map(|it| self.epochs.grants(it)).sum();
        let mut grants = Vec::new();
        for subject in &subjects {
            let set = self.grants_of(subject).await?;
            if !set.is_empty() {
                grants.push(set);
            }
        }
        let access = Arc::new(UserAccess {
            asserted: user.roles.clone(),
            at: at + at_grants,
            checked: AtomicU64::new(now),
            grants: grants.into(),
            mark: RolesMark::of(&roles),
            permissions: Arc::new(PermissionSet::compile(book.roles.resolve(&roles))),
            roles,
            subjects,
        });
        self.users.insert(user.id.clone(), Arc::clone(&access));
        Ok(access)
    }

    /// Returns the grants of one subject.
    pub(crate) async fn grants_of(&self, subject: &AclSubject) -> Result<Arc<GrantSet>, Error> {
        let now = self.epochs.grants(subject);
        if let Some((then, set)) = self.grants.get(subject)
            && then == now
        {
            return Ok(set);
        }
        let grants = self
            .stores
            .grants
            .all_of_subject(subject, MOST_GRANTS)
            .await?
            .ok_or_else(|| {
                let message = format!("`{subject}` has more than {MOST_GRANTS} grants");
                Error::new(ee_core::ErrorKind::Internal, message)
            })?;
        let set = Arc::new(GrantSet::compile(subject.clone(), grants));
        self.grants.insert(subject.clone(), (now, Arc::clone(&set)));
        Ok(set)
    }
}

impl fmt::Debug for StoreAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreAccess").finish_non_exhaustive()
    }
}

/// Returns the roles that do not permit everything.
fn lesser(roles: &RoleSet) -> Arc<[RoleCard]> {
    let is_lesser = |role: &&Role| {
        let permitted = roles.resolve(std::slice::from_ref(&role.id));
        !PermissionSet::compile(permitted).has_full_wildcard()
    };
    let lesser = roles.iter().filter(is_lesser).map(|role| RoleCard {
        id: role.id.clone(),
        name: role.name.clone(),
    });
    lesser.collect()
}

impl Book {
    /// Puts assigned roles, asserted ones that exist here and what asserted ones stand for together, each once.
    fn roles_of(&self, assigned: Vec<RoleId>, asserted: &[RoleId]) -> Vec<RoleId> {
        let stand_for = asserted
            .iter()
            .filter_map(|role| self.stored.mapping.get(role))
            .flatten();
        let known = asserted
            .iter()
            .filter(|role| self.roles.find(role).is_some());
        let all: BTreeSet<RoleId> = known.chain(stand_for).cloned().chain(assigned).collect();
        all.into_iter().collect()
    }

    fn subjects(&self, user: &UserId, roles: &[RoleId], groups: &[GroupId]) -> Vec<AclSubject> {
        let mut subjects = vec![AclSubject::User(user.clone())];
        subjects.extend(groups.iter().cloned().map(AclSubject::Group));
        let with_inherited = self.roles.with_inherited(roles);
        subjects.extend(with_inherited.into_iter().map(AclSubject::Role));
        subjects
    }
}
