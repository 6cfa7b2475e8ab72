//! The verification of a copy.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Read, Seek as _},
    path::Path,
};

use anyhow::{Context as _, Result};
use ee::{
    Error, ErrorKind,
    audit::{
        export::{ExportFormat, ExportLine, Manifest},
        integrity::{Evidence, IntegrityError, Outcome, VerifierKeys, verify_copy, verify_note},
        retention::verify_archive,
    },
};

use super::{
    super::export::manifest_of,
    findings::Findings,
    trust::{self, Said},
};
use crate::{args::VerifyArgs, audit::open, bar::Bar, config::Loaded};

/// Longest first line that is looked at.
const LONGEST: u64 = 4 << 20;
/// Ends the name of a file of an archive.
const ARCHIVE: &str = ".ndjson.gz";

/// Compares a copy with its manifest, and its lines with what was hashed.
pub(super) fn verify(loaded: &Loaded, args: &VerifyArgs, path: &Path) -> Result<Findings> {
    let keys = trust::keys(loaded, &args.keys)?;
    let anchors = trust::anchors(&args.anchors)?;
    let mut findings = Findings::default();
    if path.to_str().is_some_and(|name| name.ends_with(ARCHIVE)) {
        let evidence = Evidence::new(open::deployment(loaded), keys);
        archive(path, &evidence, &mut findings)?;
        return Ok(findings);
    }
    let mut copy = Opened::open(path)?;
    let manifest = manifest(path, &keys, &mut findings)?;
    if let Some(manifest) = &manifest {
        let is_same = manifest.is_of(copy.watched("reading"));
        if is_same.with_context(|| cannot_read(path))? {
            let events = manifest.count;
            findings.remark(
                Outcome::Ok,
                format!("its bytes are the signed ones, {events} events"),
            );
        } else {
            findings.remark(
                Outcome::Tampered,
                "its bytes are not the ones that were signed",
            );
        }
    }
    if !copy.has_evidence(manifest.as_ref())? {
        if manifest.is_none() {
            let text = "its lines hold nothing that they could be compared with";
            findings.remark(Outcome::Incomplete, text);
        }
        return Ok(findings);
    }
    let evidence = evidence(loaded, keys, manifest.as_ref(), anchors, &mut findings);
    copy.file.rewind().with_context(|| cannot_read(path))?;
    let total = copy.bytes;
    let mut bar = Bar::new();
    let reports = verify_copy(BufReader::new(&copy.file), &evidence, |progress| {
        bar.show("verifying", progress.done, total, "");
    });
    match reports {
        Ok(reports) => findings.reports = reports,
        // Somebody has taken it out of one line.
        Err(err) if err.kind() == ErrorKind::Invalid => {
            findings.remark(Outcome::Incomplete, err.to_string());
        }
        Err(err) => return Err(err.into()),
    }
    Ok(findings)
}

/// Verifies a file that `audit prune` or `audit archive` has written.
fn archive(path: &Path, evidence: &Evidence, findings: &mut Findings) -> Result<()> {
    let mut bar = Bar::new();
    let verified = verify_archive(path, evidence, |progress| {
        let total = progress.total.unwrap_or(progress.done);
        bar.show("verifying", progress.done, total, "");
    });
    match verified {
        Ok(verified) => {
            let events = verified.manifest.count;
            findings.remark(
                Outcome::Ok,
                format!("its lines are the signed ones, {events} events"),
            );
            findings.reports = verified.reports;
        }
        Err(err) if err.kind() == ErrorKind::Invalid => {
            let outcome = match cause(&err) {
                Some(IntegrityError::OtherLog { .. } | IntegrityError::UnknownKey) => {
                    Outcome::Incomplete
                }
                _ => Outcome::Tampered,
            };
            findings.remark(outcome, err.to_string());
        }
        Err(err) => return Err(err.into()),
    }
    Ok(())
}

fn cause(err: &Error) -> Option<&IntegrityError> {
    std::error::Error::source(err)?.downcast_ref()
}

/// Reads the manifest beside a copy. `None`, and a remark, when it says nothing.
fn manifest(path: &Path, keys: &VerifierKeys, findings: &mut Findings) -> Result<Option<Manifest>> {
    let path = manifest_of(path);
    let name = path.display();
    let note = match fs::read_to_string(&path) {
        Ok(note) => note,
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            let text = format!(
                "there is no `{name}` beside it: nothing says whether events were left out, or written anew"
            );
            findings.remark(Outcome::Incomplete, text);
            return Ok(None);
        }
        Err(err) if err.kind() == io::ErrorKind::InvalidData => String::new(),
        Err(err) => return Err(err).with_context(|| cannot_read(&path)),
    };
    let text = match verify_note(&note, keys) {
        Ok(text) => text,
        Err(IntegrityError::UnknownKey) => {
            let text = format!(
                "`{name}` is signed by {}, and no such key is trusted here: `--key FILE` names the ones that are",
                trust::signers(&note)
            );
            findings.remark(Outcome::Incomplete, text);
            return Ok(None);
        }
        Err(err) => {
            findings.remark(Outcome::Tampered, format!("`{name}`: {err}"));
            return Ok(None);
        }
    };
    let manifest = Manifest::from_text(&text);
    if let Err(err) = &manifest {
        findings.remark(Outcome::Tampered, format!("`{name}`: {err}"));
    }
    Ok(manifest.ok())
}

/// Returns what the lines are compared with. Checkpoints say something of whole logs alone.
fn evidence(
    loaded: &Loaded,
    keys: VerifierKeys,
    manifest: Option<&Manifest>,
    anchors: Vec<String>,
    findings: &mut Findings,
) -> Evidence {
    let partitions = manifest
        .map(|it| it.partitions.as_slice())
        .unwrap_or_default();
    let signed = partitions.iter().filter_map(|it| {
        let origin = Said::by(it.checkpoint.as_deref()?)?.origin;
        origin.strip_suffix(&format!("/audit/{}", it.name))
    });
    let deployment = signed.clone().next().unwrap_or(open::deployment(loaded));
    let mut evidence = Evidence::new(deployment, keys);
    let is_covered = |note: &String| {
        Said::by(note).is_some_and(|said| {
            partitions.iter().any(|it| {
                let is_whole = it.first == 1 && it.count == it.last;
                let is_it = said.origin == format!("{deployment}/audit/{}", it.name);
                is_it && is_whole && said.size <= it.last
            })
        })
    };
    let is_asked = !anchors.is_empty();
    evidence.anchors = anchors.into_iter().filter(is_covered).collect();
    if is_asked && evidence.anchors.is_empty() {
        let text = "`--anchor`: checkpoints are compared with a copy of a whole log, with its manifest, up to their size";
        findings.remark(Outcome::Incomplete, text);
    }
    let own = partitions.iter().filter_map(|it| it.checkpoint.clone());
    evidence.anchors.extend(own.filter(is_covered));
    evidence
}

/// A copy that is read.
struct Opened {
    bytes: u64,
    file: File,
    path: std::path::PathBuf,
}

impl Opened {
    fn open(path: &Path) -> Result<Self> {
        let open = || {
            let file = File::open(path)?;
            let bytes = file.metadata()?.len();
            let path = path.to_owned();
            Ok::<_, io::Error>(Self { bytes, file, path })
        };
        open().with_context(|| cannot_read(path))
    }

    /// Returns a reader that tells how far it is.
    fn watched(&self, verb: &'static str) -> Watched<'_> {
        Watched {
            bar: Bar::new(),
            copy: self,
            done: 0,
            verb,
        }
    }

    /// Tells whether lines can be compared with what was hashed.
    fn has_evidence(&mut self, manifest: Option<&Manifest>) -> Result<bool> {
        if manifest.is_some_and(|it| it.format != ExportFormat::Ndjson || it.count == 0) {
            return Ok(false);
        }
        let mut first = || {
            self.file.rewind()?;
            let mut line = Vec::new();
            BufReader::new(&self.file)
                .take(LONGEST)
                .read_until(b'\n', &mut line)?;
            Ok::<_, io::Error>(line)
        };
        let line = first().with_context(|| cannot_read(&self.path))?;
        match serde_json::from_slice::<ExportLine>(&line) {
            Ok(line) => Ok(line.canonical.is_some()),
            // With a manifest it should have been a line: which one it is, is told.
            Err(_) => Ok(manifest.is_some()),
        }
    }
}

/// Reads a copy and draws how far it is.
struct Watched<'a> {
    bar: Bar,
    copy: &'a Opened,
    done: u64,
    verb: &'static str,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = (&self.copy.file).read(buffer)?;
        self.done += read as u64;
        self.bar.show(self.verb, self.done, self.copy.bytes, "");
        Ok(read)
    }
}

fn cannot_read(path: &Path) -> String {
    format!("cannot read `{}`", path.display())
}
