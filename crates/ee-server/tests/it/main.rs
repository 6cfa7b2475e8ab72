//! Tests of the crate from outside.

mod openapi_document;
