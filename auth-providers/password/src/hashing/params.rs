//! What one run costs.

use crate::{HashProfile, HashingConfig, PasswordConfigError};

/// The least memory in KiB for 1, 2 and 3 or more passes (ASVS 5.0 Appendix C).
const FLOOR: [u32; 3] = [47_104, 19_456, 12_288];
/// More passes than anybody waits for.
const MAX_ITERATIONS: u32 = 64;
/// More lanes than help.
const MAX_PARALLELISM: u32 = 64;

/// Cost of Argon2id (RFC 9106), checked to be no weaker than recommended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Argon2Params {
    iterations: u32,
    memory_kib: u32,
    parallelism: u32,
}

impl Argon2Params {
    /// The profile `default`.
    pub const DEFAULT: Self = Self {
        iterations: 2,
        memory_kib: 19_456,
        parallelism: 1,
    };
    /// The profile `strong`.
    pub const STRONG: Self = Self {
        iterations: 3,
        memory_kib: 65_536,
        parallelism: 1,
    };

    /// Reads the configuration. Fails for what is weaker than recommended or beyond reason.
    pub fn of(config: &HashingConfig) -> Result<Self, PasswordConfigError> {
        if let Some(weak) = config.weak_for_tests {
            return Ok(weak);
        }
        let profile = match config.profile {
            HashProfile::Default => Self::DEFAULT,
            HashProfile::Strong => Self::STRONG,
        };
        Self {
            iterations: config.iterations.unwrap_or(profile.iterations),
            memory_kib: config.memory_kib.unwrap_or(profile.memory_kib),
            parallelism: config.parallelism.unwrap_or(profile.parallelism),
        }
        .checked()
    }

    /// Parameters that a test can afford; nothing else may use them.
    #[doc(hidden)]
    pub const fn weak_for_tests() -> Self {
        Self {
            iterations: 1,
            memory_kib: 8,
            parallelism: 1,
        }
    }

    /// Returns the memory of one run.
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Returns how often the memory is passed over.
    pub const fn iterations(self) -> u32 {
        self.iterations
    }

    /// Returns the number of lanes.
    pub const fn parallelism(self) -> u32 {
        self.parallelism
    }

    fn checked(self) -> Result<Self, PasswordConfigError> {
        let Self {
            iterations,
            memory_kib,
            parallelism,
        } = self;
        let [once, twice, oftener] = FLOOR;
        let floor = match iterations {
            0 | 1 => once,
            2 => twice,
            _ => oftener,
        };
        if memory_kib < floor {
            return Err(PasswordConfigError::HashTooWeak {
                iterations,
                memory_kib,
            });
        }
        let is_sensible = (1..=MAX_ITERATIONS).contains(&iterations)
            && (1..=MAX_PARALLELISM).contains(&parallelism);
        if !is_sensible {
            return Err(PasswordConfigError::HashRefused {
                iterations,
                memory_kib,
                parallelism,
            });
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(memory_kib: u32, iterations: u32, parallelism: u32) -> Result<Argon2Params, String> {
        let config = HashingConfig {
            memory_kib: Some(memory_kib),
            iterations: Some(iterations),
            parallelism: Some(parallelism),
            ..HashingConfig::default()
        };
        Argon2Params::of(&config).map_err(|err| err.to_string())
    }

    #[test]
    fn the_profiles_are_those_of_the_parameters() {
        let of = |profile| {
            let config = HashingConfig {
                profile,
                ..HashingConfig::default()
            };
            Argon2Params::of(&config)
        };

        assert_eq!(of(HashProfile::Default), Ok(Argon2Params::DEFAULT));
        assert_eq!(of(HashProfile::Strong), Ok(Argon2Params::STRONG));
        assert!(Argon2Params::STRONG.checked().is_ok());
    }

    #[test]
    fn what_is_weaker_than_recommended_is_refused() {
        for (memory_kib, iterations) in [(47_104, 1), (19_456, 2), (12_288, 3), (12_288, 64)] {
            assert!(of(memory_kib, iterations, 1).is_ok());
            assert!(of(memory_kib - 1, iterations, 1).is_err());
            assert!(of(memory_kib - 1, iterations, 64).is_err());
        }
        assert_eq!(
            of(8, 1, 1).unwrap_err(),
            "Argon2id with 8 KiB and 1 iterations is weaker than 47104 KiB with 1, 19456 KiB with 2 or \
             12288 KiB with 3"
        );
        for refused in [
            of(u32::MAX, 0, 1),
            of(65_536, 65, 1),
            of(65_536, 3, 0),
            of(65_536, 3, 65),
        ] {
            assert!(refused.is_err());
        }
    }
}
