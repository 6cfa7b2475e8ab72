//! All roles that exist, and what they inherit from each other.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;

use super::{Role, RoleId};
use crate::{Error, ErrorKind, PermissionPattern, permission::distinct};

/// All roles that exist.
///
/// ```
/// use ee_core::{Action, PermissionPattern, Role, RoleId, RoleSet};
///
/// let (viewer, editor) = (RoleId::new("viewer")?, RoleId::new("editor")?);
/// let roles = RoleSet::new([
///     Role::new(viewer.clone(), "Viewer", [PermissionPattern::any_resource(Action::Read)]),
///     Role::new(editor.clone(), "Editor", ["agents:write".parse()?]).inherits([viewer]),
/// ])?;
///
/// let grants = roles.resolve(&[editor]);
/// assert_eq!(grants, ["agents:write".parse()?, "*:read".parse()?]);
/// # Ok::<(), ee_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RoleSet {
    roles: Vec<Role>,
    /// INVARIANT: the places in `roles`, by id.
    places: HashMap<RoleId, usize, RandomState>,
}

impl RoleSet {
    /// Collects the roles of a configuration.
    ///
    /// Fails with [`ErrorKind::Invalid`] if two roles have one id, if a role inherits from one
    /// that does not exist, or if roles inherit from each other in a circle.
    pub fn new(roles: impl IntoIterator<Item = Role>) -> Result<Self, Error> {
        let mut set = Self::default();
        for role in roles {
            if let Some(twice) = set.add(role) {
                return Err(invalid(format!("two roles have the id `{}`", twice.id)));
            }
        }
        for role in &set.roles {
            if let Some(unknown) = role.inherits.iter().find(|id| set.find(id).is_none()) {
                let message = format!("role `{}` inherits from unknown role `{unknown}`", role.id);
                return Err(invalid(message));
            }
        }
        match set.circle() {
            Some(circle) => Err(invalid(format!("roles inherit in a circle: {circle}"))),
            None => Ok(set),
        }
    }

    /// Collects the roles of a directory that is not ours to correct.
    ///
    /// Of roles with one id the first counts; unknown roles and circles add nothing.
    pub fn lenient(roles: impl IntoIterator<Item = Role>) -> Self {
        let mut set = Self::default();
        for role in roles {
            set.add(role);
        }
        set
    }

    /// Finds a role.
    pub fn find(&self, id: &RoleId) -> Option<&Role> {
        self.roles.get(*self.places.get(id)?)
    }

    /// Goes through the roles in the order given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Role> {
        self.roles.iter()
    }

    /// Collects what the roles permit: each role's own grants, then those it inherits, depth
    /// first and without repetition. An unknown role permits nothing.
    pub fn resolve(&self, roles: &[RoleId]) -> Vec<PermissionPattern> {
        let mut seen = vec![false; self.roles.len()];
        // A stack of our own: roles of a directory may be nested deeper than the thread's.
        let mut next: Vec<&RoleId> = roles.iter().rev().collect();
        let mut grants = Vec::new();
        while let Some(id) = next.pop() {
            let Some(&place) = self.places.get(id) else {
                continue;
            };
            let (Some(role), Some(seen)) = (self.roles.get(place), seen.get_mut(place)) else {
                continue;
            };
            if !std::mem::replace(seen, true) {
                grants.extend(role.permissions.iter().cloned());
                next.extend(role.inherits.iter().rev());
            }
        }
        distinct(grants)
    }

    /// Collects the roles and all that they inherit from, once each and by id; unknown ones stay in.
    pub fn with_inherited(&self, roles: &[RoleId]) -> BTreeSet<RoleId> {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&RoleId> = roles.iter().collect();
        while let Some(id) = next.pop() {
            if seen.insert(id.clone()) {
                next.extend(self.find(id).iter().flat_map(|role| &role.inherits));
            }
        }
        seen
    }

    /// Adds a role, or hands it back if its id is taken.
    fn add(&mut self, role: Role) -> Option<Role> {
        if self.places.contains_key(&role.id) {
            return Some(role);
        }
        self.places.insert(role.id.clone(), self.roles.len());
        self.roles.push(role);
        None
    }

    /// Finds roles that inherit from each other and writes their path.
    fn circle(&self) -> Option<String> {
        // The roles met so far: `false` while on the path, `true` when done with.
        let mut done: HashMap<&RoleId, bool, RandomState> = HashMap::default();
        for start in &self.roles {
            if done.contains_key(&start.id) {
                continue;
            }
            done.insert(&start.id, false);
            // Each role on the path with the parents that are still to be visited.
            let mut path = vec![(&start.id, start.inherits.iter())];
            while let Some((id, parents)) = path.last_mut() {
                let Some(parent) = parents.next() else {
                    done.insert(id, true);
                    path.pop();
                    continue;
                };
                match done.get(parent) {
                    Some(true) => {}
                    Some(false) => {
                        let ids = path.iter().map(|(id, _)| *id);
                        let circle = ids.skip_while(|id| *id != parent).chain([parent]);
                        let quoted: Vec<_> = circle.map(|id| format!("`{id}`")).collect();
                        return Some(quoted.join(" → "));
                    }
                    None => {
                        done.insert(parent, false);
                        path.extend(
                            self.find(parent)
                                .map(|role| (&role.id, role.inherits.iter())),
                        );
                    }
                }
            }
        }
        None
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RoleId {
        text.parse().unwrap()
    }

    /// A role that permits `own:<id>`.
    fn role(name: &str, inherits: &[&str]) -> Role {
        let own = format!("own:{name}").parse().unwrap();
        Role::new(id(name), name, [own]).inherits(inherits.iter().map(|text| id(text)))
    }

    fn refusal(roles: impl IntoIterator<Item = Role>) -> String {
        let error = RoleSet::new(roles).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        error.to_string()
    }

    fn resolved(set: &RoleSet, roles: &[&str]) -> Vec<String> {
        let roles: Vec<_> = roles.iter().map(|text| id(text)).collect();
        set.resolve(&roles)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn strict_sets_refuse_what_cannot_be_meant() {
        let twice = refusal([role("a", &[]), role("a", &[])]);
        let unknown = refusal([role("a", &["b"])]);
        let circle = refusal([role("x", &["a"]), role("a", &["b"]), role("b", &["a"])]);
        let itself = refusal([role("a", &["a"])]);

        assert_eq!(twice, "two roles have the id `a`");
        assert_eq!(unknown, "role `a` inherits from unknown role `b`");
        assert_eq!(circle, "roles inherit in a circle: `a` → `b` → `a`");
        assert_eq!(itself, "roles inherit in a circle: `a` → `a`");
    }

    #[test]
    fn a_role_may_be_inherited_on_two_ways() {
        let set = RoleSet::new([
            role("top", &["left", "right"]),
            role("left", &["base"]),
            role("right", &["base"]),
            role("base", &[]),
        ])
        .unwrap();

        assert_eq!(
            resolved(&set, &["top"]),
            ["own:top", "own:left", "own:base", "own:right"]
        );
        assert_eq!(set.iter().len(), 4);
        assert_eq!(set.find(&id("left")).unwrap().name, "left");
    }

    #[test]
    fn lenient_sets_keep_the_first_of_two_and_skip_the_unknown() {
        let set = RoleSet::lenient([
            role("a", &["missing", "b"]),
            role("a", &[]),
            role("b", &["a"]),
        ]);

        assert_eq!(set.iter().len(), 2);
        assert_eq!(resolved(&set, &["a", "nobody"]), ["own:a", "own:b"]);
    }

    #[test]
    fn deep_inheritance_neither_overflows_nor_takes_long() {
        let names: Vec<_> = (0..20_000).map(|n| n.to_string()).collect();
        let chain = names.windows(2).map(|pair| role(&pair[0], &[&pair[1]]));
        let last = role("19999", &[]);

        let set = RoleSet::new(chain.chain([last])).unwrap();

        assert_eq!(resolved(&set, &["0"]).len(), 20_000);
    }
}
