//! Tests of the crate from outside.

mod api_table;
mod openapi_document;
