//! The profile of an account (protocol: [config, section 13.2]).
//!
//! ```text
//! n        name                          f        features of Session Pro, as bits
//! p q      picture, set by the user      s        proof of Session Pro
//! P Q      the same, uploaded again      E A G    access: end, renews itself, grace period
//! t T      when these changed            I R      purchase in flight, refund requested
//! + e d D  note to self: priority, expiry, delete before, delete attachments before
//! M        message requests from communities      x   do not tell that media was saved
//! ```
//!
//! Times are Unix seconds.
//!
//! [config, section 13.2]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/config.md#section-13.2

mod pro;

use alloc::borrow::Cow;
use alloc::vec::Vec;

use session_crypto::config::Domain;
use session_proto::schema::session::shared_config_message::Kind as WrapperKind;
use session_types::{Namespace, UnixMillis};

pub use pro::ProProof;

use crate::change::fields;
use crate::config::Config;
use crate::data::Dict;
use crate::error::EditError;
use crate::field::{
    Bits, Codec, Flag, MAX_NAME, Nonzero, Picture, PictureAt, Positive, Text, check_length, put,
    truncate,
};
use crate::kind::{Kind, domain, private};
use crate::rules::Rules;

const NAME: Text = Text(b"n", MAX_NAME);
const PICTURE: PictureAt = PictureAt(b"p", b"q");
const REUPLOADED: PictureAt = PictureAt(b"P", b"Q");
const UPDATED: &[u8] = b"t";
const REUPLOADED_AT: &[u8] = b"T";
const PRIORITY: Nonzero = Nonzero(b"+");
const EXPIRY: Positive = Positive(b"e");
const REQUESTS: &[u8] = b"M";
const FEATURES: Bits = Bits(b"f");
const DELETE_BEFORE: Positive = Positive(b"d");
const DELETE_ATTACHMENTS: Positive = Positive(b"D");
const NO_SAVE_NOTICE: Flag = Flag(b"x");

/// The kind of [`UserProfile`].
#[derive(Debug)]
pub enum ProfileKind {}

/// The profile of an account, namespace 2.
pub type UserProfile = Config<ProfileKind>;

impl private::Kind for ProfileKind {
    const NAMESPACE: Option<Namespace> = Some(Namespace::USER_PROFILE);
    const DOMAIN: Domain<'static> = domain("UserProfile");
    const WRAPPER: Option<WrapperKind> = Some(WrapperKind::UserProfile);
    type Extra = ();
}

/// A change of the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileChange {
    /// The name.
    Name,
    /// The picture.
    Picture,
    /// Priority, expiry or deletions of the notes to self.
    NoteToSelf,
    /// Whether communities may pass on message requests.
    MessageRequests,
    /// Whether others are told when we save their media.
    SaveNotice,
    /// Session Pro.
    Pro,
}

impl Kind for ProfileKind {
    type Change = ProfileChange;

    fn changes(before: &Dict, after: &Dict) -> Vec<ProfileChange> {
        fields(
            before,
            after,
            &[
                (ProfileChange::Name, &[b"n"]),
                (ProfileChange::Picture, &[b"p", b"q", b"P", b"Q"]),
                (ProfileChange::NoteToSelf, &[b"+", b"e", b"d", b"D"]),
                (ProfileChange::MessageRequests, &[REQUESTS]),
                (ProfileChange::SaveNotice, &[b"x"]),
                (
                    ProfileChange::Pro,
                    &[b"f", b"s", b"E", b"A", b"G", b"I", b"R"],
                ),
            ],
        )
    }
}

/// The time of a change that other accounts see.
#[derive(Clone, Copy)]
pub(super) struct Stamp {
    rules: Rules,
    now: i64,
}

impl Stamp {
    fn put(self, data: &mut Dict, key: &[u8]) {
        if self.rules.stamps_profiles() {
            data.insert(key, self.now);
        }
    }

    /// Stamps the later of the two times.
    pub(super) fn target(self, data: &mut Dict) {
        let [updated, reuploaded] = [UPDATED, REUPLOADED_AT].map(|key| data.int(key).unwrap_or(0));
        let key = if updated >= reuploaded {
            UPDATED
        } else {
            REUPLOADED_AT
        };
        self.put(data, key);
    }
}

/// Seconds of a time.
pub(crate) fn seconds(time: UnixMillis) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

impl UserProfile {
    pub(super) const fn stamp(&self, now: i64) -> Stamp {
        Stamp {
            rules: self.engine.rules(),
            now,
        }
    }

    /// Changes the data, and stamps them if that changes something.
    fn edit_stamped(
        &mut self,
        now: UnixMillis,
        change: impl FnOnce(&mut Dict),
    ) -> Result<(), EditError> {
        let stamp = self.stamp(seconds(now));
        self.edit(|data| {
            let before = data.clone();
            change(data);
            if *data != before {
                stamp.target(data);
            }
        })
    }

    /// Returns the name, or an empty text if it is unset.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        NAME.read(self.data())
    }

    /// Sets the name; an empty one removes it.
    ///
    /// # Errors
    ///
    /// [`EditError::TooLong`] if it has more than 100 bytes.
    pub fn set_name(&mut self, name: &str, now: UnixMillis) -> Result<(), EditError> {
        check_length(name, MAX_NAME)?;
        self.edit_stamped(now, |data| NAME.write(data, &name.into()))
    }

    /// Sets the name, cut to 100 bytes at the border of a character.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_name_truncated(&mut self, name: &str, now: UnixMillis) -> Result<(), EditError> {
        self.set_name(truncate(name, MAX_NAME), now)
    }

    /// Returns the picture to show: the one set last, or its newer upload.
    #[must_use]
    pub fn picture(&self) -> Option<Picture<'_>> {
        let data = self.data();
        let [updated, reuploaded] = [UPDATED, REUPLOADED_AT].map(|key| data.int(key).unwrap_or(0));
        if updated >= reuploaded {
            PICTURE.read(data)
        } else {
            REUPLOADED.read(data)
        }
    }

    /// Sets the picture, or removes it. Setting the picture that is set already changes nothing.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_picture(
        &mut self,
        picture: Option<&Picture<'_>>,
        now: UnixMillis,
    ) -> Result<(), EditError> {
        let stamp = self.stamp(seconds(now));
        self.edit(|data| {
            let before = data.clone();
            PICTURE.write(data, &picture.cloned());
            if *data == before {
                return;
            }
            stamp.put(data, UPDATED);
            let has_upload = data.get(b"P").is_some() || data.get(b"Q").is_some();
            if picture.is_none() && has_upload {
                REUPLOADED.write(data, &None);
                stamp.put(data, REUPLOADED_AT);
            }
        })
    }

    /// Sets the picture that was uploaded again, which does not count as a change by the user.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_reuploaded_picture(
        &mut self,
        picture: Option<&Picture<'_>>,
        now: UnixMillis,
    ) -> Result<(), EditError> {
        let stamp = self.stamp(seconds(now));
        self.edit(|data| {
            let before = data.clone();
            REUPLOADED.write(data, &picture.cloned());
            if *data != before {
                stamp.put(data, REUPLOADED_AT);
            }
        })
    }

    /// Returns when the profile was last changed, in seconds; 0 if that is unknown.
    #[must_use]
    pub fn updated(&self) -> i64 {
        let reuploaded = self.data().int(REUPLOADED_AT).unwrap_or(0);
        let updated = self.data().int(UPDATED);
        updated.map_or(0, |updated| updated.max(reuploaded))
    }

    /// Returns the priority of the notes to self: −1 hidden, 0 normal, 1 pinned.
    #[must_use]
    pub fn note_priority(&self) -> i64 {
        PRIORITY.read(self.data())
    }

    /// Sets the priority of the notes to self. Some clients take only 1 for pinned.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_note_priority(&mut self, priority: i64) -> Result<(), EditError> {
        self.edit(|data| PRIORITY.write(data, &priority))
    }

    /// Returns after how many seconds notes to self disappear; 0 if they stay.
    #[must_use]
    pub fn note_expiry(&self) -> i64 {
        EXPIRY.read(self.data())
    }

    /// Sets after how many seconds notes to self disappear; 0 lets them stay.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_note_expiry(&mut self, seconds: i64) -> Result<(), EditError> {
        self.edit(|data| EXPIRY.write(data, &seconds))
    }

    /// Returns before which time all notes to self are deleted; 0 if none.
    #[must_use]
    pub fn note_delete_before(&self) -> i64 {
        DELETE_BEFORE.read(self.data())
    }

    /// Deletes all notes to self before a time, in seconds. Only ever raise it.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_note_delete_before(&mut self, time: i64) -> Result<(), EditError> {
        self.edit(|data| {
            DELETE_BEFORE.write(data, &time);
            if DELETE_ATTACHMENTS.read(data) <= time {
                data.remove(b"D");
            }
        })
    }

    /// Returns before which time attachments of notes to self are deleted; 0 if none.
    #[must_use]
    pub fn note_delete_attachments_before(&self) -> i64 {
        DELETE_ATTACHMENTS.read(self.data())
    }

    /// Deletes attachments of notes to self before a time, in seconds. Not stored unless the time is
    /// after that of [`set_note_delete_before`](Self::set_note_delete_before).
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_note_delete_attachments_before(&mut self, time: i64) -> Result<(), EditError> {
        self.edit(|data| {
            let is_later = time > DELETE_BEFORE.read(data);
            DELETE_ATTACHMENTS.write(data, &if is_later { time } else { 0 });
        })
    }

    /// Returns whether communities may pass on message requests. `None` if it was never set.
    #[must_use]
    pub fn message_requests(&self) -> Option<bool> {
        self.data().int(REQUESTS).map(|value| value != 0)
    }

    /// Sets whether communities may pass on message requests.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_message_requests(
        &mut self,
        allowed: Option<bool>,
        now: UnixMillis,
    ) -> Result<(), EditError> {
        self.edit_stamped(now, |data| put(data, REQUESTS, allowed.map(i64::from)))
    }

    /// Returns whether senders are told when we save their media.
    #[must_use]
    pub fn tells_saving(&self) -> bool {
        !NO_SAVE_NOTICE.read(self.data())
    }

    /// Sets whether senders are told when we save their media.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_tells_saving(&mut self, tells: bool) -> Result<(), EditError> {
        self.edit(|data| NO_SAVE_NOTICE.write(data, &!tells))
    }

    /// Returns the features of Session Pro that the profile shows, as bits: 0 badge, 1 animated
    /// picture.
    #[must_use]
    pub fn pro_features(&self) -> u64 {
        FEATURES.read(self.data())
    }

    /// Sets the features of Session Pro that the profile shows.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_pro_features(&mut self, features: u64, now: UnixMillis) -> Result<(), EditError> {
        self.edit_stamped(now, |data| FEATURES.write(data, &features))
    }
}
