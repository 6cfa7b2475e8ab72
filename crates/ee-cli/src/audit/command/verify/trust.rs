//! Who is believed: public keys, and checkpoints that were published elsewhere.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use ee::audit::integrity::{FileAnchor, VerifierKeys};

use crate::{audit::open, config::Loaded};

/// Largest file of keys that is read.
const LARGEST_KEYS: u64 = 1 << 20;

/// Returns the keys of these files, or else those of this deployment.
pub(in super::super) fn keys(loaded: &Loaded, files: &[PathBuf]) -> Result<VerifierKeys> {
    if files.is_empty() {
        return open::verifier_keys(loaded)
            .context("whose signatures are trusted is not known: `--key FILE` says it");
    }
    let mut all = String::new();
    for file in files {
        let text = read_keys(file).with_context(|| format!("`--key {}`", file.display()))?;
        all.push_str(&text);
        all.push('\n');
    }
    Ok(all.parse()?)
}

/// Reads a file with public keys, which must have one.
fn read_keys(file: &Path) -> Result<String> {
    let size = fs::metadata(file).context("cannot read it")?.len();
    ensure!(
        size <= LARGEST_KEYS,
        "this is no file of keys: it is too large"
    );
    let text = fs::read_to_string(file).context("cannot read it")?;
    // Nothing of the file is shown: it may hold a secret.
    ensure!(
        !text.contains("PRIVATE+KEY+"),
        "this is a key that signs, and must stay where it is: `mastra-ee audit keys` prints its public half"
    );
    let keys: VerifierKeys = text.parse()?;
    ensure!(!keys.is_empty(), "there is no key in it");
    Ok(text)
}

/// Reads the checkpoints of files: notes, or the lines that a server appends to a file.
pub(super) fn anchors(files: &[PathBuf]) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for file in files {
        let name = file.display();
        let text = fs::read(file).with_context(|| format!("`--anchor {name}`: cannot read it"))?;
        let mut found = FileAnchor::read(file)?;
        if found.is_empty() {
            let note = String::from_utf8(text).ok();
            found.extend(note.filter(|note| Said::by(note).is_some()));
        }
        if found.is_empty() {
            bail!("`--anchor {name}`: there is no checkpoint in it");
        }
        notes.extend(found);
    }
    Ok(notes)
}

/// What a checkpoint says, whoever has signed it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Said<'a> {
    /// Which log.
    pub(super) origin: &'a str,
    /// How many events it has.
    pub(super) size: u64,
}

impl<'a> Said<'a> {
    /// Reads the first lines of a note. `None` for what is no checkpoint.
    pub(super) fn by(note: &'a str) -> Option<Self> {
        let mut lines = note.lines();
        let (origin, size) = (lines.next()?, lines.next()?);
        Some(Self {
            origin,
            size: size.parse().ok()?,
        })
    }
}

/// Returns the names under which a note is signed.
pub(in super::super) fn signers(note: &str) -> String {
    let lines = note.lines().filter_map(|line| line.strip_prefix("— "));
    let names: Vec<String> = lines
        .filter_map(|line| line.split_once(' '))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if names.is_empty() {
        return "nobody".to_owned();
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use ee::audit::integrity::SigningKey;
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_file_of_keys_has_one_and_none_that_signs() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys");
        let key = SigningKey::generate("example.com").unwrap();
        let secret = key.to_secret().unwrap();
        for (text, refused) in [
            (String::new(), "no key in it"),
            ("# nothing\n".to_owned(), "no key in it"),
            ("what?".to_owned(), "not an Ed25519 key"),
            (secret.expose_secret().to_owned(), "public half"),
        ] {
            fs::write(&file, &text).unwrap();
            let err = read_keys(&file).unwrap_err().to_string();
            assert!(err.contains(refused), "{err}");
        }
        fs::write(&file, format!("# of example.com\n{}\n", key.verifier())).unwrap();
        assert!(read_keys(&file).is_ok());
        assert!(read_keys(&dir.path().join("none")).is_err());
    }

    #[test]
    fn a_checkpoint_says_of_which_log_it_is() {
        let note = "a/audit/b\n12\nroot\n\n— a x\n— c d y\n";

        let origin = "a/audit/b";
        assert_eq!(Said::by(note), Some(Said { origin, size: 12 }));
        assert_eq!(signers(note), "`a`, `c`");
        assert_eq!(Said::by("a\nb\n"), None);
        assert_eq!(signers(""), "nobody");
    }

    #[test]
    fn a_file_without_a_checkpoint_is_no_anchor() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("anchors.log");

        let missing = anchors(std::slice::from_ref(&file)).unwrap_err();
        fs::write(&file, "{\"note\":1}\n").unwrap();
        let empty = anchors(std::slice::from_ref(&file)).unwrap_err();
        fs::write(&file, "a/audit/b\n12\nroot\n\n— a x\n").unwrap();
        let note = anchors(&[file]).unwrap();

        assert!(missing.to_string().contains("cannot read"), "{missing}");
        assert!(empty.to_string().contains("no checkpoint"), "{empty}");
        assert_eq!(note.len(), 1);
    }
}
