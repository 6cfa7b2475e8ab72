use ee_audit::integrity::{
    Checkpoint, ConsistencyProof, InclusionProof, IntegrityError, LogName, SigningKey,
    VerifierKeys, sign_note, verify_consistency, verify_proof,
};
use ee_core::{AuditHash, AuditHead, ErrorKind, storage::AuditStoredLink};
use uuid::Uuid;

use super::memory::{DEPLOYMENT, Memory, PARTITION, Rows, key, known, log, note, sign, signed_log};

const LOG: LogName<'_> = LogName {
    deployment: DEPLOYMENT,
    partition: PARTITION,
};

/// A log of texts instead of events, without what a proof does not need.
fn texts(texts: impl IntoIterator<Item = String>) -> Memory {
    let mut head = AuditHead::genesis(PARTITION);
    let mut rows = Rows::default();
    for text in texts {
        let link = head.push(AuditHash::of_leaf(text.as_bytes()));
        rows.nodes.extend(link.nodes);
        rows.links.push(AuditStoredLink {
            chain: link.chain,
            id: Uuid::nil(),
            leaf: link.leaf,
            seq: link.seq,
        });
    }
    rows.head = Some(head);
    Memory::new(rows)
}

async fn prove(memory: &Memory, seq: u64, text: &str, keys: &VerifierKeys) -> InclusionProof {
    InclusionProof::build(memory, LOG, seq, text.to_owned(), keys)
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn every_event_of_a_log_of_every_size_is_proven_and_no_other_in_its_place() {
    let key = key();
    let keys = known(&[&key]);
    let all = texts((1..=600).map(|seq| seq.to_string()));
    sign(&all, &(1..=600).collect::<Vec<u64>>(), &key);
    let checkpoints = all.rows().checkpoints.clone();
    for (size, note) in checkpoints {
        all.rows().checkpoints = vec![(size, note)];
        for seq in chosen(size) {
            let proof = prove(&all, seq, &seq.to_string(), &keys).await;
            let proven = verify_proof(&proof.to_string(), &keys).unwrap();
            assert_eq!((proven.seq, proven.checkpoint.size), (seq, size));
            assert_eq!(proven.canonical, seq.to_string());
            let mut other = proof;
            other.index = seq % size;
            if size > 1 {
                assert!(other.clone().verify(&keys).is_err(), "{seq} of {size}");
            }
            other.index = seq - 1;
            other.canonical = (seq % size + 1).to_string();
            assert_eq!(other.verify(&keys).is_err(), size > 1, "{seq} of {size}");
        }
    }
}

/// All events of small logs and of those around full subtrees, the first, the last and some between of the others.
fn chosen(size: u64) -> Vec<u64> {
    if size <= 24 || (255..=257).contains(&size) || size == 512 || size == 600 {
        return (1..=size).collect();
    }
    let step = size / 5;
    (0..5).map(|at| 1 + at * step).chain([size]).collect()
}

#[tokio::test]
async fn a_proof_holds_for_one_number_and_one_event() {
    let key = key();
    let keys = known(&[&key]);
    let memory = texts((1..=21).map(|seq| seq.to_string()));
    sign(&memory, &[21], &key);
    for seq in 1..=21_u64 {
        let proof = prove(&memory, seq, &seq.to_string(), &keys).await;
        for index in 0..24 {
            for text in 1..=22_u64 {
                let mut other = proof.clone();
                other.index = index;
                other.canonical = text.to_string();
                let holds = other.verify(&keys).is_ok();
                assert_eq!(holds, index + 1 == seq && text == seq);
            }
        }
    }
}

/// The leaves and hashes of the tests of Certificate Transparency.
#[tokio::test]
async fn the_vectors_of_certificate_transparency_come_out() {
    let leaves = [
        "",
        "\0",
        "\x10",
        " !",
        "01",
        "@ABC",
        "PQRSTUVW",
        "`abcdefghijklmno",
    ];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let key = key();
    let keys = known(&[&key]);
    let memory = texts(leaves.iter().map(|&leaf| leaf.to_owned()));
    sign(&memory, &[6, 8], &key);
    let checkpoints = memory.rows().checkpoints.clone();
    let mut head = AuditHead::genesis(PARTITION);
    for (leaf, root) in leaves.iter().zip(roots) {
        head.push(AuditHash::of_leaf(leaf.as_bytes()));
        assert_eq!(head.root().to_string(), root);
    }

    memory.rows().checkpoints.remove(0);
    let proof = prove(&memory, 1, "", &keys).await;
    assert_eq!(
        proof
            .path
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ]
    );
    let [older, newer] = checkpoints.map_notes();
    let proof = ConsistencyProof::build(&memory, LOG, older, newer, &keys)
        .await
        .unwrap();
    assert_eq!(
        proof
            .path
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
    );
}

trait Notes {
    fn map_notes(self) -> [String; 2];
}

impl Notes for Vec<(u64, String)> {
    fn map_notes(self) -> [String; 2] {
        let notes: Vec<String> = self.into_iter().map(|(_, note)| note).collect();
        notes.try_into().unwrap()
    }
}

#[tokio::test]
async fn a_proof_is_a_file_of_c2sp_and_reads_few_rows_of_a_long_log() {
    let key = key();
    let keys = known(&[&key]);
    let memory = texts((1..=70_000_u32).map(|seq| seq.to_string()));
    sign(&memory, &[69_999], &key);
    for seq in [1, 255, 256, 257, 35_000, 65_536, 65_537, 69_999_u64] {
        memory.rows().read.clear();
        let proof = prove(&memory, seq, &seq.to_string(), &keys).await;
        {
            let read = &memory.rows().read;
            assert!(
                read.len() <= 6 && read.iter().all(|rows| *rows <= 256),
                "{read:?}"
            );
        }
        let text = proof.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "c2sp.org/tlog-proof@v1");
        assert!(lines[1].starts_with("extra "));
        assert_eq!(lines[2], format!("index {}", seq - 1));
        assert!(lines.contains(&""), "{text}");
        assert_eq!(InclusionProof::parse(&text).unwrap(), proof);
    }
}

#[tokio::test]
async fn what_no_checkpoint_covers_cannot_be_proven_yet() {
    let key = key();
    let keys = known(&[&key]);
    let memory = signed_log(20, &[10, 15], &key).await;
    let canonical = |seq: usize| memory.rows().entries[seq - 1].record.canonical.clone();

    let text = canonical(16);
    let proof = InclusionProof::build(&memory, LOG, 16, text, &keys)
        .await
        .unwrap();
    assert_eq!(proof, None);
    // The oldest checkpoint that covers it: the proof stays the same when the log grows.
    let proof = prove(&memory, 10, &canonical(10), &keys).await;
    assert_eq!(proof.clone().verify(&keys).unwrap().checkpoint.size, 10);
    let proof = prove(&memory, 11, &canonical(11), &keys).await;
    assert_eq!(proof.verify(&keys).unwrap().checkpoint.size, 15);
    let text = canonical(1);
    let none = InclusionProof::build(&memory, LOG, 0, text, &keys).await;
    assert_eq!(none.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_store_that_was_changed_gives_no_proof() {
    let key = key();
    let keys = known(&[&key]);
    let memory = signed_log(600, &[600], &key).await;
    let canonical = memory.rows().entries[299].record.canonical.clone();
    let clean = memory.copy();
    let changes: [fn(&mut Rows); 6] = [
        |rows| rows.links[300].leaf = AuditHash::of_leaf(b"x"),
        |rows| rows.nodes[0].hash = AuditHash::of_leaf(b"x"),
        |rows| rows.nodes.retain(|it| it.index > 0),
        |rows| rows.links.retain(|it| it.seq != 302),
        |rows| rows.links.retain(|it| it.seq != 600),
        |rows| rows.checkpoints[0].1 = rows.checkpoints[0].1.replace("default", "other"),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        change(&mut memory.rows());
        let text = canonical.clone();
        let proof = InclusionProof::build(&memory, LOG, 300, text, &keys).await;
        assert!(proof.is_err(), "{at}");
        *memory.rows() = clean.clone();
    }
    let other = "{}".to_owned();
    let proof = InclusionProof::build(&memory, LOG, 300, other, &keys).await;
    assert_eq!(proof.unwrap_err().kind(), ErrorKind::Invalid);
    prove(&memory, 300, &canonical, &keys).await;
}

#[tokio::test]
async fn no_byte_of_a_proof_can_be_changed() {
    let key = key();
    let keys = known(&[&key]);
    let memory = signed_log(9, &[9], &key).await;
    let canonical = memory.rows().entries[4].record.canonical.clone();
    let proof = prove(&memory, 5, &canonical, &keys).await.to_string();
    assert!(verify_proof(&proof, &keys).is_ok());
    for at in 0..proof.len() {
        for bit in [0x01, 0x02, 0x20] {
            let mut bytes = proof.clone().into_bytes();
            bytes[at] ^= bit;
            let Ok(text) = String::from_utf8(bytes) else {
                continue;
            };
            assert!(verify_proof(&text, &keys).is_err(), "{at}: {text}");
        }
        assert!(verify_proof(&proof[..at.min(proof.floor_char_boundary(at))], &keys).is_err());
    }
    let refused = verify_proof(&proof, &known(&[&self::key()])).unwrap_err();
    assert!(matches!(refused, IntegrityError::UnknownKey));
}

fn signed(size: &str, key: &SigningKey) -> String {
    let root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let text = format!("o/audit/p\n{size}\n{root}\ntime 2026-01-02T03:04:05Z\n");
    sign_note(&text, std::slice::from_ref(key)).unwrap()
}

#[test]
fn hostile_proofs_are_refused() {
    let key = key();
    let keys = known(&[&key]);
    let hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
    let sizes = ["0", "1", "2", "9223372036854775808", "18446744073709551615"];
    for size in sizes {
        let note = signed(size, &key);
        for index in ["0", "1", "00", "+1", "-1", "18446744073709551615", ""] {
            for hashes in [0, 1, 2, 63, 64, 100, 1_000] {
                let path = hash.repeat(hashes);
                let text =
                    format!("c2sp.org/tlog-proof@v1\nextra e30=\nindex {index}\n{path}\n{note}");
                assert!(
                    verify_proof(&text, &keys).is_err(),
                    "{size} {index} {hashes}"
                );
            }
        }
        let old = base64(&note);
        for newer in sizes {
            let newer = signed(newer, &key);
            for hashes in [1, 64, 1_000] {
                let path = hash.repeat(hashes);
                let text = format!("mastra-ee/audit-consistency@v1\nold {old}\n{path}\n{newer}");
                assert!(verify_consistency(&text, &keys).is_err());
            }
        }
    }
    let long = format!(
        "c2sp.org/tlog-proof@v1\nextra {}\nindex 0\n\n{}",
        "e30=".repeat(1 << 20),
        signed("1", &key)
    );
    for text in ["", "\n\n", "c2sp.org/tlog-proof@v1\n\n", &long] {
        assert!(verify_proof(text, &keys).is_err());
        assert!(verify_consistency(text, &keys).is_err());
    }
}

fn base64(text: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    STANDARD.encode(text)
}

#[tokio::test]
async fn every_checkpoint_leads_to_every_later_one() {
    let key = key();
    let keys = known(&[&key]);
    let memory = texts((1..=530).map(|seq| seq.to_string()));
    let sizes = [
        1, 2, 3, 4, 7, 8, 9, 100, 255, 256, 257, 300, 511, 512, 513, 530,
    ];
    sign(&memory, &sizes, &key);
    let mut notes = vec![(0, note(&AuditHead::genesis(PARTITION), &key))];
    notes.extend(memory.rows().checkpoints.clone());
    for (at, (from, older)) in notes.iter().enumerate() {
        for (to, newer) in &notes[at..] {
            let build = ConsistencyProof::build(&memory, LOG, older.clone(), newer.clone(), &keys);
            let proof = build.await.unwrap();
            let (older, newer) = verify_consistency(&proof.to_string(), &keys).unwrap();
            assert_eq!((older.size, newer.size), (*from, *to));
            assert_eq!(ConsistencyProof::parse(&proof.to_string()).unwrap(), proof);
            for hash in 0..proof.path.len() {
                let mut other = proof.clone();
                other.path[hash] = AuditHash::of_leaf(b"x");
                assert!(other.verify(&keys).is_err());
            }
        }
        for (_, newer) in &notes[..at] {
            let build = ConsistencyProof::build(&memory, LOG, older.clone(), newer.clone(), &keys);
            assert_eq!(build.await.unwrap_err().kind(), ErrorKind::Invalid);
        }
    }
}

#[tokio::test]
async fn a_log_that_was_changed_between_two_checkpoints_is_not_consistent() {
    let key = key();
    let keys = known(&[&key]);
    let memory = signed_log(20, &[10], &key).await;
    {
        let mut rows = memory.rows();
        rows.entries[4].record.canonical.push(' ');
        rows.rehash(1);
    }
    sign(&memory, &[20], &key);
    let [older, newer] = memory.rows().checkpoints.clone().map_notes();

    let proof = ConsistencyProof::build(&memory, LOG, older.clone(), newer, &keys).await;
    assert_eq!(proof.unwrap_err().kind(), ErrorKind::Invalid);

    // And one of another log is not consistent with it.
    let other = Checkpoint::new("other", &log(20).await.rows().head(), super::memory::now());
    let other = other
        .and_then(|it| it.sign(std::slice::from_ref(&key)))
        .unwrap();
    let proof = ConsistencyProof::build(&memory, LOG, older, other, &keys).await;
    assert_eq!(proof.unwrap_err().kind(), ErrorKind::Invalid);
}
