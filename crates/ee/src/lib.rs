//! Enterprise access for servers of AI agents: one crate, every plugin behind a feature
