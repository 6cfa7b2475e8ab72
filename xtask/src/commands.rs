//! The commands of `cargo xtask`.

use std::process::ExitCode;

use crate::{
    cargo_steps, clients, deps, install, nightly,
    process::Failure,
    spec,
    step::{self, OnFailure, Step},
};

/// The steps of `cargo xtask test`, in order; each is a command too.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "install",
        about: "install the programs that the tests drive (Debian, as root)",
        on_failure: OnFailure::Stop,
        run: install::run,
    },
    Step {
        name: "fmt",
        about: "check the format of every file",
        on_failure: OnFailure::GoOn,
        run: cargo_steps::fmt,
    },
    Step {
        name: "deps",
        about: "check which crate depends on which",
        on_failure: OnFailure::GoOn,
        run: deps::run,
    },
    Step {
        name: "spec",
        about: "check that the tests exist which the specification and the security chapter name",
        on_failure: OnFailure::GoOn,
        run: spec::run,
    },
    Step {
        name: "clippy",
        about: "lint every target",
        on_failure: OnFailure::GoOn,
        run: cargo_steps::clippy,
    },
    Step {
        name: "features",
        about: "check each feature and each two of them",
        on_failure: OnFailure::GoOn,
        run: cargo_steps::features,
    },
    Step {
        name: "build",
        about: "build the product and all tests",
        on_failure: OnFailure::Stop,
        run: cargo_steps::build,
    },
    Step {
        name: "suite",
        about: "run all tests but those that need the built product",
        on_failure: OnFailure::GoOn,
        run: cargo_steps::suite,
    },
    Step {
        name: "doc",
        about: "run the examples in the documentation",
        on_failure: OnFailure::GoOn,
        run: cargo_steps::doc,
    },
    Step {
        name: "openapi",
        about: "compare docs/openapi.json and docs/src/api-routes.md with the route table",
        on_failure: OnFailure::GoOn,
        run: cargo_steps::openapi_check,
    },
    Step {
        name: "clients",
        about: "run the published JavaScript client against the server",
        on_failure: OnFailure::GoOn,
        run: clients::run,
    },
    Step {
        name: "processes",
        about: "kill servers and databases, and see what is lost, told and kept",
        on_failure: OnFailure::GoOn,
        run: cargo_steps::processes,
    },
    Step {
        name: "e2e",
        about: "run the tests in a real browser",
        on_failure: OnFailure::GoOn,
        run: cargo_steps::e2e,
    },
];

/// The commands that are not one step of the whole.
const OTHERS: &[(&str, &str)] = &[
    ("test", "run all steps in order"),
    ("ci", "the same as `test`"),
    (
        "nightly",
        "run the long versions of tests, which takes hours",
    ),
    ("bench", "measure; what follows is passed on"),
    ("help", "print this list"),
];

/// Runs what the arguments ask for.
pub(crate) fn dispatch(args: &[String]) -> Result<ExitCode, Failure> {
    let Some((name, rest)) = args.split_first() else {
        return Ok(print_help());
    };
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let has_benches = cargo_steps::has_benches();
    let step = STEPS.iter().find(|step| step.name == name);

    match (name.as_str(), rest.as_slice(), step) {
        ("help" | "--help" | "-h", [], _) => Ok(print_help()),
        ("test" | "ci", [], _) => Ok(step::run_all(STEPS)),
        ("nightly", [], _) => Ok(step::run_all(nightly::STEPS)),
        ("bench", rest, _) if has_benches => cargo_steps::bench(rest),
        ("openapi", [], Some(step)) => Ok(step::run_alone(&Step {
            run: cargo_steps::openapi_update,
            ..*step
        })),
        ("openapi", ["--check"], Some(step)) | (_, [], Some(step)) => Ok(step::run_alone(step)),
        (name, rest, _) => Err(misuse(name, rest, &names(has_benches))),
    }
}

fn print_help() -> ExitCode {
    println!("cargo xtask COMMAND\n");
    for &(name, about) in OTHERS {
        if name != "bench" || cargo_steps::has_benches() {
            println!("  {name:<10} {about}");
        }
    }
    println!("\nSteps of `test`, in order; each is a command too\n");
    for step in STEPS {
        println!("  {:<10} {}", step.name, step.about);
    }
    println!("\nSteps of `nightly`\n");
    for step in nightly::STEPS {
        println!("  {:<10} {}", step.name, step.about);
    }
    println!("\n`openapi` alone writes docs/openapi.json; `openapi --check` compares.");
    ExitCode::SUCCESS
}

fn names(has_benches: bool) -> Vec<&'static str> {
    OTHERS
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| has_benches || *name != "bench")
        .chain(STEPS.iter().map(|step| step.name))
        .collect()
}

fn misuse(name: &str, rest: &[&str], known: &[&str]) -> Failure {
    if known.contains(&name) {
        return Failure::new(format!("`{name}` takes no argument `{}`", rest.join(" ")));
    }
    let list = known.join(", ");
    let nearest = known
        .iter()
        .map(|known| (distance(name, known), known))
        .min()
        .filter(|(distance, _)| *distance <= (name.len() / 3).max(1));
    Failure::new(match nearest {
        Some((_, nearest)) => {
            format!("there is no command `{name}`; did you mean `{nearest}`? (known: {list})")
        }
        None => format!("there is no command `{name}` (known: {list})"),
    })
}

/// Counts the letters to add, drop or change to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((j, y), pair) in b.iter().enumerate().zip(row.windows(2)) {
            if let (&[diagonal, above], Some(&left)) = (pair, next.get(j)) {
                let changed = diagonal + usize::from(x != *y);
                next.push(changed.min(above + 1).min(left + 1));
            }
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(args: &[&str]) -> String {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        dispatch(&args).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_command_names_the_nearest() {
        assert!(refusal(&["clipy"]).contains("did you mean `clippy`?"));
        assert!(refusal(&["tests"]).contains("did you mean `test`?"));
        assert!(!refusal(&["foo"]).contains("did you mean"));
        assert!(!refusal(&["deploy-to-the-moon"]).contains("did you mean"));
    }

    #[test]
    fn an_argument_that_nobody_reads_is_refused() {
        assert_eq!(
            refusal(&["fmt", "--fix"]),
            "`fmt` takes no argument `--fix`"
        );
        assert_eq!(refusal(&["test", "now"]), "`test` takes no argument `now`");
    }

    #[test]
    fn distance_counts_changes() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("spec", "spec"), 0);
        assert_eq!(distance("deps", "dep"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn every_command_has_one_name() {
        let mut names = names(true);
        let count = names.len();
        names.sort_unstable();
        names.dedup();

        assert_eq!(names.len(), count);
    }
}
