//! Writes the figures down.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::{
    machine::Machine,
    programs::root,
    table::{Row, Section},
};

const PAGE: &str = "docs/src/performance.md";
const BEGIN: &str = "<!-- figures: begin -->\n";
const END: &str = "<!-- figures: end -->";

/// Replaces the figures of the page and leaves the words around them.
pub(crate) fn write_page(report: &str) -> Result<()> {
    let path = root().join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    let page = replaced(&page, report).with_context(|| {
        let (begin, end) = (BEGIN.trim_end(), END);
        format!("{PAGE} has no place for the figures: `{begin}` and `{end}`")
    })?;
    fs::write(&path, page).with_context(|| format!("cannot write {PAGE}"))?;
    println!("\nwritten to {PAGE}");
    Ok(())
}

pub(crate) fn write_json(path: &Path, machine: &Machine, sections: &[Section]) -> Result<()> {
    #[derive(Serialize)]
    struct Figures<'a> {
        machine: &'a Machine,
        rows: Vec<Judged<'a>>,
    }
    #[derive(Serialize)]
    struct Judged<'a> {
        #[serde(flatten)]
        row: &'a Row,
        reached: Option<bool>,
    }
    let figures = Figures {
        machine,
        rows: sections
            .iter()
            .flat_map(|section| &section.rows)
            .map(|row| Judged {
                row,
                reached: row.reached(),
            })
            .collect(),
    };
    let text = serde_json::to_string_pretty(&figures)?;
    fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
}

fn replaced(page: &str, report: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{report}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_around_the_figures_stay() {
        let page = format!("# Title\n\n{BEGIN}old\n{END}\n\nMore.\n");

        let once = replaced(&page, "new\n").unwrap();

        assert_eq!(once, format!("# Title\n\n{BEGIN}\nnew\n\n{END}\n\nMore.\n"));
        assert_eq!(replaced(&once, "new\n"), Some(once));
        assert_eq!(replaced("# Title\n", "new"), None);
    }
}
