//! Attacks on a whole server, and what it must answer.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic, also in the functions that tests share"
)]

mod access;
mod access_denials;
mod access_escalation;
mod access_explain;
mod access_grants;
mod access_histories;
mod access_keys;
mod access_limits;
mod access_model;
mod access_paging;
mod access_sessions;
mod access_versions;
mod access_worlds;
mod accounts;
mod accounts_attacked;
mod addresses;
mod audit;
mod audit_attacked;
mod audit_export;
mod audit_follow;
mod audit_own;
mod audit_parquet;
mod audit_readers;
mod audit_retention;
mod audit_sinks;
mod audit_versions;
mod bodies;
mod cookies;
mod credentials;
mod cross_site;
mod faults;
mod fields;
mod foreign;
mod licence;
mod lists_visible;
mod metrics;
mod objects;
mod on_behalf_of;
mod on_behalf_of_attacked;
mod origins;
mod ownership;
mod pages;
mod parameters;
mod preview_role;
mod record;
mod record_outbox;
mod record_secrets;
mod record_streams;
mod redirects;
mod request_headers;
mod roles;
mod secrets;
mod sessions;
mod sessions_remembered;
mod sessions_renewed;
mod sessions_renewed_attacked;
mod sign_in;
mod sockets;
mod spellings;
mod sso;
mod streams;
mod streams_revoked;
mod streams_watched;
mod studio;
mod studio_account;
mod threads;
mod wire;
