use jiff::Timestamp;
use maud::{Markup, html};

use crate::components::{
    AlertKind, Control, Field, PageHeader, Status, alert, data_block, duration, field, moment,
    page_header, status_badge,
};
use crate::{Icon, paths};

/// A workflow, the form that runs it, and its recent runs.
#[derive(Clone, Debug, Default)]
pub struct WorkflowPage {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its steps from first to last.
    pub steps: Vec<WorkflowStep>,
    /// The input as JSON: a default, or what the person wrote.
    pub input: String,
    /// What is wrong with the input.
    pub input_error: Option<String>,
    /// Why the last attempt to start a run failed for another reason.
    pub error: Option<String>,
    /// Whether this person may start runs.
    pub may_execute: bool,
    /// Recent runs, newest first.
    pub runs: Vec<RunItem>,
}

/// One step of a workflow.
#[derive(Clone, Debug, Default)]
pub struct WorkflowStep {
    /// The id, by which later steps refer to its output.
    pub id: String,
    /// The name.
    pub name: String,
    /// The name of the agent that it calls.
    pub agent: String,
    /// The page of that agent, where this person may read it.
    pub agent_href: Option<String>,
    /// The template of the prompt.
    pub prompt: String,
}

/// One run of the list.
#[derive(Clone, Debug)]
pub struct RunItem {
    /// The id.
    pub id: String,
    /// The state.
    pub status: Status,
    /// When it started.
    pub started_at: Timestamp,
    /// How long it took, or has taken so far.
    pub duration_ms: Option<u64>,
    /// Who started it, empty when unknown.
    pub started_by: String,
}

/// Renders a workflow.
pub fn workflow_page(page: &WorkflowPage) -> Markup {
    let header = PageHeader {
        trail: vec![("Workflows".to_owned(), paths::WORKFLOWS.to_owned())],
        title: page.name.clone(),
        description: page.description.clone(),
    };
    html! {
        div.page {
            (page_header(&header, html! {}, html! {}))
            div.split {
                section.card aria-labelledby="steps-title" {
                    header.card-header { h2 #steps-title { "Steps" } }
                    (steps(&page.steps))
                }
                (run_form(page))
            }
            section.section aria-labelledby="runs-title" {
                h2 #runs-title { "Recent runs" }
                @if page.runs.is_empty() {
                    p.card.card-note { "No runs yet." @if page.may_execute { " Start the first one above." } }
                } @else {
                    (runs(page))
                }
            }
        }
    }
}

fn steps(steps: &[WorkflowStep]) -> Markup {
    html! {
        ol.steps {
            @for (index, step) in steps.iter().enumerate() {
                li.step.tone-neutral {
                    span.step-mark { (index + 1) }
                    div.step-body {
                        div.step-head {
                            h3 { (step.name) }
                            code.table-id { (step.id) }
                        }
                        p.step-detail {
                            (Icon::Agent)
                            @match &step.agent_href {
                                Some(href) => a href=(href) { (step.agent) },
                                None => (step.agent),
                            }
                        }
                        @if !step.prompt.is_empty() {
                            details.disclosure {
                                summary { "Prompt" }
                                (data_block("Template", &step.prompt))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn run_form(page: &WorkflowPage) -> Markup {
    html! {
        section.card aria-labelledby="run-title" {
            header.card-header { h2 #run-title { "Run" } }
            @if page.may_execute {
                form.form.form--inset method="post" action=(paths::runs(&page.id)) {
                    @if let Some(error) = &page.error { (alert(AlertKind::Error, error)) }
                    (field(&Field {
                        name: "input".to_owned(),
                        label: "Input".to_owned(),
                        value: page.input.clone(),
                        hint: "A JSON object that the steps can use.".to_owned(),
                        error: page.input_error.clone(),
                        autofocus: page.input_error.is_some(),
                        control: Control::Code { rows: 8 },
                        ..Field::default()
                    }))
                    div.form-actions {
                        button.btn.btn--primary type="submit" { (Icon::Run) "Run workflow" }
                    }
                }
            } @else {
                p.card-note { (Icon::Lock) "Your roles let you read this workflow, but not run it." }
            }
        }
    }
}

fn runs(page: &WorkflowPage) -> Markup {
    html! {
        table.table {
            thead {
                tr {
                    th scope="col" { "Run" }
                    th scope="col" { "Status" }
                    th scope="col" { "Started" }
                    th scope="col" { "Duration" }
                    th scope="col" { "Started by" }
                }
            }
            tbody {
                @for run in &page.runs {
                    tr {
                        td {
                            a.table-link.mono href=(paths::run(&page.id, &run.id)) { (run.id) }
                        }
                        td data-label="Status" { (status_badge(run.status)) }
                        td data-label="Started" { (moment(run.started_at)) }
                        td data-label="Duration" {
                            (run.duration_ms.map_or_else(|| "\u{2013}".to_owned(), duration))
                        }
                        td data-label="Started by" { (run.started_by) }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_there_only_for_those_who_may_run() {
        let page = WorkflowPage {
            id: "w".to_owned(),
            ..WorkflowPage::default()
        };
        let allowed = WorkflowPage {
            may_execute: true,
            ..page.clone()
        };

        assert!(!workflow_page(&page).into_string().contains("<form"));
        assert!(
            workflow_page(&allowed)
                .into_string()
                .contains("action=\"/studio/workflows/w/runs\"")
        );
    }

    #[test]
    fn input_and_its_error_are_escaped_and_focused() {
        let output = workflow_page(&WorkflowPage {
            may_execute: true,
            input: "</textarea><script>".to_owned(),
            input_error: Some("<script>".to_owned()),
            ..WorkflowPage::default()
        })
        .into_string();

        assert!(!output.contains("<script") && output.contains(" autofocus"));
    }
}
