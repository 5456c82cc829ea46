//! Communities: a poll of a busy room.

use session_community::http::{Request, Response};
use session_community::poll::State;
use session_community::post::{NewPost, verify};
use session_community::reply::{self, Change};
use session_community::request::{self, Posts, batch};
use session_community::server::{self, Config, Memory, Room, Store};
use session_community::{Signer, auth};
use session_crypto::{Blinding, X25519Secret};
use session_identity::{Account, Seed};
use session_types::UnixMillis;

use crate::Suite;
use crate::crypto::rng;

const NOW: UnixMillis = UnixMillis::new(1_795_799_770_000);

/// A room in which 256 users have posted once.
struct World {
    config: Config,
    store: Memory,
    nonce: u128,
}

impl World {
    fn ask(&mut self, signer: &Signer<'_>, request: Request) -> Response {
        self.nonce += 1;
        let request = auth::sign(request, signer, &self.nonce.to_le_bytes(), NOW);
        server::handle(&self.config, &request, NOW, &mut self.store).unwrap()
    }
}

pub fn run(suite: &mut Suite) {
    const GROUP: &str = "communities";
    let mut rng = rng();
    let key = X25519Secret::from_bytes([3; 32]).public();
    let mut world = World {
        config: Config::new(key),
        store: Memory::new(),
        nonce: 0,
    };
    world
        .store
        .put_room(&Room::new("lounge", "Lounge", NOW))
        .unwrap();
    let room: session_identity::community::Room = "lounge".parse().unwrap();
    for author in 0..=u8::MAX {
        let account = Account::from_seed(&Seed::from_short(&[author; 16]));
        let signer = Signer::blinded(Blinding::Blind15, &account, &key).unwrap();
        let post = NewPost::new(vec![author; 320], &signer, &mut rng);
        let reply = world.ask(&signer, request::send(&room, &post));
        assert_eq!(reply.status, 201);
    }
    let account = Account::from_seed(&Seed::from_short(&[7; 16]));
    let signer = Signer::blinded(Blinding::Blind15, &account, &key).unwrap();
    let mut state = State::default();
    state.join(room.clone());
    // The first poll of a room, with as many posts as a server gives at once.
    let (_, poll) = state.poll(false);
    let requests = [
        request::capabilities(&[]),
        request::poll_info(&room, 0),
        request::posts(&room, Posts::Recent, Some(request::LIMIT_MAX), None),
    ];
    let answer = world.ask(&signer, batch::batch(&requests));
    let posts = world.ask(&signer, requests.into_iter().next_back().unwrap());
    let posts: Vec<_> = reply::messages(&posts)
        .unwrap()
        .into_iter()
        .map(|change| match change {
            Change::Posted { message, .. } => message,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(posts.len(), 256);

    suite
        .operation(GROUP, "read a poll of 256 posts")
        .floor("256 verifications", &mut || {
            for post in &posts {
                verify(&post.author, &post.data, &post.signature.unwrap()).unwrap();
            }
        })
        .run(|| state.clone().report(poll.clone(), &answer).unwrap());
    let mut nonce: u128 = 0;
    suite.operation(GROUP, "sign a request").run(|| {
        nonce += 1;
        auth::sign(request::rooms(), &signer, &nonce.to_le_bytes(), NOW)
    });
}
