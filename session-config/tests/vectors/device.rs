//! A device: one config of any kind.

use std::sync::Arc;

use session_config::{
    Compressor, Contacts, ConvoInfoVolatile, DumpForm, GroupInfo, GroupKeyring, GroupMembers,
    Local, Push, Rules, UserGroups, UserProfile,
};
use session_crypto::{Ed25519Secret, SymmetricKey};
use session_identity::{Account, Seed};
use session_types::{GroupId, UnixMillis};
use testkit::Case;

/// The compressor that made the vectors.
pub(crate) struct Reference;

impl Compressor for Reference {
    fn compress(&self, plain: &[u8]) -> Vec<u8> {
        zstd::bulk::compress(plain, 1).unwrap()
    }
}

/// Where a config comes from: the fields of a case.
pub(crate) struct Setup {
    pub(crate) config: String,
    pub(crate) rules: Rules,
    account: Option<Arc<Account>>,
    group: Option<(GroupId, Ed25519Secret, Vec<SymmetricKey>)>,
}

impl Setup {
    pub(crate) fn new(case: Case<'_>, config: &str, rules: Rules) -> Self {
        let account = case
            .has("seed")
            .then(|| Arc::new(Account::from_seed(&Seed::from_full(&case.array("seed")))));
        let group = case.has("encryption_key").then(|| {
            let id = [&[3], case.hex("group_ed25519_pk").as_slice()].concat();
            let id = GroupId::from_bytes(id.try_into().unwrap()).unwrap();
            let secret = Ed25519Secret::from_seed(&case.array("group_seed"));
            (
                id,
                secret,
                vec![SymmetricKey::from_bytes(case.array("encryption_key"))],
            )
        });
        Self {
            config: config.to_owned(),
            rules,
            account,
            group,
        }
    }

    fn keyring(&self, writer: bool) -> GroupKeyring<'_> {
        let (id, secret, keys) = self.group.as_ref().unwrap();
        GroupKeyring {
            id,
            admin: writer.then_some(secret),
            keys,
        }
    }

    pub(crate) fn group_id(&self) -> Option<GroupId> {
        self.group.as_ref().map(|group| group.0)
    }

    pub(crate) fn key(&self) -> [u8; 32] {
        match (&self.account, &self.group) {
            (Some(account), _) => *account.ed25519().expose_seed(),
            (_, Some((_, _, keys))) => *keys[0].expose_bytes(),
            _ => panic!("no key"),
        }
    }

    fn account(&self) -> Arc<Account> {
        Arc::clone(self.account.as_ref().unwrap())
    }

    pub(crate) fn make(&self, writer: bool) -> Device {
        let rules = self.rules;
        match self.config.as_str() {
            "UserProfile" => Device::Profile(UserProfile::new_with_rules(self.account(), rules)),
            "Contacts" => Device::Contacts(Contacts::new_with_rules(self.account(), rules)),
            "ConvoInfoVolatile" => {
                Device::Convo(ConvoInfoVolatile::new_with_rules(self.account(), rules))
            }
            "UserGroups" => Device::Groups(UserGroups::new_with_rules(self.account(), rules)),
            "Local" => Device::Local(Local::new()),
            "GroupInfo" => {
                Device::Info(GroupInfo::new_group_with_rules(self.keyring(writer), rules).unwrap())
            }
            "GroupMembers" => Device::Members(
                GroupMembers::new_group_with_rules(self.keyring(writer), rules).unwrap(),
            ),
            other => panic!("config {other}"),
        }
    }

    pub(crate) fn load(&self, writer: bool, dump: &[u8], now: UnixMillis) -> Option<Device> {
        let rules = self.rules;
        let account = || self.account();
        let group = || self.keyring(writer);
        Some(match self.config.as_str() {
            "UserProfile" => {
                Device::Profile(UserProfile::load_with_rules(account(), dump, now, rules).ok()?)
            }
            "Contacts" => {
                Device::Contacts(Contacts::load_with_rules(account(), dump, now, rules).ok()?)
            }
            "ConvoInfoVolatile" => {
                Device::Convo(ConvoInfoVolatile::load_with_rules(account(), dump, now, rules).ok()?)
            }
            "UserGroups" => {
                Device::Groups(UserGroups::load_with_rules(account(), dump, now, rules).ok()?)
            }
            "Local" => Device::Local(Local::load(dump, now).ok()?),
            "GroupInfo" => {
                Device::Info(GroupInfo::load_group_with_rules(group(), dump, now, rules).ok()?)
            }
            "GroupMembers" => Device::Members(
                GroupMembers::load_group_with_rules(group(), dump, now, rules).ok()?,
            ),
            other => panic!("config {other}"),
        })
    }
}

pub(crate) enum Device {
    Profile(UserProfile),
    Contacts(Contacts),
    Convo(ConvoInfoVolatile),
    Groups(UserGroups),
    Info(GroupInfo),
    Members(GroupMembers),
    Local(Local),
}

macro_rules! each {
    ($device:expr, $config:ident => $body:expr) => {
        match $device {
            Device::Profile($config) => $body,
            Device::Contacts($config) => $body,
            Device::Convo($config) => $body,
            Device::Groups($config) => $body,
            Device::Info($config) => $body,
            Device::Members($config) => $body,
            Device::Local($config) => $body,
        }
    };
}

impl Device {
    pub(crate) fn push(&mut self, now: UnixMillis, compressor: &dyn Compressor) -> Push {
        each!(self, config => config.push_with(now, compressor).unwrap())
    }

    pub(crate) fn plain(&self) -> Vec<u8> {
        each!(self, config => config.plaintext().to_vec())
    }

    pub(crate) fn seqno(&self) -> i64 {
        each!(self, config => config.seqno())
    }

    pub(crate) fn confirm(&mut self, seqno: i64, hashes: Vec<String>) {
        each!(self, config => config.confirm_pushed(seqno, hashes));
    }

    /// The names accepted, or none if the call fails.
    pub(crate) fn merge(
        &mut self,
        messages: &[(&str, &[u8])],
        now: UnixMillis,
    ) -> Option<Vec<String>> {
        each!(self, config => config.merge(messages, now).ok().map(|merged| merged.accepted))
    }

    pub(crate) fn dump(&mut self, form: DumpForm, now: UnixMillis) -> Vec<u8> {
        each!(self, config => config.dump_as(form, now).to_vec())
    }

    pub(crate) fn needs_push(&self) -> bool {
        each!(self, config => config.needs_push())
    }

    pub(crate) fn needs_dump(&self) -> bool {
        each!(self, config => config.needs_dump())
    }

    pub(crate) fn current(&self) -> Vec<String> {
        each!(self, config => config.current_hashes().map(str::to_owned).collect())
    }

    pub(crate) fn active(&self, now: UnixMillis) -> Vec<String> {
        let mut names: Vec<String> =
            each!(self, config => config.active_hashes(now).map(str::to_owned).collect());
        names.sort();
        names
    }
}
