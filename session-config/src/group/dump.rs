//! The group in the storage of its device.
//!
//! ```text
//! A  seed of the group, of an admin           m  dump of the members
//! N  names of old notices of removal          n  name in the invitation
//! a  auth data, of a member                   q  what is left to send
//! g  highest generation seen                  r  whether the swarm refuses us
//! i  dump of the info                         s  stage
//! k  dump of the keys                         t  last ticket
//! ```

use alloc::string::String;
use alloc::sync::Arc;

use session_crypto::Ed25519Secret;
use session_identity::Account;
use session_identity::subaccount::AuthData;
use session_proto::bt;
use session_types::{GroupId, UnixMillis};
use zeroize::Zeroizing;

use super::keys::Keys;
use super::queue::Queue;
use super::{Group, Stage};
use crate::error::LoadError;
use crate::info::GroupInfo;
use crate::members::GroupMembers;
use crate::owner::{GroupKeyring, GroupLoadError};

/// Room for the keys of the dict, and for one name, in bytes.
const ROOM: usize = 512;

impl Stage {
    const ALL: [Self; 6] = [
        Self::Invited,
        Self::Joined,
        Self::Leaving,
        Self::Left,
        Self::Kicked,
        Self::Destroyed,
    ];

    const fn number(self) -> u64 {
        match self {
            Self::Invited => 0,
            Self::Joined => 1,
            Self::Leaving => 2,
            Self::Left => 3,
            Self::Kicked => 4,
            Self::Destroyed => 5,
        }
    }
}

impl Group {
    /// Writes everything for [`load`](Self::load), with what acts have left to be sent.
    ///
    /// Encrypt the dump, or store it where only its owner can read it.
    #[must_use]
    pub fn dump(&mut self, now: UnixMillis) -> Zeroizing<alloc::vec::Vec<u8>> {
        self.needs_dump = false;
        let (keys, info, members) = (
            self.keys.dump(),
            self.info.dump(now),
            self.members.dump(now),
        );
        let auth = self.auth.as_ref().map(AuthData::expose_bytes);
        let sizes = [
            keys.len(),
            info.len(),
            members.len(),
            self.invited_name.len(),
            ROOM,
        ];
        let room = sizes.into_iter().fold(0_usize, usize::saturating_add);
        Zeroizing::new(bt::dict_with_capacity(room, |dict| {
            // Secrets first: what may outgrow the room stands behind them.
            if let Some(admin) = self.admin() {
                dict.bytes(b"A", admin.expose_seed());
            }
            dict.list(b"N", |list| {
                for name in &self.old_notices {
                    list.bytes(name.as_bytes());
                }
            });
            if let Some(auth) = &auth {
                dict.bytes(b"a", auth.as_slice());
            }
            dict.int(b"g", self.seen_generation);
            dict.bytes(b"i", &info);
            dict.bytes(b"k", &keys);
            dict.bytes(b"m", &members);
            dict.bytes(b"n", self.invited_name.as_bytes());
            dict.dict(b"q", |dict| self.queue.write(dict));
            dict.int(b"r", u64::from(self.is_refused));
            dict.int(b"s", self.stage.number());
            dict.int(b"t", self.last_ticket);
        }))
    }

    /// Loads a group of an account from a dump.
    ///
    /// # Errors
    ///
    /// [`GroupLoadError`] if the bytes are not the dump of this group.
    pub fn load(
        account: Arc<Account>,
        id: GroupId,
        dump: &[u8],
        now: UnixMillis,
    ) -> Result<Self, GroupLoadError> {
        let dict = bt::parse_dict(dump).map_err(LoadError::from)?;
        let fields = Fields::read(&dict)?;
        let admin = fields.admin.as_ref();
        let keys = Keys::load_dump(Arc::clone(&account), id, admin, fields.keys)?;
        let copies = keys.copies();
        let ring = GroupKeyring {
            id: &id,
            admin,
            keys: &copies,
        };
        Ok(Self {
            info: GroupInfo::load_group(ring, fields.info, now)?,
            members: GroupMembers::load_group(ring, fields.members, now)?,
            keys,
            account,
            auth: fields.auth,
            stage: fields.stage,
            invited_name: fields.name,
            seen_generation: fields.generation,
            is_refused: fields.is_refused,
            old_notices: fields.notices,
            queue: fields.queue,
            open: None,
            last_ticket: fields.ticket,
            needs_dump: false,
        })
    }
}

struct Fields<'a> {
    admin: Option<Ed25519Secret>,
    auth: Option<AuthData>,
    keys: &'a [u8],
    info: &'a [u8],
    members: &'a [u8],
    notices: alloc::collections::BTreeSet<String>,
    name: String,
    generation: u64,
    stage: Stage,
    is_refused: bool,
    ticket: u64,
    queue: Queue,
}

impl<'a> Fields<'a> {
    fn read(dict: &bt::Dict<'a>) -> Result<Self, LoadError> {
        let has = |key: &[u8]| dict.get(key).is_some();
        let text = |bytes: &[u8]| core::str::from_utf8(bytes).ok().map(String::from);
        let stage = dict.u64("s")?;
        let notices = dict.list("N")?;
        let notices = notices.iter().map(|name| name.as_bytes().and_then(text));
        Ok(Self {
            admin: match has(b"A") {
                true => Some(Ed25519Secret::from_seed(dict.array("A")?)),
                false => None,
            },
            auth: match has(b"a") {
                true => Some(AuthData::from_bytes(dict.array("a")?)),
                false => None,
            },
            keys: dict.bytes("k")?,
            info: dict.bytes("i")?,
            members: dict.bytes("m")?,
            notices: notices
                .collect::<Option<_>>()
                .ok_or(LoadError::Value { key: "N" })?,
            name: text(dict.bytes("n")?).ok_or(LoadError::Value { key: "n" })?,
            generation: dict.u64("g")?,
            stage: Stage::ALL
                .into_iter()
                .find(|one| one.number() == stage)
                .ok_or(LoadError::Value { key: "s" })?,
            is_refused: dict.u64("r")? != 0,
            ticket: dict.u64("t")?,
            queue: Queue::read(&dict.dict("q")?)?,
        })
    }
}
