//! Many accounts over a long time: one-to-one, closed groups and communities, with loss, nodes that are dead or lie, nodes
//! that move to another swarm, devices that are off for days, and devices that are added.
//!
//! Nothing acknowledged is lost, nothing is shown twice, and all devices of an account end equal.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use session_client::config::group::{Group, Invitee, NewGroup, Stage};
use session_client::types::GroupId;
use session_client::{ConversationId, Event, MessageId, RoomId, Settings, Status};
use session_identity::{Account, Seed};

use crate::device::Device;
use crate::rooms::{Fault, Rooms};
use crate::world::{START, World};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The size of a world.
#[derive(Debug, Clone, Copy)]
struct Plan {
    seed: u64,
    accounts: usize,
    groups: usize,
    communities: u8,
    days: u64,
    /// Time between two things that somebody does.
    pause: u64,
    /// Time between two fetches.
    interval: u64,
    /// How long devices are off.
    off: u64,
}

/// What was acknowledged: who sent it, where, and when.
struct Sent {
    by: usize,
    place: Place,
    text: String,
    at: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Account(usize),
    Group(usize),
    Room(usize),
}

struct Month {
    plan: Plan,
    rng: ChaCha8Rng,
    world: World,
    devices: Vec<Device>,
    /// The account of each device, and when it was added.
    owners: Vec<(usize, u64)>,
    /// When each device has something to do.
    due: Vec<Option<u64>>,
    /// When devices that are off come back.
    back: BTreeMap<usize, u64>,
    groups: Vec<(GroupId, Vec<usize>)>,
    rooms: Vec<RoomId>,
    sent: Vec<Sent>,
}

fn account(number: usize) -> Account {
    Account::from_seed(&Seed::from_short(&[100 + number as u8; 16]))
}

fn settings(plan: &Plan) -> Settings {
    let interval = Duration::from_millis(plan.interval);
    let mut settings = Settings::default();
    settings.fetch_interval = interval;
    settings.group_fetch_interval = interval * 2;
    settings.community_interval = interval * 2;
    settings.sweep_interval = Duration::from_millis(DAY);
    settings
}

impl Month {
    fn new(plan: Plan) -> Self {
        let mut world = World::new(plan.seed);
        for number in 1..=plan.communities {
            world.servers.extend([Rooms::new(number, &["lounge"])]);
        }
        let settings = settings(&plan);
        let devices: Vec<Device> = (0..plan.accounts)
            .map(|number| {
                Device::with_settings(
                    account(number),
                    true,
                    plan.seed * 1_000 + number as u64,
                    settings,
                )
            })
            .collect();
        Self {
            rng: ChaCha8Rng::seed_from_u64(plan.seed),
            owners: (0..plan.accounts).map(|number| (number, START)).collect(),
            due: vec![Some(START); devices.len()],
            back: BTreeMap::new(),
            groups: Vec::new(),
            rooms: Vec::new(),
            sent: Vec::new(),
            world,
            devices,
            plan,
        }
    }

    fn pick(&mut self, count: usize) -> usize {
        (self.rng.next_u64() % count as u64) as usize
    }

    /// Lets time pass. A device is looked at only when it has something to do.
    fn run(&mut self, time: u64) {
        let end = self.world.now + time;
        while self.world.now < end {
            for number in 0..self.devices.len() {
                if self.due[number].is_some_and(|due| due <= self.world.now) {
                    self.due[number] = self.devices[number].step(&mut self.world);
                }
            }
            let next = self.due.iter().flatten().min().copied();
            self.world.now = next.unwrap_or(end).clamp(self.world.now + 1, end);
        }
    }

    fn wake(&mut self, device: usize) {
        self.due[device] = Some(self.world.now);
    }

    /// Accepts all invitations that came.
    fn accept(&mut self) {
        for number in 0..self.devices.len() {
            let device = &self.devices[number];
            let invited = |group: &&Group| group.stage() == Stage::Invited;
            let ids: Vec<GroupId> = device
                .client()
                .groups()
                .filter(invited)
                .map(|group| *group.id())
                .collect();
            for id in ids {
                let accepted = self.devices[number].in_group(&id, &self.world, Group::accept);
                accepted.unwrap();
                self.wake(number);
            }
        }
    }

    /// Everybody joins the rooms, and the groups are made.
    fn begin(&mut self) {
        for community in 1..=self.plan.communities {
            let url = Rooms::url(community, "lounge");
            self.rooms.push(RoomId::from(&url));
            for device in &mut self.devices {
                let (joined, _) =
                    device.act(&self.world, |client, _, now, _| client.join(&url, now));
                joined.unwrap();
            }
        }
        for number in 0..self.plan.groups {
            let admin = number % self.plan.accounts;
            let size = self.plan.accounts.min(8);
            let members: Vec<usize> = (0..size)
                .map(|step| (admin + step * 5) % self.plan.accounts)
                .collect();
            let members: Vec<usize> = BTreeSet::from_iter(members).into_iter().collect();
            let others = members.iter().filter(|member| **member != admin);
            let invitees: Vec<Invitee<'_>> = others
                .map(|member| Invitee::new(self.devices[*member].id(), ""))
                .collect();
            let name = format!("group {number}");
            let new = NewGroup {
                name: &name,
                members: &invitees,
                ..NewGroup::default()
            };
            let (created, _) = self.devices[admin].act(&self.world, |client, network, now, rng| {
                client.create_group(&new, network, now, rng)
            });
            self.groups.push((created.unwrap(), members));
        }
        for _ in 0..40 {
            self.run(2 * self.plan.interval);
            self.accept();
        }
        for (id, members) in &self.groups {
            for member in members {
                let group = self.devices[*member].client().group(id);
                assert_eq!(
                    group.map(Group::stage),
                    Some(Stage::Joined),
                    "{member} did not come in"
                );
            }
        }
    }

    /// A device of an account that is on.
    fn device_of(&mut self, account: usize) -> Option<usize> {
        let on = self.owners.iter().enumerate();
        let on =
            on.filter(|(number, (owner, _))| *owner == account && !self.devices[*number].is_off);
        let on: Vec<usize> = on.map(|(number, _)| number).collect();
        match on.len() {
            0 => None,
            count => Some(on[self.pick(count)]),
        }
    }

    fn place(&self, place: Place) -> ConversationId {
        match place {
            Place::Account(number) => self.devices[number].id().into(),
            Place::Group(number) => self.groups[number].0.into(),
            Place::Room(number) => self.rooms[number].into(),
        }
    }

    fn send(&mut self) {
        let (account, kind) = (self.pick(self.plan.accounts), self.pick(4));
        let place = match kind {
            0 if !self.rooms.is_empty() => Place::Room(self.pick(self.rooms.len())),
            1 => {
                let groups = self.groups.iter().enumerate();
                let own = groups.filter(|(_, (_, members))| members.contains(&account));
                let own: Vec<usize> = own.map(|(number, _)| number).collect();
                match own.len() {
                    0 => return,
                    count => Place::Group(own[self.pick(count)]),
                }
            }
            _ => Place::Account(self.pick(self.plan.accounts)),
        };
        let Some(device) = self.device_of(account) else {
            return;
        };
        let text = format!("{}", self.sent.len());
        let to = self.place(place);
        if self.devices[device].send(to, &text, &self.world) {
            let at = self.world.now;
            self.sent.push(Sent {
                by: account,
                place,
                text,
                at,
            });
        }
        self.wake(device);
    }

    /// Something happens in the world.
    fn disturb(&mut self) {
        match self.pick(12) {
            0 => self.world.loss_percent = self.rng.next_u64() % 25,
            1 => self.world.loses_answers ^= true,
            2 | 3 => {
                let keys = self.world.keys();
                let key = keys[self.pick(keys.len())];
                if !self.world.dead.remove(&key) && self.world.dead.len() < 3 {
                    self.world.dead.insert(key);
                }
            }
            4 => {
                let keys = self.world.keys();
                let key = keys[self.pick(keys.len())];
                if !self.world.liars.remove(&key) && self.world.liars.len() < 2 {
                    self.world.liars.insert(key);
                }
            }
            5 => {
                let keys = self.world.keys();
                let key = keys[self.pick(keys.len())];
                self.world.move_node(&key);
            }
            6 | 7 => {
                let device = self.pick(self.devices.len());
                if self.back.len() < self.devices.len() / 3 && !self.devices[device].is_off {
                    self.devices[device].is_off = true;
                    let until = self.world.now + 1 + self.rng.next_u64() % self.plan.off;
                    self.back.insert(device, until);
                }
            }
            8 => {
                let device = self.pick(self.devices.len());
                self.devices[device].crash(&self.world);
                self.wake(device);
            }
            9 if self.plan.communities > 0 => {
                let number = 1 + self.pick(usize::from(self.plan.communities)) as u8;
                let key = Rooms::url(number, "lounge").key;
                let faults = [
                    None,
                    None,
                    Some(Fault::Silent),
                    Some(Fault::Broken),
                    Some(Fault::NoJson),
                    Some(Fault::Repeats),
                ];
                let fault = faults[self.pick(faults.len())];
                self.world.servers.get_mut(&key).unwrap().fault = fault;
            }
            10 if self.devices.len() < self.plan.accounts * 3 / 2 => {
                let number = self.pick(self.plan.accounts);
                let seed = self.plan.seed * 1_000 + self.devices.len() as u64;
                let device =
                    Device::with_settings(account(number), false, seed, settings(&self.plan));
                self.devices.push(device);
                self.owners.push((number, self.world.now));
                self.due.push(Some(self.world.now));
            }
            _ => {}
        }
        self.world.expire();
        let now = self.world.now;
        let came: Vec<usize> = self
            .back
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(device, _)| *device)
            .collect();
        for device in came {
            self.back.remove(&device);
            self.devices[device].is_off = false;
            self.wake(device);
        }
    }

    /// Everything works again, and everybody is there.
    fn settle(&mut self) {
        self.world.loss_percent = 0;
        self.world.dead.clear();
        self.world.liars.clear();
        for rooms in self.world.servers.values_mut() {
            rooms.fault = None;
        }
        for number in 0..self.devices.len() {
            self.devices[number].is_off = false;
            self.wake(number);
        }
        self.run(60 * self.plan.interval + 2 * HOUR);
    }

    /// The accounts that see what is written in a place.
    fn readers(&self, sent: &Sent) -> Vec<usize> {
        match sent.place {
            Place::Account(number) => vec![number, sent.by],
            Place::Group(number) => self.groups[number].1.clone(),
            Place::Room(_) => (0..self.plan.accounts).collect(),
        }
    }

    fn check(&self) {
        let mut texts: Vec<BTreeMap<String, Status>> = Vec::new();
        for (number, device) in self.devices.iter().enumerate() {
            let shown: Vec<MessageId> = device.shown.iter().map(|message| message.id).collect();
            let distinct: BTreeSet<_> = shown.iter().collect();
            assert_eq!(
                distinct.len(),
                shown.len(),
                "device {number} was shown a message twice"
            );
            let all = device.history.values();
            let own: BTreeMap<String, Status> = all
                .map(|message| (message.text().unwrap().to_owned(), message.status))
                .collect();
            assert_eq!(
                own.len(),
                device.history.len(),
                "device {number} has a message twice"
            );
            let stuck = |event: &Event| matches!(event, Event::GroupStuck { .. });
            assert!(!device.events.iter().any(stuck));
            assert!(
                device.is_settled(),
                "device {number} of {:?}: {:?}",
                self.owners[number],
                device.client()
            );
            texts.push(own);
        }
        let mut failed = 0;
        for sent in &self.sent {
            let has_failed = texts
                .iter()
                .any(|own| own.get(&sent.text) == Some(&Status::Failed));
            failed += usize::from(has_failed);
            for reader in self.readers(sent) {
                for (number, (owner, added)) in self.owners.iter().enumerate() {
                    // A device that was added later has what is still on the network then.
                    if *owner != reader || *added > sent.at || has_failed {
                        continue;
                    }
                    assert!(
                        texts[number].contains_key(&sent.text),
                        "message {} of {} to {:?} at {} is not on device {number} of {owner}",
                        sent.text,
                        sent.by,
                        sent.place,
                        (sent.at - START) / MINUTE,
                    );
                }
            }
        }
        // Nothing fails without a reason: a device that is off for more than three days gives up what it could not send.
        assert!(
            failed * 50 <= self.sent.len(),
            "{failed} of {} failed",
            self.sent.len()
        );
        for (number, (owner, _)) in self.owners.iter().enumerate() {
            let first = self
                .owners
                .iter()
                .position(|(other, _)| other == owner)
                .unwrap();
            let [one, other] =
                [first, number].map(|device| self.devices[device].client().configs());
            assert_eq!(
                one.contacts.plaintext(),
                other.contacts.plaintext(),
                "contacts of {owner}"
            );
            assert_eq!(
                one.groups.plaintext(),
                other.groups.plaintext(),
                "groups of {owner}"
            );
            assert_eq!(
                one.profile.plaintext(),
                other.profile.plaintext(),
                "profile of {owner}"
            );
            let rooms = |device: usize| {
                self.devices[device]
                    .client()
                    .rooms()
                    .map(|room| room.id())
                    .collect::<Vec<_>>()
            };
            assert_eq!(rooms(first), rooms(number), "rooms of {owner}");
        }
    }
}

/// Returns the number of messages that were acknowledged, and of devices.
fn live(plan: Plan) -> (usize, usize) {
    let mut month = Month::new(plan);
    month.begin();
    let end = START + plan.days * DAY;
    while month.world.now < end {
        month.send();
        month.disturb();
        let pause = plan.pause / 2 + month.rng.next_u64() % plan.pause;
        month.run(pause);
    }
    month.settle();
    month.check();
    (month.sent.len(), month.devices.len())
}

#[test]
fn a_few_accounts_live_for_some_days() {
    let (sent, devices) = live(Plan {
        seed: 41,
        accounts: 5,
        groups: 1,
        communities: 1,
        days: 3,
        pause: 40 * MINUTE,
        interval: 10 * MINUTE,
        off: DAY,
    });
    assert!(
        sent > 60 && devices > 5,
        "{sent} messages, {devices} devices"
    );
}

/// The world in full size: `cargo test --release -p session-client --test simulation month -- --ignored --nocapture`.
/// Another world with SESSION_SEED.
#[test]
#[ignore = "takes minutes: a month of 50 accounts"]
fn fifty_accounts_live_for_a_month() {
    let seed = std::env::var("SESSION_SEED").map_or(1, |seed| seed.parse().unwrap());
    let begun = std::time::Instant::now();
    let (sent, devices) = live(Plan {
        seed,
        accounts: 50,
        groups: 5,
        communities: 2,
        days: 30,
        pause: 20 * MINUTE,
        interval: 20 * MINUTE,
        off: 7 * DAY,
    });
    println!(
        "seed {seed}: {sent} messages, {devices} devices, {:?}",
        begun.elapsed()
    );
}
