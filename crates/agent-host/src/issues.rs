use ee_core::{Error, ErrorKind, Issue};

/// Collects everything that is wrong with an input, so that a person mends it in one go.
#[derive(Debug, Default)]
pub(crate) struct Issues(Vec<Issue>);

impl Issues {
    /// Adds a wrong field.
    pub(crate) fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(Issue {
            field: field.into(),
            message: message.into(),
        });
    }

    /// Checks the length in characters and that something visible is there.
    pub(crate) fn check_name(&mut self, field: &str, text: &str, max_chars: usize) {
        if text.trim().is_empty() {
            self.add(field, "must not be empty");
        } else if text.chars().count() > max_chars {
            self.add(
                field,
                format!("must not be longer than {max_chars} characters"),
            );
        } else if text.chars().any(char::is_control) {
            self.add(field, "must not hold control characters");
        }
    }

    /// Checks the length of an optional text in characters.
    pub(crate) fn check_description(&mut self, text: Option<&str>, max_chars: usize) {
        if text.is_some_and(|text| text.chars().count() > max_chars) {
            self.add(
                "description",
                format!("must not be longer than {max_chars} characters"),
            );
        }
    }

    /// Fails with [`ErrorKind::Invalid`] and all wrong fields, if there are any.
    pub(crate) fn into_result(self) -> Result<(), Error> {
        let message = match self.0.as_slice() {
            [] => return Ok(()),
            [one] => format!("invalid `{}`: {}", one.field, one.message),
            many => {
                let fields: Vec<_> = many.iter().map(|i| format!("`{}`", i.field)).collect();
                format!("invalid {}", fields.join(", "))
            }
        };
        Err(Error::new(ErrorKind::Invalid, message).with_issues(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_wrong_fields_are_named() {
        let mut issues = Issues::default();
        issues.check_name("name", " ", 100);
        issues.check_description(Some(&"x".repeat(501)), 500);

        let err = issues.into_result().unwrap_err();

        assert_eq!(err.kind(), ErrorKind::Invalid);
        assert_eq!(err.message(), "invalid `name`, `description`");
        assert_eq!(err.issues().len(), 2);
    }

    #[test]
    fn a_length_is_counted_in_characters() {
        let mut issues = Issues::default();

        issues.check_name("name", &"ü".repeat(100), 100);

        assert!(issues.into_result().is_ok());
    }
}
