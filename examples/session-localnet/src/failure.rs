//! Why a command ended without success, and its exit status.

use crate::demo::DemoError;
use crate::node::StartError;

/// A sentence, and the exit status: 1 for a failure, 2 for a command line that cannot be used.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: u8,
    pub(crate) text: String,
}

impl Failure {
    /// Something in the command line cannot be used.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self {
            status: 2,
            text: text.into(),
        }
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self { status: 1, text }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Size(_) => Self::usage(error.to_string()),
            error => error.to_string().into(),
        }
    }
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        match error {
            DemoError::Start(error) => error.into(),
            // A text that cannot be sent.
            DemoError::Seal(_) => Self::usage(error.to_string()),
            error => error.to_string().into(),
        }
    }
}
