//! The record: its logs, what is searched in them, and what proves them.
//!
//! An event has the number `log * 2^40 + seq`, so everything of it is kept under one integer in the order of its log.

mod actions;
mod append;
mod conditions;
mod filed;
mod indexing;
mod known;
mod logs;
mod near;
mod paths;
mod proofs;
mod retention;
mod rows;
mod search;
mod tail;
mod tallies;
mod texts;
mod words;

pub use append::leave;

/// Bits of a number that are the place in the log.
const SEQ_BITS: u32 = 40;

/// The last place of a log.
const LAST: u64 = (1 << SEQ_BITS) - 1;

/// The number before the first one of the log of the partition `?1`.
const BASE: &str = "(SELECT log FROM ee_audit_heads WHERE partition = ?1) * 1099511627776";

/// Returns the number before the first one of a log.
const fn base(log: u64) -> u64 {
    log << SEQ_BITS
}

/// Returns the place in the log of a number.
const fn seq(number: u64) -> u64 {
    number & LAST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_tells_the_log_and_the_place_in_it() {
        let number = base(7) + 42;

        assert_eq!((number >> SEQ_BITS, seq(number)), (7, 42));
        assert!(BASE.ends_with(&base(1).to_string()));
    }
}
