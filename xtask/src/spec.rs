//! The step `spec`: every acceptance criterion has a row, and every test that
//! a row or the chapter on security names exists.

mod functions;

use std::collections::BTreeSet;

use crate::{
    process::{self, Failure},
    step::Outcome,
    workspace,
};

use self::functions::Functions;

const TABLE: &str = "docs/src/specification.md";

/// The chapter that names the tests which show its claims.
const SECURITY: &str = "docs/src/security.md";

/// How many acceptance criteria each phase has, beginning with phase 1.
const CRITERIA: [usize; 6] = [6, 5, 7, 6, 6, 4];

/// One row of the table.
#[derive(Debug, Eq, PartialEq)]
struct Row {
    number: String,
    status: String,
    tests: Vec<String>,
}

/// Checks both documents against the source tree.
pub(crate) fn run() -> Result<Outcome, Failure> {
    let table = process::read(&workspace::root().join(TABLE))?;
    let security = process::read(&workspace::root().join(SECURITY))?;
    let functions = Functions::collect(workspace::root())?;

    let rows = rows(&table);
    let tests = quoted_tests(&security);
    let in_table = check(&rows, &functions).into_iter();
    let in_security = missing(&tests, &functions).into_iter();
    let problems: Vec<String> = in_table
        .map(|problem| format!("{TABLE}: {problem}"))
        .chain(in_security.map(|problem| format!("{SECURITY}: {problem}")))
        .collect();
    if problems.is_empty() {
        let met = rows.iter().filter(|row| row.status == "met").count();
        println!("{met} of {} criteria are met, each by a test", rows.len());
        println!("{} tests show what is said about security", tests.len());
        return Ok(Outcome::Passed);
    }
    for problem in &problems {
        println!("{problem}");
    }
    Err(Failure::new(format!("{} problems", problems.len())))
}

/// Finds the names of tests in a text: a test says something, so its name has three words at least.
fn quoted_tests(text: &str) -> BTreeSet<String> {
    let is_test = |quoted: &String| {
        quoted.matches('_').count() >= 2
            && quoted
                .bytes()
                .all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.lines()
        .flat_map(in_backticks)
        .filter(is_test)
        .collect()
}

fn missing(tests: &BTreeSet<String>, functions: &Functions) -> Vec<String> {
    if tests.is_empty() {
        return vec!["no test is named".to_owned()];
    }
    let gone = tests.iter().filter(|test| !functions.has(test));
    gone.map(|test| format!("`{test}` does not exist"))
        .collect()
}

/// Reads the rows whose first cell is a number such as `P1.2`.
fn rows(text: &str) -> Vec<Row> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix('|')?.strip_suffix('|'))
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [number, _criterion, status, tests] = cells.as_slice() else {
                return None;
            };
            is_number(number).then(|| Row {
                number: (*number).to_owned(),
                status: (*status).to_owned(),
                tests: in_backticks(tests),
            })
        })
        .collect()
}

fn is_number(cell: &str) -> bool {
    cell.strip_prefix('P')
        .and_then(|rest| rest.split_once('.'))
        .is_some_and(|(phase, n)| phase.parse::<u8>().is_ok() && n.parse::<u8>().is_ok())
}

fn in_backticks(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// Returns what is wrong with the rows, given the functions of each file.
fn check(rows: &[Row], functions: &Functions) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for row in rows {
        let number = &row.number;
        if !seen.insert(number.as_str()) {
            problems.push(format!("{number} has two rows"));
        }
        match (row.status.as_str(), row.tests.is_empty()) {
            ("open", true) | ("met" | "partly", false) => {}
            ("open", false) => problems.push(format!("{number} is open but names a test")),
            ("met" | "partly", true) => {
                problems.push(format!("{number} is {} but names no test", row.status));
            }
            (status, _) => problems.push(format!(
                "{number} has the status `{status}` (known: open, partly, met)"
            )),
        }
        for test in &row.tests {
            if !functions.has(test) {
                problems.push(format!("{number} names `{test}`, which does not exist"));
            }
        }
    }

    let expected: BTreeSet<String> = (1..)
        .zip(CRITERIA)
        .flat_map(|(phase, count)| (1..=count).map(move |n| format!("P{phase}.{n}")))
        .collect();
    for number in &expected {
        if !seen.contains(number.as_str()) {
            problems.push(format!("{number} has no row"));
        }
    }
    for number in seen {
        if !expected.contains(number) {
            problems.push(format!("{number} is not a criterion of the specification"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions() -> Functions {
        Functions::of("crates/a/src/b.rs", "#[test]\nfn p1_1_a_key_enables() {}\n")
    }

    fn complete_table() -> Vec<Row> {
        (1..)
            .zip(CRITERIA)
            .flat_map(|(phase, count)| (1..=count).map(move |n| format!("P{phase}.{n}")))
            .map(|number| Row {
                number,
                status: "open".to_owned(),
                tests: Vec::new(),
            })
            .collect()
    }

    fn met_by(test: &str) -> Vec<Row> {
        let mut rows = complete_table();
        rows[0].status = "met".to_owned();
        rows[0].tests = vec![test.to_owned()];
        rows
    }

    #[test]
    fn rows_are_read_and_headings_are_not() {
        let text = "| Number | Criterion | Status | Test |\n| --- | --- | --- | --- |\n\
                    | P1.1 | `x` works | met | `a`, `b/c.rs::d` |\n";

        assert_eq!(
            rows(text),
            [Row {
                number: "P1.1".to_owned(),
                status: "met".to_owned(),
                tests: vec!["a".to_owned(), "b/c.rs::d".to_owned()],
            }]
        );
    }

    #[test]
    fn a_named_test_is_found_with_and_without_its_file() {
        for test in [
            "p1_1_a_key_enables",
            "crates/a/src/b.rs::p1_1_a_key_enables",
        ] {
            assert_eq!(check(&met_by(test), &functions()), Vec::<String>::new());
        }
    }

    #[test]
    fn a_test_that_does_not_exist_is_found() {
        for test in [
            "p1_1_gone",
            "crates/other.rs::p1_1_a_key_enables",
            "commented_out",
        ] {
            let problems = check(&met_by(test), &functions());

            assert_eq!(
                problems,
                [format!("P1.1 names `{test}`, which does not exist")]
            );
        }
    }

    #[test]
    fn a_criterion_cannot_vanish_double_or_be_made_up() {
        let mut rows = complete_table();
        rows[1].number = "P1.1".to_owned();
        rows[2].number = "P9.1".to_owned();

        assert_eq!(
            check(&rows, &functions()),
            [
                "P1.1 has two rows",
                "P1.2 has no row",
                "P1.3 has no row",
                "P9.1 is not a criterion of the specification",
            ]
        );
    }

    #[test]
    fn a_status_must_fit_its_tests() {
        let mut rows = met_by("p1_1_a_key_enables");
        rows[0].status = "open".to_owned();
        rows[1].status = "partly".to_owned();
        rows[2].status = "fine".to_owned();

        assert_eq!(
            check(&rows, &functions()),
            [
                "P1.1 is open but names a test",
                "P1.2 is partly but names no test",
                "P1.3 has the status `fine` (known: open, partly, met)",
            ]
        );
    }

    #[test]
    fn a_quoted_test_that_is_gone_is_found_and_other_words_are_no_tests() {
        let text = "`HttpOnly` `tests/server` `cookie_secrets` `Sec-Fetch-Site: same_origin_x`\n\
                    | A | `p1_1_a_key_enables`, `p1_1_gone` |\n";

        let tests = quoted_tests(text);

        assert_eq!(tests.len(), 2);
        assert_eq!(
            missing(&tests, &functions()),
            ["`p1_1_gone` does not exist"]
        );
        assert_eq!(
            missing(&quoted_tests("no names"), &functions()),
            ["no test is named"]
        );
    }
}
