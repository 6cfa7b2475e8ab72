//! The steps that Cargo does: format, lints, build and every kind of test.
//!
//! All of them select the whole workspace with all features, so that Cargo
//! builds each dependency once and a later step finds it.

use std::process::{Command, ExitCode};

use crate::{
    process::{self, Failure, command, run},
    step::Outcome,
    workspace::{self, Workspace},
};

/// The member with the browser tests.
const E2E: &str = "e2e";

/// The member with the tests of whole servers as processes.
pub(crate) const PROCESSES: &str = "processes";

/// The members whose tests need the built binary and are steps of their own.
const APART: &[&str] = &[E2E, PROCESSES];

/// The test that compares `docs/openapi.json` with the route table holds this
/// in its name. With `UPDATE_OPENAPI=1` it writes the file instead.
const OPENAPI_TEST: &str = "openapi_document";

/// What has features that others choose from.
const PUBLISHED: &[&str] = &["ee", "ee-auth-password", "ee-cli", "ee-store-libsql"];

const EVERYTHING: &[&str] = &["--workspace", "--all-features"];

/// Compares every file with what rustfmt makes of it.
pub(crate) fn fmt() -> Result<Outcome, Failure> {
    run(&mut command("cargo", &["fmt", "--all", "--", "--check"]))?;
    Ok(Outcome::Passed)
}

/// Lints every target, with no warning let through.
pub(crate) fn clippy() -> Result<Outcome, Failure> {
    let mut clippy = command("cargo", &["clippy", "--all-targets"]);
    run(clippy.args(EVERYTHING).args(["--", "-D", "warnings"]))?;
    Ok(Outcome::Passed)
}

/// Checks that each feature, and each two of them, can be built.
pub(crate) fn features() -> Result<Outcome, Failure> {
    let workspace = Workspace::load()?;
    let tools = workspace.target_directory.join("tools");
    let hack = tools.join("bin/cargo-hack");
    if !hack.is_file() {
        let mut install = command("cargo", &["install", "cargo-hack", "--locked", "--root"]);
        run(install.arg(&tools))?;
    }
    let mut check = Command::new(hack);
    check.args(["hack", "--feature-powerset", "--depth", "2", "check"]);
    for package in PUBLISHED {
        check.args(["--package", package]);
    }
    run(check.current_dir(workspace::root()))?;
    Ok(Outcome::Passed)
}

/// Builds the product and all tests.
pub(crate) fn build() -> Result<Outcome, Failure> {
    let mut build = command("cargo", &["build", "--bin", "mastra-ee", "--tests"]);
    run(build.args(EVERYTHING))?;
    Ok(Outcome::Passed)
}

/// Runs all tests but those that need the built binary.
pub(crate) fn suite() -> Result<Outcome, Failure> {
    let workspace = Workspace::load()?;
    // Neither program takes the name of a member that does not exist.
    let apart = APART.iter().filter(|name| workspace.has_member(name));
    run(&mut if has_nextest() {
        let mut suite = nextest();
        let others: Vec<String> = apart.map(|name| format!("not package({name})")).collect();
        if !others.is_empty() {
            suite.args(["-E", &others.join(" and ")]);
        }
        suite
    } else {
        let mut suite = cargo_test();
        for name in apart {
            suite.args(["--exclude", name]);
        }
        suite
    })?;
    Ok(Outcome::Passed)
}

/// Runs the examples in the documentation.
pub(crate) fn doc() -> Result<Outcome, Failure> {
    run(command("cargo", &["test", "--doc"]).args(EVERYTHING))?;
    Ok(Outcome::Passed)
}

/// Compares the committed OpenAPI document with the route table.
pub(crate) fn openapi_check() -> Result<Outcome, Failure> {
    run(&mut openapi_test()?)?;
    Ok(Outcome::Passed)
}

/// Writes the OpenAPI document anew.
pub(crate) fn openapi_update() -> Result<Outcome, Failure> {
    run(openapi_test()?.env("UPDATE_OPENAPI", "1"))?;
    Ok(Outcome::Passed)
}

/// Runs the tests in a real browser against the built product, which leave screenshots in `MASTRA_EE_SCREENS`.
pub(crate) fn e2e() -> Result<Outcome, Failure> {
    let screens = Workspace::load()?.target_directory.join("screens");
    run(against_binary(E2E)?.env("MASTRA_EE_SCREENS", screens))?;
    Ok(Outcome::Passed)
}

/// Runs the tests that kill servers and databases.
pub(crate) fn processes() -> Result<Outcome, Failure> {
    run(&mut against_binary(PROCESSES)?)?;
    Ok(Outcome::Passed)
}

/// Builds the product and returns the command for the tests of a member, one after the other. They find the binary at
/// `MASTRA_EE_BIN`.
fn against_binary(member: &str) -> Result<Command, Failure> {
    let workspace = Workspace::load()?;
    if !workspace.has_member(member) {
        return Err(Failure::new(format!("there is no member `{member}`")));
    }
    build()?;
    let mut tests = if has_nextest() {
        let mut tests = nextest();
        tests.args(["--profile", member, "-E", &format!("package({member})")]);
        tests
    } else {
        let args = ["test", "--all-features", "--package", member];
        let mut tests = command("cargo", &args);
        tests.args(["--", "--test-threads", "1", "--show-output"]);
        tests
    };
    tests.env("MASTRA_EE_BIN", workspace.binary());
    Ok(tests)
}

/// Returns the command for the tests of a member whose names hold a text, one after the other and for hours if need be.
pub(crate) fn long_tests(member: &str, filter: &str) -> Result<Command, Failure> {
    let workspace = Workspace::load()?;
    if !workspace.has_member(member) {
        return Err(Failure::new(format!("there is no member `{member}`")));
    }
    let mut tests = if has_nextest() {
        let mut tests = nextest();
        let chosen = format!("package({member}) and test({filter})");
        tests.args(["--profile", "nightly", "-E", &chosen]);
        tests
    } else {
        let args = ["test", "--tests", "--all-features", "--package", member];
        let mut tests = command("cargo", &args);
        tests.args([filter, "--", "--test-threads", "1", "--show-output"]);
        tests
    };
    tests.env("MASTRA_EE_BIN", workspace.binary());
    Ok(tests)
}

/// Returns the same for optimised tests of an optimised product, which is built first: what takes minutes so takes hours
/// otherwise.
pub(crate) fn long_fast_tests(member: &str, filter: &str) -> Result<Command, Failure> {
    let mut build = command("cargo", &["build", "--release", "--bin", "mastra-ee"]);
    run(build.args(EVERYTHING))?;
    let mut tests = if has_nextest() {
        let mut tests = command("cargo", &["nextest", "run", "--release", "--all-features"]);
        let chosen = format!("test({filter})");
        tests.args(["--package", member, "--profile", "nightly", "-E", &chosen]);
        tests
    } else {
        let args = [
            "test",
            "--release",
            "--tests",
            "--all-features",
            "--package",
        ];
        let mut tests = command("cargo", &args);
        tests.args([member, filter, "--", "--test-threads", "1", "--show-output"]);
        tests
    };
    tests.env("MASTRA_EE_BIN", Workspace::load()?.fast_binary());
    Ok(tests)
}

/// Tells whether there are benches, and so a command for them.
pub(crate) fn has_benches() -> bool {
    Workspace::load().is_ok_and(|workspace| workspace.has_member("benches"))
}

/// Runs the benches with the arguments given.
pub(crate) fn bench(args: &[&str]) -> Result<ExitCode, Failure> {
    let mut bench = command("cargo", &["run", "--release", "--package", "benches", "--"]);
    run(bench.args(args))?;
    Ok(ExitCode::SUCCESS)
}

fn openapi_test() -> Result<Command, Failure> {
    if has_nextest() {
        let mut test = nextest();
        test.args(["-E", &format!("test({OPENAPI_TEST})")]);
        return Ok(test);
    }
    // Where no test matches, nextest fails by itself but `cargo test` does not.
    let mut list = cargo_test();
    let listed = process::output(list.args([OPENAPI_TEST, "--", "--list"]))?;
    if !listed.contains(OPENAPI_TEST) {
        return Err(Failure::new(format!(
            "there is no test with `{OPENAPI_TEST}` in its name"
        )));
    }
    let mut test = cargo_test();
    test.arg(OPENAPI_TEST);
    Ok(test)
}

/// Without `--tests` (or more) `cargo test` would run the examples in the
/// documentation too, which are a step of their own.
fn cargo_test() -> Command {
    let mut test = command("cargo", &["test", "--tests", "--no-fail-fast"]);
    test.args(EVERYTHING);
    test
}

fn nextest() -> Command {
    let mut nextest = command("cargo", &["nextest", "run"]);
    nextest.args(EVERYTHING);
    nextest
}

fn has_nextest() -> bool {
    process::answers("cargo-nextest", "--version")
}
