//! From an event to the store: who waits for what, and what happens when the store does not answer.

mod gaps;
mod health;
mod inbox;
mod recorder;
mod writer;

pub use health::{Health, HealthReport, Trouble, Verification};
pub use recorder::{OnFull, Recorder, RecorderParts};
pub use writer::StoreWriter;
