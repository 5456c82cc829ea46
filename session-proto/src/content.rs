//! The content of messages, validated when it is read and when it is written.
//!
//! [`decode`] reads the bytes of a Content, rejects what every receiver must reject whoever sent it,
//! and returns a [`Content`] of exactly one [`Kind`]. [`Content::encode`] writes one under the same
//! rules. The rules that depend on sender and conversation belong to the crate that opens the
//! message.
//!
//! Both check (protocol: messages, sections 2 and 6):
//!
//! - required fields are present, and no field occurs more often than the schema allows;
//! - exactly one kind is set, and a data message has one kind as well;
//! - ids are 66 hex digits, and keys and signatures have the right length;
//! - an approval approves, flags are known, and parallel lists have the same length;
//! - the bounds of [`limits`](crate::limits), before anything is allocated.
//!
//! A malformed part that does not decide what the message is does not lose the message (protocol:
//! messages, section 6.16). It is left out, and [`Content::omitted`] names it. Text that is not
//! UTF-8 is read lossily. Deprecated fields are skipped, even if they are malformed. An empty text
//! counts as absent.

mod attachment;
mod call;
mod error;
mod expiration;
mod group;
mod id;
mod notice;
mod omitted;
mod profile;
mod repair;
mod secret;
mod visible;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use prost::Message as _;

use crate::limits::{FLAG_EXPIRATION_TIMER_UPDATE, MAX_CONTENT};
use crate::schema::session as wire;
use crate::wire::{CONTENT, WireError, check, fields};

use id::parse_id;
use repair::{has_unknown_field, repair};

pub use crate::schema::session::{ProMessage, ProProof};
pub use attachment::Attachment;
pub use call::{Call, CallStep, IceCandidate};
pub use error::ContentError;
pub use expiration::{Conversation, Expiration, ExpirationMode};
pub use group::{DeleteContent, GroupUpdate, InfoChange, Invite, MemberChange, MemberChangeKind};
pub use notice::{
    DataExtraction, DataExtractionKind, Invitation, Reaction, ReadReceipt, Typing, Unsend,
};
pub use omitted::{Omitted, Part};
pub use profile::{Picture, Profile};
pub use secret::{AttachmentKey, FileKey, GroupSeed, LegacyFileKey, MemberAuthData, PictureKey};
pub use session_types::{AnyId, Ed25519Signature, UnixMillis};
pub use visible::{Message, Preview, Quote};

/// The kind of a message, with the data of that kind.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// A message to show: text, attachments, a quote, link previews.
    Message(Message),
    /// An emoji that reacts to a message, or its removal. One-to-one and groups.
    Reaction(Reaction),
    /// An invitation to a community.
    Invitation(Invitation),
    /// A new timer of a one-to-one conversation, in [`Content::expiration`].
    ExpirationUpdate,
    /// A message that manages a closed group.
    Group(GroupUpdate),
    /// A step of a call. One-to-one.
    Call(Call),
    /// The sender has read messages. One-to-one.
    ReadReceipt(ReadReceipt),
    /// The sender has started or stopped typing. One-to-one.
    Typing(Typing),
    /// The sender has saved media or taken a screenshot. One-to-one.
    DataExtraction(DataExtraction),
    /// A request to delete a message. One-to-one.
    Unsend(Unsend),
    /// The sender has accepted a message request. One-to-one.
    RequestAccepted,
}

impl Kind {
    /// Returns whether the kind is a data message, which can carry a profile and a sync target.
    #[must_use]
    pub const fn is_data_message(&self) -> bool {
        matches!(
            self,
            Self::Message(_)
                | Self::Reaction(_)
                | Self::Invitation(_)
                | Self::ExpirationUpdate
                | Self::Group(_)
        )
    }

    /// Returns whether a message of this kind can disappear after a time.
    #[must_use]
    pub const fn can_expire(&self) -> bool {
        match self {
            Self::Typing(_) | Self::ReadReceipt(_) | Self::Unsend(_) | Self::RequestAccepted => {
                false
            }
            Self::Group(update) => !update.is_for_one_member(),
            _ => true,
        }
    }

    /// Returns the name of the kind in error messages.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Reaction(_) => "reaction",
            Self::Invitation(_) => "community invitation",
            Self::ExpirationUpdate => "expiration update",
            Self::Group(_) => "group update",
            Self::Call(_) => "call",
            Self::ReadReceipt(_) => "read receipt",
            Self::Typing(_) => "typing indicator",
            Self::DataExtraction(_) => "data extraction notice",
            Self::Unsend(_) => "unsend request",
            Self::RequestAccepted => "message request response",
        }
    }
}

/// The content of a message: its kind, and the parts that several kinds share.
///
/// It does not contain the time of sending: [`encode`](Self::encode) takes it, so that it cannot
/// differ from the time in the envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// The kind of the message.
    pub kind: Kind,
    /// The sender's name and picture. Data messages and [`Kind::RequestAccepted`] only.
    pub profile: Option<Profile>,
    /// In a copy for our own devices, the conversation that it belongs to. Data messages only.
    pub sync_target: Option<AnyId>,
    /// When the message disappears; for [`Kind::ExpirationUpdate`], the new setting.
    pub expiration: Option<Expiration>,
    /// In a community post, whether its author refuses message requests from the community. Data
    /// messages only.
    pub blocks_community_requests: Option<bool>,
    /// The parts that were left out when the content was read, because they were malformed. Not
    /// written.
    pub omitted: Omitted,
}

impl From<Kind> for Content {
    fn from(kind: Kind) -> Self {
        Self {
            kind,
            profile: None,
            sync_target: None,
            expiration: None,
            blocks_community_requests: None,
            omitted: Omitted::NONE,
        }
    }
}

impl Content {
    /// Makes a text message.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::from(Kind::Message(Message {
            text: text.into(),
            ..Message::default()
        }))
    }

    /// Returns the text, if the message has one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Message(message) if !message.text.is_empty() => Some(&message.text),
            _ => None,
        }
    }

    /// Adds the sender's profile.
    #[must_use]
    pub fn with_profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// Adds a time after which the message disappears.
    #[must_use]
    pub const fn with_expiration(mut self, expiration: Expiration) -> Self {
        self.expiration = Some(expiration);
        self
    }

    /// Encodes the Content with the time of sending.
    ///
    /// `pro` is the sender's Session Pro proof and features. `session-message` makes it.
    ///
    /// # Errors
    ///
    /// [`ContentError`] if a receiver would reject the content, or if it has a part that its kind
    /// does not allow.
    pub fn encode(
        &self,
        sent_at: UnixMillis,
        pro: Option<ProMessage>,
    ) -> Result<Vec<u8>, ContentError> {
        self.check_places()?;
        let mut out = wire::Content {
            sig_timestamp: Some(sent_at.get()),
            pro_message: pro,
            ..wire::Content::default()
        };
        if let Some(expiration) = self.written_expiration() {
            out.expiration_type = Some(expiration.mode.number());
            out.expiration_timer = Some(expiration.seconds);
        }
        match &self.kind {
            Kind::Call(call) => out.call_message = Some(call.to_wire()?),
            Kind::ReadReceipt(receipt) => out.receipt_message = Some(receipt.to_wire()?),
            Kind::Typing(typing) => out.typing_message = Some(typing.to_wire(sent_at)),
            Kind::DataExtraction(notice) => {
                out.data_extraction_notification = Some(notice.to_wire());
            }
            Kind::Unsend(unsend) => out.unsend_request = Some(unsend.to_wire()?),
            Kind::RequestAccepted => {
                let mut response = wire::MessageRequestResponse {
                    is_approved: true,
                    profile_key: None,
                    profile: None,
                };
                if let Some(profile) = &self.profile {
                    response.profile_key = profile.wire_key();
                    response.profile = Some(profile.to_wire()?);
                }
                out.message_request_response = Some(response);
            }
            Kind::Message(_)
            | Kind::Reaction(_)
            | Kind::Invitation(_)
            | Kind::ExpirationUpdate
            | Kind::Group(_) => out.data_message = Some(self.data_message()?),
        }
        let length = out.encoded_len();
        if length > MAX_CONTENT {
            return Err(ContentError::Wire(WireError::TooLong {
                max: MAX_CONTENT,
                got: length,
            }));
        }
        Ok(out.encode_to_vec())
    }

    /// Rejects parts that the kind does not allow.
    fn check_places(&self) -> Result<(), ContentError> {
        let data = self.kind.is_data_message();
        let approval = matches!(self.kind, Kind::RequestAccepted);
        let misplaced = [
            ("profile", self.profile.is_some() && !data && !approval),
            ("sync_target", self.sync_target.is_some() && !data),
            (
                "blocks_community_requests",
                self.blocks_community_requests.is_some() && !data,
            ),
            (
                "expiration",
                self.expiration.is_some() && !self.kind.can_expire(),
            ),
        ];
        if let Some((field, _)) = misplaced.into_iter().find(|(_, wrong)| *wrong) {
            let kind = self.kind.name();
            return Err(ContentError::Misplaced { field, kind });
        }
        if matches!(self.kind, Kind::ExpirationUpdate) && self.expiration.is_none() {
            let field = "expirationTimer";
            return Err(ContentError::Missing { field });
        }
        Ok(())
    }

    /// Returns the expiration as it is written.
    fn written_expiration(&self) -> Option<Expiration> {
        match &self.kind {
            // These never expire and say so.
            Kind::Group(update) if update.is_for_one_member() => Some(Expiration::OFF),
            // Always counts from reading.
            Kind::DataExtraction(_) => self.expiration.map(|expiration| match expiration.mode {
                ExpirationMode::Off => expiration,
                _ => Expiration::after_read(expiration.seconds),
            }),
            _ => self.expiration,
        }
    }

    fn data_message(&self) -> Result<wire::DataMessage, ContentError> {
        let mut out = wire::DataMessage::default();
        if let Some(profile) = &self.profile {
            out.profile_key = profile.wire_key();
            out.profile = Some(profile.to_wire()?);
        }
        out.sync_target = self.sync_target.as_ref().map(ToString::to_string);
        out.blocks_community_message_requests = self.blocks_community_requests;
        match &self.kind {
            Kind::Message(message) => message.to_wire(&mut out)?,
            Kind::Reaction(reaction) => out.reaction = Some(reaction.to_wire()?),
            Kind::Invitation(invitation) => {
                out.open_group_invitation = Some(invitation.to_wire()?);
            }
            Kind::Group(update) => out.group_update_message = Some(update.to_wire()?),
            _ => out.flags = Some(FLAG_EXPIRATION_TIMER_UPDATE),
        }
        Ok(out)
    }
}

/// A Content as received.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The content.
    pub content: Content,
    /// The time of sending according to the sender. Absent or zero from old clients.
    pub sent_at: Option<UnixMillis>,
    /// The claim to have Session Pro; not verified.
    pub pro: Option<ProMessage>,
    /// The Session Pro signature inside a community message; not verified.
    pub community_signature: Option<Vec<u8>>,
}

/// Decodes a Content without padding.
///
/// # Errors
///
/// [`ContentError`] if a receiver must reject the content; see the [module](self).
///
/// ```
/// use session_proto::content::{self, Content, UnixMillis};
///
/// let sent_at = UnixMillis::new(1_754_971_101_000);
/// let bytes = Content::text("hello").encode(sent_at, None)?;
/// let decoded = content::decode(&bytes)?;
/// assert_eq!(decoded.content.as_text(), Some("hello"));
/// assert_eq!(decoded.sent_at, Some(sent_at));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn decode(bytes: &[u8]) -> Result<Decoded, ContentError> {
    let (mut message, replaced_text) = read_wire(bytes)?;
    let expiration = Expiration::from_wire(message.expiration_type, message.expiration_timer);
    let sent_at = message.sig_timestamp.map(UnixMillis::new);
    let pro = message.pro_message.take();
    let community_signature = message.pro_sig_for_community_message_only.take();
    let mut content = match one_kind(message) {
        Err(ContentError::Empty) if has_unknown_field(bytes, CONTENT)? => {
            return Err(ContentError::UnknownKind);
        }
        content => content?,
    };
    if replaced_text {
        if matches!(&content.kind, Kind::Group(update) if update.signs_replaced_text()) {
            return Err(ContentError::Malformed);
        }
        content.omitted.insert(Part::Text);
    }
    content.expiration = match content.kind {
        Kind::ExpirationUpdate => Some(expiration.unwrap_or(Expiration::OFF)),
        _ => expiration.filter(|_| content.kind.can_expire()),
    };
    Ok(Decoded {
        content,
        sent_at,
        pro,
        community_signature,
    })
}

/// Decodes a Content into the generated types and checks the bounds and requirements of the schema.
///
/// Text that is not UTF-8 is read lossily; deprecated fields stay empty.
///
/// # Errors
///
/// [`ContentError::Wire`] if the bytes violate the schema or its bounds, [`ContentError::Malformed`]
/// if they are malformed in another way.
pub fn decode_wire(bytes: &[u8]) -> Result<wire::Content, ContentError> {
    read_wire(bytes).map(|(message, _)| message)
}

/// Decodes as [`decode_wire`] does. Also returns whether text was replaced.
fn read_wire(bytes: &[u8]) -> Result<(wire::Content, bool), ContentError> {
    if bytes.len() > MAX_CONTENT {
        return Err(ContentError::Wire(WireError::TooLong {
            max: MAX_CONTENT,
            got: bytes.len(),
        }));
    }
    check(bytes, CONTENT)?;
    let repaired = repair(bytes, CONTENT)?;
    let message = wire::Content::decode(repaired.bytes()).map_err(|_| ContentError::Malformed)?;
    Ok((message, repaired.replaced_text()))
}

/// Returns the one kind that is set.
fn one_kind(message: wire::Content) -> Result<Content, ContentError> {
    let set = [
        message.data_message.is_some(),
        message.call_message.is_some(),
        message.receipt_message.is_some(),
        message.typing_message.is_some(),
        message.data_extraction_notification.is_some(),
        message.unsend_request.is_some(),
        message.message_request_response.is_some(),
    ];
    if set.into_iter().filter(|set| *set).count() > 1 {
        return Err(ContentError::TwoKinds);
    }
    if let Some(mut data) = message.data_message {
        return data_content(&mut data);
    }
    if let Some(mut response) = message.message_request_response {
        if !response.is_approved {
            return Err(ContentError::NotApproved);
        }
        let mut content = Content::from(Kind::RequestAccepted);
        let key = response.profile_key.take();
        content.profile = Profile::from_wire(response.profile.take(), key, &mut content.omitted);
        return Ok(content);
    }
    let kind = if let Some(call) = message.call_message {
        Kind::Call(Call::from_wire(call)?)
    } else if let Some(receipt) = message.receipt_message {
        Kind::ReadReceipt(ReadReceipt::from_wire(receipt)?)
    } else if let Some(typing) = message.typing_message {
        Kind::Typing(Typing::from_wire(&typing)?)
    } else if let Some(notice) = message.data_extraction_notification {
        Kind::DataExtraction(DataExtraction::from_wire(&notice)?)
    } else if let Some(unsend) = message.unsend_request {
        Kind::Unsend(Unsend::from_wire(&unsend)?)
    } else {
        return Err(ContentError::Empty);
    };
    Ok(Content::from(kind))
}

fn data_content(data: &mut wire::DataMessage) -> Result<Content, ContentError> {
    let mut omitted = Omitted::NONE;
    let profile = Profile::from_wire(data.profile.take(), data.profile_key.take(), &mut omitted);
    let sync_target = present(data.sync_target.take())
        .map(|id| parse_id(&id, "syncTarget"))
        .transpose()?;
    let blocks_community_requests = data.blocks_community_message_requests;
    Ok(Content {
        kind: data_kind(data, &mut omitted)?,
        profile,
        sync_target,
        expiration: None,
        blocks_community_requests,
        omitted,
    })
}

fn data_kind(data: &mut wire::DataMessage, omitted: &mut Omitted) -> Result<Kind, ContentError> {
    match data.flags.unwrap_or(0) {
        0 => {}
        // All other fields are ignored.
        FLAG_EXPIRATION_TIMER_UPDATE => return Ok(Kind::ExpirationUpdate),
        flags => return Err(ContentError::Flags { flags }),
    }
    if let Some(update) = data.group_update_message.take() {
        let is_alone = data.reaction.is_none()
            && data.open_group_invitation.is_none()
            && !Message::is_in(data);
        if !is_alone {
            return Err(ContentError::TwoKinds);
        }
        return GroupUpdate::from_wire(update, omitted).map(Kind::Group);
    }
    // What can be shown decides the kind; a reaction beside it is left out, as in deployed clients.
    if Message::is_in(data) {
        if data.open_group_invitation.is_some() {
            omitted.insert(Part::Invitation);
        }
        if data.reaction.is_some() {
            omitted.insert(Part::Reaction);
        }
        return Message::from_wire(data, omitted).map(Kind::Message);
    }
    if let Some(invitation) = data.open_group_invitation.take() {
        if data.reaction.is_some() {
            omitted.insert(Part::Reaction);
        }
        return Invitation::from_wire(invitation).map(Kind::Invitation);
    }
    if let Some(reaction) = data.reaction.take() {
        return Reaction::from_wire(reaction).map(Kind::Reaction);
    }
    Err(ContentError::Empty)
}

/// Returns the bytes of a Content without its field 17, the signature in community messages.
///
/// All other bytes stay as received, unknown fields and their order included: the signature covers
/// them after padding (protocol: messages, section 4.6).
///
/// # Errors
///
/// [`WireError`] if the bytes are not a protobuf message.
pub fn without_community_signature(bytes: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut out = Vec::with_capacity(bytes.len());
    for field in fields(bytes) {
        let field = field?;
        if field.number != 17 {
            out.extend_from_slice(field.raw);
        }
    }
    Ok(out)
}

/// Returns a text unless it is empty.
fn present(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Rejects an empty text.
fn required_text(text: String, field: &'static str) -> Result<String, ContentError> {
    if text.is_empty() {
        return Err(ContentError::EmptyText { field });
    }
    Ok(text)
}
