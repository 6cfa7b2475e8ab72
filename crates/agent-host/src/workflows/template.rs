use std::collections::HashMap;

use serde_json::Value;

/// A prompt with placeholders: `{{input}}`, `{{input.a.b}}` and `{{steps.ID.output}}`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    /// A value of the input, the whole input when the path is empty.
    Input(Vec<String>),
    /// What an earlier step answered.
    Output(String),
    Text(String),
}

impl Template {
    /// Finds the placeholders. Fails with what is wrong, for a person.
    pub(super) fn parse(prompt: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = prompt;
        while let Some((text, after)) = rest.split_once("{{") {
            let Some((placeholder, after)) = after.split_once("}}") else {
                return Err("a placeholder is not closed with `}}`".to_owned());
            };
            if !text.is_empty() {
                parts.push(Part::Text(text.to_owned()));
            }
            parts.push(parse_placeholder(placeholder.trim())?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// Returns the steps that the prompt needs.
    pub(super) fn steps(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Output(step) => Some(step.as_str()),
            _ => None,
        })
    }

    /// Returns the properties of the input that the prompt needs.
    pub(super) fn properties(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Input(path) => path.first().map(String::as_str),
            _ => None,
        })
    }

    /// Fills the placeholders in. What is filled in is text, whatever braces it holds. Fails when a
    /// value is not there.
    pub(super) fn render(
        &self,
        input: &Value,
        outputs: &HashMap<String, String>,
    ) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Input(path) => push_value(&mut text, find_value(input, path)?),
                Part::Output(step) => text.push_str(outputs.get(step).ok_or_else(|| {
                    format!("the step `{step}` has no output for `{{{{steps.{step}.output}}}}`")
                })?),
                Part::Text(plain) => text.push_str(plain),
            }
        }
        Ok(text)
    }
}

fn parse_placeholder(text: &str) -> Result<Part, String> {
    let mut segments = text.split('.').map(str::to_owned);
    let first = segments.next().unwrap_or_default();
    let rest: Vec<_> = segments.collect();
    match (first.as_str(), rest.as_slice()) {
        ("input", path) if path.iter().all(|segment| is_key(segment)) => Ok(Part::Input(rest)),
        ("steps", [step, output]) if is_key(step) && output == "output" => {
            Ok(Part::Output(step.clone()))
        }
        _ => Err(format!(
            "`{{{{{text}}}}}` is not known, use `{{{{input}}}}`, `{{{{input.name}}}}` or `{{{{steps.id.output}}}}`"
        )),
    }
}

/// Tells whether a text can be the name of a step or a property in a placeholder.
pub(super) fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || c == '-' || c == '_')
}

fn find_value<'a>(input: &'a Value, path: &[String]) -> Result<&'a Value, String> {
    let mut value = input;
    for key in path {
        let next = match value {
            Value::Array(items) => key.parse::<usize>().ok().and_then(|i| items.get(i)),
            Value::Object(fields) => fields.get(key),
            _ => None,
        };
        value = next.ok_or_else(|| {
            format!(
                "the input has no value for `{{{{input.{}}}}}`",
                path.join(".")
            )
        })?;
    }
    Ok(value)
}

fn push_value(text: &mut String, value: &Value) {
    match value {
        Value::String(plain) => text.push_str(plain),
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(prompt: &str) -> Result<String, String> {
        let input = json!({ "a": { "b": [1, "two"] }, "name": "Ann", "trap": "{{input.name}}" });
        let outputs = HashMap::from([("first".to_owned(), "one".to_owned())]);
        Template::parse(prompt)?.render(&input, &outputs)
    }

    #[test]
    fn placeholders_are_filled_in() {
        for (prompt, text) in [
            ("Hello {{input.name}}!", "Hello Ann!"),
            ("{{ input.a.b.1 }}{{input.a.b}}", "two[1,\"two\"]"),
            ("{{steps.first.output}}", "one"),
            ("no } placeholder { here", "no } placeholder { here"),
            ("", ""),
        ] {
            assert_eq!(render(prompt).unwrap(), text);
        }
        let whole = Template::parse("{{input}}").unwrap();
        assert_eq!(whole.render(&json!("x"), &HashMap::new()).unwrap(), "x");
    }

    #[test]
    fn what_is_filled_in_is_not_read_again() {
        assert_eq!(render("{{input.trap}}").unwrap(), "{{input.name}}");
    }

    #[test]
    fn unknown_placeholders_are_refused() {
        for prompt in [
            "{{",
            "{{input",
            "{{}}",
            "{{inputs.a}}",
            "{{input.}}",
            "{{input..a}}",
            "{{steps.first}}",
            "{{steps.first.input}}",
            "{{steps.first.output.x}}",
            "{{ env.HOME }}",
        ] {
            assert!(Template::parse(prompt).is_err(), "{prompt}");
        }
    }

    #[test]
    fn a_missing_value_is_named() {
        assert!(render("{{input.x}}").unwrap_err().contains("`{{input.x}}`"));
        assert!(render("{{input.name.x}}").is_err());
        assert!(render("{{input.a.b.9}}").is_err());
        assert!(
            render("{{steps.other.output}}")
                .unwrap_err()
                .contains("`other`")
        );
    }

    #[test]
    fn a_template_names_what_it_needs() {
        let template = Template::parse("{{input.a.b}} {{input}} {{steps.s.output}}").unwrap();

        assert_eq!(template.properties().collect::<Vec<_>>(), ["a"]);
        assert_eq!(template.steps().collect::<Vec<_>>(), ["s"]);
    }
}
