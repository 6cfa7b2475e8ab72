//! Programs that are measured, and how Cargo builds them.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

/// Builds the product as its users do and returns where the binary is.
pub(crate) fn product() -> Result<PathBuf> {
    built("mastra-ee", &["build", "--release", "--package", "ee-cli"])
}

/// Builds a benchmark of this package with the profile of the product, so that what both need is built once.
pub(crate) fn bench(name: &str) -> Result<PathBuf> {
    let profile = ["bench", "--no-run", "--profile", "release"];
    built(
        name,
        &[&profile[..], &["--package", "benches", "--bench", name]].concat(),
    )
}

/// Builds axum-login, which is no member of the workspace.
pub(crate) fn axum_login() -> Result<PathBuf> {
    let target = target_directory()?;
    let target = target.to_str().context("a path that is no text")?;
    let arguments = ["build", "--release", "--locked", "--target-dir", target];
    let manifest = ["--manifest-path", "benches/rivals/Cargo.toml"];
    built("axum-login", &[&arguments[..], &manifest].concat())
}

/// Returns where Cargo has put this program, and puts others.
fn target_directory() -> Result<PathBuf> {
    let this = std::env::current_exe().context("cannot tell where this program is")?;
    let profile = this.parent().and_then(Path::parent);
    Ok(profile.context("a program at the root")?.to_owned())
}

/// Has Cargo build and returns where the executable of this name is.
fn built(name: &str, arguments: &[&str]) -> Result<PathBuf> {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--message-format=json-render-diagnostics")
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start `cargo`")?;
    ensure!(output.status.success(), "`{name}` does not build");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Built>(line).ok())
        .find_map(|built| built.executable.filter(|_| built.target.name == name))
        .with_context(|| format!("cargo does not tell where `{name}` is"))
}

#[derive(Deserialize)]
struct Built {
    executable: Option<PathBuf>,
    target: Target,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Returns this program, also when Cargo has put another one in its place since.
pub(crate) fn this_program() -> PathBuf {
    format!("/proc/{}/exe", std::process::id()).into()
}

/// Returns the root of the workspace.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}
