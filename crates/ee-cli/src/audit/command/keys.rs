//! `mastra-ee audit keys`.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use ee::audit::integrity::{SigningKey, VerifierKey};
use serde_json::{Value, json};

use super::new_file;
use crate::{
    admin::output::print,
    args::{AdminArgs, GenerateArgs, KeysArgs, KeysOf},
    audit::open,
    config::{Loaded, load},
};

/// `mastra-ee audit keys` and what stands below it. None of it needs the store.
pub(super) fn run(args: &KeysArgs) -> Result<()> {
    match &args.command {
        None => list(&args.admin),
        Some(KeysOf::Generate(args)) => generate(args),
    }
}

/// Prints the keys so that a file of them can be given to `--key`.
fn list(args: &AdminArgs) -> Result<()> {
    let loaded = load(&args.settings)?;
    let signing = open::signing_keys(&loaded, false)?;
    let signing: Vec<&VerifierKey> = signing.iter().map(SigningKey::verifier).collect();
    let known = open::known_keys(&loaded)?;
    if args.json {
        let items = signing.iter().map(|key| item(key, true));
        let items = items.chain(known.iter().map(|key| item(key, false)));
        let items: Vec<Value> = items.collect();
        return print(&serde_json::to_string_pretty(&json!({ "items": items }))?);
    }
    print(&text(&signing, &known))
}

fn item(key: &VerifierKey, signs: bool) -> Value {
    json!({
        "id": format!("{:08x}", key.id()),
        "key": key.to_string(),
        "name": key.name(),
        "signs": signs,
    })
}

fn text(signing: &[&VerifierKey], known: &[VerifierKey]) -> String {
    let mut lines = vec!["# signs now".to_owned()];
    lines.extend(signing.iter().map(ToString::to_string));
    if !known.is_empty() {
        lines.push("# has signed before".to_owned());
    }
    lines.extend(known.iter().map(ToString::to_string));
    lines.join("\n")
}

fn generate(args: &GenerateArgs) -> Result<()> {
    let loaded = load(&args.admin.settings)?;
    new_file::refuse_existing(&args.out)?;
    let key = SigningKey::generate(open::deployment(&loaded))?;
    key.save(&args.out)?;
    // The server may start in another directory.
    let file = std::fs::canonicalize(&args.out).unwrap_or_else(|_| args.out.clone());
    let file = file.display().to_string();
    if args.admin.json {
        let answer = json!({ "file": file, "key": key.verifier().to_string() });
        return print(&serde_json::to_string_pretty(&answer)?);
    }
    let told = rotation(&loaded, &file);
    writeln!(io::stderr(), "{told}").context("cannot write")?;
    print(&key.verifier().to_string())
}

/// Says how a new key takes over.
fn rotation(loaded: &Loaded, new: &str) -> String {
    let sources = &loaded.config.audit.integrity.keys;
    let mut old: Vec<String> = sources.iter().map(ToString::to_string).collect();
    if old.is_empty() {
        old.push(format!("file:{}", open::default_key(loaded).display()));
    }
    let new = format!("file:{new}");
    let list = |keys: &[String]| {
        let keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
        keys.join(", ")
    };
    let both = list(&[old, vec![new.clone()]].concat());
    let new = list(&[new]);
    format!(
        "The new key signs nothing yet. For a rotation, in the section [audit.integrity]:\n\
         1. keys = [{both}]\n   \
         From the next start on, both sign.\n\
         2. Hand out the public half, printed below, to whoever verifies.\n\
         3. keys = [{new}], and known = [the public half of the old one]\n   \
         `mastra-ee audit keys` prints it as long as it signs."
    )
}

#[cfg(test)]
mod tests {
    use ee::audit::integrity::VerifierKeys;

    use super::*;

    #[test]
    fn what_is_printed_is_a_file_of_keys() {
        let keys = ["a", "b"].map(|name| SigningKey::generate(name).unwrap());
        let [one, other] = keys.each_ref().map(SigningKey::verifier);

        let text = text(&[one], std::slice::from_ref(other));

        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "# signs now");
        assert_eq!(lines[2], "# has signed before");
        assert_eq!(lines[3], other.to_string());
        assert!(!text.parse::<VerifierKeys>().unwrap().is_empty());
        assert_eq!(item(one, true)["name"], "a");
    }
}
