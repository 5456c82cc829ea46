//! What acts have left to be sent, beside the configs and the pending key.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use session_crypto::Ed25519Secret;
use session_message::admin;
use session_message::content::{Content, GroupUpdate, InfoChange, Kind, MemberChangeKind};
use session_proto::bt;
use session_types::{AccountId, UnixMillis};

use crate::error::LoadError;
use crate::info::GroupInfo;

/// A message to the group that an act announces itself with. It is signed and sealed when it is sent:
/// signatures cover the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Control {
    Name,
    Picture,
    Timer,
    Added {
        members: Vec<AccountId>,
        history: bool,
    },
    Removed(Vec<AccountId>),
    Promoted(Vec<AccountId>),
    /// We have accepted our invitation.
    Accepted,
    /// We leave: shown to members.
    LeaveNotice,
    /// We leave: for the admins.
    Leave,
}

impl Control {
    /// Makes the content; none if only an admin can, and we are none.
    pub(super) fn content(
        &self,
        admin: Option<&Ed25519Secret>,
        info: &GroupInfo,
        now: UnixMillis,
    ) -> Option<Content> {
        let change = |change| Some(admin::info_change(admin?, change, now));
        let members = |kind, members: &[AccountId], history| {
            Some(admin::member_change(admin?, kind, members, history, now))
        };
        let update = match self {
            Self::Name => change(InfoChange::Name(info.name().into_owned()))?,
            Self::Picture => change(InfoChange::Picture)?,
            Self::Timer => {
                let seconds = u32::try_from(info.expiry()).unwrap_or(u32::MAX);
                change(InfoChange::Expiration(seconds))?
            }
            Self::Added {
                members: ids,
                history,
            } => members(MemberChangeKind::Added, ids, Some(*history))?,
            Self::Removed(ids) => members(MemberChangeKind::Removed, ids, None)?,
            Self::Promoted(ids) => members(MemberChangeKind::Promoted, ids, None)?,
            Self::Accepted => GroupUpdate::InviteResponse,
            Self::LeaveNotice => GroupUpdate::MemberLeftNotification,
            Self::Leave => GroupUpdate::MemberLeft,
        };
        Some(Kind::Group(update).into())
    }

    const fn number(&self) -> i64 {
        match self {
            Self::Name => 1,
            Self::Picture => 2,
            Self::Timer => 3,
            Self::Added { history: false, .. } => 4,
            Self::Added { history: true, .. } => 5,
            Self::Removed(_) => 6,
            Self::Promoted(_) => 7,
            Self::Accepted => 8,
            Self::LeaveNotice => 9,
            Self::Leave => 10,
        }
    }

    fn members(&self) -> &[AccountId] {
        match self {
            Self::Added { members, .. } | Self::Removed(members) | Self::Promoted(members) => {
                members
            }
            _ => &[],
        }
    }

    fn read(number: i64, members: Vec<AccountId>) -> Option<Self> {
        Some(match number {
            1 => Self::Name,
            2 => Self::Picture,
            3 => Self::Timer,
            4 | 5 => Self::Added {
                members,
                history: number == 5,
            },
            6 => Self::Removed(members),
            7 => Self::Promoted(members),
            8 => Self::Accepted,
            9 => Self::LeaveNotice,
            10 => Self::Leave,
            _ => return None,
        })
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Queue {
    pub(super) supplements: VecDeque<Vec<u8>>,
    pub(super) controls: VecDeque<Control>,
    /// Members whose subaccounts are to be allowed.
    pub(super) unrevoke: BTreeSet<AccountId>,
    /// Names of messages that are to be deleted.
    pub(super) delete: BTreeSet<String>,
    pub(super) delete_before: Option<UnixMillis>,
    /// Whether the info is to be stored again as it is.
    pub(super) restore_info: bool,
    /// Whether the members are to be stored again as they are.
    pub(super) restore_members: bool,
    /// Generation of the first key that invited members have: earlier messages of theirs do not show that
    /// they have accepted.
    pub(super) invited: BTreeMap<AccountId, u64>,
    /// Members whose removal this device has carried out, with the generation of the notice. An admin
    /// who did not know of it may have given them a later key.
    pub(super) removed: BTreeMap<AccountId, u64>,
    /// Those of them who were given a later key, with its generation.
    pub(super) given: BTreeMap<AccountId, u64>,
    /// Those of them who were sent another notice.
    pub(super) noticed_again: BTreeSet<AccountId>,
    /// Whether our own entry is to say that we are an admin, once we have the list.
    pub(super) claim_admin: bool,
}

impl Queue {
    /// Adds a message, unless the same one is waiting already.
    pub(super) fn announce(&mut self, control: Control) {
        if !self.controls.contains(&control) {
            self.controls.push_back(control);
        }
    }

    /// Forgets what was to be sent for members that are removed.
    pub(super) fn forget(&mut self, ids: &[AccountId]) {
        self.unrevoke.retain(|id| !ids.contains(id));
        self.invited.retain(|id, _| !ids.contains(id));
    }

    pub(super) fn write(&self, dict: &mut bt::DictWriter<'_>) {
        dict.list(b"c", |list| {
            for control in &self.controls {
                list.list(|one| {
                    one.int(control.number());
                    write_ids(control.members(), one);
                });
            }
        });
        dict.list(b"d", |list| {
            for name in &self.delete {
                list.bytes(name.as_bytes());
            }
        });
        dict.int(b"f", self.flags());
        let maps: [(&[u8], _); 3] = [
            (b"g", &self.given),
            (b"i", &self.invited),
            (b"r", &self.removed),
        ];
        for (key, map) in maps {
            dict.list(key, |list| {
                for (id, generation) in map {
                    list.list(|one| {
                        one.bytes(id.as_bytes()).int(*generation);
                    });
                }
            });
        }
        dict.list(b"s", |list| {
            for supplement in &self.supplements {
                list.bytes(supplement);
            }
        });
        dict.list(b"n", |list| write_ids(&self.noticed_again, list));
        if let Some(before) = self.delete_before {
            dict.int(b"t", before.get());
        }
        dict.list(b"u", |list| write_ids(&self.unrevoke, list));
    }

    fn flags(&self) -> i64 {
        i64::from(self.restore_info)
            | i64::from(self.restore_members) << 1
            | i64::from(self.claim_admin) << 2
    }

    pub(super) fn read(dict: &bt::Dict<'_>) -> Result<Self, LoadError> {
        let invalid = LoadError::Value { key: "q" };
        let control = |value: bt::Value<'_>| {
            let mut items = value.as_list()?.iter();
            let number = items.next()?.as_int()?.as_i64()?;
            Control::read(number, items.map(read_id).collect::<Option<_>>()?)
        };
        let text = |value: bt::Value<'_>| {
            Some(String::from(core::str::from_utf8(value.as_bytes()?).ok()?))
        };
        let generation = |value: bt::Value<'_>| {
            let mut items = value.as_list()?.iter();
            Some((read_id(items.next()?)?, items.next()?.as_int()?.as_u64()?))
        };
        let map = |key| {
            let items = dict.list(key)?;
            items
                .iter()
                .map(generation)
                .collect::<Option<_>>()
                .ok_or(invalid)
        };
        let bytes = |value: bt::Value<'_>| Some(value.as_bytes()?.to_vec());
        let ids = |key| {
            let items = dict.list(key)?;
            items
                .iter()
                .map(read_id)
                .collect::<Option<_>>()
                .ok_or(invalid)
        };
        let flags = dict.i64("f")?;
        let before = dict.get(b"t").map(|_| dict.u64("t")).transpose()?;
        Ok(Self {
            controls: dict
                .list("c")?
                .iter()
                .map(control)
                .collect::<Option<_>>()
                .ok_or(invalid)?,
            delete: dict
                .list("d")?
                .iter()
                .map(text)
                .collect::<Option<_>>()
                .ok_or(invalid)?,
            given: map("g")?,
            noticed_again: ids("n")?,
            invited: map("i")?,
            removed: map("r")?,
            supplements: dict
                .list("s")?
                .iter()
                .map(bytes)
                .collect::<Option<_>>()
                .ok_or(invalid)?,
            unrevoke: ids("u")?,
            delete_before: before.map(UnixMillis::new),
            restore_info: flags & 1 != 0,
            restore_members: flags & 2 != 0,
            claim_admin: flags & 4 != 0,
        })
    }
}

fn write_ids<'a>(ids: impl IntoIterator<Item = &'a AccountId>, list: &mut bt::ListWriter<'_>) {
    for id in ids {
        list.bytes(id.as_bytes());
    }
}

fn read_id(value: bt::Value<'_>) -> Option<AccountId> {
    AccountId::from_bytes(value.as_bytes()?.try_into().ok()?).ok()
}
