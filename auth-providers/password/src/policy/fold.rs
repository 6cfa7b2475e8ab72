//! Texts as they are compared.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

/// Returns the text in normal form C (UAX #15).
pub(crate) fn normal(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// Returns the text as it is compared with lists: in normal form C and lower case. Never as it is hashed.
pub(crate) fn fold(text: &str) -> String {
    normal(&normal(text).to_lowercase()).into_owned()
}
