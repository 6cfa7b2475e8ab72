//! A copy and its manifest in one answer (RFC 2046 §5.1).

use std::fmt::Write as _;

use ee_core::{Error, fill_random};

/// What stands between the parts. Nobody who writes into the record can know it before.
#[derive(Debug)]
pub(super) struct Boundary(String);

impl Boundary {
    /// Makes one. Fails with [`ErrorKind::Unavailable`](ee_core::ErrorKind::Unavailable) when the system gives no
    /// randomness.
    pub(super) fn new() -> Result<Self, Error> {
        let mut random = [0; 16];
        fill_random(&mut random)?;
        let mut text = "copy-".to_owned();
        for byte in random {
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Self(text))
    }

    /// Returns the media type of the whole.
    pub(super) fn media_type(&self) -> String {
        format!("multipart/mixed; boundary={}", self.0)
    }

    /// Returns what stands before a part.
    pub(super) fn begin(&self, media_type: &str, file_name: &str) -> String {
        let boundary = &self.0;
        format!(
            "\r\n--{boundary}\r\nContent-Type: {media_type}\r\n\
             Content-Disposition: attachment; filename=\"{file_name}\"\r\n\r\n"
        )
    }

    /// Returns what stands behind the last part.
    pub(super) fn end(&self) -> String {
        format!("\r\n--{}--\r\n", self.0)
    }
}
