//! A server with two rooms in memory, and accounts that ask it.
#![allow(
    unreachable_pub,
    missing_docs,
    dead_code,
    clippy::unwrap_used,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core
)]

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use session_community::http::{Request, Response};
use session_community::post::NewPost;
use session_community::server::{self, Config, Memory, Room, Store, users};
use session_community::{Signer, auth, reply, request};
use session_crypto::{Blinding, Ed25519Secret, X25519Public};
use session_identity::community::Room as Token;
use session_identity::{Account, Seed};
use session_types::UnixMillis;

pub const NOW: UnixMillis = UnixMillis::new(1_795_799_770_000);

pub fn key() -> X25519Public {
    Ed25519Secret::from_seed(&[8; 32]).to_x25519().public()
}

pub fn account(number: u8) -> Account {
    Account::from_seed(&Seed::from_full(&[number; 32]))
}

pub fn token() -> Token {
    "lounge".parse().unwrap()
}

pub struct World {
    pub config: Config,
    pub store: Memory,
    pub now: UnixMillis,
    pub rng: ChaCha20Rng,
}

impl World {
    pub fn new() -> Self {
        let mut store = Memory::new();
        for name in ["lounge", "quiet"] {
            store.put_room(&Room::new(name, name, NOW)).unwrap();
        }
        Self {
            config: Config::new(key()),
            store,
            now: NOW,
            rng: ChaCha20Rng::seed_from_u64(1),
        }
    }

    pub fn ask(&mut self, signer: &Signer<'_>, request: Request) -> Response {
        let mut nonce = [0; 16];
        self.rng.fill_bytes(&mut nonce);
        let request = auth::sign(request, signer, &nonce, self.now);
        server::handle(&self.config, &request, self.now, &mut self.store).unwrap()
    }

    pub fn anonymous(&mut self, request: Request) -> Response {
        server::handle(&self.config, &request, self.now, &mut self.store).unwrap()
    }

    pub fn post(&mut self, signer: &Signer<'_>, data: &[u8]) -> u64 {
        let post = NewPost::new(data.to_vec(), signer, &mut self.rng);
        let reply = self.ask(signer, request::send(&token(), &post));
        reply::posted(&reply).unwrap().id
    }

    pub fn make_admin(&mut self, signer: &Signer<'_>) {
        let mut room = self.store.room("lounge").unwrap().unwrap();
        users::make_admin(&mut room, &signer.public_id(), &mut self.store).unwrap();
    }
}

pub fn blinded(account: &Account) -> Signer<'_> {
    Signer::blinded(Blinding::Blind15, account, &key()).unwrap()
}

pub fn ok(body: &str) -> Response {
    Response::new(200, "application/json", body)
}
