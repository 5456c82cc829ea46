//! What the client remembers between two runs: one JSON file, replaced as a whole.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use session_message::MessageKey;
use session_network::SavedState;

use crate::durable::{put_aside, write_atomically};
use crate::session::Kept;

/// The version of the layout that this program writes.
const VERSION: u32 = 2;
/// The largest state file that is read, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;
/// How many messages are remembered as seen.
const MAX_SEEN: usize = 10_000;

/// What is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u32,
    /// The account that this is the state of, as an id.
    pub account: String,
    /// The name that goes with sent messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The hash of the last message fetched, by the Ed25519 key of the node in hex: every node has
    /// an order of its own.
    #[serde(default)]
    pub last_hashes: BTreeMap<String, String>,
    /// What is known of the network, as `session_network::SavedState` in hex.
    #[serde(default, with = "hex_state")]
    network: SavedState,
    /// When the last message was sent, in ms.
    #[serde(default)]
    sent_ms: u64,
    /// The messages shown already, oldest first: the key of a message as text, or the hash of one
    /// that cannot be read.
    #[serde(default)]
    seen: VecDeque<String>,
}

/// What [`State::load`] found.
#[derive(Debug)]
pub enum Loaded {
    /// The state of this account.
    Known(State),
    /// Nothing: a fresh start.
    Fresh(State),
    /// A file that is no state of this account. It was put aside, and this is a fresh start.
    Unusable {
        /// The fresh state.
        state: State,
        /// Why the file could not be used.
        reason: String,
        /// Where it is now.
        aside: PathBuf,
    },
}

impl State {
    /// The state of an account that was never used here.
    pub fn new(account: &str) -> Self {
        Self {
            version: VERSION,
            account: account.to_owned(),
            name: None,
            last_hashes: BTreeMap::new(),
            network: SavedState::default(),
            sent_ms: 0,
            seen: VecDeque::new(),
        }
    }

    /// Reads the state of `account` from `file`.
    ///
    /// # Errors
    ///
    /// An I/O error if the file is there but cannot be read, or cannot be put aside.
    pub fn load(file: &Path, account: &str) -> io::Result<Loaded> {
        let Some(text) = read(file)? else {
            return Ok(Loaded::Fresh(Self::new(account)));
        };
        match Self::parse(&text, Some(account)) {
            Ok(state) => Ok(Loaded::Known(state)),
            Err(reason) => {
                let aside = put_aside(file)?;
                Ok(Loaded::Unusable {
                    state: Self::new(account),
                    reason,
                    aside,
                })
            }
        }
    }

    /// The account that `file` is the state of; none if the file is not there.
    ///
    /// # Errors
    ///
    /// An I/O error if the file cannot be read or is no state.
    pub fn account_in(file: &Path) -> io::Result<Option<String>> {
        let Some(text) = read(file)? else {
            return Ok(None);
        };
        let state = Self::parse(&text, None).map_err(io::Error::other)?;
        Ok(Some(state.account))
    }

    fn parse(text: &[u8], account: Option<&str>) -> Result<Self, String> {
        if text.len() as u64 > MAX_FILE {
            return Err(format!("it is longer than {MAX_FILE} bytes"));
        }
        let state: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if state.version != VERSION {
            return Err(format!("it has version {}, not {VERSION}", state.version));
        }
        if account.is_some_and(|account| account != state.account) {
            return Err(format!("it is the state of {}", state.account));
        }
        Ok(state)
    }

    /// Writes the state to `file`. Either the whole new state is there afterwards or the old one.
    ///
    /// # Errors
    ///
    /// An I/O error if it cannot be written.
    pub fn save(&self, file: &Path) -> io::Result<()> {
        let text = serde_json::to_vec(self)?;
        write_atomically(file, &text)
    }

    /// What the last run kept.
    pub fn kept(&self) -> Kept {
        Kept {
            network: self.network.clone(),
            sent_ms: self.sent_ms,
        }
    }

    /// The time for the next message in ms, later than that of every other one that was sent with
    /// this state.
    pub fn next_time(&mut self, now_ms: u64) -> u64 {
        let mut kept = self.kept();
        self.sent_ms = kept.next(now_ms);
        self.sent_ms
    }

    /// Remembers what is known of the network.
    pub fn keep_network(&mut self, network: &SavedState) {
        self.network = network.clone();
    }

    /// Remembers what this run keeps for the next.
    pub fn keep(&mut self, kept: &Kept) {
        self.keep_network(&kept.network);
        self.sent_ms = self.sent_ms.max(kept.sent_ms);
    }

    /// Remembers a message that cannot be read, by its hash; false if it was remembered already.
    pub fn remember_unreadable(&mut self, hash: &str) -> bool {
        self.remember_text(hash)
    }

    /// Remembers a message; false if it was remembered already.
    pub fn remember(&mut self, key: &MessageKey) -> bool {
        self.remember_text(&key.to_string())
    }

    fn remember_text(&mut self, text: &str) -> bool {
        if self.seen.iter().any(|seen| seen == text) {
            return false;
        }
        self.seen.push_back(text.to_owned());
        while self.seen.len() > MAX_SEEN {
            self.seen.pop_front();
        }
        true
    }
}

/// What is known of the network, as hex.
mod hex_state {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::{Serialize, Serializer};
    use session_network::SavedState;

    pub(super) fn serialize<S: Serializer>(state: &SavedState, to: S) -> Result<S::Ok, S::Error> {
        const_hex::encode(state.to_bytes()).serialize(to)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<SavedState, D::Error> {
        let bytes = const_hex::decode(String::deserialize(from)?).map_err(D::Error::custom)?;
        SavedState::from_bytes(&bytes).map_err(D::Error::custom)
    }
}

/// The content of a file, as far as it is read; none if the file is not there.
fn read(file: &Path) -> io::Result<Option<Vec<u8>>> {
    let open = match File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        open => open?,
    };
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(open, MAX_FILE + 1), &mut bytes)?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use session_message::content::{AnyId, UnixMillis};

    use super::*;
    use crate::durable::Lock;
    use std::fs;

    fn key(conversation: u8, author: u8, sent_ms: u64, content: &str) -> MessageKey {
        let [conversation, author] =
            [conversation, author].map(|byte| AnyId::from_bytes([byte; 33]));
        MessageKey::new(
            conversation,
            author,
            UnixMillis::new(sent_ms),
            content.as_bytes(),
        )
    }

    #[test]
    fn a_message_is_remembered_once() {
        let mut state = State::new("05aa");
        // Another conversation, author, time or text is another message.
        for key in [
            key(1, 1, 1, "one"),
            key(2, 1, 1, "one"),
            key(1, 2, 1, "one"),
            key(1, 1, 2, "one"),
            key(1, 1, 1, "two"),
        ] {
            assert!(state.remember(&key));
            assert!(!state.remember(&key));
        }
        assert!(state.remember_unreadable("hash"));
        assert!(!state.remember_unreadable("hash"));
        for sent_ms in 0..MAX_SEEN as u64 {
            state.remember(&key(3, 3, sent_ms, ""));
        }
        assert_eq!(state.seen.len(), MAX_SEEN);
        let text = serde_json::to_vec(&state).unwrap();
        assert!((text.len() as u64) < MAX_FILE, "{}", text.len());
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.json");
        assert!(matches!(
            State::load(&file, "05aa").unwrap(),
            Loaded::Fresh(_)
        ));
        let mut state = State::new("05aa");
        state.remember(&key(5, 5, 7, "text"));
        state.last_hashes.insert("node".into(), "hash".into());
        let mut network = SavedState::default();
        network.clock = Some(-7);
        let kept = Kept {
            network,
            sent_ms: 9,
        };
        state.keep(&kept);
        state.save(&file).unwrap();
        let Loaded::Known(loaded) = State::load(&file, "05aa").unwrap() else {
            panic!("not known");
        };
        assert_eq!(loaded, state);
        assert_eq!(loaded.kept(), kept);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no file is left behind"
        );
    }

    #[test]
    fn nobody_loses_what_another_one_has_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.json");
        State::new("05aa").save(&file).unwrap();
        let write = |by: u8| {
            for sent in 0..20 {
                let _lock = Lock::take(&file).unwrap();
                let Loaded::Known(mut state) = State::load(&file, "05aa").unwrap() else {
                    panic!("not known");
                };
                assert!(state.remember(&key(5, by, sent, "text")));
                state.save(&file).unwrap();
            }
        };
        std::thread::scope(|scope| {
            let write = &write;
            for by in 0..4 {
                scope.spawn(move || write(by));
            }
        });
        let Loaded::Known(state) = State::load(&file, "05aa").unwrap() else {
            panic!("not known");
        };
        assert_eq!(state.seen.len(), 80);
    }

    #[test]
    fn an_unusable_file_is_put_aside_with_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.json");
        State::new("05aa").save(&file).unwrap();
        let good = fs::read(&file).unwrap();
        let other_account = good.clone();
        let mut cut = good.clone();
        cut.truncate(good.len() / 2);
        let version = String::from_utf8(good)
            .unwrap()
            .replace("\"version\":2", "\"version\":9");
        let cases: [(&[u8], &str, &str); 4] = [
            (&cut, "05aa", "EOF"),
            (version.as_bytes(), "05aa", "version 9"),
            (&other_account, "05bb", "state of 05aa"),
            (b"\xff\x00", "05aa", "expected value"),
        ];
        for (content, account, expected) in cases {
            fs::write(&file, content).unwrap();
            let Loaded::Unusable {
                state,
                reason,
                aside,
            } = State::load(&file, account).unwrap()
            else {
                panic!("usable");
            };
            assert!(reason.contains(expected), "{reason}");
            assert_eq!(state, State::new(account));
            assert_eq!(fs::read(aside).unwrap(), content);
            assert!(!file.exists());
        }
    }

    #[test]
    fn two_accounts_with_one_file_lose_neither_state() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.json");
        let mut asides = Vec::new();
        for (account, number) in [("05aa", "1"), ("05bb", "2"), ("05aa", "3"), ("05bb", "4")] {
            let mut state = match State::load(&file, account).unwrap() {
                Loaded::Known(state) | Loaded::Fresh(state) => state,
                Loaded::Unusable { state, aside, .. } => {
                    asides.push(aside);
                    state
                }
            };
            assert!(state.remember_unreadable(number));
            state.save(&file).unwrap();
            assert_eq!(State::account_in(&file).unwrap().as_deref(), Some(account));
        }
        asides.push(file);
        let seen = asides.iter().map(|file| {
            let state = State::parse(&fs::read(file).unwrap(), None).unwrap();
            (state.account, state.seen[0].clone())
        });
        let expected = [("05aa", "1"), ("05bb", "2"), ("05aa", "3"), ("05bb", "4")];
        assert!(seen.eq(expected.map(|(account, number)| (account.to_owned(), number.to_owned()))));
        assert_eq!(
            State::account_in(&folder.path().join("none")).unwrap(),
            None
        );
    }
}
