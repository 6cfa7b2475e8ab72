//! The functions of the source tree.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::process::{self, Failure};

/// Directories that hold no sources of ours.
const NOT_OURS: &[&str] = &["target", "node_modules", "mastra-ee-data"];

/// The names of functions, by file.
#[derive(Debug, Default)]
pub(super) struct Functions(BTreeMap<String, BTreeSet<String>>);

impl Functions {
    /// Collects the functions of every source file below `root`.
    pub(super) fn collect(root: &Path) -> Result<Self, Failure> {
        let mut functions = Self::default();
        collect_functions(root, root, &mut functions)?;
        Ok(functions)
    }

    /// The functions of one file.
    #[cfg(test)]
    pub(super) fn of(file: &str, source: &str) -> Self {
        Self(BTreeMap::from([(file.to_owned(), function_names(source))]))
    }

    /// Tells whether there is a test named as `function` or as `path/of/file.rs::function`.
    pub(super) fn has(&self, test: &str) -> bool {
        match test.rsplit_once("::") {
            Some((file, name)) => self.0.get(file).is_some_and(|names| names.contains(name)),
            None => self.0.values().any(|names| names.contains(test)),
        }
    }
}

/// Collects the names of all functions below `dir`, by file.
fn collect_functions(root: &Path, dir: &Path, functions: &mut Functions) -> Result<(), Failure> {
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
            functions.0.insert(file, function_names(&text));
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

    #[test]
    fn only_real_functions_are_collected() {
        let source = "\
            #[tokio::test]\n    async fn p1_1_a_key_enables(x: u8) {}\n\
            // fn commented_out() {}\n\
            let s = \"an fn in_text() here\";\n\
            pub(crate) fn generic<T>() {}\n";

        let names = function_names(source);

        assert_eq!(
            names.into_iter().collect::<Vec<_>>(),
            ["generic", "p1_1_a_key_enables"]
        );
    }
}
