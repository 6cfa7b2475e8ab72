use jiff::Timestamp;
use maud::{Markup, html};

use crate::components::{
    AlertKind, PageHeader, RunStep, Status, alert, data_block, duration, moment, page_header,
    run_steps, status_badge,
};
use crate::{Icon, paths};

/// One run of a workflow.
#[derive(Clone, Debug, Default)]
pub struct RunPage {
    /// The id of the workflow.
    pub workflow_id: String,
    /// Its name.
    pub workflow_name: String,
    /// The id of the run.
    pub run_id: String,
    /// The state of the whole.
    pub status: Status,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// How long it took, or has taken so far.
    pub duration_ms: Option<u64>,
    /// Who started it, empty when unknown.
    pub started_by: String,
    /// What it was given.
    pub input: String,
    /// What came out.
    pub output: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// Its steps from first to last.
    pub steps: Vec<RunStep>,
    /// Whether this person may stop it while it is active.
    pub may_cancel: bool,
    /// Whether this person may start it again when it ended early.
    pub may_restart: bool,
}

/// Renders a run. While it is active the part with the id `run` asks for itself
/// again every second.
pub fn run_page(page: &RunPage) -> Markup {
    let header = PageHeader {
        trail: vec![
            ("Workflows".to_owned(), paths::WORKFLOWS.to_owned()),
            (
                page.workflow_name.clone(),
                paths::workflow(&page.workflow_id),
            ),
        ],
        title: format!("Run {}", page.run_id),
        ..PageHeader::default()
    };
    let active = page.status.is_active();
    let url = paths::run(&page.workflow_id, &page.run_id);
    html! {
        div.page #run hx-get=[active.then_some(&url)] hx-trigger=[active.then_some("every 1s")]
            hx-select=[active.then_some("#run")] hx-swap=[active.then_some("outerHTML")] {
            (page_header(&header, html! { span role="status" { (status_badge(page.status)) } }, actions(page)))
            @if active {
                noscript {
                    p.alert.alert--info {
                        (Icon::Info)
                        span { "Without JavaScript this page stands still. " a href=(url) { "Reload" } " to see progress." }
                    }
                }
            }
            (facts(page))
            @if let Some(error) = &page.error { (alert(AlertKind::Error, error)) }
            @if page.status == Status::Interrupted {
                (alert(AlertKind::Warning, "The server stopped while this run was active."))
            }
            div.split {
                section.card aria-labelledby="steps-title" {
                    header.card-header { h2 #steps-title { "Steps" } }
                    (run_steps(&page.steps))
                }
                section.stack aria-label="Input and output" {
                    (data_block("Input", &page.input))
                    @if let Some(output) = &page.output { (data_block("Output", output)) }
                }
            }
        }
    }
}

fn actions(page: &RunPage) -> Markup {
    html! {
        @if page.may_cancel && page.status.is_active() {
            form method="post" action=(paths::cancel_run(&page.workflow_id, &page.run_id)) {
                button.btn.btn--danger-quiet type="submit" { (Icon::Stop) "Cancel run" }
            }
        }
        @let ended_early = matches!(page.status, Status::Canceled | Status::Failed | Status::Interrupted);
        @if page.may_restart && ended_early {
            form method="post" action=(paths::restart_run(&page.workflow_id, &page.run_id)) {
                button.btn.btn--primary type="submit" { (Icon::Restart) "Restart run" }
            }
        }
    }
}

fn facts(page: &RunPage) -> Markup {
    html! {
        dl.facts.facts--row {
            @if let Some(started_at) = page.started_at {
                div { dt { "Started" } dd { (moment(started_at)) } }
            }
            @if let Some(ms) = page.duration_ms {
                div { dt { "Duration" } dd { (duration(ms)) } }
            }
            @if !page.started_by.is_empty() {
                div { dt { "Started by" } dd { (page.started_by) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(status: Status, may: bool) -> String {
        run_page(&RunPage {
            workflow_id: "w".to_owned(),
            run_id: "r".to_owned(),
            status,
            may_cancel: may,
            may_restart: may,
            error: Some("<script>".to_owned()),
            output: Some("</code><script>".to_owned()),
            ..RunPage::default()
        })
        .into_string()
    }

    #[test]
    fn only_an_active_run_asks_again() {
        for (status, active) in [
            (Status::Pending, true),
            (Status::Running, true),
            (Status::Success, false),
            (Status::Interrupted, false),
        ] {
            assert_eq!(page(status, true).contains("hx-get"), active, "{status:?}");
        }
    }

    #[test]
    fn controls_need_both_the_state_and_the_permission() {
        assert!(page(Status::Running, true).contains("/cancel"));
        assert!(!page(Status::Running, false).contains("/cancel"));
        assert!(!page(Status::Success, true).contains("/cancel"));
        assert!(page(Status::Interrupted, true).contains("/restart"));
        assert!(!page(Status::Interrupted, false).contains("/restart"));
        assert!(page(Status::Failed, true).contains("/restart"));
        assert!(!page(Status::Success, true).contains("/restart"));
    }

    #[test]
    fn outputs_are_escaped() {
        assert!(!page(Status::Failed, true).contains("<script"));
    }
}
