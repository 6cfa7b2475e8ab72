//! Sinks, and the runners that deliver to them.

mod config;
mod console;
mod dead_letters;
mod faults;
mod file;
mod file_rotation;
mod http;
mod http_faults;
mod model;
mod otlp;
mod receiver;
mod runner;
mod state;
mod syslog;
mod tls;
mod world;
