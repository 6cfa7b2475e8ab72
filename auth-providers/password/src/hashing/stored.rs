//! Hashes as texts in PHC form, and the run that makes them.

use argon2::{
    Algorithm, Argon2, Block, KeyId, Params, ParamsBuilder, PasswordHash, Version,
    password_hash::phc::{Output, ParamsString, Salt},
};
use ee_core::{Error, ErrorKind};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::Argon2Params;

/// Bytes of a salt (RFC 9106 §4).
pub(super) const SALT_BYTES: usize = 16;
/// Bytes of a hash.
const OUTPUT_BYTES: usize = 32;

/// All that a run needs beside the password, and the hash it must come to if that is known.
#[derive(Debug)]
pub(super) struct Recipe {
    output: Option<Vec<u8>>,
    params: Params,
    salt: Vec<u8>,
}

impl Recipe {
    /// Describes the run for a new hash; `key_id` names the pepper, if there is one.
    pub(super) fn fresh(
        params: Argon2Params,
        key_id: &[u8],
        salt: [u8; SALT_BYTES],
    ) -> Result<Self, Error> {
        let mut builder = ParamsBuilder::new();
        builder
            .m_cost(params.memory_kib())
            .t_cost(params.iterations())
            .p_cost(params.parallelism())
            .output_len(OUTPUT_BYTES);
        if !key_id.is_empty() {
            builder.keyid(KeyId::new(key_id).map_err(broken)?);
        }
        Ok(Self {
            output: None,
            params: builder.build().map_err(broken)?,
            salt: salt.to_vec(),
        })
    }

    /// Reads the text of a hash. `None` unless it is Argon2id version 19 with a salt and an output.
    pub(super) fn read(phc: &str) -> Option<Self> {
        let hash = PasswordHash::new(phc).ok()?;
        let is_ours = hash.algorithm.as_str() == Algorithm::Argon2id.as_str()
            && hash.version == Some(Version::V0x13.into());
        if !is_ours {
            return None;
        }
        Some(Self {
            output: Some(hash.hash?.as_bytes().to_vec()),
            params: Params::try_from(&hash).ok()?,
            salt: hash.salt?.as_ref().to_vec(),
        })
    }

    /// Returns the memory of the run.
    pub(super) const fn memory_kib(&self) -> u32 {
        self.params.m_cost()
    }

    /// Returns which pepper the password goes through first; empty for none.
    pub(super) fn key_id(&self) -> &[u8] {
        self.params.keyid()
    }

    /// Tells whether a hash made today would cost the same and go through the same pepper.
    pub(super) fn is_like(&self, params: Argon2Params, key_id: &[u8]) -> bool {
        self.params.m_cost() == params.memory_kib()
            && self.params.t_cost() == params.iterations()
            && self.params.p_cost() == params.parallelism()
            && self.params.keyid() == key_id
            && self.salt.len() == SALT_BYTES
            && self
                .output
                .as_ref()
                .is_some_and(|output| output.len() == OUTPUT_BYTES)
    }

    /// Hashes the password. Takes its time on the calling thread. What was in `memory` does not matter, and what is in
    /// it afterwards could be used to guess the password.
    pub(super) fn run(
        &self,
        password: &[u8],
        memory: &mut Vec<Block>,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        memory.resize(self.params.block_count(), Block::new());
        let length = self.output.as_ref().map_or(OUTPUT_BYTES, Vec::len);
        let mut output = Zeroizing::new(vec![0; length]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone())
            .hash_password_into_with_memory(password, &self.salt, &mut output, memory)
            .map_err(broken)?;
        Ok(output)
    }

    /// Tells whether this is the stored hash, in the same time for every other one.
    pub(super) fn is_output(&self, output: &[u8]) -> bool {
        let stored = self.output.as_deref().unwrap_or_default();
        !stored.is_empty() && stored.ct_eq(output).into()
    }

    /// Writes the text of the hash that the run came to.
    pub(super) fn to_phc(&self, output: &[u8]) -> Result<String, Error> {
        let wrong = |err| Error::new(ErrorKind::Internal, "cannot write a hash").with_source(err);
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&self.params).map_err(|err| {
                Error::new(ErrorKind::Internal, "cannot write a hash").with_source(err)
            })?,
            salt: Some(Salt::new(&self.salt).map_err(wrong)?),
            hash: Some(Output::new(output).map_err(wrong)?),
        };
        Ok(hash.to_string())
    }
}

fn broken(err: argon2::Error) -> Error {
    Error::new(ErrorKind::Internal, "cannot hash a password").with_source(err.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference vector of Argon2id in RFC 9106 §5.3 needs a secret and associated data, which PHC texts do not
    /// carry; this one is of the reference implementation (`test.c`, version 19, `password`, `somesalt`).
    #[test]
    fn a_hash_of_the_reference_implementation_is_read_and_found() {
        let phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

        let recipe = Recipe::read(phc).unwrap();
        let output = recipe.run(b"password", &mut Vec::new()).unwrap();

        assert!(recipe.is_output(&output));
        let mut used = vec![Block::new(); 7];
        assert!(!recipe.is_output(&recipe.run(b"passwort", &mut used).unwrap()));
        assert_eq!(recipe.run(b"password", &mut used).unwrap(), output);
        assert!(!recipe.is_like(Argon2Params::STRONG, &[]));
        assert_eq!(recipe.to_phc(&output).unwrap(), phc);
    }

    #[test]
    fn other_texts_are_not_read() {
        for phc in [
            "",
            "password",
            "$argon2id",
            "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
            "$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ",
            "$argon2id$v=19$m=65536,t=2,p=1,x=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$2b$12$abcdefghijklmnopqrstuv",
        ] {
            assert!(Recipe::read(phc).is_none(), "{phc}");
        }
    }
}
