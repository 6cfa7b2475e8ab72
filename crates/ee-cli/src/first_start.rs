//! The two tokens of a first start without a configuration.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use ee::{
    RoleId, UserId,
    auth_simple::{SimpleConfig, SimpleUser},
    random_token,
};
use serde::{Deserialize, Serialize};

use crate::private_file;

/// The users of the two tokens, each with the role of his name.
pub(crate) const USERS: [&str; 2] = ["owner", "viewer"];

/// What `first-start.json` holds.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct FirstStart {
    /// Where the server was reached when the file was written.
    pub(crate) url: String,
    pub(crate) owner_token: String,
    pub(crate) viewer_token: String,
}

impl std::fmt::Debug for FirstStart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FirstStart")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Returns where the file is.
pub(crate) fn path(data: &Path) -> PathBuf {
    data.join("first-start.json")
}

/// Reads the tokens of an earlier start, or makes them. The second value tells whether they are new.
pub(crate) fn load_or_create(data: &Path, url: &str) -> Result<(FirstStart, bool)> {
    let path = path(data);
    let mut is_new = false;
    if private_file::read(&path)?.is_none() {
        let made = FirstStart {
            url: url.to_owned(),
            owner_token: random_token()?,
            viewer_token: random_token()?,
        };
        is_new = private_file::create(&path, &text_of(&made)?)?;
    }
    let text = private_file::read(&path)?.unwrap_or_default();
    let mut found: FirstStart = serde_json::from_str(&text)
        .with_context(|| format!("{} is damaged; delete it to get new tokens", path.display()))?;
    // Whoever shortens a token by hand must not open the server to guesses.
    let is_token = |token: &str| token.len() >= 43;
    ensure!(
        is_token(&found.owner_token)
            && is_token(&found.viewer_token)
            && found.owner_token != found.viewer_token,
        "{} is damaged; delete it to get new tokens",
        path.display()
    );
    if found.url != url {
        url.clone_into(&mut found.url);
        private_file::write(&path, &text_of(&found)?)?;
    }
    Ok((found, is_new))
}

/// Returns the users of a first start, with tokens that nobody has.
pub(crate) fn users() -> Result<SimpleConfig> {
    let unused = FirstStart {
        url: String::new(),
        owner_token: random_token()?,
        viewer_token: random_token()?,
    };
    unused.simple_config()
}

fn text_of(content: &FirstStart) -> Result<String> {
    let mut text = serde_json::to_string_pretty(content)?;
    text.push('\n');
    Ok(text)
}

impl FirstStart {
    /// Turns the tokens into a configuration of Simple auth.
    pub(crate) fn simple_config(&self) -> Result<SimpleConfig> {
        let user = |id: &str, name: &str| -> Result<SimpleUser> {
            Ok(SimpleUser::new(UserId::new(id)?)
                .name(name)
                .role(RoleId::new(id)?))
        };
        Ok(SimpleConfig::new()
            .token(self.owner_token.clone(), user("owner", "Owner")?)
            .token(self.viewer_token.clone(), user("viewer", "Viewer")?))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn tokens_are_made_once_and_kept_for_their_owner_alone() {
        let dir = tempfile::tempdir().unwrap();

        let (made, is_new) = load_or_create(dir.path(), "http://127.0.0.1:1").unwrap();
        let (again, is_new_again) = load_or_create(dir.path(), "http://127.0.0.1:2").unwrap();

        assert!(is_new && !is_new_again);
        assert_eq!(made.owner_token, again.owner_token);
        assert_eq!(again.url, "http://127.0.0.1:2");
        let mode = std::fs::metadata(path(dir.path()))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_file_is_refused_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        for text in [
            "",
            "{}",
            "{\"url\":\"x\",\"ownerToken\":\"a\",\"viewerToken\":\"b\"}",
        ] {
            std::fs::write(path(dir.path()), text).unwrap();

            let err = load_or_create(dir.path(), "http://127.0.0.1:1").unwrap_err();

            assert!(err.to_string().contains("damaged"), "{err}");
            assert_eq!(std::fs::read_to_string(path(dir.path())).unwrap(), text);
        }
    }
}
