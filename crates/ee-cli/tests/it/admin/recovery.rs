//! `mastra-ee users recover`: the way in when there is no other.

use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};

use super::deployment::{Deployment, PASSWORD, PASSWORDS};
use crate::running::{Running, text};

async fn signs_in(running: &Running, password: &str) -> u16 {
    let body = json!({ "email": "ada@example.com", "password": password });
    let path = "/api/auth/credentials/sign-in";
    let answer = running.ask(Method::POST, path, "", Some(body)).await;
    answer.status().as_u16()
}

#[tokio::test]
async fn the_link_sets_a_password_with_which_the_only_owner_gets_in() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let running = deployment.serve().await;
    let recovered = deployment.json(&["users", "recover", "ada@example.com"]);
    assert_eq!(recovered["email"], "ada@example.com");
    assert_eq!(
        signs_in(&running, PASSWORD).await,
        200,
        "the old one stays until then"
    );

    let link = recovered["link"].as_str().unwrap();
    let token = link.split_once("#token=").unwrap().1;
    let body = json!({ "token": token, "password": "nine dry leaves on a roof" });
    let path = "/api/auth/password/reset";
    let answer = running.ask(Method::POST, path, "", Some(body)).await;

    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    assert_eq!(signs_in(&running, "nine dry leaves on a roof").await, 200);
    assert_eq!(signs_in(&running, PASSWORD).await, 401);
}

#[tokio::test]
async fn a_password_on_standard_input_holds_at_once_and_is_kept_nowhere() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let running = deployment.serve().await;
    let new = "five blue doors and a bell";
    let args = ["users", "recover", "ada@example.com", "--password-stdin"];

    let output = deployment.run_with(&args, &format!("{new}\n"));

    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(signs_in(&running, new).await, 200);
    assert_eq!(signs_in(&running, PASSWORD).await, 401);
    let said = [output.stdout, output.stderr].concat();
    assert!(!text(&said).contains(new), "the password is told");
    let files = files(&deployment.data());
    assert!(files.iter().any(|file| file.ends_with("mastra-ee.db")));
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let is_in = bytes.windows(new.len()).any(|part| part == new.as_bytes());
        assert!(!is_in, "the password is in {}", file.display());
    }
}

/// Returns all files of a directory, however deep.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let within = |path: PathBuf| {
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    };
    paths.flat_map(within).collect()
}

#[test]
fn a_weak_password_is_refused_and_not_shown() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let version = || deployment.json(&["users", "show", "ada@example.com"])["version"].clone();
    let before = version();
    for weak in ["hunter2", "ada@example.com", "", "two\nlines of it"] {
        let args = ["users", "recover", "ada@example.com", "--password-stdin"];
        let output = deployment.run_with(&args, weak);

        assert_eq!(output.status.code(), Some(1), "{weak:?}");
        let message = text(&output.stderr);
        assert!(
            weak.is_empty() || weak.contains('@') || !message.contains(weak),
            "{message}"
        );
    }
    assert_eq!(version(), before);
}

#[test]
fn a_closed_account_needs_to_be_opened_for_its_link() {
    let deployment = Deployment::with_owner(PASSWORDS);
    deployment.person("bea@example.com", &[]);
    deployment.ok(&["users", "disable", "bea@example.com"]);

    let message = deployment.refused(1, &["users", "recover", "bea@example.com"]);
    assert!(message.contains("add `--enable`"), "{message}");
    let args = ["users", "recover", "bea@example.com", "--enable", "--link"];
    let recovered = deployment.json(&args);

    assert_eq!(recovered["status"], "active");
    assert!(recovered["link"].is_string());
}

#[test]
fn what_else_is_asked_for_leaves_the_password() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let args = [
        "users",
        "recover",
        "ada@example.com",
        "--remove-second-factor",
    ];

    let recovered = deployment.json(&args);

    assert_eq!(recovered["link"], Value::Null);
    let shown = deployment.json(&["users", "show", "ada@example.com"]);
    assert_eq!(shown["hasPassword"], true);
    let both = [
        "users",
        "recover",
        "ada@example.com",
        "--link",
        "--password-stdin",
    ];
    deployment.refused(2, &both);
}
