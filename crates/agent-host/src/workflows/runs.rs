use std::sync::Arc;

use ee_core::{
    Error, ErrorKind, RunId,
    host::RunEvent,
    storage::{RunRecord, RunStatus, StepRecord, StepStatus, WorkflowRecord},
};
use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use tokio::sync::oneshot;

use super::{Inner, input::check_input, live::is_over, run_not_found, run_task::RunTask};
use crate::ModelError;

impl Inner {
    /// Starts a pending run with an input, or an ended one again without.
    pub(super) async fn start(
        self: &Arc<Self>,
        id: &RunId,
        input: Option<Value>,
    ) -> Result<BoxStream<'static, RunEvent>, Error> {
        if self.background.shutdown().is_cancelled() {
            return Err(ModelError::Stopping.into());
        }
        let deleting = self.deleting.clone().read_owned().await;
        let claim = self.live.open(id).claim()?;
        let mut run = self.get_run(id).await?;
        check_startable(&run, input.is_some())?;
        let workflow = self.get_workflow(&run.workflow_id).await?;
        check_steps(&run, &workflow)?;
        if let Some(input) = input {
            run.input = input;
        }
        check_input(workflow.input_schema.as_ref(), &run.input)?;
        let admitted = self.admission.admit()?;
        reset(&mut run);
        run.updated_at = self.clock.now();

        // From here on it goes its way, also when the caller stops waiting.
        let listener = claim.listen();
        let (begin, begun) = oneshot::channel();
        let inner = self.clone();
        self.background.tasks().spawn(async move {
            let saved = inner.save(&run).await;
            drop(deleting);
            if let Err(err) = saved {
                drop(claim);
                let _ = begin.send(Err(err));
                return;
            }
            claim.announce(&run, RunEvent::Started(run.clone()));
            let _ = begin.send(Ok(()));
            RunTask::new(inner, claim, run, workflow)
                .work(&admitted)
                .await;
        });
        begun.await.map_err(|err| {
            Error::new(ErrorKind::Internal, "the run did not begin").with_source(err)
        })??;
        Ok(listener.events())
    }

    /// Stops a run at work and waits until it has stopped; a pending one is marked.
    pub(super) async fn cancel(self: &Arc<Self>, id: &RunId) -> Result<RunRecord, Error> {
        let live = self.live.open(id);
        let stopping = live.cancel();
        if let Some(released) = &stopping {
            released.cancelled().await;
        }

        let claim = live.claim()?;
        let mut run = self.get_run(id).await?;
        if stopping.is_some() && run.status == RunStatus::Canceled {
            return Ok(run);
        }
        if is_over(run.status) {
            return Err(conflict(&run, "cannot be canceled"));
        }
        let now = self.clock.now();
        run.status = RunStatus::Canceled;
        run.updated_at = now;
        for step in &mut run.steps {
            if step.status == StepStatus::Running {
                step.status = StepStatus::Canceled;
                step.ended_at = Some(now);
            }
        }
        let inner = self.clone();
        let task = self.background.tasks().spawn(async move {
            inner.save(&run).await?;
            claim.finish(run.clone());
            Ok(run)
        });
        task.await.map_err(|err| {
            Error::new(ErrorKind::Internal, "the run was not canceled").with_source(err)
        })?
    }

    /// Returns how a run stands and what still happens.
    pub(super) async fn watch(
        &self,
        id: &RunId,
    ) -> Result<Option<BoxStream<'static, RunEvent>>, Error> {
        // Opened before the store is read: a run that begins or ends meanwhile is heard of.
        let live = self.live.open(id);
        let Some(stored) = self.runs.find(id).await? else {
            return Ok(None);
        };
        let listener = live.listen();
        let at_work_elsewhere =
            stored.status == RunStatus::Running && listener.record.is_none() && !live.is_claimed();
        let run = listener.record.clone().unwrap_or(stored);

        let now = stream::once(std::future::ready(RunEvent::Started(run.clone())));
        Ok(Some(if is_over(run.status) {
            let end = stream::once(std::future::ready(RunEvent::Finished(run)));
            now.chain(end).boxed()
        } else if at_work_elsewhere {
            now.boxed()
        } else {
            now.chain(listener.events()).boxed()
        }))
    }

    /// Deletes a run that nobody works on.
    pub(super) async fn delete_run(&self, id: &RunId) -> Result<(), Error> {
        let claim = self.live.open(id).claim()?;
        let mut run = self.get_run(id).await?;
        if run.status == RunStatus::Running {
            return Err(conflict(&run, "cannot be deleted"));
        }
        if !self.runs.delete(id).await? {
            return Err(run_not_found(id));
        }
        // Whoever waits for its start waits in vain.
        run.status = RunStatus::Canceled;
        claim.finish(run);
        Ok(())
    }

    /// Keeps a run as it stands.
    pub(super) async fn save(&self, run: &RunRecord) -> Result<(), Error> {
        if self.runs.update(run.clone()).await? {
            Ok(())
        } else {
            Err(run_not_found(&run.id))
        }
    }
}

fn check_startable(run: &RunRecord, is_first_start: bool) -> Result<(), Error> {
    match (is_first_start, run.status) {
        (true, RunStatus::Pending)
        | (false, RunStatus::Canceled | RunStatus::Failed | RunStatus::Interrupted) => Ok(()),
        (true, _) => Err(conflict(run, "cannot be started")),
        (false, _) => Err(conflict(run, "cannot be restarted")),
    }
}

/// The workflow may have been deleted and created anew under the same id by another process.
fn check_steps(run: &RunRecord, workflow: &WorkflowRecord) -> Result<(), Error> {
    let of_run = run.steps.iter().map(|step| &step.id);
    let of_workflow = workflow.steps.iter().map(|step| &step.id);
    if of_run.eq(of_workflow) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Conflict,
        format!("the steps of the workflow `{}` have changed", workflow.id),
    ))
}

/// Makes a run ready for work; what succeeded stays.
fn reset(run: &mut RunRecord) {
    for step in &mut run.steps {
        if step.status != StepStatus::Success {
            *step = StepRecord::pending(std::mem::take(&mut step.id));
        }
    }
    run.error = None;
    run.output = None;
    run.status = RunStatus::Running;
}

fn conflict(run: &RunRecord, what: &str) -> Error {
    let status = match run.status {
        RunStatus::Canceled => "canceled",
        RunStatus::Failed => "failed",
        RunStatus::Interrupted => "interrupted",
        RunStatus::Pending => "pending",
        RunStatus::Running => "running",
        RunStatus::Success => "done",
        _ => "in another state",
    };
    Error::new(
        ErrorKind::Conflict,
        format!("the run `{}` is {status} and {what}", run.id),
    )
}
