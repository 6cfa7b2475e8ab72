//! What words of a name mean.

use std::{collections::HashMap, sync::LazyLock};

use foldhash::fast::FixedState;

/// Says something about a secret and is none when a name ends so.
pub(super) const ABOUT: u8 = 1;
/// Counts tokens of a text when it stands in front of them.
pub(super) const COUNTED: u8 = 2;
/// Is a digest, or a name of one, when a name ends so.
pub(super) const DIGEST: u8 = 4;
/// Makes a code or a link one that opens something.
pub(super) const ONE_TIME: u8 = 8;
/// Is a secret wherever it stands in a name.
pub(super) const PASSWORD: u8 = 16;
/// Makes a key one that opens nothing.
pub(super) const PLAIN_KEY: u8 = 32;
/// Makes a key one that everybody may read.
pub(super) const PUBLIC_KEY: u8 = 64;
/// Is a secret when a name ends so.
pub(super) const SECRET: u8 = 128;

const VOCABULARY: [(u8, &str); 8] = [
    (
        ABOUT,
        "about age alg algorithm algorithms allowed at attempts audience budget bytes changed consent cost count counts \
         created days deleted description disabled domain enabled endpoint endpoints error exists expected expiration \
         expired expires expiry failures field flow format history hours invalid issued issuer kind label len length \
         level lifetime limit limits max message method methods millis min minutes missing mode ms name names path paths \
         policies policy prefix present price provider rate reason ref reference required revoked role roles rotated \
         rotation rule rules scope scopes score seconds size source state status strength suffix title ttl type types \
         updated uri url usage use used uses valid verified version",
    ),
    (
        COUNTED,
        "audio avg cache cached completion image input max min num number output per prompt reasoning remaining text \
         thinking total used",
    ),
    (
        DIGEST,
        "checksum commit digest etag fingerprint hash integrity md revision root sha thumbprint",
    ),
    (
        ONE_TIME,
        "2fa access activation auth authorization backup confirmation device factor invitation invite login magic mfa \
         otp pairing recovery reset scratch security setup signin sms time totp verification",
    ),
    (
        PASSWORD,
        "contrasena contraseña kennwort passphrase passwd password passwords passwort pwd secret secrets senha",
    ),
    (
        PLAIN_KEY,
        "arrow attribute blob bucket cache column composite config data dedup dedupe deduplication dict event feature \
         field flag foreign group hot idempotency index issue json label locale lock lookup map message metadata metric \
         natural object option ordering param partition pressed primary project property query range registry routing \
         row setting settings shard sort state surrogate translation unique",
    ),
    (PUBLIC_KEY, "pub public verifying"),
    (
        SECRET,
        "assertion authorization bearer cookie cookies credential credentials csc csrf cvc cvv dsn hotp htpasswd jwt jwts \
         keytab kubeconfig mnemonic otp otps pass passcode passcodes passphrases pem pepper pfx pin pkey privkey pwds sig \
         ssn token totp xsrf",
    ),
];

/// Returns what a word means, as bits.
pub(super) fn meaning(word: &[u8]) -> u8 {
    // The words are ours, so nobody can choose ones that collide.
    static MEANINGS: LazyLock<HashMap<&[u8], u8, FixedState>> = LazyLock::new(|| {
        let mut meanings = HashMap::default();
        for (meaning, words) in VOCABULARY {
            for word in words.split_whitespace() {
                *meanings.entry(word.as_bytes()).or_default() |= meaning;
            }
        }
        meanings
    });
    MEANINGS.get(word).copied().unwrap_or_default()
}

/// Tells what two words together are, at the end of a name.
pub(super) fn is_secret_pair(before: &[u8], last: &[u8]) -> bool {
    matches!(
        (before, last),
        (b"amz" | b"goog", b"signature")
            | (b"code", b"verifier")
            | (b"conn" | b"connection", b"str" | b"string")
            | (b"ee", b"licence" | b"license")
            | (b"recovery" | b"seed", b"phrase")
            | (b"saml", b"response")
    )
}

/// Tells what two words together are, wherever they stand in a name.
pub(super) fn is_secret_key(before: &[u8], word: &[u8]) -> bool {
    matches!(word, b"apikey" | b"privatekey")
        || word == b"key"
            && matches!(
                before,
                b"access" | b"api" | b"private" | b"secret" | b"signing"
            )
}

/// Tells that a word is several, written without a sign between them, of which the last is a secret.
pub(super) fn is_secret_compound(word: &[u8]) -> bool {
    const ENDS: &str = "accesskey accountkey apikey apikeys appkey authkey authorization backupcodes codeverifier \
                        connectionstring cookie cookies credentials deploykey dsn eelicence eelicense encryptionkey \
                        licencekey licensekey masterkey passphrase passwd password privatekey recoverycodes secret \
                        secretkey sessid sessionid signingkey sshkey";
    static LIST: LazyLock<Vec<&[u8]>> =
        LazyLock::new(|| ENDS.split(' ').map(str::as_bytes).collect());
    word.len() >= 8 && LIST.iter().any(|end| word.ends_with(end))
}
