//! Texts that are signed (<https://c2sp.org/signed-note>).

use signed_note::{Note, NoteError, Signature};

use super::{IntegrityError, SigningKey, VerifierKeys};

/// Signs a text, which ends with a line feed and has no other control characters, with each of the keys. The manifest of
/// an export is signed so.
///
/// Fails with [`IntegrityError::NoteForm`] for another text.
pub fn sign_note(text: &str, keys: &[SigningKey]) -> Result<String, IntegrityError> {
    let sign = |key: &SigningKey| -> Result<Signature, IntegrityError> {
        let (name, id) = (key.verifier().name(), key.verifier().id());
        let signature = key.sign(text.as_bytes())?;
        Signature::new(name.to_owned(), id, signature).map_err(|_| IntegrityError::KeyName)
    };
    let signatures: Vec<Signature> = keys.iter().map(sign).collect::<Result<_, _>>()?;
    if signatures.is_empty() {
        return Err(IntegrityError::UnknownKey);
    }
    let note = Note::new(text.as_bytes(), &signatures).map_err(|_| IntegrityError::NoteForm)?;
    to_text(note.to_bytes())
}

/// Returns the text of a note. Signatures of keys that are not known are passed over, as long as there is a good one of
/// a known key and no bad one of a known key.
///
/// Fails with [`IntegrityError::BadSignature`], [`IntegrityError::UnknownKey`] and [`IntegrityError::NoteForm`].
pub fn verify_note(note: &str, keys: &VerifierKeys) -> Result<String, IntegrityError> {
    let note = parse(note)?;
    note.verify(keys).map_err(|err| match err {
        NoteError::InvalidSignature { .. } => IntegrityError::BadSignature,
        NoteError::UnverifiedNote => IntegrityError::UnknownKey,
        _ => IntegrityError::NoteForm,
    })?;
    to_text(note.text().to_vec())
}

/// Returns the text of a note without asking who has signed it.
pub(super) fn unverified(note: &str) -> Result<String, IntegrityError> {
    to_text(parse(note)?.text().to_vec())
}

fn parse(note: &str) -> Result<Note, IntegrityError> {
    Note::from_bytes(note.as_bytes()).map_err(|_| IntegrityError::NoteForm)
}

fn to_text(bytes: Vec<u8>) -> Result<String, IntegrityError> {
    String::from_utf8(bytes).map_err(|_| IntegrityError::NoteForm)
}
