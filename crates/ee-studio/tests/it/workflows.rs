use ee_core::storage::RunStatus;

use crate::browser::House;

const RUNS: &str = "/studio/workflows/triage/runs";

#[tokio::test]
async fn p4_a_run_is_started_watched_cancelled_and_restarted() {
    let house = House::new();
    let mut owner = house.as_user("owner").await;
    owner
        .get("/studio/workflows")
        .await
        .shows(200, &["Triage", "Never"]);
    owner.get("/studio/workflows/triage").await.shows(
        200,
        &["&quot;topic&quot;: &quot;&quot;", "Sum up", "Support"],
    );

    let started = owner.post(RUNS, &[("input", "{\"topic\": \"<b>\"}")]).await;

    let page = started.location().unwrap().to_owned();
    started.leads_to(&page);
    let run = owner.get(&page).await;
    run.shows(
        200,
        &[
            "hx-trigger=\"every 1s\"",
            "Running",
            "OWNER Person",
            "Cancel run",
            "&lt;b&gt;",
            "Support",
        ],
    );
    assert!(!run.body.contains("<script>"));
    owner
        .post(&format!("{page}/cancel"), &[])
        .await
        .leads_to(&page);
    let over = owner.get(&page).await;
    over.shows(200, &["Canceled", "Restart run"]);
    assert!(!over.body.contains("every 1s"));
    owner
        .post(&format!("{page}/cancel"), &[])
        .await
        .shows(409, &["Not possible right now", "cannot be canceled"]);
    owner
        .post(&format!("{page}/restart"), &[])
        .await
        .leads_to(&page);
    assert_eq!(
        house.workflows.runs.lock().unwrap()[0].status,
        RunStatus::Running
    );
    owner
        .get("/studio/workflows")
        .await
        .shows(200, &["Running"]);

    let lines = house.record.lines();
    for line in [
        "workflows.run.start Success owner",
        "workflows.run.cancel Success owner",
        "workflows.run.restart Success owner",
    ] {
        assert!(lines.contains(&line.to_owned()), "{lines:?}");
    }
}

#[tokio::test]
async fn a_wrong_input_is_named_under_the_field_and_leaves_no_run() {
    let house = House::new();
    let mut owner = house.as_user("owner").await;

    owner.post(RUNS, &[("input", "{not <json>")]).await.shows(
        400,
        &["input-error", "This is not JSON", "{not &lt;json&gt;"],
    );
    owner
        .post(RUNS, &[("input", "{}")])
        .await
        .shows(400, &["input-error", "`topic` is required."]);

    assert!(house.workflows.runs.lock().unwrap().is_empty());
    owner
        .get("/studio/workflows/triage/runs/unknown")
        .await
        .shows(404, &["No such run"]);
    owner
        .get("/studio/workflows/unknown")
        .await
        .shows(404, &["No such workflow"]);
}
