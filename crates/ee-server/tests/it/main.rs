//! Tests of the crate from outside.

mod api_table;
mod audit_table;
mod openapi_document;
mod written;
