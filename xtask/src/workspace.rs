//! What Cargo knows about this workspace.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::process::{self, Failure};

/// Returns the root of the workspace.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The members of a workspace and where it is built.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
    pub(crate) target_directory: PathBuf,
}

/// One member.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a member's `[dependencies]`, `[dev-dependencies]` or
/// `[build-dependencies]`.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) req: String,
    /// `None` for normal ones, else `dev` or `build`.
    pub(crate) kind: Option<String>,
}

impl Workspace {
    /// Asks Cargo.
    pub(crate) fn load() -> Result<Self, Failure> {
        let json = process::output(&mut process::command(
            "cargo",
            &["metadata", "--format-version", "1", "--no-deps"],
        ))?;
        serde_json::from_str(&json)
            .map_err(|err| Failure::new(format!("could not read the workspace metadata: {err}")))
    }

    /// Tells whether there is a member with this name.
    pub(crate) fn has_member(&self, name: &str) -> bool {
        self.packages.iter().any(|package| package.name == name)
    }

    /// Returns where Cargo puts the binary of the product in the dev profile.
    pub(crate) fn binary(&self) -> PathBuf {
        self.binary_of("debug")
    }

    /// Returns where Cargo puts the optimised one.
    pub(crate) fn fast_binary(&self) -> PathBuf {
        self.binary_of("release")
    }

    fn binary_of(&self, profile: &str) -> PathBuf {
        self.target_directory
            .join(profile)
            .join(format!("mastra-ee{}", std::env::consts::EXE_SUFFIX))
    }

    /// Returns a directory for what a step leaves behind, made empty.
    pub(crate) fn scratch(&self, step: &str) -> Result<PathBuf, Failure> {
        let dir = self.target_directory.join("xtask").join(step);
        let emptied = match std::fs::remove_dir_all(&dir) {
            Err(err) if err.kind() != std::io::ErrorKind::NotFound => Err(err),
            _ => std::fs::create_dir_all(&dir),
        };
        match emptied {
            Ok(()) => Ok(dir),
            Err(err) => Err(Failure::new(format!(
                "could not empty `{}`: {err}",
                dir.display()
            ))),
        }
    }
}

impl Package {
    /// Returns the member's directory below the root, with `/` between parts.
    pub(crate) fn dir(&self) -> String {
        let dir = self.manifest_path.parent().unwrap_or(&self.manifest_path);
        let dir = dir.strip_prefix(root()).unwrap_or(dir);
        dir.components()
            .map(|part| part.as_os_str().to_string_lossy())
            .collect::<Vec<_>>()
            .join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_of_this_workspace_is_understood() {
        let workspace = Workspace::load().unwrap();

        assert!(workspace.has_member("xtask"));
        assert!(!workspace.has_member("no-such-member"));
        assert!(workspace.packages.iter().any(|p| p.dir() == "xtask"));
    }
}
