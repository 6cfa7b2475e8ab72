//! What can be said about the record.

mod keep;
mod look;
mod prove;
mod sinks;

use clap::Subcommand;

pub(crate) use {
    keep::{ArchiveArgs, EraseArgs, HoldCommand, PinsCommand, PruneArgs},
    look::{ExportArgs, ExportTo, Order, QueryArgs, ShowArgs, StatsArgs, TailArgs, Wanted},
    prove::{GenerateArgs, KeysArgs, KeysOf, ProofArgs, VerifyArgs, VerifyProofArgs},
    sinks::{ReplayArgs, SinksArgs, SinksOf},
};

/// Commands that look at the record, prove it and keep it.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Search events, the newest first
    Query(QueryArgs),
    /// Print the last events in the order of their numbers, and those that come
    Tail(TailArgs),
    /// Count events by what they have in a field, and by time
    Stats(StatsArgs),
    /// Print one event
    Show(ShowArgs),
    /// Copy events into a file, with a signed manifest beside it
    Export(ExportArgs),
    /// Say whether the record is what was written; exits with 1 when not, with 2 when that cannot be told
    Verify(VerifyArgs),
    /// Write the proof that an event is in the record
    Proof(ProofArgs),
    /// Check such a proof without a store; exits with 1 when it does not hold, with 2 when that cannot be told
    VerifyProof(VerifyProofArgs),
    /// Print the public keys that signatures of the record are judged by
    Keys(KeysArgs),
    /// List the places that events are taken to, and how they are
    Sinks(SinksArgs),
    /// Manage legal holds: what they name stays until they are released
    #[command(subcommand)]
    Hold(HoldCommand),
    /// Erase what the record says of a person; that it was said stays provable
    Erase(EraseArgs),
    /// Copy events to the archive, and leave them in the record
    Archive(ArchiveArgs),
    /// Archive events whose time is over, and remove them from the record
    Prune(PruneArgs),
    /// Manage what this machine has seen of the logs
    #[command(subcommand)]
    Pins(PinsCommand),
}
