//! Builds `data/common-passwords.bin`; `data/README.md` says of what.
//!
//! ```text
//! cargo run -p ee-auth-password --example build-common-passwords -- RANKED LONG OUT
//! ```
//!
//! `RANKED` is a file of passwords, the most common first. `LONG` is a folder of such files in no
//! order, read with its folders.

#[path = "../src/policy/fold.rs"]
mod fold;

use std::{
    collections::HashSet,
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA256, digest};

/// How many of the ranked ones are taken; of those that are long all.
const RANKED: usize = 115_000;
/// No rule lets shorter ones through.
const MIN_CHARS: usize = 8;
/// Fewest characters of a password that stands alone.
const LONG_CHARS: usize = 15;
/// Nobody types more than once.
const MAX_CHARS: usize = 64;
const GROUPS: usize = 1 << 16;

fn main() -> Result<(), Box<dyn Error>> {
    let [ranked, long, out] = env::args_os()
        .skip(1)
        .map(PathBuf::from)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "three arguments are needed: RANKED LONG OUT")?;
    let mut chosen = HashSet::new();
    for password in lines(&ranked)? {
        let chars = password.chars().count();
        let is_common = chars >= LONG_CHARS || chosen.len() < RANKED;
        if (MIN_CHARS..=MAX_CHARS).contains(&chars) && is_common {
            chosen.insert(password);
        }
    }
    for file in files(&long)? {
        let is_chosen = |password: &String| {
            (LONG_CHARS..=MAX_CHARS).contains(&password.chars().count()) && is_plain(password)
        };
        chosen.extend(lines(&file)?.into_iter().filter(is_chosen));
    }
    fs::write(out, encode(&chosen)?)?;
    Ok(())
}

/// Letters and digits, each in one run: what a person can remember. The rest of the long ones is noise of one leak.
fn is_plain(password: &str) -> bool {
    let kinds: Vec<bool> = password.chars().map(char::is_alphabetic).collect();
    let changes = kinds
        .iter()
        .zip(kinds.iter().skip(1))
        .filter(|(a, b)| a != b)
        .count();
    password
        .chars()
        .all(|c| c.is_alphabetic() || c.is_ascii_digit())
        && changes <= 1
}

fn encode(passwords: &HashSet<String>) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut hashes: Vec<[u8; 5]> = passwords
        .iter()
        .filter_map(|password| {
            let hash = digest(&SHA256, password.as_bytes());
            hash.as_ref().first_chunk().copied()
        })
        .collect();
    hashes.sort_unstable();
    hashes.dedup();
    let mut counts = vec![0_u8; GROUPS];
    let mut entries = Vec::with_capacity(hashes.len() * 3);
    for [a, b, rest @ ..] in hashes {
        let count = counts.get_mut(usize::from(u16::from_be_bytes([a, b])));
        let count = count.ok_or("no such group")?;
        *count = count
            .checked_add(1)
            .ok_or("more than 255 entries in a group")?;
        entries.extend(rest);
    }
    counts.extend(entries);
    Ok(counts)
}

fn lines(file: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let text = fs::read(file)?;
    Ok(String::from_utf8_lossy(&text)
        .lines()
        .map(fold::fold)
        .collect())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}
