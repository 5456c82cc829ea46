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
use session_community::{Endpoint, Refusal, Signer, auth, reply, request};
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
        self.anonymous(auth::sign(request, signer, &nonce, self.now))
    }

    pub fn anonymous(&mut self, request: Request) -> Response {
        let reply = server::handle(&self.config, &request, self.now, &mut self.store).unwrap();
        check_meaning(&request, &reply);
        reply
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

/// Whether the status of a reply means what its text says.
fn check_meaning(request: &Request, reply: &Response) {
    let Some(endpoint) = Endpoint::of(request) else {
        return;
    };
    let Some(refusal) = endpoint.refusal(reply.status) else {
        return;
    };
    let text = std::str::from_utf8(&reply.body).unwrap();
    let says = |part: &str| text.contains(part);
    let fits = match refusal {
        Refusal::Undocumented { .. } => false,
        Refusal::NoPost => !says("No such user") && !says("No such file"),
        Refusal::NoFile => !says("No such user") && !says("No such post"),
        Refusal::NoUser => !says("No such file") && !says("No such post"),
        Refusal::NotModerator => !says("admin") && !says("'read'"),
        Refusal::NotAdmin => !says("moderator") && !says("'read'"),
        Refusal::CannotRead | Refusal::CannotWrite | Refusal::CannotUpload | Refusal::NotAuthor => {
            !says("moderator") && !says("admin")
        }
        Refusal::Banned => says("Banned"),
        Refusal::NotAuthenticated => !says("blinded"),
        Refusal::RateLimited => says("Rate limited"),
        Refusal::ClockOrNonce => says("Timestamp") || says("Nonce"),
        Refusal::BadHeaders => says("X-SOGS") || says("blinded ids"),
        _ => true,
    };
    assert!(fits, "{endpoint:?}: {refusal:?}, {} {text}", reply.status);
}

pub fn blinded(account: &Account) -> Signer<'_> {
    Signer::blinded(Blinding::Blind15, account, &key()).unwrap()
}

pub fn ok(body: &str) -> Response {
    Response::new(200, "application/json", body)
}
