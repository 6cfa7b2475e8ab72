//! What leaves the record: events after their time, and what they say of a person when the law asks for it.
//!
//! Nothing leaves it silently, and nothing in another order than this one:
//!
//! | Step | What a crash behind it leaves |
//! |---|---|
//! | a checkpoint is signed over the events | a checkpoint |
//! | they are written into an archive with a signed manifest, which is read again and compared | an archive; the next run finds the same one |
//! | the log says which ones are about to be removed | a reason for what is missing, of which nothing is missing yet |
//! | they are removed by their ids, a few at a time, those that a legal hold has come over left out | a reason for what is missing; the next run removes the rest |
//! | the log says which ones were removed | |
//!
//! Their hashes stay, so that the log, and proofs of everything else, hold. Events that say why something is missing
//! are never removed, and nothing is erased of them: without them, the verification would say that somebody else had
//! taken it.

mod archive;
mod archiver;
mod config;
mod due;
mod erasure;
mod floor;
mod gate;
mod held;
mod holds;
mod notes;
mod person;
mod progress;
mod ranges;

pub use archive::{ArchiveFile, VerifiedArchive, verify_archive};
pub use archiver::{Archiver, ArchiverParts, RetentionReport};
pub use config::{Preset, RetentionConfig, RetentionRule};
pub use erasure::{Eraser, EraserParts, ErasureReport};
pub use floor::AI_DAYS;
pub use gate::{PruneGate, RequiredSinks};
pub use holds::{Holds, NewHold};
pub use person::Person;
pub use progress::{RetentionProgress, RetentionStep};
