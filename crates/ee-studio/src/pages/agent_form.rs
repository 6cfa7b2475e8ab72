use maud::{Markup, html};

use crate::components::{AlertKind, Control, Field, PageHeader, alert, field, page_header};
use crate::paths;

/// The form that creates or changes an agent.
#[derive(Clone, Debug, Default)]
pub struct AgentForm {
    /// Whether it creates or changes.
    pub mode: FormMode,
    /// The id; fixed once the agent exists.
    pub id: String,
    /// The name.
    pub name: String,
    /// What the agent is for, in one line.
    pub description: String,
    /// What the agent is told before every conversation.
    pub instructions: String,
    /// The model, e.g. `openai/gpt-5`.
    pub model: String,
    /// The models to suggest.
    pub models: Vec<String>,
    /// What is wrong with the values.
    pub errors: AgentFormErrors,
}

/// What an [`AgentForm`] does.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum FormMode {
    /// Makes something new.
    #[default]
    Create,
    /// Changes what exists.
    Edit,
}

/// What is wrong with the values of an [`AgentForm`].
#[derive(Clone, Debug, Default)]
pub struct AgentFormErrors {
    /// What is wrong with the whole.
    pub form: Option<String>,
    /// What is wrong with the id.
    pub id: Option<String>,
    /// What is wrong with the name.
    pub name: Option<String>,
    /// What is wrong with the description.
    pub description: Option<String>,
    /// What is wrong with the instructions.
    pub instructions: Option<String>,
    /// What is wrong with the model.
    pub model: Option<String>,
}

impl AgentForm {
    /// An agent whose name was just emptied is still called something.
    fn shown_name(&self) -> &str {
        if self.name.is_empty() {
            &self.id
        } else {
            &self.name
        }
    }
}

/// Renders the form that creates or changes an agent.
pub fn agent_form(form: &AgentForm) -> Markup {
    let agents = ("Agents".to_owned(), paths::AGENTS.to_owned());
    let (title, trail, action, cancel, button) = match form.mode {
        FormMode::Create => (
            "New agent".to_owned(),
            vec![agents],
            paths::AGENTS.to_owned(),
            paths::AGENTS.to_owned(),
            "Create agent",
        ),
        FormMode::Edit => (
            format!("Edit {}", form.shown_name()),
            vec![
                agents,
                (form.shown_name().to_owned(), paths::agent(&form.id)),
            ],
            paths::edit_agent(&form.id),
            paths::agent(&form.id),
            "Save changes",
        ),
    };
    let header = PageHeader {
        trail,
        title,
        ..PageHeader::default()
    };
    html! {
        div.page.page--narrow {
            (page_header(&header, html! {}, html! {}))
            form.card.form method="post" action=(action) {
                @if let Some(error) = &form.errors.form { (alert(AlertKind::Error, error)) }
                @for item in fields(form) { (field(&item)) }
                div.form-actions {
                    button.btn.btn--primary type="submit" { (button) }
                    a.btn.btn--ghost href=(cancel) { "Cancel" }
                }
            }
        }
    }
}

fn fields(form: &AgentForm) -> [Field; 5] {
    let errors = &form.errors;
    let editing = form.mode == FormMode::Edit;
    let mut fields = [
        Field {
            name: "name".to_owned(),
            label: "Name".to_owned(),
            value: form.name.clone(),
            error: errors.name.clone(),
            required: true,
            ..Field::default()
        },
        Field {
            name: "id".to_owned(),
            label: "Id".to_owned(),
            value: form.id.clone(),
            hint: if editing {
                "Part of the address, and so it stays as it is."
            } else {
                "Part of the address: letters, digits, - and _. Left empty, it is made from the name."
            }
            .to_owned(),
            error: errors.id.clone(),
            control: if editing { Control::ReadOnly } else { Control::Text },
            ..Field::default()
        },
        Field {
            name: "description".to_owned(),
            label: "Description".to_owned(),
            value: form.description.clone(),
            hint: "One line for the list of agents.".to_owned(),
            error: errors.description.clone(),
            ..Field::default()
        },
        Field {
            name: "model".to_owned(),
            label: "Model".to_owned(),
            value: form.model.clone(),
            hint: "Provider and model, such as openai/gpt-5. Leave it empty for the server's default."
                .to_owned(),
            error: errors.model.clone(),
            control: Control::Suggest { options: form.models.clone() },
            ..Field::default()
        },
        Field {
            name: "instructions".to_owned(),
            label: "Instructions".to_owned(),
            value: form.instructions.clone(),
            hint: "What the agent is told before every conversation.".to_owned(),
            error: errors.instructions.clone(),
            control: Control::TextArea { rows: 10 },
            ..Field::default()
        },
    ];
    // The first field with an error, else the first field, takes the focus.
    let focus = fields
        .iter()
        .position(|field| field.error.is_some())
        .unwrap_or(0);
    if let Some(field) = fields.get_mut(focus) {
        field.autofocus = true;
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_takes_the_focus() {
        let form = AgentForm {
            errors: AgentFormErrors {
                model: Some("unknown provider".to_owned()),
                instructions: Some("too long".to_owned()),
                ..AgentFormErrors::default()
            },
            ..AgentForm::default()
        };

        let focused: Vec<String> = fields(&form)
            .into_iter()
            .filter(|field| field.autofocus)
            .map(|field| field.name)
            .collect();

        assert_eq!(focused, ["model"]);
    }

    #[test]
    fn an_existing_id_cannot_be_changed() {
        let form = AgentForm {
            mode: FormMode::Edit,
            id: "support".to_owned(),
            ..AgentForm::default()
        };

        let output = agent_form(&form).into_string();

        assert!(output.contains("action=\"/studio/agents/support/edit\""));
        assert!(output.contains("readonly"));
    }

    #[test]
    fn values_are_escaped() {
        let hostile = "\"></textarea><script>x</script>".to_owned();
        let form = AgentForm {
            id: hostile.clone(),
            name: hostile.clone(),
            description: hostile.clone(),
            instructions: hostile.clone(),
            model: hostile.clone(),
            models: vec![hostile.clone()],
            errors: AgentFormErrors {
                form: Some(hostile),
                ..AgentFormErrors::default()
            },
            ..AgentForm::default()
        };

        assert!(!agent_form(&form).into_string().contains("<script"));
    }
}
