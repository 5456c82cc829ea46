//! The four configs of an account together.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use session_identity::Account;
use session_proto::bt;
use session_proto::zstd::{Compressor, Encoder};
use session_types::{Namespace, UnixMillis};
use zeroize::Zeroizing;

use crate::config::{Config, Merged, Push};
use crate::contacts::{ContactChange, Contacts};
use crate::conversations::{ConversationChange, ConvoInfoVolatile};
use crate::error::{LoadError, MergeError, PushError, Refused};
use crate::groups::{GroupChange, UserGroups};
use crate::kind::Kind;
use crate::profile::{ProfileChange, UserProfile};

/// A change of one of the configs of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Of the profile.
    Profile(ProfileChange),
    /// Of the contacts.
    Contact(ContactChange),
    /// Of the read positions.
    Conversation(ConversationChange),
    /// Of the groups and communities.
    Group(GroupChange),
}

/// Completeness of a fetch of one namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetch {
    /// There may be more messages.
    Partial,
    /// These were all messages of the namespace, or the last of them.
    Complete,
}

/// The contents of one request: store all messages, then delete. Confirm each push with the names of its
/// stored messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushAll {
    /// The configs that changed, each with its messages.
    pub pushes: Vec<Push>,
    /// Names of messages to delete after that, of all namespaces.
    pub obsolete: Vec<String>,
    /// Configs that cannot be stored, with the reason. The others are stored all the same.
    pub failed: Vec<(Namespace, PushError)>,
}

impl PushAll {
    /// Returns whether there is nothing to do, and nothing failed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.pushes.is_empty() && self.obsolete.is_empty() && self.failed.is_empty()
    }
}

/// The four configs of an account together.
///
/// ```text
/// fetch NAMESPACES -> merge each                    apply the changes
/// change -> push -> store and delete in one request -> confirm
/// now and then: extend the lifetime of keep_alive
/// ```
///
/// An account that was restored does not push before it has merged a complete fetch of all four
/// namespaces: it would publish an empty profile in place of its own (protocol: config, section 16).
/// The configs in it refuse [`push`](Config::push) until then, too.
#[derive(Debug)]
pub struct UserConfigs {
    /// Name, picture and settings.
    pub profile: UserProfile,
    /// Contacts.
    pub contacts: Contacts,
    /// Read positions.
    pub conversations: ConvoInfoVolatile,
    /// Groups and communities.
    pub groups: UserGroups,
    /// Namespaces with a complete fetch.
    fetched: Vec<Namespace>,
}

/// Key of the namespaces that were fetched, in a dump.
const FETCHED: &str = "f";

impl UserConfigs {
    /// The namespaces to fetch, in the order of merging.
    pub const NAMESPACES: [Namespace; 4] = [
        Namespace::USER_PROFILE,
        Namespace::CONTACTS,
        Namespace::CONVO_INFO_VOLATILE,
        Namespace::USER_GROUPS,
    ];

    /// Makes the configs of a new account, which has none in its swarm.
    #[must_use]
    pub fn created(account: Arc<Account>) -> Self {
        let mut configs = Self::restored(account);
        configs.fetched = Self::NAMESPACES.to_vec();
        configs.hold();
        configs
    }

    /// Makes the configs of an account that may have some in its swarm. Nothing can be pushed before
    /// they were fetched.
    #[must_use]
    pub fn restored(account: Arc<Account>) -> Self {
        let mut configs = Self {
            profile: UserProfile::new(Arc::clone(&account)),
            contacts: Contacts::new(Arc::clone(&account)),
            conversations: ConvoInfoVolatile::new(Arc::clone(&account)),
            groups: UserGroups::new(account),
            fetched: Vec::new(),
        };
        configs.hold();
        configs
    }

    /// Lets the configs refuse pushes, also those of a single config, until all are fetched.
    fn hold(&mut self) {
        let is_held = !self.is_fetched();
        self.profile.engine.hold(is_held);
        self.contacts.engine.hold(is_held);
        self.conversations.engine.hold(is_held);
        self.groups.engine.hold(is_held);
    }

    /// Returns whether a complete fetch of all namespaces was merged, so that changes can be pushed.
    #[must_use]
    pub fn is_fetched(&self) -> bool {
        Self::NAMESPACES
            .iter()
            .all(|namespace| self.fetched.contains(namespace))
    }

    /// Merges messages of one namespace, given as name and data.
    ///
    /// # Errors
    ///
    /// [`MergeError`] if no message at all can be used, or the namespace is not of this set. Nothing
    /// has changed then.
    pub fn merge(
        &mut self,
        namespace: Namespace,
        messages: &[(&str, &[u8])],
        fetch: Fetch,
        now: UnixMillis,
    ) -> Result<Merged<Change>, MergeError> {
        let merged = match namespace {
            Namespace::USER_PROFILE => merge_one(&mut self.profile, messages, now, Change::Profile),
            Namespace::CONTACTS => merge_one(&mut self.contacts, messages, now, Change::Contact),
            Namespace::CONVO_INFO_VOLATILE => {
                merge_one(&mut self.conversations, messages, now, Change::Conversation)
            }
            Namespace::USER_GROUPS => merge_one(&mut self.groups, messages, now, Change::Group),
            _ => Err(MergeError::Namespace),
        }?;
        // A message that cannot be read may be the config of a later version.
        let any_invalid = merged
            .refused
            .iter()
            .any(|(_, refused)| matches!(refused, Refused::Message(_)));
        let has_config = !merged.accepted.is_empty() || !any_invalid;
        if fetch == Fetch::Complete && has_config && !self.fetched.contains(&namespace) {
            self.fetched.push(namespace);
            self.hold();
        }
        Ok(merged)
    }

    /// Returns whether a config must be stored, or a message deleted.
    #[must_use]
    pub fn needs_push(&self) -> bool {
        self.is_fetched()
            && (self.profile.needs_push()
                || self.contacts.needs_push()
                || self.conversations.needs_push()
                || self.groups.needs_push())
    }

    /// Returns whether something changed since the last dump.
    #[must_use]
    pub const fn needs_dump(&self) -> bool {
        self.profile.needs_dump()
            || self.contacts.needs_dump()
            || self.conversations.needs_dump()
            || self.groups.needs_dump()
    }

    /// Returns what to store and delete; nothing if all changes are stored.
    ///
    /// # Errors
    ///
    /// [`PushError::NotFetched`] if the account was restored and its configs have not been fetched.
    pub fn push(&mut self, now: UnixMillis) -> Result<PushAll, PushError> {
        self.push_with(now, &Encoder)
    }

    /// As [`push`](Self::push), with another compressor.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_with(
        &mut self,
        now: UnixMillis,
        compressor: &dyn Compressor,
    ) -> Result<PushAll, PushError> {
        if !self.is_fetched() {
            return Err(PushError::NotFetched);
        }
        let mut all = PushAll {
            pushes: Vec::new(),
            obsolete: Vec::new(),
            failed: Vec::new(),
        };
        push_one(&mut self.profile, &mut all, now, compressor);
        push_one(&mut self.contacts, &mut all, now, compressor);
        push_one(&mut self.conversations, &mut all, now, compressor);
        push_one(&mut self.groups, &mut all, now, compressor);
        Ok(all)
    }

    /// Confirms that all messages of a push are stored under these names.
    pub fn confirm_pushed(
        &mut self,
        namespace: Namespace,
        seqno: i64,
        hashes: impl IntoIterator<Item = String>,
    ) {
        match namespace {
            Namespace::USER_PROFILE => self.profile.confirm_pushed(seqno, hashes),
            Namespace::CONTACTS => self.contacts.confirm_pushed(seqno, hashes),
            Namespace::CONVO_INFO_VOLATILE => self.conversations.confirm_pushed(seqno, hashes),
            Namespace::USER_GROUPS => self.groups.confirm_pushed(seqno, hashes),
            _ => {}
        }
    }

    /// Returns the names of the messages to keep alive.
    pub fn keep_alive(&self, now: UnixMillis) -> impl Iterator<Item = &str> {
        let profile = self.profile.active_hashes(now);
        profile
            .chain(self.contacts.active_hashes(now))
            .chain(self.conversations.active_hashes(now))
            .chain(self.groups.active_hashes(now))
    }

    /// Writes all configs for [`load`](Self::load). Encrypt the dump, or store it where only its owner
    /// can read it.
    #[must_use]
    pub fn dump(&mut self, now: UnixMillis) -> Zeroizing<Vec<u8>> {
        let dumps = [
            self.profile.dump(now),
            self.contacts.dump(now),
            self.conversations.dump(now),
            self.groups.dump(now),
        ];
        let capacity = dumps
            .iter()
            .fold(128_usize, |sum, dump| sum.saturating_add(dump.len()));
        Zeroizing::new(bt::dict_with_capacity(capacity, |d| {
            for (key, dump) in DUMP_KEYS.iter().zip(&dumps) {
                d.bytes(key.as_bytes(), dump);
            }
            d.list(FETCHED.as_bytes(), |l| {
                for namespace in &self.fetched {
                    l.int(namespace.number());
                }
            });
        }))
    }

    /// Loads configs from a dump of all.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the bytes are not such a dump.
    pub fn load(account: Arc<Account>, dump: &[u8], now: UnixMillis) -> Result<Self, LoadError> {
        let dict = bt::parse_dict(dump)?;
        let [profile, contacts, conversations, groups] = DUMP_KEYS;
        let fetched = dict.list(FETCHED)?;
        let fetched = Self::NAMESPACES.into_iter().filter(|namespace| {
            let mut numbers = fetched.iter().filter_map(|item| item.as_int()?.as_i64());
            numbers.any(|number| number == i64::from(namespace.number()))
        });
        let mut configs = Self {
            profile: UserProfile::load(Arc::clone(&account), dict.bytes(profile)?, now)?,
            contacts: Contacts::load(Arc::clone(&account), dict.bytes(contacts)?, now)?,
            conversations: ConvoInfoVolatile::load(
                Arc::clone(&account),
                dict.bytes(conversations)?,
                now,
            )?,
            fetched: fetched.collect(),
            groups: UserGroups::load(account, dict.bytes(groups)?, now)?,
        };
        configs.hold();
        Ok(configs)
    }
}

/// The numbers of the namespaces.
const DUMP_KEYS: [&str; 4] = ["2", "3", "4", "5"];

fn merge_one<K: Kind>(
    config: &mut Config<K>,
    messages: &[(&str, &[u8])],
    now: UnixMillis,
    change: impl Fn(K::Change) -> Change,
) -> Result<Merged<Change>, MergeError> {
    let merged = config.merge(messages, now)?;
    Ok(Merged {
        accepted: merged.accepted,
        refused: merged.refused,
        changes: merged.changes.into_iter().map(change).collect(),
    })
}

fn push_one<K: Kind>(
    config: &mut Config<K>,
    all: &mut PushAll,
    now: UnixMillis,
    compressor: &dyn Compressor,
) {
    if !config.needs_push() {
        all.obsolete.append(&mut config.take_obsolete());
        return;
    }
    match config.push_with(now, compressor) {
        Ok(mut push) => {
            all.obsolete.append(&mut push.obsolete);
            all.pushes.push(push);
        }
        Err(error) => all
            .failed
            .extend(K::NAMESPACE.map(|namespace| (namespace, error))),
    }
}
