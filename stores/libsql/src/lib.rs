//! One SQLite file as the store
