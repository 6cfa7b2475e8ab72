//! Routes, extractors, middleware and HTTP errors for axum
