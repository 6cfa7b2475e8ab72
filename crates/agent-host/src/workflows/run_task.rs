use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use ee_core::{
    Error, ErrorKind,
    host::{ChatChunk, ChatMessage, ChatRequest, RunEvent},
    storage::{
        MessageRole, RunRecord, RunStatus, StepRecord, StepStatus, WorkflowRecord, WorkflowStep,
    },
};
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::Value;
use tracing::{error, warn};

use super::{Inner, admission::Admitted, live::Claim, template::Template};
use crate::ModelError;

/// Longest prompt with its placeholders filled in, in bytes.
const MAX_PROMPT_BYTES: usize = 256 * 1024;
/// Pauses before a change is offered to the store again.
const SAVE_PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];

/// A run at work.
#[derive(Debug)]
pub(super) struct RunTask {
    claim: Claim,
    inner: Arc<Inner>,
    run: RunRecord,
    workflow: Arc<WorkflowRecord>,
}

/// How a run ends.
#[derive(Debug)]
enum End {
    Canceled,
    Failed(String),
    Interrupted,
    Success,
}

impl RunTask {
    pub(super) fn new(
        inner: Arc<Inner>,
        claim: Claim,
        run: RunRecord,
        workflow: WorkflowRecord,
    ) -> Self {
        Self {
            claim,
            inner,
            run,
            workflow: Arc::new(workflow),
        }
    }

    /// Takes its turn, then one step after the other, and ends the run whatever happens.
    pub(super) async fn work(mut self, admitted: &Admitted) {
        let stop = self.stop();
        let steps = async {
            let turn = tokio::select! {
                biased;
                end = stop => return end,
                turn = admitted.turn() => turn,
            };
            let end = self.steps().await;
            drop(turn);
            end
        };
        let end = match AssertUnwindSafe(steps).catch_unwind().await {
            Ok(end) => end,
            Err(_) => End::Failed("internal error".to_owned()),
        };
        self.end(end).await;
    }

    async fn steps(&mut self) -> End {
        let workflow = self.workflow.clone();
        let mut outputs = HashMap::new();
        for (index, step) in workflow.steps.iter().enumerate() {
            let kept = self.run.steps.get(index);
            if let Some(output) = kept
                .filter(|kept| kept.status == StepStatus::Success)
                .and_then(|kept| kept.output.clone())
            {
                outputs.insert(step.id.clone(), output);
                continue;
            }
            match self.step(index, step, &outputs).await {
                Ok(output) => outputs.insert(step.id.clone(), output),
                Err(end) => return end,
            };
        }
        let last = workflow.steps.last();
        self.run.output = last
            .and_then(|step| outputs.remove(&step.id))
            .map(Value::String);
        End::Success
    }

    async fn step(
        &mut self,
        index: usize,
        step: &WorkflowStep,
        outputs: &HashMap<String, String>,
    ) -> Result<String, End> {
        let prompt = render(step, &self.run.input, outputs);
        let now = self.inner.clock.now();
        self.change_step(index, |record| {
            record.input = prompt.as_ref().ok().cloned();
            record.started_at = Some(now);
            record.status = StepStatus::Running;
        })
        .await?;

        let inner = self.inner.clone();
        let answer = tokio::select! {
            biased;
            end = self.stop() => return Err(end),
            answer = ask(&inner, step, prompt.map_err(End::Failed)?) => answer,
        };
        let output = answer.map_err(|err| {
            warn!(
                error = &err as &dyn std::error::Error,
                run.id = %self.run.id,
                step.id = %step.id,
                "a step failed"
            );
            End::Failed(explain(&err))
        })?;

        let now = self.inner.clock.now();
        self.change_step(index, |record| {
            record.ended_at = Some(now);
            record.output = Some(output.clone());
            record.status = StepStatus::Success;
        })
        .await?;
        Ok(output)
    }

    /// Waits until somebody cancels the run or the server stops.
    fn stop(&self) -> impl Future<Output = End> + Send + 'static {
        let cancelled = self.claim.cancelled().clone();
        let shutdown = self.inner.background.shutdown().clone();
        async move {
            tokio::select! {
                biased;
                () = cancelled.cancelled() => End::Canceled,
                () = shutdown.cancelled() => End::Interrupted,
            }
        }
    }

    /// Changes a step, keeps it and then announces it.
    async fn change_step(
        &mut self,
        index: usize,
        change: impl FnOnce(&mut StepRecord),
    ) -> Result<(), End> {
        let Some(step) = self.run.steps.get_mut(index) else {
            return Err(End::Failed("the run does not have this step".to_owned()));
        };
        change(step);
        let step = step.clone();
        self.save()
            .await
            .map_err(|_| End::Failed("the run could not be stored".to_owned()))?;
        self.claim.announce(&self.run, RunEvent::Step(step));
        Ok(())
    }

    async fn end(mut self, end: End) {
        let now = self.inner.clock.now();
        let at_work = self
            .run
            .steps
            .iter_mut()
            .find(|step| step.status == StepStatus::Running);
        let mut changed = None;
        if let Some(step) = at_work {
            step.ended_at = Some(now);
            match &end {
                End::Canceled => step.status = StepStatus::Canceled,
                End::Failed(reason) => {
                    step.error = Some(reason.clone());
                    step.status = StepStatus::Failed;
                }
                End::Interrupted => *step = StepRecord::pending(step.id.clone()),
                End::Success => step.status = StepStatus::Success,
            }
            changed = Some(step.clone());
        }
        self.run.status = match end {
            End::Canceled => RunStatus::Canceled,
            End::Failed(reason) => {
                self.run.error = Some(match &changed {
                    Some(step) => format!("step `{}` failed: {reason}", step.id),
                    None => reason,
                });
                RunStatus::Failed
            }
            End::Interrupted => RunStatus::Interrupted,
            End::Success => RunStatus::Success,
        };

        // If the store does not take it, the run is marked as interrupted at the next start.
        let _ = self.save().await;
        if let Some(step) = changed {
            self.claim.announce(&self.run, RunEvent::Step(step));
        }
        self.claim.finish(self.run);
    }

    /// Keeps the run as it stands; tries again, as the work of a run is worth more than a moment.
    async fn save(&mut self) -> Result<(), Error> {
        self.run.updated_at = self.inner.clock.now();
        let mut pauses = SAVE_PAUSES.iter();
        loop {
            let err = match self.inner.save(&self.run).await {
                Ok(()) => return Ok(()),
                Err(err) => err,
            };
            match pauses.next() {
                Some(pause) if err.kind() != ErrorKind::NotFound => {
                    tokio::time::sleep(*pause).await;
                }
                _ => {
                    error!(
                        error = &err as &dyn std::error::Error,
                        run.id = %self.run.id,
                        "could not store how a run stands"
                    );
                    return Err(err);
                }
            }
        }
    }
}

fn render(
    step: &WorkflowStep,
    input: &Value,
    outputs: &HashMap<String, String>,
) -> Result<String, String> {
    let prompt = Template::parse(&step.prompt)?.render(input, outputs)?;
    if prompt.trim().is_empty() {
        Err("the prompt is empty".to_owned())
    } else if prompt.len() > MAX_PROMPT_BYTES {
        Err(format!(
            "the prompt is longer than {MAX_PROMPT_BYTES} bytes with its placeholders filled in"
        ))
    } else {
        Ok(prompt)
    }
}

async fn ask(inner: &Inner, step: &WorkflowStep, prompt: String) -> Result<String, Error> {
    let message = ChatMessage {
        role: MessageRole::User,
        text: prompt,
    };
    let request = ChatRequest::new(step.agent_id.clone(), vec![message]);
    let mut chunks = inner.agents.stream(request).await?;
    while let Some(chunk) = chunks.next().await {
        if let ChatChunk::Finish { text, .. } = chunk? {
            return Ok(text);
        }
    }
    Err(ModelError::BrokenOff.into())
}

/// Says why a step failed to whoever may see the run; the log has the rest.
fn explain(err: &Error) -> String {
    match err.kind() {
        ErrorKind::Internal => "internal error".to_owned(),
        _ => err.message().to_owned(),
    }
}
