//! `mastra-ee audit erase`.

use std::sync::Arc;

use anyhow::Result;
use ee::audit::retention::{Eraser, EraserParts, ErasureReport, Person};
use serde_json::json;

use super::draw;
use crate::{
    admin::output::lines,
    args::EraseArgs,
    audit::{
        command::keeper::{Keeper, operator},
        open,
    },
    bar::Bar,
};

/// Erases what the record says of somebody, once for each of his addresses.
pub(in super::super) async fn erase(keeper: &Keeper, args: &EraseArgs) -> Result<()> {
    let persons = persons(args)?;
    let stores = &keeper.stores.audit;
    let eraser = Eraser::new(EraserParts {
        archives: Some(open::archive_dir(&keeper.loaded)),
        clock: Arc::clone(&keeper.clock),
        partition: open::PARTITION.to_owned(),
        retention: Arc::clone(&stores.retention),
        sealer: keeper.sealer()?,
        store: Arc::clone(&stores.logs),
    });
    let actor = operator();
    let mut reports = Vec::new();
    for person in &persons {
        let mut bar = Bar::new();
        let mut tell = |progress| draw(&mut bar, progress, "");
        reports.push(if args.dry_run {
            eraser.plan(person, &mut tell).await?
        } else {
            eraser.erase(person, &actor, &mut tell).await?
        });
    }
    let answer = json!({ "isDryRun": args.dry_run, "reports": reports });
    keeper.show(&answer, |_| text(&reports, args.dry_run))
}

/// Returns who is meant: the user with the first address, and whoever has each of the others.
fn persons(args: &EraseArgs) -> Result<Vec<Person>> {
    let mut emails = args.emails.iter().map(String::as_str);
    let first = Person::new(Some(&args.user), emails.next())?;
    let others = emails.map(|email| Person::new(None, Some(email)));
    let others: Vec<Person> = others.collect::<Result<_, _>>()?;
    Ok([vec![first], others].concat())
}

fn text(reports: &[ErasureReport], is_dry_run: bool) -> String {
    let sum = |count: fn(&ErasureReport) -> u64| -> u64 { reports.iter().map(count).sum() };
    let (done, erased) = if is_dry_run {
        ("would be erased", sum(|it| it.found))
    } else {
        ("erased", sum(|it| it.erased))
    };
    let held = sum(|it| it.held);
    let hashed = sum(|it| it.hashed);
    let some = |count: u64| (count > 0).then(|| format!("{count} events"));
    lines(&[
        (done, Some(format!("{erased} events"))),
        ("in archives", some(sum(|it| it.archived))),
        ("stay because of a hold", some(held)),
        ("have the address where it is hashed", some(hashed)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_told() {
        let mut report = ErasureReport::default();
        report.found = 3;
        report.held = 1;

        let said = text(&[report], true);

        assert!(said.contains("would be erased"), "{said}");
        assert!(said.contains("3 events\n"), "{said}");
        assert!(said.contains("because of a hold"), "{said}");
        assert!(!said.contains("archives"), "{said}");
    }
}
