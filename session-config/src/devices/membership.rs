//! What a client shows of the device group.

use alloc::vec::Vec;

use super::group::DeviceState;
use super::message::GroupId;

/// A group of which a message is stored in the account's swarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisibleGroup {
    /// The id of the group.
    pub group: GroupId,
    /// When its newest message expires, in Unix seconds.
    pub expires_at: i64,
}

/// The membership as a client shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Membership {
    /// The namespace was not fetched completely yet.
    Unknown,
    /// There is no group.
    NoGroup,
    /// There are groups, and this device belongs to none.
    GroupsVisible,
    /// A request of this device waits for an answer.
    Waiting,
    /// This device belongs to a group.
    InGroup,
    /// Our group has no message in the swarm, and another one has.
    CutOff,
    /// Another device removed this one.
    Removed,
    /// Another device took the place of this one.
    Displaced,
}

impl Membership {
    /// Returns whether the user may found a group.
    #[must_use]
    pub const fn may_start_group(self) -> bool {
        matches!(self, Self::NoGroup | Self::GroupsVisible | Self::Waiting)
    }
}

/// What a client knows.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// Whether the namespace was fetched completely.
    pub is_fetched: bool,
    /// The state of this device.
    pub own_state: DeviceState,
    /// Whether another device took its place.
    pub is_displaced: bool,
    /// The id of its group.
    pub own_group: Option<GroupId>,
    /// The groups of which messages were fetched.
    pub groups: &'a [VisibleGroup],
    /// Whether a message that admits this device waits for the user's confirmation.
    pub is_admission_held: bool,
}

impl Situation<'_> {
    /// Returns the groups other than our own of which a message is stored at `now`, in Unix seconds.
    #[must_use]
    pub fn other_groups(&self, now: i64) -> Vec<GroupId> {
        let visible = self.groups.iter().filter(|group| group.expires_at > now);
        let ids = visible.map(|group| group.group);
        ids.filter(|group| Some(*group) != self.own_group).collect()
    }

    /// Returns the membership at `now`, in Unix seconds.
    #[must_use]
    pub fn membership(&self, now: i64) -> Membership {
        let sees_others = !self.other_groups(now).is_empty();
        let sees_own = self
            .groups
            .iter()
            .any(|group| Some(group.group) == self.own_group && group.expires_at > now);
        match self.own_state {
            _ if !self.is_fetched => Membership::Unknown,
            DeviceState::Kicked => Membership::Removed,
            DeviceState::Registered if self.is_displaced => Membership::Displaced,
            DeviceState::Registered if sees_others && !sees_own => Membership::CutOff,
            DeviceState::Registered => Membership::InGroup,
            DeviceState::Pending => Membership::Waiting,
            _ if self.is_admission_held => Membership::Waiting,
            _ if sees_others => Membership::GroupsVisible,
            _ => Membership::NoGroup,
        }
    }
}
