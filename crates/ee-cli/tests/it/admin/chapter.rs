//! The examples of the chapter about the command line work as they stand.

use std::{fs, path::Path};

use super::deployment::{Deployment, PASSWORD, PASSWORDS};
use crate::running::{program, text};

#[test]
fn every_example_of_the_chapter_runs() {
    let chapter = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/cli.md");
    let chapter = fs::read_to_string(chapter).unwrap();
    let deployment = Deployment::new(PASSWORDS);
    fs::write(deployment.path().join("password.txt"), PASSWORD).unwrap();
    let binaries = Path::new(env!("CARGO_BIN_EXE_mastra-ee")).parent().unwrap();
    let script = examples(&chapter);
    assert!(script.matches("mastra-ee ").count() > 30, "{script}");

    let output = program("sh")
        .args(["-euxc", &format!("PATH=\"$BINARIES:$PATH\"\n{script}")])
        .env("BINARIES", binaries)
        .env("MASTRA_EE_DATA", deployment.data())
        .current_dir(deployment.path())
        .output()
        .unwrap();

    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// Returns the lines of all blocks that are marked as shell.
fn examples(chapter: &str) -> String {
    let mut is_inside = false;
    let mut script = String::new();
    for line in chapter.lines() {
        match line {
            "```sh" => is_inside = true,
            "```" => is_inside = false,
            line if is_inside => {
                script.push_str(line);
                script.push('\n');
            }
            _ => {}
        }
    }
    script
}
