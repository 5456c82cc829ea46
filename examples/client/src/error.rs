//! What can go wrong, each in one sentence for a person.

use std::path::PathBuf;

use session_crypto::attachment::SizeError;
use session_identity::IdError;
use session_identity::phrase::{DetectError, PhraseError};
use session_message::SealError;
use session_network::RequestError;
use session_storage::ParamError;

use crate::foreign::Foreign;
use crate::http::HttpError;

/// Why a command ended without success.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// An argument that cannot be used.
    #[error("{0}")]
    Usage(String),
    /// The recovery phrase is wrong.
    #[error("the recovery phrase cannot be used: {0}")]
    Phrase(#[from] PhraseError),
    /// The recovery phrase is wrong, in every language.
    #[error("the recovery phrase cannot be used: {0}{hint}", hint = language_hint(.0))]
    AnyPhrase(#[from] DetectError),
    /// The account id is wrong.
    #[error("`{text}` is not an account id: {reason}")]
    AccountId {
        /// What was given.
        text: Foreign,
        /// What is wrong with it.
        reason: IdError,
    },
    /// A file cannot be read or written.
    #[error("{what} {}: {reason}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// The system has no random numbers.
    #[error("the system has no random numbers")]
    Random,
    /// No seed node answered with a list of nodes.
    #[error("no seed node could be used: {0}")]
    Seeds(Foreign),
    /// The list has too few nodes for a path.
    #[error("the network has {usable} usable nodes, a request needs {needed}")]
    TooFewNodes {
        /// How many there are.
        usable: usize,
        /// How many are needed.
        needed: usize,
    },
    /// No node can say which swarm keeps the messages of an account.
    #[error("the network has no swarms")]
    NoSwarm,
    /// The guard cannot be reached.
    #[error("the first node of the path failed: {0}")]
    Guard(#[from] HttpError),
    /// A node of the path could not pass the request on.
    #[error("a node of the path answered with status {status}: {text}")]
    Path {
        /// The status.
        status: u16,
        /// What it said.
        text: Foreign,
    },
    /// No attempt came to anything.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The answer is not from the node that was asked.
    #[error("no answer that can be believed came back: {0}")]
    Onion(Foreign),
    /// The node that was asked refused.
    #[error("the node refused `{method}` with status {status}: {text}")]
    Refused {
        /// The request.
        method: &'static str,
        /// The status.
        status: u16,
        /// The text.
        text: Foreign,
    },
    /// No node would take the request.
    #[error("no node would take the request: {0}")]
    Invalid(#[from] ParamError),
    /// The node's answer makes no sense.
    #[error("the node answered `{method}` with nonsense: {reason}")]
    Nonsense {
        /// The request.
        method: &'static str,
        /// What is wrong with it.
        reason: Foreign,
    },
    /// No member of the swarm has provably stored the message.
    #[error("no node of the swarm stored the message ({failed} failed)")]
    NotStored {
        /// Members that failed.
        failed: usize,
    },
    /// The file is too long for an attachment, or changed while it was read.
    #[error("{} cannot be encrypted: {reason}", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: SizeError,
    },
    /// The file cannot be decrypted.
    #[error("{} cannot be decrypted: the key is another one, or the file was changed or cut", path.display())]
    Decrypt {
        /// The file.
        path: PathBuf,
    },
    /// What the command says cannot be printed.
    #[error("the output cannot be written: {0}")]
    Output(std::io::Error),
    /// The community server did not do what it was asked for.
    #[error("the community server: {0}")]
    Community(#[from] session_community::ReplyError),
    /// The file server did not do what it was asked for.
    #[error("the file server: {0}")]
    FileServer(#[from] session_services::ReplyError),
    /// The message cannot be sealed.
    #[error("the message cannot be sent: {0}")]
    Seal(#[from] SealError),
}

impl ClientError {
    /// The exit status of the command: 2 for what the caller gave, 3 if the network cannot be
    /// reached, 4 if it answered something that cannot be used, 1 for the rest.
    pub const fn exit_status(&self) -> u8 {
        match self {
            Self::Usage(_)
            | Self::Phrase(_)
            | Self::AnyPhrase(_)
            | Self::AccountId { .. }
            | Self::File { .. }
            | Self::Size { .. }
            | Self::Seal(_)
            | Self::Invalid(_)
            | Self::Decrypt { .. } => 2,
            Self::Seeds(_)
            | Self::Guard(_)
            | Self::Path { .. }
            | Self::TooFewNodes { .. }
            | Self::NoSwarm
            | Self::Request(RequestError::TimedOut | RequestError::PathsFailed) => 3,
            Self::Onion(_)
            | Self::Refused { .. }
            | Self::Nonsense { .. }
            | Self::NotStored { .. }
            | Self::Community(_)
            | Self::FileServer(_)
            | Self::Request(_) => 4,
            Self::Random | Self::Output(_) => 1,
        }
    }
}

/// Says which option names the language.
const fn language_hint(error: &DetectError) -> &'static str {
    match error {
        DetectError::Ambiguous { .. } => ", with --language",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_error_steers_the_terminal() {
        let evil = || Foreign::from("\u{1b}]0;x\u{7}\nclient: all is well\u{202e}\u{200b}");
        for error in [
            ClientError::Seeds(evil()),
            ClientError::Path {
                status: 502,
                text: evil(),
            },
            ClientError::Onion(evil()),
            ClientError::Refused {
                method: "store",
                status: 401,
                text: evil(),
            },
            ClientError::Nonsense {
                method: "store",
                reason: evil(),
            },
            ClientError::Guard(HttpError::Unreachable {
                host: evil(),
                reason: evil(),
            }),
        ] {
            let said = error.to_string();
            assert!(crate::foreign::is_plain(&said), "{said:?}");
            assert!(
                said.contains("\\u{1b}") && said.contains("\\u{a}"),
                "{said}"
            );
        }
    }
}
