//! What an event waits for on the disk, beside an fdatasync of the same bytes.

use std::{fs::File, io::Write as _, time::Instant};

use ee::audit::spool::{Spool, SpoolConfig};

use crate::{Figures, events::year, percentile};

pub(crate) async fn measure(count: usize, figures: &mut Figures) {
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = Spool::open(SpoolConfig::new(dir.path().join("spool"))).unwrap();
    let mut bare = File::create(dir.path().join("bare")).unwrap();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for record in year(count) {
        let begun = Instant::now();
        spool.append(&record).await.unwrap();
        ours.push(begun.elapsed().as_secs_f64() * 1e6);
        let begun = Instant::now();
        bare.write_all(record.canonical.as_bytes()).unwrap();
        bare.sync_data().unwrap();
        theirs.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    for (name, percent) in [("p50", 50), ("p99", 99)] {
        figures.insert(format!("spool/{name}"), percentile(&mut ours, percent));
        figures.insert(
            format!("spool/{name}/raw"),
            percentile(&mut theirs, percent),
        );
    }
}
