//! The store over SQLite answers as the store in memory does, whatever the users do.

use std::time::Duration;

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use rusqlite::Connection;
use session_community::http::{Request, Response};
use session_community::post::NewPost;
use session_community::request::moderation::{self, PermissionChange, Role, RoomChange, Scope};
use session_community::request::{self, Posts, batch, inbox};
use session_community::server::{self, Config, Memory, Room, Store, User, users};
use session_community::{Signer, auth};
use session_crypto::{Blinding, X25519Secret};
use session_identity::community::Room as Token;
use session_identity::{Account, Seed};
use session_types::UnixMillis;

use super::store::Rooms;
use super::{Failure, SCHEMA, tick};
use crate::servers::pieces;

const STEPS: usize = 3000;

/// Both stores.
struct Pair {
    config: Config,
    memory: Memory,
    db: Connection,
    now: UnixMillis,
    nonce: u128,
    chance: u64,
}

impl Pair {
    fn new() -> Self {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(&format!("{SCHEMA}{}", pieces::SCHEMA))
            .unwrap();
        let mut pair = Self {
            config: Config::new(X25519Secret::from_bytes([3; 32]).public()),
            memory: Memory::new(),
            db,
            now: UnixMillis::new(1_795_799_770_123),
            nonce: 0,
            chance: 1,
        };
        let now = pair.now;
        for name in ["lounge", "attic"] {
            let room = Room::new(name, name, now);
            pair.memory.put_room(&room).unwrap();
            pair.rooms().put_room(&room).unwrap();
        }
        pair
    }

    fn rooms(&self) -> Rooms<'_> {
        let (db, is_full) = (&self.db, false);
        Rooms { db, is_full }
    }

    /// A number below another one.
    fn below(&mut self, end: u64) -> u64 {
        self.chance = self
            .chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) % end
    }

    fn ask(&mut self, signer: Option<&Signer<'_>>, mut request: Request) -> Response {
        if let Some(signer) = signer {
            self.nonce += u128::from(self.below(20) > 0);
            request = auth::sign(request, signer, &self.nonce.to_le_bytes(), self.now);
        }
        let (config, now) = (&self.config, self.now);
        let expected = server::handle(config, &request, now, &mut self.memory).unwrap();
        let got: Result<Response, Failure> =
            server::handle(config, &request, now, &mut self.rooms());
        assert_eq!(got.unwrap(), expected, "{request:?}");
        expected
    }
}

/// Something that a user may do, or may not.
fn request(pair: &mut Pair, accounts: &[Account], signers: &[Signer<'_>]) -> Request {
    let room: Token = ["lounge", "attic"][pair.below(2) as usize].parse().unwrap();
    // The last account is one that never asks: it is remembered by its 05 id.
    let user = match (pair.below(5), pair.below(4)) {
        (0, _) => (*accounts[4].id()).into(),
        (1, which) => (*accounts[which as usize].id()).into(),
        (_, which) => signers[which as usize].public_id(),
    };
    let (id, seqno) = (pair.below(40) + 1, pair.below(120));
    let emoji = ["🍕", "👍", "x"][pair.below(3) as usize].parse().unwrap();
    let flag = [None, Some(true), Some(false)][pair.below(3) as usize];
    let rooms = [room.clone()];
    let scope = match pair.below(4) {
        0 => Scope::Global,
        1 => Scope::AllOwnRooms,
        _ => Scope::Rooms(&rooms),
    };
    let change = PermissionChange {
        read: flag.filter(|_| id.is_multiple_of(4)),
        write: flag,
        ..PermissionChange::default()
    };
    let post = |pair: &mut Pair| {
        let length = pair.below(300) + 1;
        let own = &signers[0];
        let data = vec![length as u8; length as usize];
        let mut post = NewPost::new(data, own, &mut UnwrapErr(SysRng)).with_files([id, id + 1]);
        post.whisper_to = length.is_multiple_of(9).then_some(user);
        post.whisper_mods = length.is_multiple_of(11);
        post
    };
    match pair.below(34) {
        0..=5 => request::send(&room, &post(pair)),
        6 => request::edit(&room, id, &post(pair)),
        7 => request::delete(&room, id),
        8 | 9 => request::react(&room, id, &emoji),
        10 => request::unreact(&room, id, &emoji),
        11 => request::reactors(&room, id, &emoji),
        12 => request::posts(&room, Posts::Recent, Some(7), None),
        13 => request::posts(&room, Posts::Before(id), Some(3), Some(2)),
        14 | 15 => request::posts(&room, Posts::Since(seqno), Some(9), Some(1)),
        16 => request::post(&room, id),
        17 => request::room(&room),
        18 => request::rooms(),
        19 => moderation::pin(&room, id),
        20 => moderation::unpin(&room, id),
        21 if id.is_multiple_of(3) => moderation::delete_all_of(&room, &user),
        21 => moderation::delete_reactions(&room, id, Some(&emoji)),
        22 => moderation::permissions(&room, Some(&user).filter(|_| id.is_multiple_of(2))),
        23 => moderation::set_permissions(&room, &user, change, &[]),
        24 => moderation::schedule_permissions(&room, &user, change, Duration::from_secs(id * 10)),
        25 => moderation::future_permissions(&room, None),
        26 => moderation::ban(&user, scope, flag.map(|_| Duration::from_secs(id))),
        27 => moderation::unban(&user, scope),
        28 => {
            let roles = [Role::Moderator, Role::None, Role::DemotedAdmin];
            moderation::set_role(&user, scope, roles[id as usize % 3], flag)
        }
        29 => {
            let change = RoomChange {
                description: Some("about"),
                image: Some(id).filter(|id| id.is_multiple_of(2)),
                ..RoomChange::default()
            };
            moderation::change_room(&room, &change)
        }
        30 => request::upload(&room, Some("a file"), vec![7; id as usize * 30_000]).unwrap(),
        31 => request::download(&room, id),
        32 => inbox::send(&user, &vec![1; id as usize]),
        _ => batch::batch(&[
            inbox::received(Some(id)),
            inbox::sent(None),
            request::poll_info(&room, seqno),
            match id {
                1 => inbox::delete_all(),
                _ => request::capabilities(&[]),
            },
        ]),
    }
}

#[test]
fn the_store_over_sqlite_answers_as_the_store_in_memory() {
    let mut pair = Pair::new();
    let key = pair.config.key;
    let accounts = [1, 2, 3, 4, 5].map(|byte| Account::from_seed(&Seed::from_short(&[byte; 16])));
    let signers: Vec<Signer<'_>> = accounts
        .iter()
        .map(|account| Signer::blinded(Blinding::Blind15, account, &key).unwrap())
        .collect();
    let admin = signers[0].public_id();
    let everywhere = User {
        moderator: true,
        ..User::default()
    };
    for name in ["lounge", "attic"] {
        let mut room = pair.memory.room(name).unwrap().unwrap();
        users::make_admin(&mut room.clone(), &admin, &mut pair.rooms()).unwrap();
        users::make_admin(&mut room, &admin, &mut pair.memory).unwrap();
    }
    let moderator = signers[1].public_id();
    pair.rooms().put_user(&moderator, &everywhere).unwrap();
    pair.memory.put_user(&moderator, &everywhere).unwrap();

    let mut statuses = std::collections::BTreeMap::<u16, usize>::new();
    for _ in 0..STEPS {
        let asked = request(&mut pair, &accounts, &signers);
        // The admin most of the time, so that things happen; sometimes nobody.
        let who = match pair.below(12) {
            0 => None,
            1..=3 => Some(&signers[1]),
            4 => Some(&signers[2]),
            5 => Some(&signers[3]),
            _ => Some(&signers[0]),
        };
        let reply = pair.ask(who, asked);
        *statuses.entry(reply.status).or_default() += 1;
        let span = Duration::from_millis(pair.below(20_000));
        pair.now = pair.now.saturating_add(span);
        let now = pair.now;
        server::apply_scheduled(&mut pair.memory, now).unwrap();
        server::apply_scheduled(&mut pair.rooms(), now).unwrap();
    }
    // Much of it is done, and much is refused.
    for status in [200, 201, 400, 401, 403, 404, 425] {
        assert!(
            statuses.get(&status).is_some_and(|count| *count > 5),
            "{statuses:?}"
        );
    }
}

#[test]
fn what_has_expired_is_deleted_and_nothing_else() {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(&format!("{SCHEMA}{}", pieces::SCHEMA))
        .unwrap();
    let rows = |table: &str| -> i64 {
        let count = format!("SELECT count(*) FROM {table}");
        db.query_row(&count, [], |row| row.get(0)).unwrap()
    };
    let now = UnixMillis::new(1_800_000_000_000);
    let day = Duration::from_secs(24 * 60 * 60);
    let at = |time: UnixMillis| i64::try_from(time.get()).unwrap();
    // A nonce is spent as long as its timestamp can be right: a day early to a day late.
    db.execute(
        "INSERT INTO nonces VALUES (x'01', x'02', ?1), (x'01', x'03', ?2)",
        [at(now), at(now.saturating_add(day))],
    )
    .unwrap();
    db.execute(
        "INSERT INTO inbox VALUES (1, x'', x'', 0, ?1, x''), (2, x'', x'', 0, ?2, x'')",
        [at(now.saturating_add(day)), at(now.saturating_add(day * 9))],
    )
    .unwrap();
    // A picture of a room has no end.
    db.execute(
        "INSERT INTO files VALUES (1, 'r', NULL, 3, 0, ?1, NULL), (2, 'r', NULL, 3, 0, NULL, NULL)",
        [at(now.saturating_add(day))],
    )
    .unwrap();
    for id in ["1", "2"] {
        pieces::put(&db, id, b"abc").unwrap();
    }
    let counts = || ["nonces", "inbox", "files", "pieces"].map(&rows);
    let millisecond = Duration::from_millis(1);
    tick(&db, now.saturating_add(day - millisecond)).unwrap();
    assert_eq!(counts(), [2, 2, 2, 2]);
    tick(&db, now.saturating_add(day)).unwrap();
    assert_eq!(counts(), [2, 1, 1, 1]);
    tick(&db, now.saturating_add(day * 2)).unwrap();
    assert_eq!(counts(), [2, 1, 1, 1]);
    tick(&db, now.saturating_add(day * 2 + millisecond)).unwrap();
    assert_eq!(counts(), [1, 1, 1, 1]);
    assert_eq!(pieces::get(&db, "2", 3).unwrap(), b"abc");
}
