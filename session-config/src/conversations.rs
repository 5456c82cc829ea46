//! How far conversations have been read (protocol: [config, section 13.4]).
//!
//! ```text
//! 1  account id   -> r e g u          r  last read, milliseconds     u  marked as unread
//! b  blinded id   -> r e g u y        e  Pro proof of the other: seconds of its end
//! C  legacy group -> r u              g  its tag, 32 bytes           y  blinded id of the older kind
//! g  group        -> r u
//! o  base URL     -> { "#": key, "R": { room: r u } }
//! ```
//!
//! [config, section 13.4]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/config.md#section-13.4

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use session_crypto::config::Domain;
use session_identity::community::BaseUrl;
use session_proto::schema::session::shared_config_message::Kind as WrapperKind;
use session_types::{AccountId, GroupId, Namespace, UnixMillis, X25519Public};

use crate::change::{How, entries};
use crate::community::{change_room, key_of, remove_room, room, rooms, rooms_changed};
use crate::config::Config;
use crate::data::{Dict, Value};
use crate::error::EditError;
use crate::field::{Codec, Flag, Positive};
use crate::id::{BlindedId, account_id, group_id};
use crate::kind::{Kind, domain, private};
use crate::rules::Rules;

const ACCOUNTS: &[u8] = b"1";
const BLINDED: &[u8] = b"b";
const LEGACY_GROUPS: &[u8] = b"C";
const GROUPS: &[u8] = b"g";
const COMMUNITIES: &[u8] = b"o";

const LAST_READ: &[u8] = b"r";
const UNREAD: Flag = Flag(b"u");
const PRO_EXPIRY: Positive = Positive(b"e");
const PRO_TAG: &[u8] = b"g";
const LEGACY_ID: Flag = Flag(b"y");

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Older times are not written.
const WRITE_AGE: Duration = DAY.saturating_mul(30);
/// Entries with an older time are removed by the next push.
const PRUNE_AGE: Duration = DAY.saturating_mul(45);

/// The kind of [`ConvoInfoVolatile`].
#[derive(Debug)]
pub enum VolatileKind {}

/// How far conversations have been read, namespace 4.
pub type ConvoInfoVolatile = Config<VolatileKind>;

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Conversation {
    /// With an account; our own for the notes to self.
    Account(AccountId),
    /// With somebody known by a blinded id alone.
    Blinded(BlindedId),
    /// A closed group.
    Group(GroupId),
    /// A group of the older kind.
    LegacyGroup(AccountId),
    /// A community: base URL and room, in lower case.
    Community(String, String),
}

/// The part of the other participant's Pro proof that devices remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProTag {
    /// When it expires, in seconds.
    pub expiry: i64,
    /// Tag under which it is listed if it is revoked.
    pub tag: [u8; 32],
}

/// How far a conversation has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Messages up to this time have been read.
    pub last_read: UnixMillis,
    /// Whether the conversation was marked as unread.
    pub is_unread: bool,
    /// The Pro proof of the other.
    pub pro: Option<ProTag>,
}

impl private::Kind for VolatileKind {
    const NAMESPACE: Option<Namespace> = Some(Namespace::CONVO_INFO_VOLATILE);
    const DOMAIN: Domain<'static> = domain("ConvoInfoVolatile");
    const WRAPPER: Option<WrapperKind> = Some(WrapperKind::ConvoInfoVolatile);
    type Extra = ();

    fn prune(data: &mut Dict, rules: Rules, now: UnixMillis) {
        prune(data, rules, now, PRUNE_AGE);
    }
}

/// A change of a conversation's progress.
pub type ConversationChange = (Conversation, How);

impl Kind for VolatileKind {
    type Change = ConversationChange;

    fn changes(before: &Dict, after: &Dict) -> Vec<ConversationChange> {
        let mut changes = Vec::new();
        for top in [ACCOUNTS, BLINDED, LEGACY_GROUPS, GROUPS] {
            let changed = entries(before.dict(top), after.dict(top));
            changes.extend(changed.filter_map(|(key, how)| Some((conversation(top, key)?, how))));
        }
        let rooms = rooms_changed(before, after, COMMUNITIES);
        changes.extend(rooms.map(|room| (Conversation::Community(room.base, room.room), room.how)));
        changes
    }
}

/// The conversation of a key.
fn conversation(top: &[u8], key: &[u8]) -> Option<Conversation> {
    match top {
        ACCOUNTS => account_id(key).map(Conversation::Account),
        BLINDED => BlindedId::from_bytes(key).map(Conversation::Blinded),
        LEGACY_GROUPS => account_id(key).map(Conversation::LegacyGroup),
        GROUPS => group_id(key).map(Conversation::Group),
        _ => None,
    }
}

impl Conversation {
    /// Returns a room of a community server.
    #[must_use]
    pub fn community(base: &BaseUrl, room: &str) -> Self {
        Self::Community(base.as_str().to_owned(), room.to_ascii_lowercase())
    }

    /// Where the entry is, except of communities.
    fn place(&self) -> Option<(&'static [u8], &[u8])> {
        match self {
            Self::Account(id) => Some((ACCOUNTS, id.as_bytes())),
            Self::Blinded(id) => Some((BLINDED, id.as_bytes())),
            Self::LegacyGroup(id) => Some((LEGACY_GROUPS, id.as_bytes())),
            Self::Group(id) => Some((GROUPS, id.as_bytes())),
            Self::Community(..) => None,
        }
    }

    fn dict<'a>(&self, data: &'a Dict) -> Option<&'a Dict> {
        match (self, self.place()) {
            (Self::Community(base, name), _) => room(data, COMMUNITIES, base, name),
            (_, Some((top, key))) => data.dict(top)?.dict(key),
            _ => None,
        }
    }
}

fn millis(time: UnixMillis) -> i64 {
    i64::try_from(time.get()).unwrap_or(i64::MAX)
}

fn pro_tag(dict: &Dict) -> Option<ProTag> {
    let expiry = match PRO_EXPIRY.read(dict) {
        0 => return None,
        // Older versions stored milliseconds.
        millis @ 1_000_000_000_001.. => millis / 1000,
        seconds => seconds,
    };
    let tag = dict.bytes(PRO_TAG)?.try_into().ok()?;
    Some(ProTag { expiry, tag })
}

fn progress(conversation: &Conversation, dict: &Dict) -> Progress {
    let has_pro = matches!(
        conversation,
        Conversation::Account(_) | Conversation::Blinded(_)
    );
    let last_read = u64::try_from(dict.int(LAST_READ).unwrap_or(0)).unwrap_or(0);
    Progress {
        last_read: UnixMillis::new(last_read),
        is_unread: UNREAD.read(dict),
        pro: pro_tag(dict).filter(|_| has_pro),
    }
}

/// Removes entries that were read longer than `age` ago and are not marked as unread.
fn prune(data: &mut Dict, rules: Rules, now: UnixMillis, age: Duration) {
    let limit = millis(now.saturating_sub(age));
    let is_stale = |value: &Value, may_have_pro: bool| {
        value.as_dict().is_some_and(|dict| {
            let lasts = pro_tag(dict).filter(|_| may_have_pro && rules.prunes_all_conversations());
            let lasts = lasts.is_some_and(|pro| pro.expiry.saturating_mul(1000) >= limit);
            !UNREAD.read(dict) && dict.int(LAST_READ).unwrap_or(0) < limit && !lasts
        })
    };
    for top in [ACCOUNTS, LEGACY_GROUPS, BLINDED, GROUPS] {
        if matches!(top, BLINDED | GROUPS) && !rules.prunes_all_conversations() {
            continue;
        }
        let has_pro = matches!(top, ACCOUNTS | BLINDED);
        let entries = data.dict(top).into_iter().flat_map(Dict::iter);
        let stale: Vec<Vec<u8>> = entries
            .filter(|(key, value)| conversation(top, key).is_some() && is_stale(value, has_pro))
            .map(|(key, _)| key.to_vec())
            .collect();
        if !stale.is_empty() {
            data.change_dict(top, |entries| {
                stale.iter().for_each(|key| entries.remove(key))
            });
        }
    }
    let stale: Vec<(String, String)> = rooms(data, COMMUNITIES)
        .filter(|room| is_stale(&Value::Dict(room.dict.clone()), false))
        .map(|room| (room.base.to_owned(), room.room.to_owned()))
        .collect();
    for (base, room) in stale {
        remove_room(data, COMMUNITIES, &base, &room, true);
    }
}

impl ConvoInfoVolatile {
    /// Returns how far a conversation has been read.
    #[must_use]
    pub fn get(&self, conversation: &Conversation) -> Option<Progress> {
        let dict = conversation.dict(self.data())?;
        Some(progress(conversation, dict))
    }

    /// Returns all conversations.
    pub fn iter(&self) -> impl Iterator<Item = (Conversation, Progress)> {
        let tops = [ACCOUNTS, BLINDED, LEGACY_GROUPS, GROUPS];
        let entries = tops.into_iter().flat_map(|top| {
            let entries = self.data().dict(top).into_iter().flat_map(Dict::iter);
            entries.filter_map(move |(key, value)| {
                let conversation = conversation(top, key)?;
                let progress = progress(&conversation, value.as_dict()?);
                Some((conversation, progress))
            })
        });
        let rooms = rooms(self.data(), COMMUNITIES).map(|room| {
            let id = Conversation::Community(room.base.to_owned(), room.room.to_owned());
            let progress = progress(&id, room.dict);
            (id, progress)
        });
        entries.chain(rooms)
    }

    /// Returns the key of a community server that has entries.
    #[must_use]
    pub fn server_key(&self, base: &str) -> Option<X25519Public> {
        key_of(self.data(), COMMUNITIES, base)
    }

    /// Stores how far a conversation has been read; for a community with
    /// [`set_community`](Self::set_community).
    ///
    /// A time of more than 30 days ago is not written, unless it lowers one that is stored. A Pro
    /// proof that is not given leaves the stored one.
    ///
    /// # Errors
    ///
    /// [`EditError::Value`] for a community; [`EditError`] if the config cannot be changed.
    pub fn set(
        &mut self,
        conversation: &Conversation,
        progress: &Progress,
        now: UnixMillis,
    ) -> Result<(), EditError> {
        let (top, key) = conversation.place().ok_or(EditError::Value)?;
        let rules = self.engine.rules();
        self.edit(|data| {
            data.change_dict(top, |entries| {
                entries.change_dict(key, |dict| {
                    write(dict, progress, rules, now);
                    if let (Some(pro), ACCOUNTS | BLINDED) = (progress.pro, top)
                        && pro.expiry > 0
                    {
                        PRO_EXPIRY.write(dict, &pro.expiry);
                        dict.insert(PRO_TAG, pro.tag.as_slice());
                    }
                    if let Conversation::Blinded(id) = conversation {
                        LEGACY_ID.write(dict, &matches!(id, BlindedId::V15(_)));
                    }
                });
            });
        })
    }

    /// Stores how far a room of a community has been read, as [`set`](Self::set) does. The key of
    /// its server is stored in any case.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_community(
        &mut self,
        base: &BaseUrl,
        room: &str,
        server: &X25519Public,
        progress: &Progress,
        now: UnixMillis,
    ) -> Result<(), EditError> {
        let rules = self.engine.rules();
        let room = room.to_ascii_lowercase();
        self.edit(|data| {
            change_room(data, COMMUNITIES, base.as_str(), server, &room, |dict| {
                write(dict, progress, rules, now);
            });
        })
    }

    /// Removes a conversation.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn remove(&mut self, conversation: &Conversation) -> Result<(), EditError> {
        self.edit(|data| match (conversation, conversation.place()) {
            (Conversation::Community(base, room), _) => {
                remove_room(data, COMMUNITIES, base, room, true);
            }
            (_, Some((top, key))) => data.change_dict(top, |entries| entries.remove(key)),
            _ => {}
        })
    }

    /// Removes conversations that were read longer than `age` ago, are not marked as unread, and
    /// whose Pro proof, if any, ended longer than `age` ago. A push does this with 45 days.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn prune_stale(&mut self, age: Duration, now: UnixMillis) -> Result<(), EditError> {
        let rules = self.engine.rules();
        self.edit(|data| prune(data, rules, now, age))
    }
}

fn write(dict: &mut Dict, progress: &Progress, rules: Rules, now: UnixMillis) {
    let time = millis(progress.last_read);
    let limit = millis(now.saturating_sub(WRITE_AGE));
    let is_recent = time > limit || (time == limit && rules.writes_at_the_limit());
    let is_lower = dict.int(LAST_READ).is_some_and(|stored| time < stored);
    if is_recent || is_lower {
        dict.insert(LAST_READ, time);
    }
    UNREAD.write(dict, &progress.is_unread);
}
