/// Longest id that is made from a name, in characters.
const MAX_CHARS: usize = 60;

/// Makes an id from a name: letters and digits in lower case, one `-` between words.
pub(crate) fn slug(name: &str, fallback: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric());
    let joined = words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .join("-");
    let short: String = joined.chars().take(MAX_CHARS).collect();
    let short = short.trim_end_matches('-');
    if short.is_empty() { fallback } else { short }.to_owned()
}

/// Returns the ids to try for a name, the plain one first.
pub(crate) fn candidates(name: &str, fallback: &str) -> impl Iterator<Item = String> + use<> {
    let plain = slug(name, fallback);
    (1..=100).map(move |number| match number {
        1 => plain.clone(),
        _ => format!("{plain}-{number}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_short_lower_case_id() {
        for (name, id) in [
            ("Release notes", "release-notes"),
            ("  A  --  B ", "a-b"),
            ("Übersetzer (DE/EN)", "übersetzer-de-en"),
            ("!!!", "agent"),
            ("../../etc", "etc"),
        ] {
            assert_eq!(slug(name, "agent"), id);
        }
        assert_eq!(slug(&"x".repeat(100), "agent").len(), 60);
    }

    #[test]
    fn later_candidates_carry_a_number() {
        let first: Vec<_> = candidates("A b", "agent").take(3).collect();

        assert_eq!(first, ["a-b", "a-b-2", "a-b-3"]);
    }
}
