//! Two servers on one SQLite file.

use processes::{Dice, Installation, Load};

use crate::effects::Pair;

fn one_file() -> Installation {
    let installation = Installation::new();
    let file = installation.path("shared.db");
    installation.on(format!("sqlite:{}", file.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_on_a_file_takes_back_the_other_refuses_within_a_second() {
    let pair = Pair::start(one_file()).await;

    pair.show_refusals(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_on_a_file_takes_back_ends_open_streams_of_the_other_within_a_second() {
    let pair = Pair::start(one_file()).await;

    pair.show_ended_streams(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_write_to_one_file_and_each_finds_everything() {
    let Pair {
        installation,
        one,
        other,
        ..
    } = Pair::start(one_file()).await;
    let mut dice = Dice::new(1);
    let half = Installation::WORKERS / 2;

    let first = Load::start(&installation, &one.api, 0..half, &mut dice);
    let second = Load::start(&installation, &other.api, half..2 * half, &mut dice);
    first.reaches(300).await;
    second.reaches(300).await;

    let mut journal = first.stop().await;
    journal.extend(second.stop().await);
    journal.check(&one.api, "at the one").await;
    journal.check(&other.api, "at the other").await;
}
