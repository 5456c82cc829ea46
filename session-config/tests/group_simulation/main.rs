//! A hundred members and three admins who invite, promote, remove and rekey at the same time, over a
//! network that loses calls and answers; programs are killed, and members are away for a month.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::print_stdout,
    missing_docs
)]

#[path = "../support/swarm.rs"]
mod swarm;

use std::collections::{BTreeMap, BTreeSet};

use session_config::group::{Group, Invitee, NewGroup, RemoveMessages, Stage};
use session_config::members::MemberStatus;
use session_crypto::Ed25519Secret;
use session_identity::subaccount::Token;
use session_types::{AccountId, Namespace};
use swarm::{DAY, Device, Net, Stored, account};

const ADMINS: usize = 3;

struct Simulation {
    net: Net,
    devices: Vec<Device>,
    by_id: BTreeMap<AccountId, usize>,
    /// Devices that are switched off until then.
    away: BTreeMap<usize, u64>,
    was_away: BTreeSet<usize>,
    /// Who was removed, and was not invited again.
    removed: BTreeSet<usize>,
    /// Who has been removed at least once.
    ever_removed: BTreeSet<usize>,
    /// New members, whether they were given the history, and what of it: names of messages.
    history: BTreeMap<usize, (bool, BTreeSet<String>)>,
}

impl Simulation {
    fn new(seed: u64, members: u16) -> Self {
        let net = Net::new(seed);
        let mut devices: Vec<_> = (0..members).map(Device::new).collect();
        let ids: Vec<_> = devices[1..]
            .iter()
            .map(|one| Invitee::new(one.id(), ""))
            .collect();
        let new = NewGroup {
            name: "Everybody",
            members: &ids,
            ..NewGroup::default()
        };
        let secret = Ed25519Secret::from_seed(&[4; 32]);
        devices[0].group = Some(Group::create(account(0), &secret, &new, net.at()).unwrap());
        let by_id = devices
            .iter()
            .enumerate()
            .map(|(index, one)| (one.id(), index))
            .collect();
        Self {
            net,
            devices,
            by_id,
            away: BTreeMap::new(),
            was_away: BTreeSet::new(),
            removed: BTreeSet::new(),
            ever_removed: BTreeSet::new(),
            history: BTreeMap::new(),
        }
    }

    fn sync(&mut self, index: usize) {
        self.devices[index].sync(&mut self.net);
    }

    fn sync_all(&mut self) {
        for index in 0..self.devices.len() {
            if self
                .away
                .get(&index)
                .is_none_or(|until| *until <= self.net.now)
            {
                self.sync(index);
            }
        }
    }

    fn new_device(&mut self) -> usize {
        let index = self.devices.len();
        let device = Device::new(index as u16);
        self.by_id.insert(device.id(), index);
        self.devices.push(device);
        index
    }

    /// One admin does one thing.
    fn act(&mut self, admin: usize) {
        let what = self.net.below(6);
        let ids: Vec<_> = {
            let group = self.devices[admin].group();
            let members = group.members();
            let usual = members
                .iter()
                .filter(|one| !one.is_admin && one.removal == Default::default());
            usual.map(|one| one.id).collect()
        };
        match what {
            0 | 1 => {
                let history = what == 0;
                let (one, two) = (self.new_device(), self.new_device());
                let ids = [one, two].map(|index| Invitee::new(self.devices[index].id(), "new"));
                // Nothing of what is stored, or all that this admin has stored keys for.
                let earlier = match history {
                    true => self.readable(admin, true),
                    false => self.stored(),
                };
                self.devices[admin].group().invite(&ids, history).unwrap();
                for index in [one, two] {
                    self.history.insert(index, (history, earlier.clone()));
                }
            }
            2 | 3 => {
                let id = ids[self.net.below(ids.len() as u32) as usize];
                let messages = if what == 2 {
                    RemoveMessages::No
                } else {
                    RemoveMessages::Yes
                };
                self.devices[admin].group().remove(&[id], messages).unwrap();
                self.removed.insert(self.by_id[&id]);
                self.ever_removed.insert(self.by_id[&id]);
            }
            4 => {
                let name = format!("Name {}", self.net.below(1000));
                self.devices[admin].group().rename(&name).unwrap();
            }
            _ => {
                // Somebody who was removed comes back.
                let Some(index) = self.removed.iter().next().copied() else {
                    return;
                };
                let id = self.devices[index].id();
                if self.devices[admin].group().members().get(&id).is_none() {
                    let invitee = [Invitee::new(id, "back")];
                    self.devices[admin].group().invite(&invitee, false).unwrap();
                    self.removed.remove(&index);
                }
            }
        }
    }

    /// Names of all messages in namespace 11.
    fn stored(&self) -> BTreeSet<String> {
        let all = self.net.fetch(Namespace::GROUP_MESSAGES).into_iter();
        all.map(|one| one.hash).collect()
    }

    /// Names of those that a key of a device opens; without a pending key, which is not given to others.
    fn readable(&self, index: usize, without_pending: bool) -> BTreeSet<String> {
        let group = self.devices[index].group.as_ref().unwrap();
        let skipped = usize::from(without_pending && group.keys().has_pending());
        let all = self.net.fetch(Namespace::GROUP_MESSAGES).into_iter();
        let opens = |one: &Stored| {
            let keys = group.keys().iter().skip(skipped);
            session_message::group::layer::open(group.id(), keys, &one.data).is_ok()
        };
        all.filter(opens).map(|one| one.hash).collect()
    }

    /// New members read what was sent before exactly if they were given it. Returns how many could be
    /// looked at who were given it and who were not.
    fn check_history(&self) -> [usize; 2] {
        let mut looked = [0, 0];
        let stored = self.stored();
        for (index, (was_given, earlier)) in &self.history {
            let group = self.devices[*index].group.as_ref();
            let is_joined = group.is_some_and(|group| {
                group.stage() == Stage::Joined && group.keys().generation() > 0
            });
            if !is_joined || self.away.contains_key(index) || self.ever_removed.contains(index) {
                continue;
            }
            let readable = self.readable(*index, false);
            let earlier: BTreeSet<_> = earlier.intersection(&stored).cloned().collect();
            let read: BTreeSet<_> = earlier.intersection(&readable).cloned().collect();
            if *was_given {
                assert_eq!(read, earlier, "{index} was given the history");
            } else {
                assert!(
                    read.is_empty(),
                    "{index} reads {read:?} without the history"
                );
            }
            looked[usize::from(*was_given)] += usize::from(!earlier.is_empty());
        }
        looked
    }

    fn is_clean(&mut self) -> bool {
        let at = self.net.at();
        (0..ADMINS).all(|admin| {
            let (group, rng) = (
                self.devices[admin].group.as_mut().unwrap(),
                &mut self.net.rng,
            );
            let job = group.poll(at, rng).unwrap();
            if let Some(job) = &job {
                println!("admin {admin} of {group:?} still has {job:?}");
            }
            job.is_none()
        })
    }

    /// Everything that a device has of the group that others must have too.
    fn state(&self, index: usize) -> (Vec<u8>, Vec<u8>, [u8; 32]) {
        let group = self.devices[index].group.as_ref().unwrap();
        let key = *group.keys().newest().unwrap().expose_bytes();
        (
            group.info().plaintext().to_vec(),
            group.members().plaintext().to_vec(),
            key,
        )
    }
}

fn run(seed: u64, members: u16, rounds: u32) {
    let mut sim = Simulation::new(seed, members);
    sim.sync_all();
    sim.sync_all();
    let promoted = [1, 2].map(|index| sim.devices[index].id());
    sim.devices[0].group().promote(&promoted).unwrap();
    for _ in 0..3 {
        (0..ADMINS).for_each(|index| sim.sync(index));
    }
    (0..ADMINS).for_each(|index| assert!(sim.devices[index].group().is_admin()));

    sim.net.loss = 15;
    for round in 0..rounds {
        sim.net.now += 60 * 60 * 1000;
        // Two or three admins act before any of them knows of the others.
        for admin in 0..ADMINS {
            if sim.net.below(3) > 0 {
                sim.act(admin);
            }
        }
        for admin in 0..ADMINS {
            if sim.net.below(4) == 0 {
                sim.devices[admin].restart(&sim.net);
            }
            // A killed program has not got far.
            let jobs = sim.net.below(4) as usize;
            sim.devices[admin].work(&mut sim.net, jobs);
        }
        for _ in 0..12 {
            let count = sim.devices.len() as u32;
            let index = sim.net.below(count) as usize;
            if index >= ADMINS && sim.net.below(6) == 0 {
                sim.away.insert(index, sim.net.now + 31 * DAY);
                sim.was_away.insert(index);
            }
            if !sim.away.contains_key(&index) {
                sim.sync(index);
                if sim.devices[index].group.is_some() {
                    let text = format!("round {round} by {index}");
                    sim.devices[index].say(&mut sim.net, &text);
                }
            }
        }
        (0..ADMINS).for_each(|admin| sim.sync(admin));
    }

    sim.net.loss = 0;
    (0..2).for_each(|_| sim.sync_all());
    let [without, with] = sim.check_history();
    // A month later everybody is back, and the network works. The admins have kept things alive.
    sim.net.now += 32 * DAY;
    let keep: BTreeSet<String> = (0..ADMINS)
        .flat_map(|admin| {
            let group = sim.devices[admin].group.as_ref().unwrap();
            group
                .keep_alive(sim.net.at())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    for stored in sim.net.stored.values_mut().flatten() {
        if keep.contains(&stored.hash) {
            stored.expires = sim.net.now + 30 * DAY;
        }
    }
    for _ in 0..6 {
        for admin in 0..ADMINS {
            // What two did at the same time may have left a member whom one of them has removed.
            let again: Vec<_> = sim
                .removed
                .iter()
                .map(|index| sim.devices[*index].id())
                .collect();
            let group = sim.devices[admin].group();
            let still = |id: &AccountId| {
                let members = group.members();
                members
                    .get(id)
                    .is_some_and(|one| one.removal == Default::default())
            };
            let again: Vec<_> = again.into_iter().filter(still).collect();
            sim.devices[admin]
                .group()
                .remove(&again, RemoveMessages::No)
                .unwrap();
            // Invitations that were lost are sent again.
            let group = sim.devices[admin].group.as_mut().unwrap();
            let failed: Vec<_> = group
                .members()
                .iter()
                .filter(|one| {
                    matches!(
                        group.members().status(one),
                        MemberStatus::InviteFailed | MemberStatus::InviteNotSent
                    )
                })
                .map(|one| one.id)
                .collect();
            for id in failed {
                group.send_again(&id).unwrap();
            }
            sim.sync(admin);
        }
        sim.away.clear();
        sim.sync_all();
    }
    for _ in 0..3 {
        sim.sync_all();
    }
    assert!(sim.is_clean());

    let truth = sim.state(0);
    let secret = Ed25519Secret::from_seed(&[4; 32]);
    let (mut equal, mut out) = (0, 0);
    assert!(sim.devices[0].say(&mut sim.net, "the end"));
    for index in 0..sim.devices.len() {
        let id = sim.devices[index].id();
        let is_member = sim.devices[0].group().members().get(&id).is_some();
        assert_eq!(is_member, !sim.removed.contains(&index), "{index}");
        let token = Token::of_member(&secret, &id, Default::default());
        assert!(token.is_ok());
        let Some(stage) = sim.devices[index].group.as_ref().map(Group::stage) else {
            assert!(!is_member, "{index} was never invited");
            continue;
        };
        if is_member {
            assert_eq!(stage, Stage::Joined, "{index}");
            let access = sim.devices[index].has_access(&sim.net);
            assert!(
                access,
                "{index} is a member without access: {:?}",
                sim.devices[0].group().members().get(&id)
            );
            let state = sim.state(index);
            let same = (state.0 == truth.0, state.1 == truth.1, state.2 == truth.2);
            let group = sim.devices[index].group.as_ref().unwrap();
            assert_eq!(same, (true, true, true), "{index} differs: {group:?}");
            let texts = sim.devices[index].texts(&sim.net);
            assert!(
                texts.contains(&"the end".to_owned()),
                "{index} does not read"
            );
            equal += 1;
        } else {
            // A notice is stored for a month; who was away for longer sees only that they have no access.
            let was_away = sim.was_away.contains(&index);
            assert!(stage == Stage::Kicked || was_away, "{index} is {stage:?}");
            // It cannot store, and with all that is stored it reads nothing.
            assert!(!sim.devices[index].has_access(&sim.net));
            out += 1;
            let keys = sim.net.fetch(Namespace::GROUP_KEYS);
            let keys: Vec<_> = keys.iter().map(Stored::incoming).collect();
            let at = sim.net.at();
            let group = sim.devices[index].group();
            group.receive(Namespace::GROUP_KEYS, &keys, at);
            let end = sim.net.fetch(Namespace::GROUP_MESSAGES);
            let end = end.last().unwrap();
            let group = sim.devices[index].group();
            let opened =
                session_message::group::layer::open(group.id(), group.keys().iter(), &end.data);
            assert!(opened.is_err(), "{index} reads after the removal");
        }
    }
    println!(
        "seed {seed}: {} devices, {equal} equal, {out} removed, generation {}, {} members; {with} read \
         what was before them, {without} do not",
        sim.devices.len(),
        sim.devices[0].group().keys().generation(),
        sim.devices[0].group().members().iter().count(),
    );
    assert!(equal > ADMINS && out > 0);
    assert!(members < 100 || (with > 0 && without > 0));
}

#[test]
fn three_admins_and_a_hundred_members_agree() {
    run(1, 100, 6);
}

#[test]
fn small_groups_agree_whatever_is_lost() {
    for seed in 12..16 {
        run(seed, 12, 10);
    }
}
