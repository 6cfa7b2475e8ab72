use ee_audit::integrity::{
    IntegrityError, SigningKey, VerifierKey, VerifierKeys, sign_note, verify_note,
};
use secrecy::ExposeSecret as _;

use super::memory::{key, known};

/// The example of Go's `note` package.
const PRIVATE: &str =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n";
const SIGNATURE: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
/// The other one: its seed is 32 zero bytes.
const ZERO: &str = "PRIVATE+KEY+EnochRoot+af0cfe78+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const ZERO_SIGNATURE: &str = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

#[test]
fn the_examples_of_go_come_out_byte_by_byte() {
    let key = SigningKey::parse(PRIVATE).unwrap();
    assert_eq!(key.verifier().to_string(), PUBLIC);
    assert_eq!(key.verifier().id(), 0xc74f_20a3);
    assert_eq!(key.to_secret().unwrap().expose_secret(), PRIVATE);

    let note = sign_note(TEXT, std::slice::from_ref(&key)).unwrap();
    assert_eq!(note, format!("{TEXT}\n{SIGNATURE}"));
    let keys: VerifierKeys = PUBLIC.parse().unwrap();
    assert_eq!(verify_note(&note, &keys).unwrap(), TEXT);
}

#[test]
fn a_second_key_signs_behind_the_first() {
    let keys = [PRIVATE, ZERO].map(|text| SigningKey::parse(text).unwrap());

    let note = sign_note(TEXT, &keys).unwrap();

    assert_eq!(note, format!("{TEXT}\n{SIGNATURE}{ZERO_SIGNATURE}"));
}

#[test]
fn what_is_no_key_is_refused() {
    let swapped = PRIVATE.replace("c74f20a3", "c74f20a4");
    let upper = PRIVATE.replace("c74f20a3", "C74F20A3");
    let other_type = PRIVATE.replace("+AYEK", "+AoEK");
    let short = PRIVATE.replace("KDFz", "");
    for text in [
        "",
        "PRIVATE+KEY+",
        PUBLIC,
        &swapped,
        &upper,
        &other_type,
        &short,
    ] {
        let refused = SigningKey::parse(text).unwrap_err();
        assert!(matches!(refused, IntegrityError::KeyForm), "{text}");
        if text != PUBLIC {
            assert!(text.parse::<VerifierKey>().is_err(), "{text}");
        }
    }
    for name in ["", "a b", "a+b", "a\u{2003}b", "a\nb", "a\u{7}b"] {
        let refused = SigningKey::generate(name).unwrap_err();
        assert!(matches!(refused, IntegrityError::KeyName), "{name:?}");
    }
}

#[test]
fn the_secret_is_not_printed() {
    let key = SigningKey::parse(PRIVATE).unwrap();

    let printed = format!("{key:?} {:?}", key.to_secret().unwrap());

    assert!(!printed.contains("AYEKFALV"), "{printed}");
    assert!(printed.contains("PeterNeumann+c74f20a3"), "{printed}");
}

#[test]
fn a_key_comes_out_of_its_file_again_and_only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.key");
    let made = key();
    made.save(&path).unwrap();

    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let loaded = SigningKey::load(&path).unwrap();
    assert_eq!(loaded.verifier().to_string(), made.verifier().to_string());
    assert!(
        key().save(&path).is_err(),
        "a key must not be written over another one"
    );
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);

    for open in [0o640, 0o604, 0o620, 0o602] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(open)).unwrap();
        let refused = SigningKey::load(&path).unwrap_err();
        assert!(matches!(refused, IntegrityError::FileMode { mode, .. } if mode == open));
    }
    assert!(SigningKey::load(&dir.path().join("none")).is_err());
}

#[test]
fn lists_of_keys_have_comments_and_empty_lines() {
    let (old, new) = (key(), key());
    let text = format!(
        "# until 2026\n{}\n\n  {}  \n",
        old.verifier(),
        new.verifier()
    );

    let keys: VerifierKeys = text.parse().unwrap();

    for key in [&old, &new] {
        let note = sign_note("a\n", std::slice::from_ref(key)).unwrap();
        assert!(verify_note(&note, &keys).is_ok());
    }
    assert!(format!("{text}x").parse::<VerifierKeys>().is_err());
    assert!("".parse::<VerifierKeys>().unwrap().is_empty());
}

#[test]
fn whoever_signs_must_be_known_and_every_known_one_must_be_right() {
    let (old, new, stranger) = (key(), key(), key());
    let keys = known(&[&old, &new]);
    let signatures = |note: &str| note.split_once("\n\n").unwrap().1.to_owned();
    let text = "a\n";
    let by_old = sign_note(text, std::slice::from_ref(&old)).unwrap();
    let by_stranger = sign_note(text, std::slice::from_ref(&stranger)).unwrap();
    let other = sign_note("b\n", std::slice::from_ref(&new)).unwrap();

    assert_eq!(verify_note(&by_old, &keys).unwrap(), text);
    let with_stranger = format!("{by_old}{}", signatures(&by_stranger));
    assert_eq!(verify_note(&with_stranger, &keys).unwrap(), text);
    let unknown = verify_note(&by_stranger, &keys).unwrap_err();
    assert!(matches!(unknown, IntegrityError::UnknownKey));
    let with_wrong = format!("{by_old}{}", signatures(&other));
    let wrong = verify_note(&with_wrong, &keys).unwrap_err();
    assert!(matches!(wrong, IntegrityError::BadSignature));
    let nobody = verify_note(&by_old, &VerifierKeys::default()).unwrap_err();
    assert!(matches!(nobody, IntegrityError::UnknownKey));
    assert!(matches!(
        sign_note(text, &[]).unwrap_err(),
        IntegrityError::UnknownKey
    ));
}

/// Ed25519 without the check of RFC 8032 §5.1.7 would accept `S + L` for `S`.
#[test]
fn a_signature_has_one_form() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let signature = SIGNATURE.trim().rsplit_once(' ').unwrap().1;
    let mut bytes = STANDARD.decode(signature).unwrap();
    let mut carry = 0;
    for (byte, add) in bytes[4 + 32..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    let note = format!("{TEXT}\n— PeterNeumann {}\n", STANDARD.encode(bytes));

    let refused = verify_note(&note, &PUBLIC.parse().unwrap()).unwrap_err();

    assert!(matches!(refused, IntegrityError::BadSignature));
}
