//! The step `spec`: every acceptance criterion has a row, and every test that
//! a row names exists.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::{
    process::{self, Failure},
    step::Outcome,
    workspace,
};

const TABLE: &str = "docs/src/specification.md";

/// How many acceptance criteria each phase has, beginning with phase 1.
const CRITERIA: [usize; 6] = [6, 5, 7, 6, 6, 4];

/// Directories that hold no sources of ours.
const NOT_OURS: &[&str] = &["target", "node_modules", "mastra-ee-data"];

/// One row of the table.
#[derive(Debug, Eq, PartialEq)]
struct Row {
    number: String,
    status: String,
    tests: Vec<String>,
}

/// Checks the table against the source tree.
pub(crate) fn run() -> Result<Outcome, Failure> {
    let text = process::read(&workspace::root().join(TABLE))?;
    let mut functions = BTreeMap::new();
    collect_functions(workspace::root(), workspace::root(), &mut functions)?;

    let rows = rows(&text);
    let problems = check(&rows, &functions);
    if problems.is_empty() {
        let met = rows.iter().filter(|row| row.status == "met").count();
        println!("{met} of {} criteria are met, each by a test", rows.len());
        return Ok(Outcome::Passed);
    }
    for problem in &problems {
        println!("{TABLE}: {problem}");
    }
    Err(Failure::new(format!("{} problems", problems.len())))
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
fn check(rows: &[Row], functions: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
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
            if !exists(test, functions) {
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

/// A test is named as `function` or as `path/of/file.rs::function`.
fn exists(test: &str, functions: &BTreeMap<String, BTreeSet<String>>) -> bool {
    match test.rsplit_once("::") {
        Some((file, name)) => functions
            .get(file)
            .is_some_and(|names| names.contains(name)),
        None => functions.values().any(|names| names.contains(test)),
    }
}

/// Collects the names of all functions below `dir`, by file.
fn collect_functions(
    root: &Path,
    dir: &Path,
    functions: &mut BTreeMap<String, BTreeSet<String>>,
) -> Result<(), Failure> {
    let unreadable = |err| {
        Failure::new(format!(
            "could not read the directory `{}`: {err}",
            dir.display()
        ))
    };
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() {
            if !name.starts_with('.') && !NOT_OURS.contains(&name.as_ref()) {
                collect_functions(root, &entry.path(), functions)?;
            }
        } else if kind.is_file() && name.ends_with(".rs") {
            let path = entry.path();
            let text = process::read(&path)?;
            let file = path.strip_prefix(root).unwrap_or(&path);
            let file = file.to_string_lossy().replace('\\', "/");
            functions.insert(file, function_names(&text));
        }
    }
    Ok(())
}

fn function_names(source: &str) -> BTreeSet<String> {
    source
        .lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with("//"))
        .filter_map(|line| {
            let before_and_after = line.strip_prefix("fn ").or_else(|| {
                let (before, after) = line.split_once(" fn ")?;
                let is_qualifier = |word| {
                    matches!(
                        word,
                        "async" | "const" | "pub" | "pub(crate)" | "pub(super)"
                    )
                };
                before.split(' ').all(is_qualifier).then_some(after)
            })?;
            let end = before_and_after.find(|c: char| c != '_' && !c.is_alphanumeric())?;
            before_and_after.get(..end).map(str::to_owned)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions() -> BTreeMap<String, BTreeSet<String>> {
        let source = "\
            #[tokio::test]\n    async fn p1_1_a_key_enables(x: u8) {}\n\
            // fn commented_out() {}\n\
            let s = \"an fn in_text() here\";\n\
            pub(crate) fn generic<T>() {}\n";
        BTreeMap::from([("crates/a/src/b.rs".to_owned(), function_names(source))])
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
    fn only_real_functions_are_collected() {
        let functions = functions();
        let names: Vec<_> = functions["crates/a/src/b.rs"].iter().collect();

        assert_eq!(names, ["generic", "p1_1_a_key_enables"]);
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
}
