//! Tokens and users from configuration
