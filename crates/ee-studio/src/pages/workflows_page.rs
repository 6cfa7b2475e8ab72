use jiff::Timestamp;
use maud::{Markup, html};

use crate::components::{
    EmptyState, NextStep, PageHeader, Pager, Status, empty, moment, page_header, pager,
    status_badge,
};
use crate::{Icon, paths};

/// The list of workflows.
#[derive(Clone, Debug, Default)]
pub struct WorkflowsPage {
    /// The workflows of the page: this person may read them.
    pub workflows: Vec<WorkflowItem>,
    /// The way to the other pages.
    pub pager: Pager,
    /// Whether this person may read agents, the next step from an empty list.
    pub may_read_agents: bool,
}

/// One workflow of the list.
#[derive(Clone, Debug, Default)]
pub struct WorkflowItem {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// What it is for, in one line.
    pub description: String,
    /// The number of steps.
    pub steps: usize,
    /// The state and start of the last run.
    pub last_run: Option<(Status, Timestamp)>,
}

/// Renders the list of workflows.
pub fn workflows_page(page: &WorkflowsPage) -> Markup {
    let header = PageHeader {
        title: "Workflows".to_owned(),
        description: "Agents called one after another, each with the output of those before."
            .to_owned(),
        ..PageHeader::default()
    };
    html! {
        div.page {
            (page_header(&header, html! {}, html! {}))
            @if page.workflows.is_empty() {
                (empty(&EmptyState {
                    icon: Icon::Workflow,
                    title: "No workflows yet".to_owned(),
                    text: "Workflows appear here once they are configured and shared with you.".to_owned(),
                    next: page.may_read_agents.then(|| NextStep {
                        label: "Open agents".to_owned(),
                        href: paths::AGENTS.to_owned(),
                    }),
                }))
            } @else {
                (table(&page.workflows))
                (pager(&page.pager))
            }
        }
    }
}

fn table(workflows: &[WorkflowItem]) -> Markup {
    html! {
        table.table {
            thead {
                tr {
                    th scope="col" { "Name" }
                    th scope="col" { "Steps" }
                    th scope="col" { "Last run" }
                    th scope="col" { "Id" }
                }
            }
            tbody {
                @for workflow in workflows {
                    tr {
                        td.table-main {
                            a.table-link href=(paths::workflow(&workflow.id)) { (workflow.name) }
                            @if !workflow.description.is_empty() {
                                p.table-note { (workflow.description) }
                            }
                        }
                        td data-label="Steps" { (workflow.steps) }
                        td data-label="Last run" {
                            @match workflow.last_run {
                                Some((status, at)) => span.pair { (status_badge(status)) (moment(at)) },
                                None => span.muted { "Never" },
                            }
                        }
                        td data-label="Id" { code.table-id { (workflow.id) } }
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
    fn fields_are_escaped() {
        let hostile = "<script>x</script>".to_owned();
        let page = WorkflowsPage {
            workflows: vec![WorkflowItem {
                id: hostile.clone(),
                name: hostile.clone(),
                description: hostile,
                ..WorkflowItem::default()
            }],
            ..WorkflowsPage::default()
        };

        assert!(!workflows_page(&page).into_string().contains("<script"));
    }
}
