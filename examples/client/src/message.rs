//! What this client shows of a message.

use session_identity::{Account, AccountId};
use session_message::content::{AnyId, Content, Kind};
use session_message::{MessageKey, Namespace, OpenError, Opened, Opener};

use crate::foreign::Foreign;

/// The namespace of one-to-one messages.
pub const NAMESPACE: i16 = Namespace::DEFAULT.number();

/// A message that was opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    /// Identifies the message: a copy of it has the same key.
    pub key: MessageKey,
    /// Who wrote it, verified by the signature inside.
    pub from: AccountId,
    /// Whether it is a copy of what this account sent, or a note to itself.
    pub own: bool,
    /// The account that the conversation is with.
    pub conversation: AnyId,
    /// The name that goes with it.
    pub name: Option<Foreign>,
    /// When it was sent, in ms.
    pub sent_ms: u64,
    /// The text; none if it is another kind of message.
    pub text: Option<Foreign>,
    /// What kind of message it is.
    pub kind: &'static str,
    /// The message that it answers.
    pub reply_to: Option<(AnyId, u64)>,
    /// Everything that is in it.
    pub content: Content,
}

impl Incoming {
    fn new(opened: Opened, own: &AccountId) -> Self {
        let key = opened.key();
        let profile = opened.content.profile.as_ref();
        let quote = match &opened.content.kind {
            Kind::Message(message) => message.quote,
            _ => None,
        };
        Self {
            key,
            from: opened.sender,
            own: opened.sender == *own,
            conversation: opened.conversation,
            name: profile.and_then(|profile| profile.name.clone().map(Foreign::from)),
            sent_ms: opened.sent_at.get(),
            text: opened.content.as_text().map(Foreign::from),
            kind: opened.content.kind.name(),
            reply_to: quote.map(|quote| (quote.author, quote.sent_at.get())),
            content: opened.content,
        }
    }
}

/// Opens a stored message.
///
/// # Errors
///
/// [`OpenError`] for what must not be shown.
pub fn open(account: &Account, data: &[u8]) -> Result<Incoming, OpenError> {
    open_with(&mut Opener::new(account), data)
}

/// As [`open`], with an opener that has the account's keys.
///
/// # Errors
///
/// As [`open`].
pub fn open_with(opener: &mut Opener<&Account>, data: &[u8]) -> Result<Incoming, OpenError> {
    let opened = opener.open_direct(data)?;
    let account = opener.account();
    Ok(Incoming::new(opened, account.id()))
}
