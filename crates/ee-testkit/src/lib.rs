//! Conformance suites and test doubles for plugins of enterprise access
