//! The licence: what it says, and the gate that asks it.

mod feature;
mod gate;

use jiff::Timestamp;
use serde::Serialize;

pub use feature::{Feature, FeatureSet};
pub use gate::{LicenseGate, LicenseStatus};

/// Fewest characters of a valid key (implementation notes of the specification).
pub const MIN_KEY_CHARS: usize = 32;

/// What a licence says (`LicenseInfo`, phase 1).
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LicenseInfo {
    /// Whether it holds at all.
    pub valid: bool,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What it covers; everything when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<FeatureSet>,
    /// Whom it was given to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Its tier, such as `enterprise`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
}

impl LicenseInfo {
    /// A licence that does not hold.
    pub fn invalid() -> Self {
        Self::default()
    }

    /// A licence that holds without end and covers everything.
    pub fn unlimited() -> Self {
        Self {
            valid: true,
            ..Self::default()
        }
    }

    /// Returns what may be used at `now`: nothing when invalid or expired, everything when there is no list.
    pub fn features_at(&self, now: Timestamp) -> FeatureSet {
        if !self.valid || self.expires_at.is_some_and(|end| now >= end) {
            return FeatureSet::NONE;
        }
        self.features.unwrap_or(FeatureSet::ALL)
    }
}

/// Judges licence keys in mode `plain`, the rule of phase 1.
#[derive(Clone, Copy, Debug)]
pub struct License;

impl License {
    /// Judges a key (`validateLicense`): valid from [`MIN_KEY_CHARS`] characters on; white space around it does not count.
    pub fn validate(key: Option<&str>) -> LicenseInfo {
        let chars = key.map_or(0, |key| key.trim().chars().count());
        if chars < MIN_KEY_CHARS {
            return LicenseInfo::invalid();
        }
        LicenseInfo {
            features: Some(FeatureSet::ALL),
            tier: Some("enterprise".to_owned()),
            ..LicenseInfo::unlimited()
        }
    }
}
