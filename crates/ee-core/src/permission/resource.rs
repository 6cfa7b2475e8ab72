//! The vocabulary: every resource and action this product knows.

use std::{fmt, sync::LazyLock};

use super::pair::Pair;

/// What a grant with `*` or `stored` in place of the resource does to a resource.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mark {
    /// `*` covers it.
    Ordinary,
    /// `*` does not cover it.
    Sensitive,
    /// `*` and `stored` cover it.
    Stored,
}

/// Writes one row of permission texts: a resource with each action, and with `*`.
macro_rules! row {
    ($resource:literal, [$($action:ident $name:literal,)*]) => {
        [$(concat!($resource, ":", $name),)* concat!($resource, ":*")]
    };
}

macro_rules! actions {
    ([$($action:ident $name:literal,)*]) => {
        /// An action of the vocabulary, such as `read`.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum Action {
            $(#[doc = concat!("`", $name, "`")] $action,)*
        }

        impl Action {
            /// Lists every action, sorted by name.
            pub const ALL: &'static [Self] = &[$(Self::$action,)*];

            /// Returns the name, as written in a permission.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$action => $name,)* }
            }

            /// Finds the action with exactly this name.
            pub fn find(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$action),)* _ => None }
            }
        }
    };
}

macro_rules! vocabulary {
    (actions $actions:tt resources [$($resource:ident $name:literal $mark:ident,)*]) => {
        actions!($actions);

        /// A resource of the vocabulary, such as `agents`.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum Resource {
            $(#[doc = concat!("`", $name, "`")] $resource,)*
        }

        impl Resource {
            /// Lists every resource, sorted by name.
            pub const ALL: &'static [Self] = &[$(Self::$resource,)*];

            /// Returns the name, as written in a permission.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$resource => $name,)* }
            }

            /// Finds the resource with exactly this name.
            pub fn find(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$resource),)* _ => None }
            }

            const fn mark(self) -> Mark {
                match self { $(Self::$resource => Mark::$mark,)* }
            }
        }

        /// `resource:action` by resource and action, then `resource:*`.
        static NAMED: [[&str; Action::ALL.len() + 1]; Resource::ALL.len()] = [
            $(row!($name, $actions),)*
        ];
        /// The same for every resource at once.
        static ANY: [&str; Action::ALL.len() + 1] = row!("*", $actions);
        /// The same for the `stored-…` resources at once.
        static STORED: [&str; Action::ALL.len() + 1] = row!("stored", $actions);
    };
}

// The sensitive ones are of this product; the others are those of the wire (`GET
// /api/auth/permission-patterns` lists them). `export` exists for `audit:export`.
vocabulary! {
    actions [
        Create "create",
        Delete "delete",
        Execute "execute",
        Export "export",
        Publish "publish",
        Read "read",
        Share "share",
        Write "write",
    ]
    resources [
        A2a "a2a" Ordinary,
        Access "access" Sensitive,
        AgentBuilder "agent-builder" Ordinary,
        AgentController "agent-controller" Ordinary,
        Agents "agents" Ordinary,
        Audit "audit" Sensitive,
        Auth "auth" Ordinary,
        BackgroundTasks "background-tasks" Ordinary,
        Channels "channels" Ordinary,
        Datasets "datasets" Ordinary,
        Embedders "embedders" Ordinary,
        Experiments "experiments" Ordinary,
        Infrastructure "infrastructure" Ordinary,
        License "license" Sensitive,
        Logs "logs" Ordinary,
        Mcp "mcp" Ordinary,
        Memory "memory" Ordinary,
        Observability "observability" Ordinary,
        ProcessorProviders "processor-providers" Ordinary,
        Processors "processors" Ordinary,
        Schedules "schedules" Ordinary,
        Scores "scores" Ordinary,
        StoredAgents "stored-agents" Stored,
        StoredMcpClients "stored-mcp-clients" Stored,
        StoredPromptBlocks "stored-prompt-blocks" Stored,
        StoredScorers "stored-scorers" Stored,
        StoredSkills "stored-skills" Stored,
        StoredWorkflows "stored-workflows" Stored,
        StoredWorkspaces "stored-workspaces" Stored,
        System "system" Ordinary,
        ToolProviders "tool-providers" Ordinary,
        Tools "tools" Ordinary,
        Vector "vector" Ordinary,
        Vectors "vectors" Ordinary,
        Workflows "workflows" Ordinary,
        Workspaces "workspaces" Ordinary,
    ]
}

impl Action {
    /// Returns `*:action`.
    #[expect(
        clippy::indexing_slicing,
        reason = "the row has a place for every action"
    )]
    pub(super) const fn on_any(self) -> &'static str {
        ANY[self as usize]
    }
}

impl Resource {
    /// Tells whether a grant must name the resource, because `*` in its place does not reach it.
    ///
    /// Whoever may read audit records, hand out access or see the licence is chosen on purpose.
    pub const fn is_sensitive(self) -> bool {
        matches!(self.mark(), Mark::Sensitive)
    }

    /// Tells whether a grant on `stored` covers the resource.
    pub const fn is_stored(self) -> bool {
        matches!(self.mark(), Mark::Stored)
    }

    /// Returns `resource:action`.
    #[expect(
        clippy::indexing_slicing,
        reason = "the table has a place for every pair"
    )]
    pub(super) const fn with_action(self, action: Action) -> &'static str {
        NAMED[self as usize][action as usize]
    }

    /// Returns `resource:*`.
    #[expect(
        clippy::indexing_slicing,
        reason = "the last column follows the actions"
    )]
    pub(super) const fn with_any(self) -> &'static str {
        NAMED[self as usize][Action::ALL.len()]
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Lists every grant that the vocabulary can express without an id, sorted.
///
/// The answer of `GET /api/auth/permission-patterns`. A superset of what the original server
/// lists; grants on names of other programs are valid although they are not listed.
pub fn permission_patterns() -> &'static [&'static str] {
    static PATTERNS: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let rows = NAMED.iter().chain([&ANY, &STORED]);
        let mut patterns: Vec<&str> = rows.flatten().copied().chain(["*"]).collect();
        patterns.sort_unstable();
        patterns
    });
    &PATTERNS
}

/// Lists every known pair.
pub(super) fn pairs() -> impl Iterator<Item = Pair> {
    let of = |&resource| {
        Action::ALL
            .iter()
            .map(move |&action| Pair { resource, action })
    };
    Resource::ALL.iter().flat_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_find_their_own() {
        assert!(Resource::ALL.is_sorted_by(|a, b| a.as_str() < b.as_str()));
        assert!(Action::ALL.is_sorted_by(|a, b| a.as_str() < b.as_str()));
        assert!(
            Resource::ALL
                .iter()
                .all(|&r| Resource::find(r.as_str()) == Some(r))
        );
        assert!(
            Action::ALL
                .iter()
                .all(|&a| Action::find(a.as_str()) == Some(a))
        );
        assert_eq!(Resource::find("Agents"), None);
        assert_eq!(Action::find("*"), None);
    }

    #[test]
    fn the_marks_are_as_designed() {
        let named = |test: fn(Resource) -> bool| {
            let chosen = Resource::ALL
                .iter()
                .filter(move |&&resource| test(resource));
            chosen.map(|resource| resource.as_str()).collect::<Vec<_>>()
        };

        assert_eq!(
            named(Resource::is_sensitive),
            ["access", "audit", "license"]
        );
        assert_eq!(named(Resource::is_stored).len(), 7);
        assert!(
            named(Resource::is_stored)
                .iter()
                .all(|name| name.starts_with("stored-"))
        );
        assert_eq!(Resource::ALL.len(), 36);
    }

    #[test]
    fn patterns_are_sorted_and_distinct() {
        let patterns = permission_patterns();

        assert!(patterns.is_sorted_by(|a, b| a < b));
        assert_eq!(patterns.len(), (36 + 2) * (8 + 1) + 1);
    }
}
