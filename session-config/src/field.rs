//! The conventions of fields (protocol: [config, section 13.1]): each is a codec, and a type is the
//! list of its fields.
//!
//! A value of the wrong kind reads as absent. Writing changes the keys of the field alone.
//!
//! [config, section 13.1]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/config.md#section-13.1

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use core::fmt;

use crate::data::{Dict, Scalar};
use crate::error::EditError;

/// Maximum length of names, in bytes.
pub const MAX_NAME: usize = 100;
/// Maximum length of the URL of a picture, in bytes.
pub const MAX_PICTURE_URL: usize = 223;

/// How a field is kept in a dict.
pub(crate) trait Codec {
    type Value<'a>;

    fn read<'a>(&self, dict: &'a Dict) -> Self::Value<'a>;
    fn write(&self, dict: &mut Dict, value: &Self::Value<'_>);
}

/// Cuts a text to at most `max` bytes, at the border of a character.
#[must_use]
pub fn truncate(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or(text)
}

/// Refuses a text of more than `max` bytes.
pub(crate) fn check_length(text: &str, max: usize) -> Result<(), EditError> {
    if text.len() > max {
        return Err(EditError::TooLong {
            max,
            got: text.len(),
        });
    }
    Ok(())
}

/// Stores a value, or removes the key.
pub(crate) fn put<T: Into<crate::data::Value>>(dict: &mut Dict, key: &[u8], value: Option<T>) {
    match value {
        Some(value) => dict.insert(key, value),
        None => dict.remove(key),
    }
}

/// A text that is absent when empty; cut when written.
pub(crate) struct Text(pub(crate) &'static [u8], pub(crate) usize);

impl Codec for Text {
    type Value<'a> = Cow<'a, str>;

    fn read<'a>(&self, dict: &'a Dict) -> Cow<'a, str> {
        // Absent: a text that is not set is empty; configs do not tell the two apart.
        String::from_utf8_lossy(dict.bytes(self.0).unwrap_or_default())
    }

    fn write(&self, dict: &mut Dict, value: &Cow<'_, str>) {
        let text = truncate(value, self.1);
        put(dict, self.0, Some(text).filter(|text| !text.is_empty()));
    }
}

/// A text that is always there, which keeps its dict alive; cut when written.
pub(crate) struct KeptText(pub(crate) &'static [u8], pub(crate) usize);

impl Codec for KeptText {
    type Value<'a> = Cow<'a, str>;

    fn read<'a>(&self, dict: &'a Dict) -> Cow<'a, str> {
        Text(self.0, self.1).read(dict)
    }

    fn write(&self, dict: &mut Dict, value: &Cow<'_, str>) {
        dict.insert(self.0, truncate(value, self.1));
    }
}

/// A flag: 1 or absent.
pub(crate) struct Flag(pub(crate) &'static [u8]);

impl Codec for Flag {
    type Value<'a> = bool;

    fn read(&self, dict: &Dict) -> bool {
        dict.int(self.0).is_some_and(|int| int != 0)
    }

    fn write(&self, dict: &mut Dict, value: &bool) {
        put(dict, self.0, value.then_some(1));
    }
}

/// A number that is absent when it is not positive.
pub(crate) struct Positive(pub(crate) &'static [u8]);

impl Codec for Positive {
    type Value<'a> = i64;

    fn read(&self, dict: &Dict) -> i64 {
        dict.int(self.0).filter(|int| *int > 0).unwrap_or(0)
    }

    fn write(&self, dict: &mut Dict, value: &i64) {
        put(dict, self.0, Some(*value).filter(|int| *int > 0));
    }
}

/// A number that is absent when it is zero.
pub(crate) struct Nonzero(pub(crate) &'static [u8]);

impl Codec for Nonzero {
    type Value<'a> = i64;

    fn read(&self, dict: &Dict) -> i64 {
        dict.int(self.0).unwrap_or(0)
    }

    fn write(&self, dict: &mut Dict, value: &i64) {
        put(dict, self.0, Some(*value).filter(|int| *int != 0));
    }
}

/// A time in seconds; milliseconds and microseconds are forgiven.
pub(crate) struct Lenient(pub(crate) &'static [u8]);

const fn to_seconds(time: i64) -> i64 {
    match time {
        ..=9_000_000_000 => time,
        9_000_000_001..=9_000_000_000_000 => time / 1000,
        _ => time / 1_000_000,
    }
}

impl Codec for Lenient {
    type Value<'a> = i64;

    fn read(&self, dict: &Dict) -> i64 {
        to_seconds(Positive(self.0).read(dict))
    }

    fn write(&self, dict: &mut Dict, value: &i64) {
        Positive(self.0).write(dict, &to_seconds(*value));
    }
}

/// A set of bit numbers, 0 to 63. Other elements of the set are left alone.
pub(crate) struct Bits(pub(crate) &'static [u8]);

impl Codec for Bits {
    type Value<'a> = u64;

    fn read(&self, dict: &Dict) -> u64 {
        let items = dict.set(self.0).into_iter().flat_map(|set| set.iter());
        items.fold(0, |bits, item| match item {
            Scalar::Int(bit @ 0..=63) => bits | 1 << bit,
            _ => bits,
        })
    }

    fn write(&self, dict: &mut Dict, value: &u64) {
        if self.read(dict) == *value {
            return;
        }
        dict.change_set(self.0, |set| {
            for bit in 0..64 {
                if value >> bit & 1 == 1 {
                    set.insert(Scalar::Int(bit));
                } else {
                    set.remove(&Scalar::Int(bit));
                }
            }
        });
    }
}

/// A profile picture: where it is, and the key that decrypts it.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture<'a> {
    url: Cow<'a, str>,
    key: [u8; 32],
}

impl<'a> Picture<'a> {
    /// Takes a URL and a key.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the URL is empty or has more than [`MAX_PICTURE_URL`] bytes.
    pub fn new(url: impl Into<Cow<'a, str>>, key: [u8; 32]) -> Result<Self, EditError> {
        let url = url.into();
        check_length(&url, MAX_PICTURE_URL)?;
        if url.is_empty() {
            return Err(EditError::Value);
        }
        Ok(Self { url, key })
    }

    /// Returns the URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the key.
    #[must_use]
    pub const fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Returns a picture that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Picture<'static> {
        Picture {
            url: Cow::Owned(self.url.into_owned()),
            key: self.key,
        }
    }
}

impl fmt::Debug for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picture")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// A picture under two keys, which are always stored together.
pub(crate) struct PictureAt(pub(crate) &'static [u8], pub(crate) &'static [u8]);

impl Codec for PictureAt {
    type Value<'a> = Option<Picture<'a>>;

    fn read<'a>(&self, dict: &'a Dict) -> Option<Picture<'a>> {
        let url = dict.bytes(self.0).filter(|url| !url.is_empty())?;
        let key = dict.bytes(self.1)?.try_into().ok()?;
        Some(Picture {
            url: String::from_utf8_lossy(url),
            key,
        })
    }

    fn write(&self, dict: &mut Dict, value: &Option<Picture<'_>>) {
        put(dict, self.0, value.as_ref().map(|picture| picture.url()));
        put(
            dict,
            self.1,
            value.as_ref().map(|picture| picture.key.as_slice()),
        );
    }
}

/// When to notify of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Notify {
    /// As the device does by default.
    #[default]
    Default,
    /// Of all messages.
    All,
    /// Never.
    Never,
    /// When we are mentioned.
    Mentions,
}

/// [`Notify`]; where mentions make no sense they are all messages.
pub(crate) struct NotifyAt(pub(crate) &'static [u8], pub(crate) HasMentions);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum HasMentions {
    Yes,
    No,
}

impl Codec for NotifyAt {
    type Value<'a> = Notify;

    fn read(&self, dict: &Dict) -> Notify {
        match dict.int(self.0) {
            Some(1) => Notify::All,
            Some(2) => Notify::Never,
            Some(3) if self.1 == HasMentions::Yes => Notify::Mentions,
            Some(3) => Notify::All,
            _ => Notify::Default,
        }
    }

    fn write(&self, dict: &mut Dict, value: &Notify) {
        let number = match value {
            Notify::Default => None,
            Notify::Mentions if self.1 == HasMentions::Yes => Some(3),
            Notify::All | Notify::Mentions => Some(1),
            Notify::Never => Some(2),
        };
        put(dict, self.0, number);
    }
}

/// When messages of a conversation disappear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expiry {
    /// They stay.
    #[default]
    Off,
    /// So many seconds after they were sent.
    AfterSend(i64),
    /// So many seconds after they were read.
    AfterRead(i64),
}

/// [`Expiry`], under the keys of its mode and its seconds.
pub(crate) struct ExpiryAt(pub(crate) &'static [u8], pub(crate) &'static [u8]);

impl Codec for ExpiryAt {
    type Value<'a> = Expiry;

    fn read(&self, dict: &Dict) -> Expiry {
        match (dict.int(self.0), Positive(self.1).read(dict)) {
            (Some(1), seconds @ 1..) => Expiry::AfterSend(seconds),
            (Some(2), seconds @ 1..) => Expiry::AfterRead(seconds),
            _ => Expiry::Off,
        }
    }

    fn write(&self, dict: &mut Dict, value: &Expiry) {
        let (mode, seconds) = match value {
            Expiry::AfterSend(seconds @ 1..) => (1, *seconds),
            Expiry::AfterRead(seconds @ 1..) => (2, *seconds),
            _ => (0, 0),
        };
        Positive(self.0).write(dict, &mode);
        Positive(self.1).write(dict, &seconds);
    }
}

/// A text that borrows nothing.
pub(crate) fn owned(text: &str) -> Cow<'static, str> {
    Cow::Owned(text.to_owned())
}

/// Values of records that can outlive the config they were read from.
pub(crate) trait IntoOwned {
    type Owned;

    fn into_owned(self) -> Self::Owned;
}

impl IntoOwned for Cow<'_, str> {
    type Owned = Cow<'static, str>;

    fn into_owned(self) -> Cow<'static, str> {
        Cow::Owned(Cow::into_owned(self))
    }
}

impl IntoOwned for Option<Picture<'_>> {
    type Owned = Option<Picture<'static>>;

    fn into_owned(self) -> Option<Picture<'static>> {
        self.map(Picture::into_owned)
    }
}

macro_rules! owned_as_they_are {
    ($($type:ty),*) => {$(
        impl IntoOwned for $type {
            type Owned = Self;

            fn into_owned(self) -> Self {
                self
            }
        }
    )*};
}

owned_as_they_are!(bool, i64, u64, Notify, Expiry);

/// Defines a record: an id and a list of fields, each with its codec.
macro_rules! record {
    (
        $(#[$meta:meta])*
        pub struct $name:ident<'a>($id:ty) {
            $($(#[$doc:meta])* $field:ident: $type:ty = $codec:expr,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name<'a> {
            /// The id of the record.
            pub id: $id,
            $($(#[$doc])* pub $field: $type,)*
        }

        impl<'a> $name<'a> {
            /// Makes an empty record.
            #[must_use]
            pub fn new(id: $id) -> Self {
                Self { id, $($field: Default::default(),)* }
            }

            /// Returns a record that borrows nothing.
            #[must_use]
            pub fn into_owned(self) -> $name<'static> {
                $name {
                    id: self.id,
                    $($field: $crate::field::IntoOwned::into_owned(self.$field),)*
                }
            }

            fn read_fields(id: $id, dict: &'a $crate::data::Dict) -> Self {
                use $crate::field::Codec as _;
                Self { id, $($field: $codec.read(dict),)* }
            }

            fn write_fields(&self, dict: &mut $crate::data::Dict) {
                use $crate::field::Codec as _;
                $($codec.write(dict, &self.$field);)*
            }
        }
    };
}
pub(crate) use record;
