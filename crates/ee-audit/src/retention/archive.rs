//! Archives: copies of events that leave the record, each with a signed manifest beside it.
//!
//! `<directory>/<log>/<first>-<last>.ndjson.gz` holds one event a line, as exports with evidence and content do, and
//! `<first>-<last>.manifest` says what is in it, with a checkpoint of the log, as a signed note. A file is there when
//! its manifest is.

mod directory;
mod write;

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use ee_core::{Error, ErrorKind};
use flate2::bufread::GzDecoder;
use serde::Serialize;

pub(super) use self::{directory::Directory, write::Written};

use crate::{
    export::Manifest,
    integrity::{
        Checkpoint, Evidence, LogName, Outcome, Progress, Report, verify_copy, verify_note,
    },
};

/// Ends the name of a file with events.
const EVENTS: &str = ".ndjson.gz";
/// Ends the name of a file that says what is in it.
const MANIFEST: &str = ".manifest";
/// Longest manifest that is read.
const LONGEST: u64 = 1 << 20;

/// One file of an archive.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ArchiveFile {
    /// Where it is.
    pub path: PathBuf,
    /// How many events are in it.
    pub count: u64,
    /// Number of the first one.
    pub first: u64,
    /// Number of the last one.
    pub last: u64,
    /// SHA-256 of its lines, as they are when they are not compressed, in hex.
    pub sha256: String,
}

/// An archive that is what was signed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VerifiedArchive {
    /// What is in it.
    pub manifest: Manifest,
    /// What was found, log by log. The outcome of each may still say that something was changed before it was signed.
    pub reports: Vec<Report>,
}

impl VerifiedArchive {
    /// Tells whether all is as it was written.
    pub fn is_ok(&self) -> bool {
        let is_ok = |report: &Report| report.outcome == Outcome::Ok;
        !self.reports.is_empty() && self.reports.iter().all(is_ok)
    }
}

/// Verifies one file of an archive alone: the signature of its manifest, and of the checkpoint in it; that its lines are
/// the signed ones; and each event in it.
///
/// Fails with [`ErrorKind::Invalid`] when it is not what was signed, or was signed by nobody who is known, and with
/// [`ErrorKind::Unavailable`] when it cannot be read.
pub fn verify_archive(
    path: &Path,
    evidence: &Evidence,
    progress: impl FnMut(Progress),
) -> Result<VerifiedArchive, Error> {
    let manifest = read_manifest(&manifest_of(path)?, evidence)?;
    let is_of = manifest.is_of(open(path, &manifest)?);
    if !is_of.map_err(|err| unreadable(path, err))? {
        let name = path.display();
        let message = format!("`{name}` is not what its manifest was signed for");
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    let reports = verify_copy(BufReader::new(open(path, &manifest)?), evidence, progress)?;
    let has_all = manifest.partitions.iter().all(|told| {
        let found = reports.iter().find(|report| report.partition == told.name);
        found.is_some_and(|found| (found.from, found.to) == (told.first, told.last))
    });
    if !has_all || reports.len() != manifest.partitions.len() {
        let message = "the archive has other events than its manifest says";
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    Ok(VerifiedArchive { manifest, reports })
}

/// Reads what was signed, with the checkpoint in it.
fn read_manifest(path: &Path, evidence: &Evidence) -> Result<Manifest, Error> {
    let mut note = String::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut note));
    read.map_err(|err| unreadable(path, err))?;
    let manifest = Manifest::from_text(&verify_note(&note, &evidence.keys)?)?;
    for told in &manifest.partitions {
        let log = LogName {
            deployment: &evidence.deployment,
            partition: &told.name,
        };
        let covered = match &told.checkpoint {
            Some(note) => Checkpoint::verify(note, &log.origin()?, &evidence.keys)?.size,
            None => 0,
        };
        if covered < told.last {
            let message = "the checkpoint of the archive does not cover its events";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
    }
    Ok(manifest)
}

/// Returns the lines of a file. One that grows without an end when it is unpacked is not followed there.
fn open(path: &Path, manifest: &Manifest) -> Result<impl Read + use<>, Error> {
    let file = File::open(path).map_err(|err| unreadable(path, err))?;
    let lines = GzDecoder::new(BufReader::new(file));
    Ok(lines.take(manifest.bytes.saturating_add(1)))
}

/// Returns where the manifest of a file is.
fn manifest_of(path: &Path) -> Result<PathBuf, Error> {
    let name = path.file_name().and_then(|name| name.to_str());
    let base = name.and_then(|name| name.strip_suffix(EVENTS));
    let base = base.ok_or_else(|| {
        let message = format!("the name of an archive ends with `{EVENTS}`");
        Error::new(ErrorKind::Invalid, message)
    })?;
    Ok(path.with_file_name(format!("{base}{MANIFEST}")))
}

fn unreadable(path: &Path, err: io::Error) -> Error {
    let message = match err.kind() {
        io::ErrorKind::NotFound => format!("`{}` is not there", path.display()),
        // What cannot be unpacked is not what was written.
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            let message = format!("`{}` is damaged", path.display());
            return Error::new(ErrorKind::Invalid, message).with_source(err);
        }
        _ => format!("`{}` cannot be read", path.display()),
    };
    Error::new(ErrorKind::Unavailable, message).with_source(err)
}

fn unwritable(err: io::Error) -> Error {
    // The caller of a server learns no path.
    Error::new(ErrorKind::Unavailable, "the archive cannot be written").with_source(err)
}

/// Lists the files with events of a directory that are whole, by name.
pub(super) fn files(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(err) => return Err(unreadable(dir, err)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|err| unreadable(dir, err))?.path();
        if manifest_of(&path).is_ok_and(|manifest| manifest.exists()) {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}
