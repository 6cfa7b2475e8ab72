//! Workflows and runs.

use ee_studio::components::{RunStep, Status};
use ee_studio::layout::Section;
use ee_studio::pages::{
    RunItem, RunPage, WorkflowItem, WorkflowPage, WorkflowStep, WorkflowsPage, run_page,
    workflow_page, workflows_page,
};

use super::{Sample, at, page, s};

pub(super) fn workflows() -> Vec<Sample> {
    let list = WorkflowsPage {
        workflows: vec![
            WorkflowItem {
                id: s("triage"),
                name: s("Ticket triage"),
                description: s("Sums a ticket up, sorts it and drafts the answer."),
                steps: 3,
                last_run: Some((Status::Success, at(0))),
            },
            WorkflowItem {
                id: s("digest"),
                name: s("Weekly digest"),
                steps: 2,
                ..WorkflowItem::default()
            },
        ],
        may_read_agents: true,
        ..WorkflowsPage::default()
    };
    let mut empty_list = list.clone();
    empty_list.workflows.clear();
    let reader = WorkflowPage {
        may_execute: false,
        runs: Vec::new(),
        ..workflow()
    };
    let wrong = WorkflowPage {
        input: s("{ \"ticket\": \"My parcel is late\", }"),
        input_error: Some(s(
            "This is not valid JSON: trailing comma at line 1 column 33.",
        )),
        ..workflow()
    };
    vec![
        page("workflows", Section::Workflows, workflows_page(&list)),
        page(
            "workflows-empty",
            Section::Workflows,
            workflows_page(&empty_list),
        ),
        page("workflow", Section::Workflows, workflow_page(&workflow())),
        page(
            "workflow-input-error",
            Section::Workflows,
            workflow_page(&wrong),
        ),
        page(
            "workflow-read-only",
            Section::Workflows,
            workflow_page(&reader),
        ),
        page(
            "run-active",
            Section::Workflows,
            run_page(&run(Status::Running)),
        ),
        page(
            "run-success",
            Section::Workflows,
            run_page(&run(Status::Success)),
        ),
        page(
            "run-failed",
            Section::Workflows,
            run_page(&run(Status::Failed)),
        ),
        page(
            "run-interrupted",
            Section::Workflows,
            run_page(&run(Status::Interrupted)),
        ),
    ]
}

fn workflow() -> WorkflowPage {
    let step = |id: &str, name: &str, agent: &str, prompt: &str| WorkflowStep {
        id: s(id),
        name: s(name),
        agent: s(agent),
        agent_href: Some(format!("/studio/agents/{id}")),
        prompt: s(prompt),
    };
    let item = |id: &str, status, seconds, duration_ms| RunItem {
        id: s(id),
        status,
        started_at: at(seconds),
        duration_ms,
        started_by: s("Ada Lovelace"),
    };
    WorkflowPage {
        id: s("triage"),
        name: s("Ticket triage"),
        description: s("Sums a ticket up, sorts it and drafts the answer."),
        steps: vec![
            step(
                "summary",
                "Sum up",
                "Summarizer",
                "Sum up in three sentences:\n\n{{input.ticket}}",
            ),
            step(
                "category",
                "Sort",
                "Support",
                "One word for the kind of: {{steps.summary}}",
            ),
            step(
                "answer",
                "Draft the answer",
                "Support",
                "Answer politely: {{steps.summary}}",
            ),
        ],
        input: s("{\n  \"ticket\": \"My parcel is late.\"\n}"),
        may_execute: true,
        runs: vec![
            item("01JD6Y3Z8K4", Status::Running, 100, Some(2_400)),
            item("01JD6Y1M2QP", Status::Success, 50, Some(7_910)),
            item("01JD6XZZ7A9", Status::Failed, 10, Some(31_002)),
            item("01JD6XY4T1C", Status::Interrupted, -500, None),
            item("01JD6XW0B3D", Status::Canceled, -900, Some(420)),
        ],
        ..WorkflowPage::default()
    }
}

fn run(status: Status) -> RunPage {
    let step = |id: &str, name: &str, status| RunStep {
        id: s(id),
        name: s(name),
        detail: s("Summarizer"),
        status,
        ..RunStep::default()
    };
    let first = RunStep {
        duration_ms: Some(1_830),
        input: Some(s("Sum up in three sentences:\n\nMy parcel is late.")),
        output: Some(s(
            "A customer waits for a parcel. It is late. They want to know why.",
        )),
        ..step("summary", "Sum up", Status::Success)
    };
    let second = RunStep {
        duration_ms: Some(610),
        error: (status == Status::Failed).then(|| s("the model provider answered with status 429")),
        input: Some(s(
            "One word for the kind of: A customer waits for a parcel.",
        )),
        output: (status == Status::Success).then(|| s("delivery")),
        ..step("category", "Sort", status)
    };
    let third = match status {
        Status::Failed => Status::Skipped,
        Status::Success => Status::Success,
        _ => Status::Pending,
    };
    RunPage {
        workflow_id: s("triage"),
        workflow_name: s("Ticket triage"),
        run_id: s("01JD6Y3Z8K4"),
        status,
        started_at: Some(at(100)),
        duration_ms: Some(2_440),
        started_by: s("Ada Lovelace"),
        input: s("{\n  \"ticket\": \"My parcel is late.\"\n}"),
        output: (status == Status::Success).then(|| s("{\n  \"answer\": \"We are sorry.\"\n}")),
        error: (status == Status::Failed).then(|| s("step `category` failed")),
        steps: vec![first, second, step("answer", "Draft the answer", third)],
        may_cancel: true,
        may_restart: true,
    }
}
