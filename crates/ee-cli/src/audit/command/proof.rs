//! `mastra-ee audit proof` and `mastra-ee audit verify-proof`.

use std::{fs, io::Read as _, path::Path, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use ee::audit::integrity::{
    InclusionProof, IntegrityError, LogName, Outcome, ProvenEvent, verify_proof,
};
use serde_json::{Value, json};

use super::{keeper::Keeper, new_file, verify::trust};
use crate::{
    admin::output::{lines, plain, print},
    args::{ProofArgs, VerifyProofArgs},
    audit::open,
    config::load,
};

/// More is read of no proof.
const LONGEST: u64 = 2 << 20;

/// `mastra-ee audit proof`.
pub(super) async fn run(keeper: &Keeper, args: &ProofArgs) -> Result<()> {
    if let Some(path) = &args.out {
        new_file::refuse_existing(path)?;
    }
    let keys = open::verifier_keys(&keeper.loaded)?;
    let entry = keeper.find(&args.event).await?;
    let id = entry.record.event.id.to_string();
    let log = LogName {
        deployment: open::deployment(&keeper.loaded),
        partition: &entry.partition,
    };
    let (seq, canonical) = (entry.seq, entry.record.canonical);
    let proof = InclusionProof::build(keeper.proofs(), log, seq, canonical, &keys).await?;
    let Some(proof) = proof else {
        bail!(
            "no checkpoint is signed over event {seq} yet: a server that runs does that within a minute, try again then"
        );
    };
    keeper.record_reading("proof", &id).await?;
    let text = proof.to_string();
    let Some(path) = &args.out else {
        return print(text.trim_end_matches('\n'));
    };
    new_file::write(path, &text)?;
    let file = path.display().to_string();
    let answer = json!({ "file": file, "id": id, "partition": entry.partition, "seq": seq });
    keeper.show(&answer, |_| {
        format!("the proof of event {seq} is in {file}: `mastra-ee audit verify-proof` checks it")
    })
}

/// `mastra-ee audit verify-proof`, which needs no store.
pub(super) fn verify(args: &VerifyProofArgs) -> Result<ExitCode> {
    let loaded = load(&args.admin.settings)?;
    let keys = trust::keys(&loaded, &args.keys)?;
    let text = read(&args.file)?;
    let (outcome, answer, said) = match verify_proof(&text, &keys) {
        Ok(proven) => (Outcome::Ok, proven_json(&proven), proven_text(&proven)),
        Err(err) => {
            let (outcome, reason) = refused(&err, &text);
            let answer = json!({ "outcome": outcome, "reason": reason });
            let word = match outcome {
                Outcome::Incomplete => "cannot tell",
                _ => "NOT PROVEN",
            };
            (outcome, answer, format!("{word}: {}", plain(&reason)))
        }
    };
    if args.admin.json {
        print(&serde_json::to_string_pretty(&answer)?)?;
    } else {
        print(said.trim_end())?;
    }
    Ok(ExitCode::from(outcome.exit_code()))
}

fn read(path: &Path) -> Result<String> {
    let read = || {
        let mut bytes = Vec::new();
        let file = fs::File::open(path)?;
        file.take(LONGEST).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    let bytes = read().with_context(|| format!("cannot read `{}`", path.display()))?;
    // What is no text is no proof either.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn refused(err: &IntegrityError, text: &str) -> (Outcome, String) {
    if !matches!(err, IntegrityError::UnknownKey) {
        return (Outcome::Tampered, err.to_string());
    }
    let signers = trust::signers(text);
    let reason = format!(
        "it is signed by {signers}, and no such key is trusted here: `--key FILE` names the ones that are"
    );
    (Outcome::Incomplete, reason)
}

fn proven_json(proven: &ProvenEvent) -> Value {
    let checkpoint = &proven.checkpoint;
    json!({
        "outcome": Outcome::Ok,
        "seq": proven.seq,
        "log": checkpoint.origin,
        "checkpoint": {
            "root": checkpoint.root.to_string(),
            "size": checkpoint.size,
            "time": checkpoint.time,
        },
        "canonical": proven.canonical,
    })
}

fn proven_text(proven: &ProvenEvent) -> String {
    let checkpoint = &proven.checkpoint;
    let facts = [
        ("event", Some(proven.seq.to_string())),
        ("log", Some(checkpoint.origin.clone())),
        ("signed", Some(checkpoint.time.to_string())),
        ("over", Some(format!("{} events", checkpoint.size))),
        ("root", Some(checkpoint.root.to_string())),
        ("is", Some(proven.canonical.clone())),
    ];
    format!("proven: this event is in the log\n{}", lines(&facts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_no_wrong_proof() {
        let note = "x\n\na/audit/b\n1\nroot\n\n— example.com AAAA\n";

        let (outcome, reason) = refused(&IntegrityError::UnknownKey, note);
        assert_eq!(outcome, Outcome::Incomplete);
        assert!(reason.contains("`example.com`"), "{reason}");
        for err in [
            IntegrityError::BadSignature,
            IntegrityError::ProofForm,
            IntegrityError::ProofWrong,
        ] {
            assert_eq!(refused(&err, note).0, Outcome::Tampered);
        }
    }
}
