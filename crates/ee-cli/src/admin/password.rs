//! Passwords that are typed or piped in: never an argument, which everybody on the machine can read.

use std::io::{self, IsTerminal as _, Read as _};

use anyhow::{Context as _, Result, ensure};
use secrecy::SecretString;

/// Longest line that is read. The rules for passwords are stricter.
const MAX_BYTES: u64 = 4_096;

/// Reads a password from standard input: one line, without its end.
pub(super) fn from_stdin() -> Result<SecretString> {
    let stdin = io::stdin();
    ensure!(
        !stdin.is_terminal(),
        "standard input is a terminal, which would show the password: pipe it in, as in `pass show mastra-ee | mastra-ee …`"
    );
    read(stdin.lock())
}

fn read(input: impl io::Read) -> Result<SecretString> {
    let mut text = String::new();
    let mut input = input.take(MAX_BYTES + 1);
    input
        .read_to_string(&mut text)
        .context("cannot read the password from standard input")?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    ensure!(!line.is_empty(), "there is no password on standard input");
    ensure!(
        text.len() as u64 <= MAX_BYTES && !line.contains(['\n', '\r']),
        "the password on standard input must be one line of at most {MAX_BYTES} bytes"
    );
    Ok(line.into())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_line_is_read_without_its_end() {
        for text in ["s3cret pass", "s3cret pass\n", "s3cret pass\r\n"] {
            assert_eq!(
                read(text.as_bytes()).unwrap().expose_secret(),
                "s3cret pass",
                "{text:?}"
            );
        }
    }

    #[test]
    fn anything_else_is_refused_and_not_shown() {
        let long = "x".repeat(5_000);
        for text in ["", "\n", "s3cret\nmore\n", &long] {
            let message = format!("{:#}", read(text.as_bytes()).unwrap_err());

            assert!(
                !message.contains("s3cret") && !message.contains("xxx"),
                "{message}"
            );
        }
        assert!(read(&b"\xff\xfe"[..]).is_err());
    }
}
