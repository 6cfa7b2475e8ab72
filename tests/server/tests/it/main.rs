//! Attacks on a whole server, and what it must answer.

mod access;
