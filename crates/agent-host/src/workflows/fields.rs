use std::collections::HashSet;

use ee_core::{Error, host::NewWorkflow, storage::WorkflowStep};
use serde_json::Value;

use super::{
    input,
    template::{Template, is_key},
};
use crate::issues::Issues;

const MAX_NAME_CHARS: usize = 100;
const MAX_DESCRIPTION_CHARS: usize = 500;
const MAX_STEPS: usize = 50;
const MAX_STEP_ID_CHARS: usize = 64;
const MAX_PROMPT_BYTES: usize = 16 * 1024;

/// Words that stand in an address of the API where the id of a workflow does in others: nobody could read such a
/// workflow.
const RESERVED_IDS: [&str; 1] = ["run-counts"];

pub(super) fn is_reserved(id: &str) -> bool {
    RESERVED_IDS.contains(&id)
}

/// Checks a new workflow. Fails with all wrong fields.
pub(super) fn check_new(new: &NewWorkflow) -> Result<(), Error> {
    let mut issues = Issues::default();
    issues.check_name("name", &new.name, MAX_NAME_CHARS);
    issues.check_description(new.description.as_deref(), MAX_DESCRIPTION_CHARS);
    if let Some(id) = &new.id
        && is_reserved(id.as_str())
    {
        issues.add(
            "id",
            format!("`{id}` has a meaning of its own in addresses"),
        );
    }
    if let Some(schema) = &new.input_schema {
        input::check_schema(&mut issues, schema);
    }
    if new.steps.is_empty() || new.steps.len() > MAX_STEPS {
        issues.add("steps", format!("must hold 1 to {MAX_STEPS} steps"));
    } else {
        check_steps(&mut issues, &new.steps, new.input_schema.as_ref());
    }
    issues.into_result()
}

fn check_steps(issues: &mut Issues, steps: &[WorkflowStep], schema: Option<&Value>) {
    let properties = schema.and_then(|schema| schema.get("properties")?.as_object());
    let mut earlier = HashSet::new();
    for (index, step) in steps.iter().enumerate() {
        if !is_key(&step.id) || step.id.chars().count() > MAX_STEP_ID_CHARS {
            issues.add(
                format!("steps.{index}.id"),
                format!("must be 1 to {MAX_STEP_ID_CHARS} letters, digits, `-` or `_`"),
            );
        }
        let field = format!("steps.{index}.prompt");
        if step.prompt.trim().is_empty() {
            issues.add(&*field, "must not be empty");
        } else if step.prompt.len() > MAX_PROMPT_BYTES {
            issues.add(
                &*field,
                format!("must not be longer than {MAX_PROMPT_BYTES} bytes"),
            );
        } else {
            match Template::parse(&step.prompt) {
                Ok(template) => {
                    for needed in template.steps().filter(|id| !earlier.contains(id)) {
                        issues.add(&*field, format!("`{needed}` is no earlier step"));
                    }
                    let unknown = |name: &&str| properties.is_some_and(|p| !p.contains_key(*name));
                    for name in template.properties().filter(unknown) {
                        issues.add(
                            &*field,
                            format!("`{name}` is no property of the input schema"),
                        );
                    }
                }
                Err(problem) => issues.add(&*field, problem),
            }
        }
        if !earlier.insert(step.id.as_str()) {
            issues.add(
                format!("steps.{index}.id"),
                format!("`{}` is the id of an earlier step", step.id),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use ee_core::AgentId;
    use serde_json::json;

    use super::*;

    fn step(id: &str, prompt: &str) -> WorkflowStep {
        WorkflowStep {
            agent_id: AgentId::new("agent").unwrap(),
            id: id.to_owned(),
            prompt: prompt.to_owned(),
        }
    }

    fn wrong_fields(steps: Vec<WorkflowStep>, schema: Option<Value>) -> Vec<String> {
        let mut new = NewWorkflow::default();
        new.input_schema = schema;
        "w".clone_into(&mut new.name);
        new.steps = steps;
        match check_new(&new) {
            Ok(()) => Vec::new(),
            Err(err) => err.issues().iter().map(|i| i.field.clone()).collect(),
        }
    }

    #[test]
    fn a_step_uses_the_input_and_earlier_steps() {
        let steps = vec![
            step("a", "{{input.topic}}"),
            step("b", "{{steps.a.output}} {{input}}"),
        ];

        assert!(wrong_fields(steps, None).is_empty());
    }

    #[test]
    fn a_later_step_the_step_itself_and_a_second_of_the_same_id_are_refused() {
        let steps = vec![
            step("a", "{{steps.b.output}}"),
            step("b", "{{steps.b.output}}"),
            step("a", "fine"),
        ];

        assert_eq!(
            wrong_fields(steps, None),
            ["steps.0.prompt", "steps.1.prompt", "steps.2.id"]
        );
    }

    #[test]
    fn sizes_and_names_have_limits() {
        assert_eq!(wrong_fields(vec![], None), ["steps"]);
        let many = (0..51).map(|i| step(&format!("s{i}"), "x")).collect();
        assert_eq!(wrong_fields(many, None), ["steps"]);
        let steps = vec![step("a.b", &"x".repeat(16 * 1024 + 1)), step("", " ")];
        assert_eq!(
            wrong_fields(steps, None),
            [
                "steps.0.id",
                "steps.0.prompt",
                "steps.1.id",
                "steps.1.prompt"
            ]
        );
    }

    #[test]
    fn a_placeholder_names_a_property_of_the_schema() {
        let schema = json!({ "type": "object", "properties": { "topic": { "type": "string" } } });
        let steps = vec![step("a", "{{input.topic}} {{input.other}}")];

        assert_eq!(wrong_fields(steps, Some(schema)), ["steps.0.prompt"]);
    }
}
