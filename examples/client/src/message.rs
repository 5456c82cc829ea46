//! What this client shows of a message.

use session_identity::{Account, AccountId};
use session_message::{OpenError, Opened, direct, namespace};

/// The namespace of one-to-one messages.
pub const NAMESPACE: i16 = namespace::DEFAULT;

/// A message that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Who wrote it, verified by the signature inside.
    pub from: AccountId,
    /// The name that goes with it.
    pub name: Option<String>,
    /// When it was sent, in ms.
    pub sent_ms: u64,
    /// The text; none if it is another kind of message.
    pub text: Option<String>,
}

impl From<Opened> for Incoming {
    fn from(opened: Opened) -> Self {
        let profile = opened.content.profile.as_ref();
        Self {
            from: opened.sender,
            name: profile.and_then(|profile| profile.name.clone()),
            sent_ms: opened.sent_ms,
            text: opened.content.as_text().map(str::to_owned),
        }
    }
}

/// Opens a stored message.
///
/// # Errors
///
/// [`OpenError`] for what must not be shown.
pub fn open(account: &Account, data: &[u8]) -> Result<Incoming, OpenError> {
    direct::open(account, data).map(Incoming::from)
}
