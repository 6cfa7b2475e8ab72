//! Checkpoints, proofs and the verification of logs.

mod anchors;
mod attacks;
mod checkpoints;
mod copies;
mod flips;
mod keys;
mod memory;
mod pins;
mod proofs;
mod sealing;
mod verifying;
