//! How far an invitation, promotion or removal is.

use super::Member;
use crate::data::Dict;
use crate::field::{Codec, IntoOwned, Positive};

/// How far an invitation or promotion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// It was accepted, or was never needed.
    #[default]
    Done,
    /// It was sent.
    Sent,
    /// Sending it failed.
    Failed,
    /// It has not been sent yet.
    NotSent,
    /// A number that this version does not know.
    Unknown(i64),
}

impl Delivery {
    /// Takes the number of the protocol; 0 for done.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        match number {
            ..=0 => Self::Done,
            1 => Self::Sent,
            2 => Self::Failed,
            3 => Self::NotSent,
            other => Self::Unknown(other),
        }
    }

    /// Returns the number of the protocol.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Done => 0,
            Self::Sent => 1,
            Self::Failed => 2,
            Self::NotSent => 3,
            Self::Unknown(other) => other,
        }
    }
}

/// Whether a member is to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Removal {
    /// No.
    #[default]
    No,
    /// The member.
    Member,
    /// The member and all messages of the member.
    WithMessages,
    /// A number that this version does not know.
    Unknown(i64),
}

impl Removal {
    /// Takes the number of the protocol; 0 for no.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        match number {
            ..=0 => Self::No,
            1 => Self::Member,
            2 => Self::WithMessages,
            other => Self::Unknown(other),
        }
    }

    /// Returns the number of the protocol.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::No => 0,
            Self::Member => 1,
            Self::WithMessages => 2,
            Self::Unknown(other) => other,
        }
    }
}

pub(super) struct DeliveryAt(pub(super) &'static [u8]);

impl Codec for DeliveryAt {
    type Value<'a> = Delivery;

    fn read(&self, dict: &Dict) -> Delivery {
        Delivery::from_number(Positive(self.0).read(dict))
    }

    fn write(&self, dict: &mut Dict, value: &Delivery) {
        Positive(self.0).write(dict, &value.number());
    }
}

pub(super) struct RemovalAt(pub(super) &'static [u8]);

impl Codec for RemovalAt {
    type Value<'a> = Removal;

    fn read(&self, dict: &Dict) -> Removal {
        Removal::from_number(Positive(self.0).read(dict))
    }

    fn write(&self, dict: &mut Dict, value: &Removal) {
        Positive(self.0).write(dict, &value.number());
    }
}

impl IntoOwned for Delivery {
    type Owned = Self;

    fn into_owned(self) -> Self {
        self
    }
}

impl IntoOwned for Removal {
    type Owned = Self;

    fn into_owned(self) -> Self {
        self
    }
}

/// The status of a member, as it is shown. The numbers are those of other libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum MemberStatus {
    /// Invitation: a state that this version does not know.
    InviteUnknown = 0,
    /// Invitation: not sent.
    InviteNotSent = 1,
    /// Invitation: this device is about to send it.
    InviteSending = 2,
    /// Invitation: sending failed.
    InviteFailed = 3,
    /// Invitation: sent.
    InviteSent = 4,
    /// Invitation: accepted.
    InviteAccepted = 5,
    /// Promotion: a state that this version does not know.
    PromotionUnknown = 6,
    /// Promotion: not sent.
    PromotionNotSent = 7,
    /// Promotion: this device is about to send it.
    PromotionSending = 8,
    /// Promotion: sending failed.
    PromotionFailed = 9,
    /// Promotion: sent.
    PromotionSent = 10,
    /// Promotion: accepted, the member is an admin.
    PromotionAccepted = 11,
    /// To be removed, in a way that this version does not know.
    RemovedUnknown = 12,
    /// To be removed.
    Removed = 13,
    /// To be removed with all messages.
    RemovedWithMessages = 14,
}

impl Member<'_> {
    /// Returns the status, given whether this device is about to send something.
    #[must_use]
    pub const fn status(&self, is_pending_send: bool) -> MemberStatus {
        match self.removal {
            Removal::WithMessages => return MemberStatus::RemovedWithMessages,
            Removal::Member => return MemberStatus::Removed,
            Removal::Unknown(_) => return MemberStatus::RemovedUnknown,
            Removal::No => {}
        }
        if self.is_admin {
            return match self.promotion {
                Delivery::NotSent if is_pending_send => MemberStatus::PromotionSending,
                Delivery::NotSent => MemberStatus::PromotionNotSent,
                Delivery::Failed => MemberStatus::PromotionFailed,
                Delivery::Sent => MemberStatus::PromotionSent,
                Delivery::Unknown(_) => MemberStatus::PromotionUnknown,
                Delivery::Done => MemberStatus::PromotionAccepted,
            };
        }
        match self.invite {
            Delivery::NotSent if is_pending_send => MemberStatus::InviteSending,
            Delivery::NotSent => MemberStatus::InviteNotSent,
            Delivery::Failed => MemberStatus::InviteFailed,
            Delivery::Sent => MemberStatus::InviteSent,
            Delivery::Unknown(_) => MemberStatus::InviteUnknown,
            Delivery::Done => MemberStatus::InviteAccepted,
        }
    }
}
