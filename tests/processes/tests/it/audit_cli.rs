//! The commands that look at the record, prove it and keep it, on a file that is changed behind their backs.

mod at_size;
mod copies;
mod deployment;
mod following;
mod keeping;
mod looking;
mod proving;
mod served;
mod sinks;
