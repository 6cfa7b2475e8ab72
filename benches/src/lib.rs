//! Measures the hot paths against what they stand on.
