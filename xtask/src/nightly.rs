//! `cargo xtask nightly`: the long versions of tests that every run has in short.

use crate::{
    cargo_steps,
    process::{Failure, run},
    step::{OnFailure, Outcome, Step},
};

/// The steps, in order.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "build",
        about: "build the product and all tests",
        on_failure: OnFailure::Stop,
        run: cargo_steps::build,
    },
    step(
        "kills",
        "200 kills of one server and of three, on each store",
        kills,
    ),
    step("power", "100 cuts of the power of a server's disk", power),
    step(
        "outages",
        "a database that is away for ten minutes or hangs for two",
        outages,
    ),
    step("sinks", "sinks that hang for a minute", sinks),
    step("writers", "eight writers for two minutes", writers),
    step(
        "flips",
        "every byte of 2,000 events changed in turn, on two stores",
        flips,
    ),
    step(
        "sizes",
        "pruning, reading and copying ten million events, erasing a person in one million",
        sizes,
    ),
    step("histories", "ten thousand histories of grants", histories),
];

const fn step(
    name: &'static str,
    about: &'static str,
    run: fn() -> Result<Outcome, Failure>,
) -> Step {
    Step {
        name,
        about,
        on_failure: OnFailure::GoOn,
        run,
    }
}

fn kills() -> Result<Outcome, Failure> {
    let variables = &[("EE_AUDIT_KILLS", "200"), ("EE_KILLS", "200")];
    processes("kill", variables)
}

fn power() -> Result<Outcome, Failure> {
    processes("power_cut", &[("EE_AUDIT_POWER_CUTS", "100")])
}

fn outages() -> Result<Outcome, Failure> {
    let variables = &[
        ("EE_AUDIT_HANG_SECONDS", "120"),
        ("EE_AUDIT_OUTAGE_SECONDS", "600"),
        ("EE_OUTAGE_SECONDS", "60"),
    ];
    processes("while_postgresql", variables)
}

fn sinks() -> Result<Outcome, Failure> {
    processes("sinks_that_hang", &[("EE_AUDIT_SINK_HANG_SECONDS", "60")])
}

fn writers() -> Result<Outcome, Failure> {
    processes("audit_writers", &[("EE_AUDIT_WRITER_SECONDS", "120")])
}

fn flips() -> Result<Outcome, Failure> {
    processes("every_changed_byte", &[("EE_AUDIT_ALL_FLIPS", "1")])
}

fn sizes() -> Result<Outcome, Failure> {
    let sized = |filter, events| {
        let mut tests = cargo_steps::long_fast_tests(cargo_steps::PROCESSES, filter)?;
        run(tests.env("EE_AUDIT_EVENTS", events))
    };
    sized("at_size::of_a_person", "1000000")?;
    for filter in ["at_size::a_year", "at_size::who_reads", "at_size::a_copy"] {
        sized(filter, "10000000")?;
    }
    Ok(Outcome::Passed)
}

fn histories() -> Result<Outcome, Failure> {
    long(
        "server-tests",
        "access_histories",
        &[("EE_HISTORIES", "10000")],
    )
}

fn processes(filter: &str, variables: &[(&str, &str)]) -> Result<Outcome, Failure> {
    long(cargo_steps::PROCESSES, filter, variables)
}

/// Runs the tests of a member whose names hold a text, for as long as they take.
fn long(member: &str, filter: &str, variables: &[(&str, &str)]) -> Result<Outcome, Failure> {
    let mut tests = cargo_steps::long_tests(member, filter)?;
    run(tests.envs(variables.iter().copied()))?;
    Ok(Outcome::Passed)
}
