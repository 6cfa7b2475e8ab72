use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use crate::{Error, ErrorKind};

/// What a licence can cover (`EEFeature`, phase 1).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Feature {
    /// Grants on single things.
    Acl,
    /// Reading the audit log.
    Audit,
    /// Roles.
    Rbac,
    /// Sessions.
    Session,
    /// Single sign-on.
    Sso,
    /// Users and sign-in with credentials.
    User,
}

impl Feature {
    /// Every feature, in the order of the specification.
    pub const ALL: [Self; 6] = [
        Self::User,
        Self::Session,
        Self::Sso,
        Self::Rbac,
        Self::Acl,
        Self::Audit,
    ];

    /// Returns the spelling of the specification.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acl => "acl",
            Self::Audit => "audit",
            Self::Rbac => "rbac",
            Self::Session => "session",
            Self::Sso => "sso",
            Self::User => "user",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Feature {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|feature| feature.as_str() == text)
            .ok_or_else(|| Error::new(ErrorKind::Invalid, format!("unknown feature `{text}`")))
    }
}

/// A set of features (`EEFeatureConfig`, phase 1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FeatureSet(u8);

impl FeatureSet {
    /// Every feature.
    pub const ALL: Self = Self(0b11_1111);
    /// No feature.
    pub const NONE: Self = Self(0);

    /// Tells whether the feature is in the set.
    pub const fn contains(self, feature: Feature) -> bool {
        self.0 & feature.bit() != 0
    }

    /// Tells whether the set holds all that `name` stands for: a feature, or `auth` for user and session.
    /// An unknown name is never in a set.
    pub fn contains_named(self, name: &str) -> bool {
        Self::from_name(name).is_ok_and(|wanted| self.0 & wanted.0 == wanted.0)
    }

    /// Adds a feature.
    #[must_use]
    pub const fn with(self, feature: Feature) -> Self {
        Self(self.0 | feature.bit())
    }

    /// Reads a list of names; `auth` stands for user and session (the specification has both lists).
    /// Fails with [`ErrorKind::Invalid`] for an unknown name.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        names.into_iter().try_fold(Self::NONE, |set, name| {
            Ok(Self(set.0 | Self::from_name(name)?.0))
        })
    }

    /// Iterates in the order of the specification.
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        Feature::ALL
            .into_iter()
            .filter(move |feature| self.contains(*feature))
    }

    pub(super) const fn bits(self) -> u8 {
        self.0
    }

    pub(super) const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }

    fn from_name(name: &str) -> Result<Self, Error> {
        match name {
            "auth" => Ok(Self::NONE.with(Feature::User).with(Feature::Session)),
            _ => Ok(Self::NONE.with(name.parse()?)),
        }
    }
}

impl Serialize for FeatureSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Feature::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auth_is_a_name_for_user_and_session() {
        let set = FeatureSet::from_names(["auth"]).unwrap();

        assert!(set.contains(Feature::User) && set.contains(Feature::Session));
        assert!(!set.contains(Feature::Rbac));
        assert!(set.contains_named("auth"));
        assert!(!FeatureSet::NONE.with(Feature::User).contains_named("auth"));
        assert!(!FeatureSet::ALL.contains_named("everything"));
    }

    #[test]
    fn an_unknown_feature_is_named_in_the_error() {
        assert!(
            FeatureSet::from_names(["rbac", "rbca"])
                .unwrap_err()
                .message()
                .contains("`rbca`")
        );
    }

    #[test]
    fn all_features_are_in_the_full_set() {
        assert_eq!(FeatureSet::ALL.iter().count(), Feature::ALL.len());
        assert_eq!(
            serde_json::to_string(&FeatureSet::ALL).unwrap(),
            r#"["user","session","sso","rbac","acl","audit"]"#
        );
    }
}
