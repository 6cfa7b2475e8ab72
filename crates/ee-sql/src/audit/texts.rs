//! Texts of others in columns that are searched.

use std::borrow::Cow;

/// Stands before and behind what has another spelling in a column. It is no character, so hardly any text has one.
const MARK: char = '\u{ffff}';

/// Returns how a text is kept: PostgreSQL keeps no NUL, and an event that has one must be kept all the same.
///
/// Texts that begin or end alike do so in this spelling as well, and others do not.
pub(super) fn kept(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', MARK]) {
        return text.into();
    }
    let mut kept = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        let code = match char {
            '\0' => '0',
            MARK => '1',
            other => {
                kept.push(other);
                continue;
            }
        };
        kept.extend([MARK, code, MARK]);
    }
    kept.into()
}

/// Returns what was kept.
pub(super) fn original(kept: String) -> String {
    if !kept.contains(MARK) {
        return kept;
    }
    let mut text = String::with_capacity(kept.len());
    let mut chars = kept.chars();
    while let Some(char) = chars.next() {
        if char == MARK {
            text.push(if chars.next() == Some('0') {
                '\0'
            } else {
                MARK
            });
            chars.next();
        } else {
            text.push(char);
        }
    }
    text
}

/// Writes texts as one parameter.
pub(super) fn list<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let texts = texts.into_iter();
    let list: serde_json::Value = texts.map(|text| text.as_ref().to_owned()).collect();
    list.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_and_ends_alike_does_so_as_it_is_kept() {
        let parts = [
            "",
            "a",
            "0",
            "1",
            "\0",
            "\u{ffff}",
            "\u{ffff}0\u{ffff}",
            "a\0",
            "\0a",
            "ä",
        ];
        let texts: Vec<String> = parts
            .iter()
            .flat_map(|one| parts.iter().map(move |other| format!("{one}{other}")))
            .collect();

        for text in &texts {
            let whole = kept(text);
            assert!(!whole.contains('\0'));
            assert_eq!(original(whole.clone().into_owned()), *text);
            for part in &texts {
                let kept = kept(part);
                assert_eq!(whole == kept, text == part, "{text:?} {part:?}");
                assert_eq!(
                    whole.starts_with(&*kept),
                    text.starts_with(&**part),
                    "{text:?} {part:?}"
                );
                assert_eq!(
                    whole.ends_with(&*kept),
                    text.ends_with(&**part),
                    "{text:?} {part:?}"
                );
            }
        }
    }
}
