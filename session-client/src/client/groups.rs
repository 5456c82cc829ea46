//! Closed groups: their state, and what is done in them (protocol: groups, section 10).
//!
//! ```text
//! create, invited, promoted, another device   -> a group, persisted
//! act (invite, remove, rename, leave, ...)    -> its state changes, persisted
//! poll -> Group::poll -> calls -> report      the steps of the act, each persisted before it is taken
//! poll -> fetch -> receive                    keys, info, members, notices, then messages
//! ```

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;
use session_config::group::{ActError, Group, NewGroup, Stage};
use session_config::groups::{GroupAccess, Removed};
use session_crypto::Ed25519Secret;
use session_identity::Account;
use session_message::content::{GroupSeed, Invite, MemberAuthData};
use session_network::{Network, Now, Onion, RequestError, StorageReply};
use session_storage::{Expire, GroupMember, Signer};
use session_types::{AnyId, Ed25519Signature, GroupId, MessageHash, MonotonicTime, Namespace};

use super::fetch::Fetching;
use super::group_work::Work;
use super::send::seconds;
use super::{Client, Doing, LIFETIME, hashes};
use crate::conversation::ConversationId;
use crate::error::GroupError;
use crate::event::Event;
use crate::record::Key;
use crate::seen::Class;

/// The namespaces of a group, in the order in which they are processed: keys, what is encrypted with
/// them, notices of removal, messages.
pub(super) const NAMESPACES: [Namespace; 5] = {
    let [keys, info, members, notices] = Group::NAMESPACES;
    [keys, info, members, notices, Namespace::GROUP_MESSAGES]
};

/// Maximum number of invitations of strangers that wait for an answer. Each is an entry of a shared
/// config, which must not grow until it cannot be stored any more.
const MAX_INVITATIONS: usize = 100;
/// Members of a swarm that must agree before something counts as lost.
const MIN_WITNESSES: usize = 2;

/// A group, and what is under way in it.
pub(super) struct GroupState {
    pub(super) group: Group,
    pub(super) fetching: Fetching,
    pub(super) work: Work,
    /// Whether all namespaces were fetched since the start. An admin acts on what the others have done.
    pub(super) is_fetched: bool,
    /// Whether configs may have been passed over for want of a key.
    pub(super) missed_configs: bool,
    keep_alive_due: MonotonicTime,
    keeps_alive: bool,
}

impl GroupState {
    pub(super) fn new(group: Group) -> Self {
        let mut state = Self {
            group,
            fetching: Fetching::default(),
            work: Work::default(),
            is_fetched: false,
            missed_configs: true,
            keep_alive_due: MonotonicTime::default(),
            keeps_alive: false,
        };
        state.fetching.retries = true;
        state.work.due = Some(MonotonicTime::default());
        state
    }

    /// Whether the swarm of the group is asked for news.
    pub(super) fn is_followed(&self) -> bool {
        matches!(self.group.stage(), Stage::Joined | Stage::Leaving)
    }

    pub(super) fn due(&self) -> impl Iterator<Item = MonotonicTime> + '_ {
        let fetch = self.fetching.due().filter(|_| self.is_followed());
        let works = self.is_fetched || !self.is_followed();
        let work = self.work.due().filter(|_| works);
        fetch.into_iter().chain(work)
    }
}

/// Signs requests to the swarm of a group, as an admin or as a member. `None` if we have no access.
pub(super) fn sign<T>(
    account: &Account,
    group: &Group,
    make: impl FnOnce(&Signer<'_>) -> T,
) -> Option<T> {
    if let Some(admin) = group.admin() {
        return Some(make(&Signer::group(admin)));
    }
    let member = GroupMember::new(account, group.auth_data()?).ok()?;
    Some(make(&member.signer()))
}

impl Client {
    /// Returns the closed groups that the account is in, was invited to, or was removed from, in the
    /// order of their ids.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values().map(|state| &state.group)
    }

    /// Returns a closed group.
    #[must_use]
    pub fn group(&self, id: &GroupId) -> Option<&Group> {
        self.groups.get(id).map(|state| &state.group)
    }

    /// Creates a closed group, of which we are the admin. Its keys and configs are stored, and its
    /// members are invited, once the next batch is persisted.
    ///
    /// # Errors
    ///
    /// [`ActError`] if a text is too long, a member's id is not valid, or there are too many members.
    /// Nothing has changed then.
    pub fn create_group<O: Onion>(
        &mut self,
        new: &NewGroup<'_>,
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<GroupId, ActError> {
        let secret = Ed25519Secret::generate(rng);
        let own_name = self.configs.profile.name();
        let mut new = new.clone();
        if new.own_name.is_empty() {
            new.own_name = &own_name;
        }
        let at = network.network_time(now);
        let group = Group::create(Arc::clone(&self.account), &secret, &new, at)?;
        let id = *group.id();
        let mut state = GroupState::new(group);
        // Nobody else has done anything in it yet.
        state.is_fetched = true;
        state.work.due = Some(now.monotonic);
        self.groups.insert(id, state);
        self.note_joined(&id, now);
        self.note_group(&id, now);
        Ok(id)
    }

    /// Does something in a group: invites, removes or promotes members, changes its name or settings,
    /// accepts or declines an invitation, leaves or destroys it. All methods of [`Group`] that return
    /// [`ActError`] can be called. What follows from it is sent once the next batch is persisted.
    ///
    /// # Errors
    ///
    /// [`GroupError`] if there is no such group, or the act is not possible. Nothing has changed then.
    pub fn act_in_group<T>(
        &mut self,
        id: &GroupId,
        act: impl FnOnce(&mut Group) -> Result<T, ActError>,
        now: Now,
    ) -> Result<T, GroupError> {
        let state = self.groups.get_mut(id).ok_or(GroupError::Unknown)?;
        let before = state.group.stage();
        let deleted_before = state.group.info().delete_before();
        let result = if state.group.stage() == Stage::Invited {
            accept_admin(&mut state.group, act)?
        } else {
            act(&mut state.group)?
        };
        state.work.due = Some(now.monotonic);
        let deletes = state.group.info().delete_before();
        if deletes > deleted_before {
            self.erase_before(ConversationId::Group(*id), deletes);
        }
        let Some(state) = self.groups.get_mut(id) else {
            return Ok(result);
        };
        if before == Stage::Invited && state.is_followed() {
            state.fetching.due = now.monotonic;
            self.note_joined(id, now);
        }
        self.note_group(id, now);
        Ok(result)
    }

    fn note_joined(&mut self, id: &GroupId, now: Now) {
        let joined = seconds(now.wall);
        // Only the last number of all cannot be followed: the group is known all the same.
        let _ = self.configs.groups.update_group(id, |entry| {
            entry.group.joined = joined;
        });
    }

    /// Persists a group, and notes it in the config of the account. A group that was left is forgotten.
    pub(super) fn note_group(&mut self, id: &GroupId, now: Now) {
        let Some(state) = self.groups.get_mut(id) else {
            return;
        };
        if state.group.needs_dump() {
            let dump = state.group.dump(now.wall);
            self.journal.put(Key::Group(*id), dump);
        }
        let is_left = state.group.stage() == Stage::Left;
        // Only the last number of all cannot be followed: this device knows it all the same.
        let _ = state.group.write_entry(&mut self.configs.groups);
        if is_left {
            self.forget_group(id);
            self.journal.event(Event::GroupLeft { group: *id });
        }
        self.note_configs(now);
    }

    /// Forgets a group: its records, and what was to be sent to it. Its history stays.
    pub(super) fn forget_group(&mut self, id: &GroupId) {
        if self.groups.remove(id).is_none() {
            return;
        }
        self.journal.delete(Key::Group(*id));
        self.inbox.forget(AnyId::from(id), &mut self.journal);
        self.inbox.seen.forget_group(*id, &mut self.journal);
    }

    /// Takes an invitation. The application asks its user.
    pub(super) fn invited(&mut self, by: session_types::AccountId, invite: &Invite, now: Now) {
        let Ok(id) = GroupId::try_from(invite.group) else {
            return;
        };
        let account = Arc::clone(&self.account);
        if !self.takes_invitation(&by, &id) {
            return;
        }
        match self.groups.get_mut(&id) {
            // An old one, or one that is for nobody: nothing changes.
            Some(state) => {
                if state.group.invited_again(invite).is_err() {
                    return;
                }
            }
            None => match Group::invited(account, invite) {
                Ok(group) => drop(self.groups.insert(id, GroupState::new(group))),
                Err(_) => return,
            },
        }
        self.rewind_group(&id);
        self.note_group(&id, now);
        self.report_invitation(id, by);
    }

    /// Whether an invitation is taken: there is always room for those of contacts, and for those to groups
    /// that are known.
    fn takes_invitation(&self, by: &session_types::AccountId, id: &GroupId) -> bool {
        if self.groups.contains_key(id) || self.class_of(by) == Class::Known {
            return true;
        }
        let groups = self.groups.values();
        let waiting = groups.filter(|state| state.group.stage() == Stage::Invited);
        waiting.count() < MAX_INVITATIONS
    }

    fn report_invitation(&mut self, group: GroupId, by: session_types::AccountId) {
        let name = self.groups.get(&group).map(|state| state.group.name());
        let Some(name) = name else { return };
        self.journal.event(Event::Invited { group, name, by });
    }

    /// Takes a promotion: of a member it makes an admin; to a stranger it is an invitation.
    pub(super) fn promoted(
        &mut self,
        by: session_types::AccountId,
        (seed, name): (&GroupSeed, &str),
        now: Now,
    ) {
        let (_, id) = session_message::admin::group_of_seed(seed);
        let stage = self.group(&id).map(Group::stage);
        if let (Some(Stage::Joined), Some(state)) = (stage, self.groups.get_mut(&id)) {
            if state.group.is_admin() || state.group.become_admin(seed).is_err() {
                return;
            }
            state.is_fetched = false;
            state.fetching.due = now.monotonic;
            state.work.due = Some(now.monotonic);
            self.rewind_group(&id);
            self.note_group(&id, now);
            return self.journal.event(Event::Promoted { group: id });
        }
        if stage.is_some_and(|stage| stage != Stage::Invited) {
            return;
        }
        if !self.takes_invitation(&by, &id) {
            return;
        }
        // The same as an invitation of another device of ours, with the key of an admin.
        let mut entry = session_config::groups::GroupEntry::new(id);
        entry.group.name = name.into();
        entry.group.is_invited = true;
        entry.access = GroupAccess::Admin(zeroize::Zeroizing::new(*seed.expose_bytes()));
        if let Ok(group) = Group::from_entry(Arc::clone(&self.account), &entry) {
            self.groups.insert(id, GroupState::new(group));
            self.rewind_group(&id);
            self.note_group(&id, now);
            self.report_invitation(id, by);
        }
    }

    /// Fetches all namespaces of a group anew.
    pub(super) fn rewind_group(&mut self, id: &GroupId) {
        let journal = &mut self.journal;
        self.inbox.rewind(AnyId::from(id), &NAMESPACES, journal);
    }

    /// Follows what another device of the account has written into the config of the groups.
    pub(super) fn follow_entry(&mut self, id: &GroupId, now: Now) {
        let entry = self.configs.groups.group(id);
        let Some(entry) = entry.map(session_config::groups::GroupEntry::into_owned) else {
            // Left on another device. What we are about to say when we leave ourselves is still said.
            if self
                .group(id)
                .is_some_and(|group| group.stage() != Stage::Leaving)
            {
                self.forget_group(id);
                self.journal.event(Event::GroupLeft { group: *id });
            }
            return;
        };
        if entry.group.removed != Removed::No {
            // We see it ourselves, if we follow the group.
            return;
        }
        let made = || Group::from_entry(Arc::clone(&self.account), &entry);
        let stage = self.group(id).map(Group::stage);
        match (stage, self.groups.get_mut(id)) {
            (None, _) | (_, None) => {
                let Ok(group) = made() else { return };
                self.groups.insert(*id, GroupState::new(group));
            }
            // Accepted on another device, which tells the group.
            (Some(Stage::Invited), Some(_)) if !entry.group.is_invited => {
                let Ok(group) = made() else { return };
                self.groups.insert(*id, GroupState::new(group));
            }
            // Invited again.
            (Some(Stage::Kicked), Some(state)) => {
                let GroupAccess::Member(auth) = &entry.access else {
                    return;
                };
                let invite = Invite {
                    group: AnyId::from(id),
                    name: entry.group.name.clone().into_owned(),
                    auth_data: MemberAuthData::from_bytes(auth),
                    admin_signature: Ed25519Signature::from_bytes([0; 64]),
                };
                if state.group.invited_again(&invite).is_err() {
                    return;
                }
                if !entry.group.is_invited {
                    // It was invited just now.
                    let _ = state.group.accept();
                }
            }
            // Promoted on another device.
            (Some(Stage::Joined), Some(state)) => {
                let GroupAccess::Admin(seed) = &entry.access else {
                    return;
                };
                let seed = GroupSeed::from_bytes(seed);
                if state.group.is_admin() || state.group.become_admin(&seed).is_err() {
                    return;
                }
                state.is_fetched = false;
            }
            _ => return,
        }
        self.rewind_group(id);
        if let Some(state) = self.groups.get_mut(id) {
            state.fetching.due = now.monotonic;
            let dump = state.group.dump(now.wall);
            self.journal.put(Key::Group(*id), dump);
        }
    }

    /// Makes the groups of the config whose records are missing or damaged.
    pub(super) fn restore_missing_groups(&mut self) {
        let entries = self.configs.groups.groups();
        let missing: Vec<Group> = entries
            .filter(|entry| entry.group.removed == Removed::No)
            .filter(|entry| !self.groups.contains_key(&entry.group.id))
            .filter_map(|entry| Group::from_entry(Arc::clone(&self.account), &entry).ok())
            .collect();
        for group in missing {
            let id = *group.id();
            self.groups.insert(id, GroupState::new(group));
            self.rewind_group(&id);
        }
    }

    pub(super) fn poll_groups<O: Onion>(
        &mut self,
        network: &mut Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let ids: Vec<GroupId> = self.groups.keys().copied().collect();
        for id in ids {
            self.poll_group_work(&id, network, now, rng);
            if !self.journal.is_settled() {
                continue;
            }
            self.poll_group_fetch(&id, network, now, rng);
            self.poll_group_keep_alive(&id, network, now);
        }
    }

    /// Extends the lifetime of what is stored of a group.
    fn poll_group_keep_alive<O: Onion>(
        &mut self,
        id: &GroupId,
        network: &mut Network<O>,
        now: Now,
    ) {
        let Some(state) = self.groups.get_mut(id) else {
            return;
        };
        let is_due = now.monotonic >= state.keep_alive_due && !state.keeps_alive;
        if !is_due || !state.is_fetched || !state.is_followed() {
            return;
        }
        let time = network.network_time(now);
        let names = hashes(state.group.keep_alive(now.wall));
        let Ok(expire) = Expire::new(AnyId::from(id), names, time.saturating_add(LIFETIME)) else {
            return;
        };
        let signed = |signer: &Signer<'_>| expire.extend().sign(time, signer);
        let Some(call) = sign(&self.account, &state.group, signed) else {
            return;
        };
        state.keeps_alive = true;
        let target = session_network::Target::SwarmOf(AnyId::from(id));
        let doing = Doing::GroupKeepAlive(*id, call.clone().into());
        self.begin(network, (target, call.into()), doing, now);
    }

    pub(super) fn group_kept_alive(
        &mut self,
        id: &GroupId,
        call: &Expire,
        result: Result<StorageReply, RequestError>,
        now: Now,
    ) {
        let wait: Duration = match result.is_ok() {
            true => self.settings.keep_alive_interval,
            false => self.settings.max_backoff,
        };
        let Some(state) = self.groups.get_mut(id) else {
            return;
        };
        state.keeps_alive = false;
        state.keep_alive_due = now.monotonic.saturating_add(wait);
        let Ok(reply) = result else { return };
        let Some(found) = found(call, &reply) else {
            return;
        };
        if call.messages.iter().all(|hash| found.contains(hash)) {
            return;
        }
        // What was not asked for is not known to be lost.
        let has = |name: &str| match name.parse::<MessageHash>() {
            Ok(hash) => found.contains(&hash) || !call.messages.contains(&hash),
            Err(_) => true,
        };
        // Without a key nothing can be made that others can read: an admin makes one.
        let _ = state.group.recover(has);
        state.work.due = Some(now.monotonic);
        self.note_group(id, now);
    }
}

/// The messages that the swarm has of those that were asked for, by the word of all members that signed. `None` if too few
/// signed: one node alone does not decide that something is lost.
fn found(call: &Expire, reply: &StorageReply) -> Option<BTreeSet<MessageHash>> {
    let answer = reply.read(call).ok()?;
    let verified = answer.verify(call, |node| reply.signers.contains(node));
    if verified.done.len() < MIN_WITNESSES {
        return None;
    }
    let mut found = BTreeSet::new();
    for (_, entry) in verified.done {
        found.extend(entry.updated);
        found.extend(entry.unchanged.into_iter().flatten().map(|(hash, _)| hash));
    }
    Some(found)
}

/// Does something in a group to which we are invited. To accept an invitation to be an admin is to
/// become one.
fn accept_admin<T>(
    group: &mut Group,
    act: impl FnOnce(&mut Group) -> Result<T, ActError>,
) -> Result<T, ActError> {
    let result = act(group)?;
    if group.stage() == Stage::Joined
        && let Some(admin) = group.admin()
    {
        let seed = GroupSeed::from_bytes(admin.expose_seed());
        // The key is that of the group: it was the group's before.
        let _ = group.become_admin(&seed);
    }
    Ok(result)
}
