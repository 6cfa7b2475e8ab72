use maud::{Markup, html};

use crate::Icon;
use crate::components::{AlertKind, Status, alert, data_block, duration};

/// One step of a run.
#[derive(Clone, Debug, Default)]
pub struct RunStep {
    /// The id of the step.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it does, e.g. the name of its agent.
    pub detail: String,
    /// Its state.
    pub status: Status,
    /// How long it took, or has taken so far.
    pub duration_ms: Option<u64>,
    /// What it was given.
    pub input: Option<String>,
    /// What it gave back.
    pub output: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}

/// Renders the steps of a run from first to last.
pub fn run_steps(steps: &[RunStep]) -> Markup {
    html! {
        ol.steps {
            @for (index, step) in steps.iter().enumerate() {
                li.step.(step.status.tone()) {
                    span.step-mark { (step.status.icon()) }
                    div.step-body {
                        div.step-head {
                            h3 { (step.name) }
                            span.step-status { (step.status.label()) }
                            @if let Some(ms) = step.duration_ms {
                                span.step-time { (Icon::Clock) (duration(ms)) }
                            }
                        }
                        @if !step.detail.is_empty() { p.step-detail { (step.detail) } }
                        @if let Some(error) = &step.error { (alert(AlertKind::Error, error)) }
                        @if step.input.is_some() || step.output.is_some() {
                            details.disclosure id=(format!("step-{index}")) data-keep-open
                                open[step.status == Status::Failed] {
                                summary id=(format!("step-{index}-summary")) { "Input and output" }
                                @if let Some(input) = &step.input { (data_block("Input", input)) }
                                @if let Some(output) = &step.output {
                                    (data_block("Output", output))
                                }
                            }
                        }
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
    fn outputs_are_escaped() {
        let step = RunStep {
            output: Some("</code><script>x</script>".to_owned()),
            error: Some("<script>".to_owned()),
            ..RunStep::default()
        };

        assert!(!run_steps(&[step]).into_string().contains("<script"));
    }
}
