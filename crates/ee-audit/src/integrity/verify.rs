//! The verification of logs: on a store, on a copy, or on any list of rows.

mod claims;
mod copy;
mod labels;
mod report;
mod row;
mod store;
mod suspects;
mod verifier;
mod walk;
mod witness;

pub use claims::{CLAIMED_PARTITION, Claim, ERASED_COUNT, PRUNED_FROM, PRUNED_RANGES, PRUNED_TO};
pub use copy::verify_copy;
pub use report::{Outcome, Report, Subject, Verdict, VerdictKind};
pub use row::{Link, LogRow, Payload};
pub use store::verify_store;
pub use verifier::LogVerifier;

use super::{Checkpoint, IntegrityError, LogName, Pin, VerifierKeys};

/// What a log is compared with, beside itself.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Evidence {
    /// Signed notes from elsewhere. Those of other logs are passed over.
    pub anchors: Vec<String>,
    /// Recorded reasons for what is missing, which stand in another log.
    pub claims: Vec<Claim>,
    /// Name of the deployment, as it stands in the origin of checkpoints.
    pub deployment: String,
    /// Who may have signed.
    pub keys: VerifierKeys,
    /// What this machine has seen.
    pub pins: Vec<Pin>,
}

impl Evidence {
    /// Compares with signatures of these keys.
    pub fn new(deployment: impl Into<String>, keys: VerifierKeys) -> Self {
        Self {
            deployment: deployment.into(),
            keys,
            ..Self::default()
        }
    }

    fn origin(&self, partition: &str) -> Result<String, IntegrityError> {
        let deployment = &self.deployment;
        LogName {
            deployment,
            partition,
        }
        .origin()
    }

    /// Shows a verifier what there is of its log, and returns the name of the log in checkpoints.
    fn show(&self, verifier: &mut LogVerifier, partition: &str) -> Result<String, IntegrityError> {
        let origin = self.origin(partition)?;
        for note in &self.anchors {
            let said = Checkpoint::unverified(note);
            // Of what cannot be read nobody knows which log it is of.
            if said.is_ok_and(|it| it.origin == origin) {
                verifier.compare_note(note, None, &origin, &self.keys);
            }
        }
        for pin in self.pins.iter().filter(|pin| pin.partition == partition) {
            verifier.compare_pin(pin);
        }
        for claim in &self.claims {
            verifier.allow(claim);
        }
        Ok(origin)
    }
}

/// How far a verification is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// So many events, or bytes of a copy, were looked at.
    pub done: u64,
    /// So many there are, as far as that is known.
    pub total: Option<u64>,
}
