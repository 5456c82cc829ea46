//! Permissions of a user in a room.

use session_types::{AnyId, UnixMillis};

use super::store::{Member, Room, Store, User};
use super::{Context, Stop, page, stop};

/// A user's rights in a room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rights {
    pub(super) read: bool,
    pub(super) accessible: bool,
    pub(super) write: bool,
    pub(super) upload: bool,
    pub(super) moderator: bool,
    pub(super) admin: bool,
    pub(super) global: User,
}

pub(super) fn rights<S: Store>(
    user: Option<&AnyId>,
    room: &Room,
    store: &S,
) -> Result<Rights, S::Error> {
    let (member, global) = match user {
        None => (Member::default(), User::default()),
        Some(id) => (
            // Absent: a user of whom the store knows nothing has no rights of their own.
            store.member(&room.token, id)?.unwrap_or_default(),
            store.user(id)?.unwrap_or_default(),
        ),
    };
    let admin = member.admin || global.admin;
    let moderator = admin || member.moderator || global.moderator;
    let barred = member.banned && !moderator;
    let may = |own: Option<bool>, default: bool| !barred && (moderator || own.unwrap_or(default));
    let read = may(member.read, room.defaults.read);
    let write = may(member.write, room.defaults.write) && user.is_some();
    Ok(Rights {
        read,
        accessible: read || may(member.accessible, room.defaults.accessible),
        // An anonymous reader is told what users may do.
        write: write || user.is_none() && room.defaults.write,
        upload: match user {
            None => room.defaults.write && room.defaults.upload,
            Some(_) => write && may(member.upload, room.defaults.upload),
        },
        moderator,
        admin,
        global,
    })
}

impl Context<'_> {
    /// The rights of the asking user.
    pub(super) fn rights<S: Store>(
        &self,
        room: &Room,
        store: &S,
    ) -> Result<Rights, Stop<S::Error>> {
        Ok(rights(self.user.as_ref(), room, store)?)
    }

    /// Requires the permission to read.
    pub(super) fn read<S: Store>(&self, room: &Room, store: &S) -> Result<Rights, Stop<S::Error>> {
        let rights = self.rights(room, store)?;
        match rights.read {
            true => Ok(rights),
            false => stop(page::needs("room message 'read' permission")),
        }
    }

    /// Requires a moderator.
    pub(super) fn moderator<S: Store>(
        &self,
        room: &Room,
        store: &S,
    ) -> Result<(AnyId, Rights), Stop<S::Error>> {
        let user = self.user()?;
        let rights = self.rights(room, store)?;
        match rights.moderator {
            true => Ok((user, rights)),
            false => stop(page::needs("moderator room permissions")),
        }
    }
}

/// Applies scheduled changes whose time has come.
pub(super) fn apply_futures<S: Store>(store: &mut S, now: UnixMillis) -> Result<(), S::Error> {
    for room in store.rooms()? {
        for (id, mut member) in store.members(&room.token)? {
            if member.futures.iter().all(|future| future.at > now) {
                continue;
            }
            member.futures.sort_by_key(|future| future.at);
            for future in &member.futures {
                if future.at > now {
                    break;
                }
                member.read = future.read.or(member.read);
                member.write = future.write.or(member.write);
                member.upload = future.upload.or(member.upload);
                member.banned = future.banned.unwrap_or(member.banned);
            }
            member.futures.retain(|future| future.at > now);
            store.put_member(&room.token, &id, &member)?;
        }
    }
    Ok(())
}
