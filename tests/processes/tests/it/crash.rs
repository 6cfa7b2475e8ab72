//! One of two servers on PostgreSQL is killed.

use ee_testkit::PgCluster;
use processes::{Dice, Installation, Load};

const KILLS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_on_postgresql_loses_no_write_that_it_has_acknowledged() {
    let database = PgCluster::shared().database().await;
    let installation = Installation::new().on(database.url());
    let other = installation.start("other").await;
    let mut dice = Dice::new(1);
    let half = Installation::WORKERS / 2;

    for kill in 1..=KILLS {
        let mut one = installation.start("one").await;
        let doomed = Load::start(&installation, &one.api, 0..half, &mut dice);
        let safe = Load::start(&installation, &other.api, half..2 * half, &mut dice);
        let most = usize::try_from(dice.roll(600)).unwrap();
        doomed.reaches(100 + most).await;
        one.process.kill();
        let before = doomed.end().await;
        safe.reaches(300).await;
        let beside = safe.stop().await;
        println!(
            "kill {kill}: {} writes acknowledged by the killed server, {} by the other",
            before.count(),
            beside.count()
        );

        let mut journal = before;
        journal.extend(beside);
        journal.check(&other.api, "at the other").await;
        let again = installation.start("one").await;
        journal.check(&again.api, "after the restart").await;
    }
}
