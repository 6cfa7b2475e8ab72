use ee_core::{
    Error,
    host::{AgentPatch, ChatRequest, NewAgent},
};

use crate::{Models, issues::Issues};

const MAX_NAME_CHARS: usize = 100;
const MAX_DESCRIPTION_CHARS: usize = 500;
const MAX_INSTRUCTIONS_BYTES: usize = 32 * 1024;

/// Checks a new agent. Fails with all wrong fields.
pub(super) fn check_new(new: &NewAgent, models: &Models) -> Result<(), Error> {
    let mut issues = Issues::default();
    issues.check_name("name", &new.name, MAX_NAME_CHARS);
    issues.check_description(new.description.as_deref(), MAX_DESCRIPTION_CHARS);
    check_instructions(&mut issues, &new.instructions);
    check_model(&mut issues, &new.model, models);
    issues.into_result()
}

/// Checks what is changed of an agent. Fails with all wrong fields.
///
/// A form sends the model that the agent has; it is not refused because the configuration changed.
pub(super) fn check_patch(
    patch: &AgentPatch,
    current_model: &str,
    models: &Models,
) -> Result<(), Error> {
    let mut issues = Issues::default();
    if let Some(name) = &patch.name {
        issues.check_name("name", name, MAX_NAME_CHARS);
    }
    if let Some(description) = &patch.description {
        issues.check_description(description.as_deref(), MAX_DESCRIPTION_CHARS);
    }
    if let Some(instructions) = &patch.instructions {
        check_instructions(&mut issues, instructions);
    }
    if let Some(model) = &patch.model
        && model != current_model
    {
        check_model(&mut issues, model, models);
    }
    issues.into_result()
}

/// Checks a question. Fails with all wrong fields.
pub(super) fn check_request(request: &ChatRequest) -> Result<(), Error> {
    let mut issues = Issues::default();
    if request.messages.is_empty() {
        issues.add("messages", "must hold at least one message");
    }
    for (index, message) in request.messages.iter().enumerate() {
        if message.text.trim().is_empty() {
            issues.add(format!("messages.{index}"), "must not be empty");
        }
    }
    if let Some(instructions) = &request.instructions {
        check_instructions(&mut issues, instructions);
    }
    issues.into_result()
}

/// Takes an empty description for none.
pub(super) fn tidy(description: Option<String>) -> Option<String> {
    description.filter(|text| !text.trim().is_empty())
}

fn check_instructions(issues: &mut Issues, instructions: &str) {
    if instructions.len() > MAX_INSTRUCTIONS_BYTES {
        issues.add(
            "instructions",
            format!("must not be longer than {MAX_INSTRUCTIONS_BYTES} bytes"),
        );
    }
}

fn check_model(issues: &mut Issues, model: &str, models: &Models) {
    if !model.is_empty()
        && let Err(problem) = models.check(model)
    {
        issues.add("model", problem);
    }
}
