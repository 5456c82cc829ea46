//! Disappearing messages.

use crate::schema::session::content::ExpirationType;

/// The start of the time after which a message disappears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExpirationMode {
    /// The message does not disappear.
    Off,
    /// When the message was read.
    AfterRead,
    /// When the message was sent.
    AfterSend,
}

impl ExpirationMode {
    pub(super) const fn number(self) -> i32 {
        match self {
            Self::Off => ExpirationType::Unknown as i32,
            Self::AfterRead => ExpirationType::DeleteAfterRead as i32,
            Self::AfterSend => ExpirationType::DeleteAfterSend as i32,
        }
    }
}

/// The kind of conversation, which decides the rule for disappearing messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Conversation {
    /// With another account.
    OneToOne,
    /// With our own account.
    NoteToSelf,
    /// A closed group.
    Group,
}

/// When a message disappears (protocol: messages, section 6, item 14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Expiration {
    /// The start of the time.
    pub mode: ExpirationMode,
    /// The time in seconds; zero is off.
    pub seconds: u32,
}

impl Expiration {
    /// The message does not disappear.
    pub const OFF: Self = Self {
        mode: ExpirationMode::Off,
        seconds: 0,
    };

    /// Returns the message disappears `seconds` after it was read.
    #[must_use]
    pub const fn after_read(seconds: u32) -> Self {
        Self {
            mode: ExpirationMode::AfterRead,
            seconds,
        }
    }

    /// Returns the message disappears `seconds` after it was sent.
    #[must_use]
    pub const fn after_send(seconds: u32) -> Self {
        Self {
            mode: ExpirationMode::AfterSend,
            seconds,
        }
    }

    /// Returns its meaning in a conversation: [`OFF`](Self::OFF) without a time or mode; in groups
    /// and notes to ourselves, the time always counts from sending.
    #[must_use]
    pub const fn resolve(self, conversation: Conversation) -> Self {
        match (self.mode, conversation) {
            (ExpirationMode::Off, _) => Self::OFF,
            _ if self.seconds == 0 => Self::OFF,
            (mode, Conversation::OneToOne) => Self {
                mode,
                seconds: self.seconds,
            },
            _ => Self::after_send(self.seconds),
        }
    }

    /// Returns a value if one of the fields is present. An unknown mode counts as off.
    pub(super) fn from_wire(mode: Option<i32>, seconds: Option<u32>) -> Option<Self> {
        if mode.is_none() && seconds.is_none() {
            return None;
        }
        let mode = mode.and_then(|mode| ExpirationType::try_from(mode).ok());
        Some(Self {
            mode: match mode {
                Some(ExpirationType::DeleteAfterRead) => ExpirationMode::AfterRead,
                Some(ExpirationType::DeleteAfterSend) => ExpirationMode::AfterSend,
                Some(ExpirationType::Unknown) | None => ExpirationMode::Off,
            },
            seconds: seconds.unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_notes_to_self_count_from_sending() {
        let read = Expiration::after_read(60);
        assert_eq!(read.resolve(Conversation::OneToOne), read);
        for conversation in [Conversation::NoteToSelf, Conversation::Group] {
            assert_eq!(read.resolve(conversation), Expiration::after_send(60));
        }
    }

    #[test]
    fn no_time_or_no_mode_is_off() {
        for conversation in [Conversation::OneToOne, Conversation::Group] {
            assert_eq!(
                Expiration::after_send(0).resolve(conversation),
                Expiration::OFF
            );
            let no_mode = Expiration::from_wire(None, Some(60)).unwrap();
            assert_eq!(no_mode.resolve(conversation), Expiration::OFF);
            let unknown = Expiration::from_wire(Some(9), Some(60)).unwrap();
            assert_eq!(unknown.resolve(conversation), Expiration::OFF);
        }
        assert_eq!(Expiration::from_wire(None, None), None);
    }
}
