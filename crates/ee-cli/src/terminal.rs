//! What a person sees in the terminal.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::Error;
use secrecy::{ExposeSecret as _, SecretString};

/// Tells an error with its causes.
pub(crate) fn error(err: &Error) {
    let causes = err
        .chain()
        .skip(1)
        .map(|cause| format!("  because: {cause}\n"));
    let text: Vec<String> = std::iter::once(format!("error: {err}\n"))
        .chain(causes)
        .collect();
    write_stderr(&text.concat());
}

/// Tells how the start goes, one line a part, when somebody watches.
#[derive(Debug)]
pub(crate) struct Progress {
    is_watched: bool,
}

impl Progress {
    pub(crate) fn start() -> Self {
        let progress = Self {
            is_watched: io::stderr().is_terminal(),
        };
        progress.write(&format!("\n  mastra-ee {}\n\n", env!("CARGO_PKG_VERSION")));
        progress
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.is_watched
    }

    /// A part is in place.
    pub(crate) fn done(&self, part: &str, detail: &str) {
        self.write(&format!("  \u{1b}[32m✓\u{1b}[0m {part:<9} {detail}\n"));
    }

    /// Something works and should be looked at.
    pub(crate) fn warn(&self, text: &str) {
        if self.is_watched {
            self.write(&format!("  \u{1b}[33m!\u{1b}[0m {text}\n"));
        } else {
            tracing::warn!("{text}");
        }
    }

    /// The server answers.
    pub(crate) fn ready(
        &self,
        url: &str,
        tokens: Option<&crate::first_start::FirstStart>,
        tokens_at: &str,
    ) {
        self.write(&format!("\n  Open \u{1b}[1m{url}\u{1b}[0m\n"));
        if let Some(tokens) = tokens {
            self.write("\n  Sign in with one of these tokens, shown this once:\n\n");
            self.write(&format!(
                "    owner   {}\n    viewer  {}\n",
                tokens.owner_token, tokens.viewer_token
            ));
            self.write(&format!(
                "\n  They are kept in {tokens_at}, readable by you alone.\n"
            ));
        }
        self.write("\n  Ctrl C stops the server. What people do is told below.\n\n");
    }

    /// There is no owner yet.
    pub(crate) fn setup_link(&self, link: &SecretString) {
        let link = link.expose_secret();
        self.write(&format!(
            "  There is no owner yet. Create the first one, within a day, at\n\n    {link}\n\n"
        ));
    }

    fn write(&self, text: &str) {
        if self.is_watched {
            write_stderr(text);
        }
    }
}

fn write_stderr(text: &str) {
    // Nobody is left to tell when standard error is closed.
    drop(io::stderr().lock().write_all(text.as_bytes()));
}
