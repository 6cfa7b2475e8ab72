//! What a server has written.

use std::time::{Duration, Instant};

use processes::{Installation, PATIENCE, command};

use super::deployment::said;

#[tokio::test(flavor = "multi_thread")]
async fn the_record_of_a_server_is_verified_beside_it_and_after_its_end() {
    let installation = Installation::new();
    let mut server = installation.start("one").await;
    let data = server.data.display().to_string();
    let run = |args: &[&str]| {
        let args = [&["audit"], args, &["--data", &data]].concat();
        said(&command(&args).output().unwrap())
    };
    let end = Instant::now() + PATIENCE;
    loop {
        // Nobody can tell before the first checkpoint.
        let verified = run(&["verify"]);
        if verified.code == 0 {
            break;
        }
        assert!(verified.code == 2 && Instant::now() < end, "{verified:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let started = run(&["query", "action:server.start", "--json"]);
    assert_eq!(started.json()["events"].as_array().unwrap().len(), 1);
    let proof = run(&["proof", "1"]);
    assert!(
        proof.out.starts_with("c2sp.org/tlog-proof@v1\n"),
        "{proof:?}"
    );

    assert!(server.process.terminate().await.success());

    let verified = run(&["verify"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    let spool = run(&["verify", "--spool"]);
    assert_eq!(spool.code, 0, "{spool:?}");
}
