use ee_core::{Error, ErrorKind};

/// Why a model gave no answer or only a part of one.
///
/// The texts hold no key, no address and nothing that the endpoint wrote, except a short error
/// code of lower-case letters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The answer ended without its end mark.
    #[error("the model's answer broke off")]
    BrokenOff,
    /// The endpoint did not speak the protocol.
    #[error("the model's answer cannot be read")]
    Garbled,
    /// The endpoint reported an error within its answer.
    #[error("the model's endpoint reported an error{}", in_brackets(code.as_deref()))]
    Reported {
        /// The endpoint's code for it.
        code: Option<String>,
    },
    /// The endpoint refused.
    #[error("the model's endpoint answered with status {status}{}", in_brackets(code.as_deref()))]
    Status {
        /// The endpoint's code for it.
        code: Option<String>,
        /// HTTP status.
        status: u16,
    },
    /// This server is shutting down.
    #[error("the server is stopping")]
    Stopping,
    /// The endpoint took too long.
    #[error("the model did not answer in time")]
    Timeout,
    /// The endpoint cannot be reached.
    #[error("the model's endpoint cannot be reached")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<ModelError> for Error {
    fn from(err: ModelError) -> Self {
        Self::new(ErrorKind::Unavailable, err.to_string()).with_source(err)
    }
}

fn in_brackets(code: Option<&str>) -> String {
    code.map(|code| format!(" (`{code}`)")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_the_endpoint_is_part_of_the_message() {
        let bare = ModelError::Status {
            code: None,
            status: 500,
        };
        let named = ModelError::Status {
            code: Some("model_not_found".to_owned()),
            status: 404,
        };

        assert_eq!(
            bare.to_string(),
            "the model's endpoint answered with status 500"
        );
        assert_eq!(
            named.to_string(),
            "the model's endpoint answered with status 404 (`model_not_found`)"
        );
        assert_eq!(Error::from(named).kind(), ErrorKind::Unavailable);
    }
}
