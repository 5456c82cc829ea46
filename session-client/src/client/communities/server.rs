//! The server of a community: how it knows us, and what was asked.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use session_community::IdChoice;
use session_community::reply::Capabilities;
use session_config::BlindedId;
use session_crypto::{Blake2b, Blinding, X25519Public};
use session_identity::Account;
use session_identity::community::BaseUrl;
use session_network::{Now, Server};
use session_proto::bt;
use session_types::{AccountId, AnyId, MonotonicTime};

use crate::error::RecordError;
use crate::settings::Settings;

/// The format of the record.
const VERSION: u64 = 1;
/// Maximum number of people of a server to whom we wrote by their blinded ids, and whom we recognise by their accounts.
const MAX_PEOPLE: usize = 1_000;

/// The server of a community.
pub(super) struct ServerState {
    pub(super) server: Server,
    /// The kind of id with which we sign.
    pub(super) choice: IdChoice,
    /// `None` before it was asked, and after it refused a request as malformed.
    pub(super) capabilities: Option<Capabilities>,
    /// The last message of the inbox, and of the outbox.
    pub(super) inbox: Option<u64>,
    pub(super) outbox: Option<u64>,
    /// To whom we wrote by their blinded ids, and their accounts where they are known.
    people: BTreeMap<BlindedId, Option<AccountId>>,
    /// Our ids on this server.
    own: [AnyId; 3],
    due: MonotonicTime,
    pub(super) begun: MonotonicTime,
    pub(super) is_under_way: bool,
    /// How many of its rooms come in another request than the next one.
    pub(super) first_room: usize,
    failures: u32,
    pages: u32,
}

/// The name of a server in records.
pub(super) fn name(base: &BaseUrl) -> [u8; 32] {
    let hash = Blake2b::<32>::new().chain(base.as_str().as_bytes());
    hash.finalize()
}

impl ServerState {
    /// `None` if no node posts there, or its key is unusable.
    pub(super) fn new(account: &Account, base: &BaseUrl, key: &X25519Public) -> Option<Self> {
        let id = |blinding| {
            let own = account.blinded(blinding, key).ok()?;
            Some(AnyId::from(&own))
        };
        Some(Self {
            server: Server::new(base, *key).ok()?,
            choice: IdChoice::Blinded(Blinding::Blind15),
            capabilities: None,
            inbox: None,
            outbox: None,
            people: BTreeMap::new(),
            own: [
                id(Blinding::Blind15)?,
                id(Blinding::Blind25)?,
                AnyId::from(account.id()),
            ],
            due: MonotonicTime::default(),
            begun: MonotonicTime::default(),
            is_under_way: false,
            first_room: 0,
            failures: 0,
            pages: 0,
        })
    }

    pub(super) const fn base(&self) -> &BaseUrl {
        self.server.base()
    }

    pub(super) fn x25519(&self) -> &X25519Public {
        self.server.x25519()
    }

    pub(super) fn is_own(&self, id: &AnyId) -> bool {
        self.own.contains(id)
    }

    /// The id under which the server knows us.
    pub(super) const fn own_id(&self) -> AnyId {
        let [blinded15, blinded25, account] = self.own;
        match self.choice {
            IdChoice::Blinded(Blinding::Blind15) => blinded15,
            IdChoice::Blinded(Blinding::Blind25) => blinded25,
            IdChoice::Unblinded => account,
        }
    }

    pub(super) fn due(&self) -> Option<MonotonicTime> {
        (!self.is_under_way).then_some(self.due)
    }

    /// Asks at the next poll.
    pub(super) const fn ask_soon(&mut self) {
        self.due = MonotonicTime::new(core::time::Duration::ZERO);
    }

    pub(super) fn failed(&mut self, settings: &Settings, now: Now) {
        self.failures = self.failures.saturating_add(1);
        self.pages = 0;
        self.first_room = 0;
        let wait = settings.backoff(self.failures);
        self.due = now.monotonic.saturating_add(wait);
    }

    /// Plans the next page, or the next poll.
    pub(super) fn answered(&mut self, has_more: bool, settings: &Settings, now: Now) {
        self.failures = 0;
        self.pages = self.pages.saturating_add(1);
        if has_more && self.pages < settings.max_pages {
            self.due = now.monotonic;
            return;
        }
        self.pages = 0;
        self.due = now.monotonic.saturating_add(settings.community_interval);
    }

    /// The account of somebody to whom we wrote by a blinded id, if it is known.
    pub(super) fn account_of(&self, id: &BlindedId) -> Option<AccountId> {
        self.people.get(id).copied().flatten()
    }

    /// Those to whom we wrote, and whose accounts are not known.
    pub(super) fn strangers(&self) -> impl Iterator<Item = &BlindedId> {
        let people = self.people.iter();
        people
            .filter(|(_, account)| account.is_none())
            .map(|(id, _)| id)
    }

    /// Notes that we wrote to a blinded id. Returns whether it is new.
    pub(super) fn note_written(&mut self, id: BlindedId) -> bool {
        let has_room = self.people.len() < MAX_PEOPLE;
        let is_new = has_room && !self.people.contains_key(&id);
        if is_new {
            self.people.insert(id, None);
        }
        is_new
    }

    /// Notes whose a blinded id is. Returns whether we wrote to it, and did not know.
    pub(super) fn recognise(&mut self, id: &BlindedId, account: AccountId) -> bool {
        match self.people.get_mut(id) {
            Some(known @ None) => {
                *known = Some(account);
                true
            }
            _ => false,
        }
    }

    pub(super) fn to_value(&self) -> Vec<u8> {
        let prefix: u8 = match self.choice {
            IdChoice::Unblinded => 0,
            IdChoice::Blinded(blinding) => blinding.prefix(),
        };
        bt::dict(|d| {
            d.bytes(b"b", self.base().as_str().as_bytes());
            d.int(b"c", prefix);
            if let Some(id) = self.inbox {
                d.int(b"i", id);
            }
            d.bytes(b"k", self.x25519().as_bytes());
            if let Some(id) = self.outbox {
                d.int(b"o", id);
            }
            d.list(b"p", |l| {
                for (id, account) in &self.people {
                    let account = account.as_ref().map(AccountId::as_bytes);
                    l.bytes(id.as_bytes());
                    l.bytes(account.map_or(&[], |id| id.as_slice()));
                }
            });
            d.int(b"v", VERSION);
        })
    }

    pub(super) fn from_value(account: &Account, value: &[u8]) -> Result<Self, RecordError> {
        let read = || -> Option<Self> {
            let dict = bt::parse_dict(value).ok()?;
            if dict.u64("v").ok()? != VERSION {
                return None;
            }
            let base = core::str::from_utf8(dict.bytes("b").ok()?).ok()?;
            let key = X25519Public::from_bytes(*dict.array::<32>("k").ok()?);
            let mut state = Self::new(account, &base.parse().ok()?, &key)?;
            state.choice = match dict.u64("c").ok()? {
                0 => IdChoice::Unblinded,
                0x15 => IdChoice::Blinded(Blinding::Blind15),
                0x25 => IdChoice::Blinded(Blinding::Blind25),
                _ => return None,
            };
            let number = |key: &'static str| match dict.get(key.as_bytes()) {
                None => Some(None),
                Some(_) => dict.u64(key).ok().map(Some),
            };
            (state.inbox, state.outbox) = (number("i")?, number("o")?);
            let list = dict.list("p").ok()?;
            let mut people = list.iter();
            while let Some(id) = people.next() {
                let id = BlindedId::from_bytes(id.as_bytes()?)?;
                let account = people.next()?.as_bytes()?;
                let account = match account {
                    [] => None,
                    bytes => Some(AccountId::from_bytes(bytes.try_into().ok()?).ok()?),
                };
                state.people.insert(id, account);
            }
            Some(state)
        };
        read().ok_or(RecordError::Value)
    }
}

#[cfg(test)]
mod tests {
    use session_crypto::X25519Secret;
    use session_identity::Seed;

    use super::*;

    #[test]
    fn servers_come_back() {
        let account = Account::from_seed(&Seed::from_short(&[1; 16]));
        let base = "https://example.org:8443".parse().unwrap();
        let key = X25519Secret::from_bytes([7; 32]).public();
        let mut state = ServerState::new(&account, &base, &key).unwrap();
        state.choice = IdChoice::Blinded(Blinding::Blind25);
        state.outbox = Some(3);
        let ids = [[0x15; 33], [0x25; 33]].map(|id| BlindedId::from_bytes(&id).unwrap());
        assert!(state.note_written(ids[0]) && state.note_written(ids[1]));
        assert!(!state.note_written(ids[1]));
        assert!(state.recognise(&ids[1], *account.id()));
        assert!(!state.recognise(&ids[1], *account.id()));
        let value = state.to_value();
        let again = ServerState::from_value(&account, &value).unwrap();
        assert_eq!(again.to_value(), value);
        assert_eq!((again.inbox, again.outbox), (None, Some(3)));
        assert_eq!(again.account_of(&ids[1]), Some(*account.id()));
        assert_eq!(again.strangers().collect::<Vec<_>>(), [&ids[0]]);
        assert_eq!(again.own_id().prefix(), 0x25);
        for end in 0..value.len() {
            assert!(ServerState::from_value(&account, &value[..end]).is_err());
        }
    }
}
