//! Three devices of two accounts on a swarm in memory, in any course of events: what users do, what
//! arrives, when, and what fails. The fuzz target `client_machine_events` runs it, too.

use core::time::Duration;
use std::collections::BTreeSet;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use session_client::config::group::{Group, Invitee, NewGroup, RemoveMessages, Stage};
use session_client::content::{Content, Expiration};
use session_client::{ConversationId, Event, MessageId, RoomAct, RoomId};
use session_crypto::direct;
use session_identity::{Account, Seed};
use session_proto::envelope::{self, Envelope, EnvelopeKind};
use session_proto::padding;
use session_storage::StoredMessage;
use session_types::{AnyId, GroupId, Namespace, UnixMillis};

use crate::device::{Device, run};
use crate::rooms::{Fault, Rooms};
use crate::world::World;

/// Maximum number of events of one course.
const MAX_EVENTS: usize = 60;
const NAMESPACES: [i16; 10] = [0, 2, 3, 4, 5, 11, 12, 13, 14, -11];

fn account(number: u8) -> Account {
    Account::from_seed(&Seed::from_short(&[number; 16]))
}

/// Reads from the front of the bytes; zeros when they are used up.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    /// A piece of 0 to 255 bytes, with its length in front.
    fn piece(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.0.len());
        let (piece, rest) = self.0.split_at_checked(length).unwrap();
        self.0 = rest;
        piece
    }
}

struct Course<'a> {
    input: Input<'a>,
    world: World,
    devices: Vec<Device>,
    groups: Vec<GroupId>,
    room: RoomId,
}

/// Nothing panics, nothing is shown twice, and everything settles when the network works again.
pub fn run_course(data: &[u8]) {
    let mut input = Input(data);
    let mut world = World::new(u64::from(input.byte()));
    world.servers.extend([Rooms::new(1, &["lounge"])]);
    let devices = [(1, true), (2, true), (1, false)];
    let devices = devices.map(|(number, is_new)| {
        Device::new(
            account(number),
            is_new,
            u64::from(number) + u64::from(!is_new) * 10,
        )
    });
    let mut course = Course {
        input,
        world,
        devices: devices.into(),
        groups: Vec::new(),
        room: RoomId::from(&Rooms::url(1, "lounge")),
    };
    for _ in 0..MAX_EVENTS {
        if course.input.0.is_empty() {
            break;
        }
        course.step();
    }
    course.end();
}

impl Course<'_> {
    fn device(&mut self) -> usize {
        usize::from(self.input.byte()) % self.devices.len()
    }

    fn wait(&mut self, time: Duration) {
        run(&mut self.world, &mut self.devices, time);
    }

    fn step(&mut self) {
        match self.input.byte() % 20 {
            0 => {
                let seconds = u64::from(self.input.byte() % 60);
                self.wait(Duration::from_secs(seconds));
            }
            1 => self.send(),
            2 => self.create(),
            3 => self.act(),
            4 => {
                let device = self.device();
                if self.devices[device].is_full {
                    return;
                }
                self.devices[device].crash(&self.world);
            }
            5 => self.world.loss_percent = u64::from(self.input.byte() % 60),
            6 => {
                let keys = self.world.keys();
                let key = keys[usize::from(self.input.byte()) % keys.len()];
                if !self.world.dead.remove(&key) && self.world.dead.len() < 4 {
                    self.world.dead.insert(key);
                }
            }
            7 => {
                let choice = usize::from(self.input.byte()) % (NAMESPACES.len() + 1);
                self.world.withheld = NAMESPACES.get(choice).map(|number| Namespace::new(*number));
            }
            8 => {
                let device = self.device();
                self.devices[device].is_off ^= true;
            }
            9 => {
                let device = self.device();
                self.devices[device].is_full ^= true;
            }
            10 => self.inject_raw(),
            11 => self.inject_sealed(),
            12 => self.set_timer(),
            13 => {
                let (device, with) = (self.device(), self.conversation());
                if !self.devices[device].is_full {
                    self.devices[device].read_all(with, &self.world);
                }
            }
            14 => {
                let device = self.device();
                let name = String::from_utf8_lossy(self.input.piece()).into_owned();
                let at = UnixMillis::new(self.world.now);
                self.devices[device].edit(
                    |all| {
                        // A name that is too long is refused.
                        let _ = all.profile.set_name(&name, at);
                    },
                    &self.world,
                );
            }
            15 => self.join(),
            16 => self.act_in_room(),
            17 => self.write_to_user(),
            18 => self.disturb_server(),
            _ => {
                let hours = u64::from(self.input.byte());
                self.world.now += hours * 3_600_000;
            }
        }
    }

    fn conversation(&mut self) -> ConversationId {
        let choice = usize::from(self.input.byte());
        let count = self.groups.len();
        match choice % (count + 3) {
            number if number < count => ConversationId::Group(self.groups[number]),
            number if number == count => ConversationId::Room(self.room),
            _ => ConversationId::Account(self.devices[choice & 1].id()),
        }
    }

    fn join(&mut self) {
        let (device, choice) = (self.device(), self.input.byte());
        let (room, url) = (self.room, Rooms::url(1, "lounge"));
        self.devices[device].act(&self.world, |client, _, now, _| match choice % 4 {
            0 => client.leave_room(&room, now).is_ok(),
            _ => client.join(&url, now).is_ok(),
        });
    }

    fn act_in_room(&mut self) {
        let (device, choice) = (self.device(), self.input.byte());
        let post = u64::from(self.input.byte() % 16);
        let text = String::from_utf8_lossy(self.input.piece()).into_owned();
        let sent_at = UnixMillis::new(self.world.now);
        let user = AnyId::from_bytes([0x15; 33]);
        let act = match choice % 6 {
            0 => RoomAct::Delete { post },
            1 => RoomAct::Edit {
                post,
                sent_at,
                content: Content::text(text),
            },
            2 => RoomAct::Pin { post },
            3 => RoomAct::DeleteAll {
                user,
                everywhere: choice & 64 == 0,
            },
            choice => {
                let Ok(emoji) = text.parse() else { return };
                match choice {
                    4 => RoomAct::React { post, emoji },
                    _ => RoomAct::Unreact { post, emoji },
                }
            }
        };
        let room = self.room;
        self.devices[device].act(&self.world, |client, network, now, _| {
            client.act_in_room(&room, act, network, now).is_ok()
        });
    }

    /// Writes to the blinded id of another account.
    fn write_to_user(&mut self) {
        let (device, other) = (self.device(), self.device());
        let text = String::from_utf8_lossy(self.input.piece()).into_owned();
        let (room, user) = (
            self.room,
            self.devices[other].client().own_id_in(&self.room),
        );
        let Some(user) = user else { return };
        self.devices[device].act(&self.world, |client, network, now, rng| {
            let Ok(with) = client.blinded_conversation(&room, &user, now) else {
                return;
            };
            let _ = client.send(with, Content::text(text), network, now, rng);
        });
    }

    fn disturb_server(&mut self) {
        let choice = self.input.byte();
        let raw = self.input.piece().to_vec();
        let faults = [
            Fault::Silent,
            Fault::Broken,
            Fault::NoJson,
            Fault::OtherShape,
            Fault::Repeats,
            Fault::Forges,
            Fault::Jumps,
            Fault::Raw,
        ];
        let server = self.world.servers.values_mut().next().unwrap();
        server.raw = raw;
        server.fault = faults.get(usize::from(choice) % 12).copied();
    }

    fn send(&mut self) {
        let (device, to) = (self.device(), self.conversation());
        let text = String::from_utf8_lossy(self.input.piece()).into_owned();
        let content = Content::text(text);
        // What the recipient would drop is refused.
        let _ = self.devices[device].act(&self.world, |client, network, now, rng| {
            client.send(to, content, network, now, rng).is_ok()
        });
    }

    fn create(&mut self) {
        let (device, with) = (self.device(), self.device());
        let members = [Invitee::new(self.devices[with].id(), "")];
        let name = String::from_utf8_lossy(self.input.piece()).into_owned();
        let new = NewGroup {
            name: &name,
            members: &members,
            ..NewGroup::default()
        };
        if self.groups.len() >= 2 {
            return;
        }
        let (created, _) = self.devices[device].act(&self.world, |client, network, now, rng| {
            client.create_group(&new, network, now, rng)
        });
        self.groups.extend(created.ok());
    }

    fn act(&mut self) {
        let (device, which, choice) = (self.device(), self.input.byte(), self.input.byte());
        let other = self.devices[usize::from(choice >> 4) & 1].id();
        let count = self.groups.len().max(1);
        let Some(id) = self.groups.get(usize::from(which) % count).copied() else {
            return;
        };
        let at = UnixMillis::new(self.world.now);
        let act = |group: &mut Group| match choice & 15 {
            0..4 => group.accept(),
            4 => group.decline(),
            5 => group.invite(&[Invitee::new(other, "")], choice & 16 == 0),
            6 => group.promote(&[other]),
            7 => group.remove(&[other], RemoveMessages::No),
            8 => group.remove(&[other], RemoveMessages::Yes),
            9 => group.rename("other"),
            10 => group.set_timer(u32::from(choice)),
            11 => group.delete_before(at),
            12 => group.leave(),
            13 => group.destroy(),
            _ => group.set_description("text"),
        };
        // What is not possible is refused.
        let _ = self.devices[device].in_group(&id, &self.world, act);
    }

    fn set_timer(&mut self) {
        let (device, with, choice) = (self.device(), self.conversation(), self.input.byte());
        let seconds = u32::from(choice >> 1);
        let timer = match choice & 1 {
            0 => Expiration::after_send(seconds),
            _ => Expiration::after_read(seconds),
        };
        let _ = self.devices[device].act(&self.world, |client, network, now, rng| {
            client.set_timer(&with, timer, network, now, rng).is_ok()
        });
    }

    /// Any bytes in any namespace, of any age.
    fn inject_raw(&mut self) {
        let swarm = AnyId::from(self.conversation());
        let namespace = NAMESPACES[usize::from(self.input.byte()) % NAMESPACES.len()];
        let data = self.input.piece().to_vec();
        self.inject(swarm, Namespace::new(namespace), data);
    }

    /// Any content, sealed rightly by somebody: a stranger, the other account, or ourselves.
    fn inject_sealed(&mut self) {
        let recipient = account(1 + self.input.byte() % 2);
        let sender = account(1 + self.input.byte() % 3);
        let mut plain = self.input.piece().to_vec();
        padding::pad(&mut plain);
        let public = recipient.x25519_public();
        let rng = &mut ChaCha8Rng::seed_from_u64(self.world.now);
        let sealed = direct::seal(rng, sender.ed25519(), &public, &plain).expect("good keys");
        let envelope = Envelope {
            kind: EnvelopeKind::Session,
            source: None,
            sent_at: UnixMillis::new(self.world.now),
            source_device: Some(1),
            content: Some(&sealed),
            pro_signature: Some(&[5; 64]),
        };
        let data = envelope::wrap(&envelope.encode());
        self.inject(AnyId::from(recipient.id()), Namespace::DEFAULT, data);
    }

    fn inject(&mut self, swarm: AnyId, namespace: Namespace, data: Vec<u8>) {
        let age = u64::from(self.input.byte()) * 600_000;
        let life = 1 + u64::from(self.input.byte()) * 3_600_000;
        let message = StoredMessage {
            hash: session_crypto::hash::message_hash(&swarm, namespace, &data),
            timestamp: UnixMillis::new(self.world.now - age),
            expiration: UnixMillis::new(self.world.now + life),
            data,
        };
        self.world.inject(&swarm, namespace, &message);
    }

    /// The network works again, and there is room.
    fn end(mut self) {
        self.world.loss_percent = 0;
        self.world.dead.clear();
        for server in self.world.servers.values_mut() {
            server.fault = None;
        }
        self.world.withheld = None;
        for device in &mut self.devices {
            (device.is_off, device.is_full) = (false, false);
        }
        self.wait(Duration::from_secs(600));
        for device in &self.devices {
            let shown: Vec<MessageId> = device.shown.iter().map(|message| message.id).collect();
            let distinct: BTreeSet<_> = shown.iter().collect();
            assert_eq!(distinct.len(), shown.len(), "a message was shown twice");
            let stuck = |event: &Event| matches!(event, Event::GroupStuck { .. });
            assert!(!device.events.iter().any(stuck));
            for group in device.client().groups() {
                assert_ne!(group.stage(), Stage::Left, "it is forgotten");
            }
        }
    }
}
