//! The `mastra-ee` command.
fn main() {}
