//! Settings of this device, which are never stored elsewhere (protocol: [config, section 13.6]).
//!
//! [config, section 13.6]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/config.md#section-13.6

use alloc::vec::Vec;

use session_crypto::config::Domain;
use session_types::{Namespace, UnixMillis};

use crate::change::fields;
use crate::config::Config;
use crate::data::Dict;
use crate::error::{EditError, LoadError};
use crate::field::{Codec, Positive};
use crate::kind::{Kind, Owner, domain, private};
use crate::rules::Rules;

const SETTINGS: &[u8] = b"settings";

/// The kind of [`Local`].
#[derive(Debug)]
pub enum LocalKind {}

/// Settings of this device.
pub type Local = Config<LocalKind>;

impl private::Kind for LocalKind {
    const NAMESPACE: Option<Namespace> = None;
    const DOMAIN: Domain<'static> = domain("Local");
    type Extra = ();
}

/// A setting that is a number; 0 if it is unset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocalNumber {
    /// Content of a notification: 1 name and preview, 2 name only, 3 neither.
    NotifyContent,
    /// The sound of a notification.
    NotifySound,
    /// 1 classic dark, 2 classic light, 3 ocean dark, 4 ocean light.
    Theme,
    /// 1 green, 2 blue, 3 yellow, 4 pink, 5 purple, 6 orange, 7 red.
    ThemeColor,
}

impl LocalNumber {
    const fn key(self) -> &'static [u8] {
        match self {
            Self::NotifyContent => b"notify_content",
            Self::NotifySound => b"notify_sound",
            Self::Theme => b"theme",
            Self::ThemeColor => b"theme_primary_color",
        }
    }

    /// Returns the largest valid value.
    const fn max(self) -> i64 {
        match self {
            Self::NotifyContent => 3,
            Self::NotifySound => i64::MAX,
            Self::Theme => 4,
            Self::ThemeColor => 7,
        }
    }
}

/// A change of settings. Merges never report it, because settings are never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocalChange {
    /// A setting.
    Setting,
}

impl Kind for LocalKind {
    type Change = LocalChange;

    fn changes(before: &Dict, after: &Dict) -> Vec<LocalChange> {
        fields(before, after, &[(LocalChange::Setting, &[SETTINGS])])
    }
}

impl Default for Local {
    fn default() -> Self {
        Self::with_owner(Owner::Device, Vec::new(), Rules::Current)
    }
}

impl Local {
    /// Makes empty settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Loads settings from a dump.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the bytes are not a dump.
    pub fn load(dump: &[u8], now: UnixMillis) -> Result<Self, LoadError> {
        Self::load_dump(Owner::Device, Vec::new(), Rules::Current, dump, now)
    }

    /// Returns a number; 0 if it is unset or invalid.
    #[must_use]
    pub fn number(&self, setting: LocalNumber) -> i64 {
        let value = Positive(setting.key()).read(self.data());
        if value > setting.max() { 0 } else { value }
    }

    /// Sets a number; 0 removes it.
    ///
    /// # Errors
    ///
    /// [`EditError::Value`] if the number is not valid for the setting.
    pub fn set_number(&mut self, setting: LocalNumber, value: i64) -> Result<(), EditError> {
        if !(0..=setting.max()).contains(&value) {
            return Err(EditError::Value);
        }
        self.edit(|data| Positive(setting.key()).write(data, &value))
    }

    /// Returns whether a setting of the app is on.
    #[must_use]
    pub fn setting(&self, name: &str) -> bool {
        let settings = self.data().dict(SETTINGS);
        settings.is_some_and(|settings| settings.int(name.as_bytes()).is_some_and(|on| on != 0))
    }

    /// Returns the names of the settings of the app that are on.
    pub fn settings(&self) -> impl Iterator<Item = &str> {
        let settings = self.data().dict(SETTINGS).into_iter().flat_map(Dict::iter);
        let on = settings.filter(|(_, value)| value.as_int().is_some_and(|on| on != 0));
        on.filter_map(|(name, _)| core::str::from_utf8(name).ok())
    }

    /// Turns a setting of the app on or off. Off and unset are the same.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_setting(&mut self, name: &str, on: bool) -> Result<(), EditError> {
        self.edit(|data| {
            data.change_dict(SETTINGS, |settings| {
                crate::field::put(settings, name.as_bytes(), on.then_some(1));
            });
        })
    }
}
