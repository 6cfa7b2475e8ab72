/// What is wrong with what a form has sent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FormErrors {
    /// What is wrong with the whole, as sentences.
    pub common: Option<String>,
    /// What is wrong with single fields, by name, as sentences.
    pub fields: Vec<(String, String)>,
}

impl FormErrors {
    /// Says that one thing is wrong with the whole.
    pub fn whole(text: impl Into<String>) -> Self {
        Self {
            common: Some(text.into()),
            fields: Vec::new(),
        }
    }

    /// Returns what is wrong with a field.
    pub fn of(&self, field: &str) -> Option<String> {
        let mut found = self.fields.iter().filter(|(name, _)| name == field);
        let (_, first) = found.next()?;
        Some(found.fold(first.clone(), |text, (_, more)| format!("{text} {more}")))
    }

    /// Tells whether something is wrong with the field.
    pub fn is_about(&self, field: &str) -> bool {
        self.fields.iter().any(|(name, _)| name == field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_with_a_field_is_said() {
        let field = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let errors = FormErrors {
            common: None,
            fields: vec![
                field("password", "Too short."),
                field("email", "None."),
                field("password", "Too common."),
            ],
        };

        assert_eq!(
            errors.of("password").as_deref(),
            Some("Too short. Too common.")
        );
        assert!(errors.is_about("email") && !errors.is_about("name"));
        assert_eq!(errors.of("name"), None);
    }
}
