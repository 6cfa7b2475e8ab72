//! Steps: running them in order, with a line each and a summary at the end.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use crate::{process::Failure, terminal};

/// One named part of `cargo xtask test` or of `cargo xtask nightly`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// The name. One of `test` is also the command that runs it alone.
    pub(crate) name: &'static str,
    /// What it does, in one line for `help`.
    pub(crate) about: &'static str,
    /// What follows when it fails.
    pub(crate) on_failure: OnFailure,
    pub(crate) run: fn() -> Result<Outcome, Failure>,
}

/// What a failed step means for the steps after it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum OnFailure {
    /// They still tell something.
    GoOn,
    /// They would only repeat the same failure.
    Stop,
}

/// How a step that did not fail ended.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Passed,
    /// A part could not run here; says which and why.
    Skipped(String),
}

struct Report {
    name: &'static str,
    elapsed: Duration,
    result: Result<Outcome, Failure>,
}

/// Runs the steps in order and prints the summary.
pub(crate) fn run_all(steps: &[Step]) -> ExitCode {
    let started = Instant::now();
    let mut reports = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        println!(
            "\n{}",
            terminal::bold(&format!(
                "[{}/{}] {}: {}",
                index + 1,
                steps.len(),
                step.name,
                step.about
            ))
        );
        let report = run_one(step);
        let stop = report.result.is_err() && step.on_failure == OnFailure::Stop;
        println!("{}", line(&report));
        reports.push(report);
        if stop {
            break;
        }
    }

    let not_run = steps.get(reports.len()..).unwrap_or_default();
    println!("\n{}", terminal::bold("Summary"));
    for report in &reports {
        let line = line(report);
        println!("  {}", line.lines().next().unwrap_or_default());
    }
    for step in not_run {
        println!("  {} {:<10}", terminal::yellow("not run"), step.name);
    }
    println!(
        "{}",
        closing_line(&reports, not_run.len(), started.elapsed())
    );
    exit_code(&reports)
}

/// Runs one step alone.
pub(crate) fn run_alone(step: &Step) -> ExitCode {
    let report = run_one(step);
    println!("{}", line(&report));
    exit_code(&[report])
}

fn run_one(step: &Step) -> Report {
    let started = Instant::now();
    let result = (step.run)();
    Report {
        name: step.name,
        elapsed: started.elapsed(),
        result,
    }
}

fn exit_code(reports: &[Report]) -> ExitCode {
    if reports.iter().all(|report| report.result.is_ok()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn line(report: &Report) -> String {
    let (word, detail) = match &report.result {
        Ok(Outcome::Passed) => (terminal::green("passed "), String::new()),
        Ok(Outcome::Skipped(what)) => (terminal::yellow("skipped"), format!("  skipped: {what}")),
        Err(failure) => (terminal::red("failed "), format!("  {failure}")),
    };
    format!(
        "{word} {:<10} {:>10}{detail}",
        report.name,
        terminal::seconds(report.elapsed)
    )
}

fn closing_line(reports: &[Report], not_run: usize, elapsed: Duration) -> String {
    let of = |wanted: fn(&Report) -> bool| reports.iter().filter(|&r| wanted(r)).count();
    let failed = of(|r| r.result.is_err());
    let skipped = of(|r| matches!(r.result, Ok(Outcome::Skipped(_))));
    let passed = reports.len() - failed - skipped;
    let verdict = if failed == 0 {
        terminal::green("ok")
    } else {
        terminal::red("FAILED")
    };
    format!(
        "xtask: {verdict}. {passed} steps passed, {failed} failed, {skipped} skipped, \
         {not_run} not run in {}",
        terminal::seconds(elapsed)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(run: fn() -> Result<Outcome, Failure>, on_failure: OnFailure) -> Step {
        Step {
            name: "example",
            about: "an example",
            on_failure,
            run,
        }
    }

    const PASSES: fn() -> Result<Outcome, Failure> = || Ok(Outcome::Passed);
    const SKIPS: fn() -> Result<Outcome, Failure> = || {
        Ok(Outcome::Skipped(
            "client-js (npm is not installed)".to_owned(),
        ))
    };
    const FAILS: fn() -> Result<Outcome, Failure> = || Err(Failure::new("no such thing"));
    const NEVER: fn() -> Result<Outcome, Failure> =
        || panic!("a step ran after the one that stops the run");

    #[test]
    fn one_failed_step_fails_the_run_and_a_skipped_one_does_not() {
        let good = [step(PASSES, OnFailure::GoOn), step(SKIPS, OnFailure::GoOn)];
        let bad = [step(FAILS, OnFailure::GoOn), step(PASSES, OnFailure::GoOn)];

        assert_eq!(run_all(&good), ExitCode::SUCCESS);
        assert_eq!(run_all(&bad), ExitCode::FAILURE);
        assert_eq!(run_alone(&step(FAILS, OnFailure::GoOn)), ExitCode::FAILURE);
    }

    #[test]
    fn nothing_runs_after_a_failure_that_stops() {
        let steps = [step(FAILS, OnFailure::Stop), step(NEVER, OnFailure::GoOn)];

        assert_eq!(run_all(&steps), ExitCode::FAILURE);
    }

    #[test]
    fn what_was_skipped_is_named() {
        let report = run_one(&step(SKIPS, OnFailure::GoOn));

        assert!(line(&report).contains("skipped: client-js (npm is not installed)"));
        assert!(
            closing_line(&[report], 2, Duration::ZERO).contains("0 failed, 1 skipped, 2 not run")
        );
    }
}
