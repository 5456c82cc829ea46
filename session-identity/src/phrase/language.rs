//! The languages of recovery phrases, each behind a feature.

use core::fmt;
use core::str::FromStr;

use super::fold::fold;
use super::list::WordList;
use super::lookup::begins;

macro_rules! languages {
    ($($feature:tt $name:ident $english:literal $native:literal $file:literal $prefix:literal $script:ident;)*) => {
        /// A language of recovery phrases (protocol: identity, section 3.5).
        ///
        /// There is a variant for each language whose feature is enabled. Session's own clients
        /// read English only.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Language {
            $(
                #[doc = concat!($english, ", ", $native, ". Feature `", $feature, "`.")]
                #[cfg(feature = $feature)]
                $name,
            )*
        }

        impl Language {
            /// The languages that are compiled in: English first, the others by their English
            /// names.
            pub const ALL: &[Self] = &[$(
                #[cfg(feature = $feature)]
                Self::$name,
            )*];

            /// Returns the English name, for instance `Chinese (simplified)`.
            #[must_use]
            pub const fn english_name(self) -> &'static str {
                match self {
                    $(
                        #[cfg(feature = $feature)]
                        Self::$name => $english,
                    )*
                }
            }

            /// Returns the native name, for instance `Español`.
            #[must_use]
            pub const fn native_name(self) -> &'static str {
                match self {
                    $(
                        #[cfg(feature = $feature)]
                        Self::$name => $native,
                    )*
                }
            }

            pub(super) fn list(self) -> &'static WordList {
                match self {
                    $(
                        #[cfg(feature = $feature)]
                        Self::$name => {
                            static LIST: WordList = WordList::compile(
                                include_str!(concat!("../../wordlists/", $file)),
                                $prefix,
                                crate::phrase::list::Script::$script,
                            );
                            &LIST
                        }
                    )*
                }
            }
        }
    };
}

languages! {
    "english" English "English" "English" "english.txt" 3 Latin;
    "chinese-simplified" ChineseSimplified "Chinese (simplified)" "简体中文 (中国)" "chinese_simplified.txt" 1 Han;
    "dutch" Dutch "Dutch" "Nederlands" "dutch.txt" 4 Latin;
    "esperanto" Esperanto "Esperanto" "Esperanto" "esperanto.txt" 3 Latin;
    "french" French "French" "Français" "french.txt" 4 Latin;
    "german" German "German" "Deutsch" "german.txt" 4 Latin;
    "italian" Italian "Italian" "Italiano" "italian.txt" 4 Latin;
    "japanese" Japanese "Japanese" "日本語" "japanese.txt" 3 Kana;
    "lojban" Lojban "Lojban" "Lojban" "lojban.txt" 4 Latin;
    "portuguese" Portuguese "Portuguese" "Português" "portuguese.txt" 4 Latin;
    "russian" Russian "Russian" "русский язык" "russian.txt" 3 Cyrillic;
    "spanish" Spanish "Spanish" "Español" "spanish.txt" 4 Latin;
}

impl Language {
    /// Number of code points that distinguish a word from all others of the list: 1, 3 or 4.
    ///
    /// Letters after them are ignored.
    #[must_use]
    pub fn prefix_length(self) -> usize {
        self.list().prefix_length()
    }

    /// Returns all 1626 words, in the order of the list.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        self.list().words()
    }

    /// Returns the words that begin with `typed`, in upper or lower case, composed or decomposed.
    ///
    /// For a field that completes words. Not constant time.
    pub fn words_beginning_with(self, typed: &str) -> impl Iterator<Item = &'static str> {
        let typed = fold(typed);
        self.words().filter(move |word| {
            let typed = typed.as_ref();
            typed.is_some_and(|letters| begins(word, letters))
        })
    }
}

/// The English name.
impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.english_name())
    }
}

/// The name is not that of a language that is compiled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown language: expected the exact English or native name of one that is compiled in")]
pub struct UnknownLanguage;

/// Parses the exact English or native name.
impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(name: &str) -> Result<Self, UnknownLanguage> {
        Self::ALL
            .iter()
            .copied()
            .find(|language| name == language.english_name() || name == language.native_name())
            .ok_or(UnknownLanguage)
    }
}
