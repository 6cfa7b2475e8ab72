//! The table of allowed dependencies between members.

/// The crate of conformance suites and test doubles.
pub(super) const TESTKIT: &str = "ee-testkit";

/// What members in one place may depend on.
#[derive(Debug)]
pub(super) struct Rule {
    /// The directory below the root; a closing `*` stands for one more part.
    pub(super) dir: &'static str,
    /// Members that it may depend on; a closing `*` stands for the rest.
    pub(super) may: &'static [&'static str],
    /// Outside crates that it never depends on directly, but for tests.
    pub(super) never: &'static [&'static str],
    /// What its tests may use beside that.
    pub(super) dev: DevDependencies,
}

/// Which members a member's tests may use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum DevDependencies {
    /// Every member: this is where plugins meet.
    Any,
    /// The testkit alone.
    Testkit,
}

const EVERY_LIBRARY: &[&str] = &[
    "ee-access",
    "ee-adapter-*",
    "ee-agent-host",
    "ee-audit",
    "ee-auth-*",
    "ee-core",
    "ee-defaults",
    "ee-oauth",
    "ee-parquet",
    "ee-server",
    "ee-sql",
    "ee-store-*",
    "ee-studio",
];

/// The first rule whose directory matches decides.
pub(super) const RULES: &[Rule] = &[
    Rule {
        never: &["axum", "hyper", "hyper-util", "reqwest", "tokio"],
        ..library("crates/ee-core", &[])
    },
    library("crates/agent-host", &["ee-core"]),
    library("crates/ee-access", &["ee-core"]),
    library("crates/ee-audit", &["ee-core"]),
    library("crates/ee-defaults", &["ee-core"]),
    library("crates/ee-oauth", &["ee-core"]),
    library("crates/ee-parquet", &["ee-core"]),
    Rule {
        never: &["axum", "hyper", "hyper-util"],
        ..library("crates/ee-server", &["ee-audit", "ee-core"])
    },
    library(
        "crates/ee-studio",
        &["ee-core", "ee-server", "ee-adapter-axum"],
    ),
    library("crates/ee-sql", &["ee-core"]),
    library("crates/ee-testkit", &["ee-core"]),
    library("auth-providers/*", &["ee-core", "ee-oauth"]),
    library("stores/*", &["ee-core", "ee-sql"]),
    library("server-adapters/axum", &["ee-core", "ee-server"]),
    library(
        "server-adapters/gateway",
        &["ee-core", "ee-server", "ee-adapter-axum"],
    ),
    library("crates/ee", EVERY_LIBRARY),
    meeting_place("crates/ee-cli", &["ee"]),
    meeting_place("examples", &["ee"]),
    meeting_place("examples/*", &["ee"]),
    meeting_place("benches", &["ee"]),
    meeting_place("tests/*", &["ee", TESTKIT]),
    library("xtask", &[]),
];

const fn library(dir: &'static str, may: &'static [&'static str]) -> Rule {
    Rule {
        dir,
        may,
        never: &[],
        dev: DevDependencies::Testkit,
    }
}

const fn meeting_place(dir: &'static str, may: &'static [&'static str]) -> Rule {
    Rule {
        dir,
        may,
        never: &[],
        dev: DevDependencies::Any,
    }
}
