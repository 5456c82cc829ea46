//! What the client remembers between two runs: one JSON file, replaced as a whole.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use session_crypto::Ed25519Public;
use session_network::path::Guard;

use crate::session::Kept;

/// The version of the layout that this program writes.
const VERSION: u32 = 1;
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
    /// The nodes to connect to, as Ed25519 key in hex and the time of the first connection in ms.
    #[serde(default)]
    guards: Vec<(String, u64)>,
    /// When the last message was sent, in ms.
    #[serde(default)]
    sent_ms: u64,
    /// The messages shown already, as author and sent timestamp, oldest first.
    #[serde(default)]
    seen: VecDeque<(String, u64)>,
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
            guards: Vec::new(),
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
        let text = match File::open(file) {
            Ok(open) => {
                let mut bytes = Vec::new();
                io::Read::read_to_end(&mut io::Read::take(open, MAX_FILE + 1), &mut bytes)?;
                bytes
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Loaded::Fresh(Self::new(account)));
            }
            Err(error) => return Err(error),
        };
        match Self::parse(&text, account) {
            Ok(state) => Ok(Loaded::Known(state)),
            Err(reason) => {
                let mut aside = file.as_os_str().to_owned();
                aside.push(".unusable");
                let aside = PathBuf::from(aside);
                fs::rename(file, &aside)?;
                Ok(Loaded::Unusable {
                    state: Self::new(account),
                    reason,
                    aside,
                })
            }
        }
    }

    fn parse(text: &[u8], account: &str) -> Result<Self, String> {
        if text.len() as u64 > MAX_FILE {
            return Err(format!("it is longer than {MAX_FILE} bytes"));
        }
        let state: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if state.version != VERSION {
            return Err(format!("it has version {}, not {VERSION}", state.version));
        }
        if state.account != account {
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
        let read = |(key, since_ms): &(String, u64)| {
            let key = const_hex::decode_to_array(key).ok()?;
            Some(Guard {
                key: Ed25519Public::from_bytes(key),
                since_ms: *since_ms,
            })
        };
        Kept {
            guards: self.guards.iter().filter_map(read).collect(),
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

    /// Remembers what this run keeps for the next.
    pub fn keep(&mut self, kept: &Kept) {
        let write = |guard: &Guard| (guard.key.to_string(), guard.since_ms);
        self.guards = kept.guards.iter().map(write).collect();
        self.sent_ms = self.sent_ms.max(kept.sent_ms);
    }

    /// Remembers a message that cannot be read, by its hash; false if it was remembered already.
    pub fn remember_unreadable(&mut self, hash: &str) -> bool {
        // No author is called like this, so that it shares the list of the others.
        self.remember(hash, 0)
    }

    /// Remembers a message; false if it was remembered already. A message is known by its author
    /// and its sent timestamp in ms (protocol: messages, section 4.8).
    pub fn remember(&mut self, author: &str, sent_ms: u64) -> bool {
        if self
            .seen
            .iter()
            .any(|(by, at)| by == author && *at == sent_ms)
        {
            return false;
        }
        self.seen.push_back((author.to_owned(), sent_ms));
        while self.seen.len() > MAX_SEEN {
            self.seen.pop_front();
        }
        true
    }
}

/// The right to change a state file, held by one process at a time.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for it. It is a lock on another file beside the state, which is itself replaced; the
    /// system takes it back when the process ends, however it ends.
    ///
    /// # Errors
    ///
    /// An I/O error if the file beside it cannot be made or locked. A file system that has no locks
    /// is none.
    pub fn take(state: &Path) -> io::Result<Self> {
        let file = Self::beside(state)?;
        match file.lock() {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
            _ => Ok(Self { _file: file }),
        }
    }

    /// The same without waiting; none if another process has it.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    pub fn try_take(state: &Path) -> io::Result<Option<Self>> {
        let file = Self::beside(state)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => {
                Err(error)
            }
            _ => Ok(Some(Self { _file: file })),
        }
    }

    fn beside(state: &Path) -> io::Result<File> {
        let mut beside = state.as_os_str().to_owned();
        beside.push(".lock");
        private(OpenOptions::new().write(true).create(true).truncate(false)).open(beside)
    }
}

/// Writes a file that only its owner may read, so that a crash leaves the old one or the new one.
///
/// # Errors
///
/// An I/O error if it cannot be written.
pub fn write_atomically(file: &Path, content: &[u8]) -> io::Result<()> {
    let mut new = file.as_os_str().to_owned();
    new.push(format!(".{}.new", std::process::id()));
    let new = PathBuf::from(new);
    let written = private(OpenOptions::new().write(true).create(true).truncate(true))
        .open(&new)
        .and_then(|mut open| {
            open.write_all(content)?;
            open.sync_all()
        })
        .and_then(|()| fs::rename(&new, file));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

/// Writes a new file that only its owner may read; an existing one is left alone.
///
/// # Errors
///
/// An I/O error if it cannot be written, one that says so if the file exists.
pub fn write_new(file: &Path, content: &[u8]) -> io::Result<()> {
    let mut open = create_private(file)?;
    open.write_all(content)?;
    open.sync_all()
}

/// Creates a file that only its owner may read and that must not be there yet.
pub(crate) fn create_private(file: &Path) -> io::Result<File> {
    private(OpenOptions::new().write(true).create_new(true)).open(file)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_remembered_once() {
        let mut state = State::new("05aa");
        assert!(state.remember("05bb", 1));
        assert!(!state.remember("05bb", 1));
        assert!(state.remember("05bb", 2));
        assert!(state.remember("05cc", 1));
        for sent in 0..MAX_SEEN as u64 {
            state.remember("05dd", sent);
        }
        assert_eq!(state.seen.len(), MAX_SEEN);
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
        state.remember("05bb", 7);
        state.last_hashes.insert("node".into(), "hash".into());
        let guard = Guard {
            key: Ed25519Public::from_bytes([7; 32]),
            since_ms: 3,
        };
        let kept = Kept {
            guards: vec![guard],
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
        let write = |by: u64| {
            for sent in 0..20 {
                let _lock = Lock::take(&file).unwrap();
                let Loaded::Known(mut state) = State::load(&file, "05aa").unwrap() else {
                    panic!("not known");
                };
                assert!(state.remember(&format!("05{by}"), sent));
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
        let lock = Lock::try_take(&file).unwrap();
        assert!(lock.is_some() && Lock::try_take(&file).unwrap().is_none());
        drop(lock);
        assert!(Lock::try_take(&file).unwrap().is_some());
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
            .replace("\"version\":1", "\"version\":9");
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
    fn a_new_file_does_not_replace_an_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("phrase");
        write_new(&file, b"first").unwrap();
        let error = write_new(&file, b"second").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&file).unwrap(), b"first");
    }
}
