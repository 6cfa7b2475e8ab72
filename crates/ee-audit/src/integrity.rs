//! What makes a change of the record visible to everybody who holds the public keys: signed checkpoints, proofs, and
//! the verification of whole logs.
//!
//! | Who has changed something | What shows it |
//! |---|---|
//! | somebody who writes to the database but does not hold the key | the next verification: chain, tree, checkpoints |
//! | somebody who holds the key, too | the last checkpoint that was anchored elsewhere |
//! | somebody who cuts off the end, or puts back an old backup | checkpoints, pins, anchors |
//! | the server itself, when the event was made | nothing here |

mod anchor;
mod checkpoint;
mod error;
mod hex;
mod keys;
mod note;
mod pins;
mod private_file;
mod proof;
mod seal;
mod tree;
mod verify;

#[cfg(feature = "net")]
pub use anchor::HttpAnchor;
pub use anchor::{Anchor, FileAnchor};
pub use checkpoint::{CHECKPOINT_EVENTS, Checkpoint, LogName, is_checkpoint_due};
pub use error::IntegrityError;
pub use keys::{SigningKey, VerifierKey, VerifierKeys};
pub use note::{sign_note, verify_note};
pub use pins::{Pin, PinCheck, Pins};
pub use proof::{ConsistencyProof, InclusionProof, ProvenEvent, verify_consistency, verify_proof};
pub use seal::{Sealed, Sealer};
pub use verify::{
    CLAIMED_PARTITION, Claim, ERASED_COUNT, Evidence, Link, LogRow, LogVerifier, Outcome,
    PRUNED_FROM, PRUNED_RANGES, PRUNED_TO, Payload, Progress, Report, Subject, Verdict,
    VerdictKind, verify_copy, verify_store,
};

use proof::{Tree, is_prefix};
