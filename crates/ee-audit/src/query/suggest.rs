//! Names that may have been meant.

/// Finds the known name that is most like an unknown one.
pub(super) fn nearest(
    unknown: &str,
    known: impl IntoIterator<Item = &'static str>,
) -> Option<&'static str> {
    // Nothing is like a very long name, and comparing costs the product of the lengths.
    if unknown.len() > 40 {
        return None;
    }
    let unknown = unknown.to_lowercase();
    known
        .into_iter()
        .map(|known| {
            let distance = strsim::damerau_levenshtein(&unknown, &known.to_lowercase());
            (distance, known)
        })
        .filter(|(distance, known)| *distance <= known.len().div_ceil(3))
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_none_that_is_far() {
        let known = ["action", "actor", "actorId", "outcome"];

        assert_eq!(nearest("actr", known), Some("actor"));
        assert_eq!(nearest("ACTORID", known), Some("actorId"));
        assert_eq!(nearest("outcme", known), Some("outcome"));
        assert_eq!(nearest("http", known), None);
        assert_eq!(nearest("", known), None);
    }
}
