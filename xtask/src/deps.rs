//! The step `deps`: which crate may depend on which.
//!
//! A member is found in the table by its directory, so a new one has to be
//! placed before it builds.

mod table;

use std::collections::BTreeSet;

use crate::{
    process::Failure,
    step::Outcome,
    workspace::{Package, Workspace},
};

use table::{DevDependencies, RULES, Rule, TESTKIT};

/// Checks every member against the table.
pub(crate) fn run() -> Result<Outcome, Failure> {
    let workspace = Workspace::load()?;
    let violations = check(&workspace.packages);
    if violations.is_empty() {
        println!("{} members keep to the table", workspace.packages.len());
        return Ok(Outcome::Passed);
    }
    for violation in &violations {
        println!("{violation}");
    }
    Err(Failure::new(format!(
        "{} forbidden dependencies",
        violations.len()
    )))
}

fn check(packages: &[Package]) -> Vec<String> {
    let members: BTreeSet<&str> = packages.iter().map(|p| p.name.as_str()).collect();
    let mut violations = Vec::new();
    for package in packages {
        match rule_for(&package.dir()) {
            Some(rule) => check_package(package, rule, &members, &mut violations),
            None => violations.push(format!(
                "{} has no place in the table: add `{}` to xtask/src/deps/table.rs",
                package.name,
                package.dir()
            )),
        }
    }
    violations
}

fn check_package(
    package: &Package,
    rule: &Rule,
    members: &BTreeSet<&str>,
    violations: &mut Vec<String>,
) {
    for dependency in &package.dependencies {
        let from = &package.name;
        let to = dependency.name.as_str();
        let is_dev = dependency.kind.as_deref() == Some("dev");

        if !members.contains(to) {
            if !is_dev && rule.never.contains(&to) {
                violations.push(format!(
                    "{from} -> {to} is not allowed (never: {})",
                    rule.never.join(", ")
                ));
            }
            continue;
        }
        if is_dev && to == TESTKIT && dependency.req != "*" {
            violations.push(format!(
                "{from} -> {to} names a version: a dev-dependency on it has a path alone"
            ));
        }
        let allowed = rule.may.iter().any(|pattern| matches(pattern, to))
            || is_dev && (to == TESTKIT || rule.dev == DevDependencies::Any);
        if !allowed {
            violations.push(format!(
                "{from} -> {to} is not allowed (allowed: {})",
                allowed_list(rule, is_dev)
            ));
        }
    }
}

fn rule_for(dir: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| matches(rule.dir, dir))
}

/// A pattern is a whole name, or a beginning followed by `*` that stands for
/// one more part of a path or the rest of a name.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name
            .strip_prefix(beginning)
            .is_some_and(|rest| !rest.is_empty() && !rest.contains('/')),
        None => pattern == name,
    }
}

fn allowed_list(rule: &Rule, is_dev: bool) -> String {
    let mut names = rule.may.to_vec();
    if is_dev {
        names.push(TESTKIT);
    }
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Dependency, root};

    fn package(dir: &str, name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        Package {
            name: name.to_owned(),
            manifest_path: root().join(dir).join("Cargo.toml"),
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency {
                    name: (*name).to_owned(),
                    req: "*".to_owned(),
                    kind: kind.map(str::to_owned),
                })
                .collect(),
        }
    }

    #[test]
    fn the_drawn_arrows_are_allowed() {
        let violations = check(&[
            package("crates/ee-core", "ee-core", &[("serde", None)]),
            package("crates/ee-testkit", "ee-testkit", &[("ee-core", None)]),
            package(
                "stores/pg",
                "ee-store-pg",
                &[("ee-core", None), ("ee-testkit", Some("dev"))],
            ),
            package(
                "crates/ee",
                "ee",
                &[("ee-core", None), ("ee-store-pg", None)],
            ),
            package(
                "crates/ee-cli",
                "ee-cli",
                &[("ee", None), ("ee-store-pg", Some("dev"))],
            ),
        ]);

        assert_eq!(violations, Vec::<String>::new());
    }

    #[test]
    fn a_plugin_that_knows_another_plugin_is_found() {
        let violations = check(&[
            package("auth-providers/simple", "ee-auth-simple", &[]),
            package("stores/pg", "ee-store-pg", &[("ee-auth-simple", None)]),
        ]);

        assert_eq!(
            violations,
            ["ee-store-pg -> ee-auth-simple is not allowed (allowed: ee-core, ee-sql)"]
        );
    }

    #[test]
    fn a_dev_dependency_between_plugins_is_found() {
        let violations = check(&[
            package("auth-providers/simple", "ee-auth-simple", &[]),
            package(
                "stores/pg",
                "ee-store-pg",
                &[("ee-auth-simple", Some("dev"))],
            ),
        ]);

        assert_eq!(
            violations,
            ["ee-store-pg -> ee-auth-simple is not allowed (allowed: ee-core, ee-sql, ee-testkit)"]
        );
    }

    #[test]
    fn a_build_dependency_counts_like_a_normal_one() {
        let violations = check(&[
            package(
                "crates/ee-core",
                "ee-core",
                &[("ee-defaults", Some("build"))],
            ),
            package("crates/ee-defaults", "ee-defaults", &[]),
        ]);

        assert_eq!(
            violations,
            ["ee-core -> ee-defaults is not allowed (allowed: none)"]
        );
    }

    #[test]
    fn the_testkit_is_for_tests_alone_and_has_no_version() {
        let mut store = package("stores/pg", "ee-store-pg", &[("ee-testkit", Some("dev"))]);
        store.dependencies[0].req = "^0.1.0".to_owned();

        let violations = check(&[
            package("crates/ee-testkit", "ee-testkit", &[]),
            package("crates/ee", "ee", &[("ee-testkit", None)]),
            store,
        ]);

        assert_eq!(violations.len(), 2, "{violations:#?}");
        assert!(violations[0].starts_with("ee -> ee-testkit is not allowed"));
        assert!(violations[1].starts_with("ee-store-pg -> ee-testkit names a version"));
    }

    #[test]
    fn core_stays_without_input_and_output() {
        let violations = check(&[package(
            "crates/ee-core",
            "ee-core",
            &[("tokio", None), ("tokio", Some("dev")), ("reqwest", None)],
        )]);

        assert_eq!(violations.len(), 2, "{violations:#?}");
        assert!(violations[0].starts_with("ee-core -> tokio is not allowed (never:"));
        assert!(violations[1].starts_with("ee-core -> reqwest is not allowed (never:"));
    }

    #[test]
    fn a_member_without_a_place_is_found() {
        let violations = check(&[package("crates/surprise", "surprise", &[])]);

        assert_eq!(
            violations,
            [
                "surprise has no place in the table: add `crates/surprise` to xtask/src/deps/table.rs"
            ]
        );
    }

    #[test]
    fn a_star_stands_for_one_part() {
        assert!(matches("stores/*", "stores/pg"));
        assert!(!matches("stores/*", "stores/pg/deep"));
        assert!(!matches("stores/*", "stores/"));
        assert!(matches("ee-auth-*", "ee-auth-simple"));
        assert!(!matches("ee-core", "ee-core-extra"));
    }

    #[test]
    fn this_workspace_keeps_to_the_table() {
        let workspace = Workspace::load().unwrap();

        assert_eq!(check(&workspace.packages), Vec::<String>::new());
    }
}
