//! The last events, and those that come.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::deployment::{Deployment, resource};

fn numbers(text: &str) -> Vec<u64> {
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|it| it["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn the_last_events_come_in_the_order_of_their_numbers() {
    let deployment = Deployment::with(30).await;

    let last = deployment.ok(&["tail", "action:agents.*", "-n", "4", "--json"]);
    assert_eq!(numbers(&last.out), [27, 28, 29, 30]);
    let denied = deployment.ok(&["tail", "outcome:denied", "-n", "2"]).out;
    let lines: Vec<&str> = denied.lines().collect();
    assert!(lines[0].starts_with("      27  "), "{denied}");
    assert!(lines[1].contains(&resource(30)), "{denied}");
    assert_eq!(lines.len(), 2);
}

#[tokio::test]
async fn what_comes_is_told_until_an_interrupt() {
    let deployment = Deployment::with(3).await;
    let args = ["tail", "action:agents.*", "-f", "-n", "1", "--json"];
    let mut child = deployment
        .command(&args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || numbers(&lines.next().unwrap().unwrap())[0];
    assert_eq!(next(), 3);

    deployment.add(4..=6).await;

    // Between them stands the event that somebody follows.
    assert_eq!([next(), next(), next()], [5, 6, 7]);
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let end = Instant::now() + Duration::from_secs(20);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < end, "it does not end");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(status.code(), Some(0));
}
