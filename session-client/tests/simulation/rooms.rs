//! The server of a community, which may be down, slow or lie.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value;
use session_community::auth::{self, Accepted};
use session_community::post::NewPost;
use session_community::server::{self, Config, Member, Memory, Room, Store as _};
use session_community::{Signer, request};
use session_crypto::{Blinding, X25519Public, X25519Secret};
use session_identity::Account;
use session_identity::community::Community;
use session_message::Sealer;
use session_message::content::Content;
use session_onion::payload::v4;
use session_types::http::{Method, Request, Response};
use session_types::{AnyId, UnixMillis};

use crate::world::START;

/// What a server does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It gives no answer.
    Silent,
    /// It does nothing, and says so.
    Broken,
    /// Its answers are no JSON.
    NoJson,
    /// Its answers are JSON of other shapes.
    OtherShape,
    /// It gives everything again that it gave before.
    Repeats,
    /// It gives everything again that it gave before, as if it had changed.
    Renumbers,
    /// Its numbers of changes jump ahead.
    Jumps,
    /// It gives posts as those of somebody else.
    Forges,
    /// It gives these bytes, whatever is asked.
    Raw,
}

pub struct Rooms {
    config: Config,
    pub store: Memory,
    nonce: u64,
    pub fault: Option<Fault>,
    /// Requests that came.
    pub asked: u64,
    /// The answer of one that gives any bytes.
    pub raw: Vec<u8>,
    /// Whether it is to give them again.
    pub is_due: bool,
    /// Posts that were given.
    given: Vec<Value>,
}

impl Rooms {
    pub fn new(number: u8, rooms: &[&str]) -> (X25519Public, Self) {
        let key = X25519Secret::from_bytes([number; 32]).public();
        let mut store = Memory::new();
        for room in rooms {
            let Ok(()) = store.put_room(&Room::new(room, room, UnixMillis::new(START)));
        }
        let rooms = Self {
            config: Config::new(key),
            store,
            nonce: 0,
            fault: None,
            asked: 0,
            raw: Vec::new(),
            is_due: false,
            given: Vec::new(),
        };
        (key, rooms)
    }

    /// Takes 25-ids alone, as the newest servers.
    pub fn accept(&mut self, accepted: Accepted) {
        self.config.accepted = accepted;
    }

    /// The URL of a room of the server with this number.
    pub fn url(number: u8, room: &str) -> Community {
        let key = X25519Secret::from_bytes([number; 32]).public();
        let url = format!("https://c{number}.example/{room}?public_key={key}");
        url.parse().unwrap()
    }

    pub fn make_admin(&mut self, room: &str, user: &AnyId) {
        let member = Member {
            moderator: true,
            admin: true,
            ..Member::default()
        };
        let Ok(()) = self.store.put_member(room, user, &member);
    }

    /// Puts a post into a room, as a user of the server would.
    pub fn put(&mut self, room: &str, account: &Account, text: &str, now: u64) {
        let signer = Signer::blinded(Blinding::Blind15, account, &self.config.key).unwrap();
        let now = UnixMillis::new(now);
        let content = Content::text(text);
        let data = Sealer::new(account).seal_post(&content, now).unwrap();
        let post = NewPost::new(data, &signer, &mut ChaCha8Rng::seed_from_u64(1));
        let request = request::send(&room.parse().unwrap(), &post);
        self.nonce += 1;
        let mut nonce = [0; 16];
        let [.., last, _] = &mut nonce;
        *last = self.nonce as u8;
        nonce[0] = (self.nonce >> 8) as u8;
        let request = auth::sign(request, &signer, &nonce, now);
        let mut config = self.config.clone();
        config.rate_posts = usize::MAX;
        let Ok(answer) = server::handle(&config, &request, now, &mut self.store);
        assert_eq!(answer.status, 201);
    }

    /// The numbers and lengths of the posts of a room.
    pub fn posts(&self, room: &str) -> Vec<(u64, Vec<u8>)> {
        let Ok(posts) = self.store.posts_since(room, 0, 10_000);
        let posts = posts.into_iter();
        posts
            .filter_map(|post| Some((post.id, post.data?)))
            .collect()
    }

    pub fn answer(&mut self, body: Vec<u8>, now: UnixMillis) -> Option<(u16, Vec<u8>)> {
        self.asked += 1;
        let received = v4::Received::parse(body).unwrap();
        let method: Method = received.method.parse().unwrap();
        let mut request = Request::new(method, received.endpoint);
        let headers = received.headers.into_iter();
        request.headers = headers.map(|header| (header.name, header.value)).collect();
        request.body = received.body;
        match self.fault {
            Some(Fault::Silent) => return None,
            Some(Fault::Broken) => return Some((503, b"down".to_vec())),
            Some(Fault::NoJson) => return Some((200, b"[{\"code\":".to_vec())),
            Some(Fault::OtherShape) => {
                return Some((
                    200,
                    br#"[{"code":200,"headers":{},"body":[{"id":"x"}]},7]"#.to_vec(),
                ));
            }
            Some(Fault::Raw) => return Some((200, self.raw.clone())),
            _ => {}
        }
        let Ok(Response { status, body, .. }) =
            server::handle(&self.config, &request, now, &mut self.store);
        let body = self.meddle(body);
        Some((status, body))
    }

    /// The answer to a batch as a server gives it that lies.
    fn meddle(&mut self, body: Vec<u8>) -> Vec<u8> {
        let Ok(mut all) = serde_json::from_slice::<Value>(&body) else {
            return body;
        };
        for item in all.as_array_mut().into_iter().flatten() {
            let Some(posts) = item["body"].as_array_mut() else {
                continue;
            };
            if self.fault == Some(Fault::Renumbers) && self.is_due {
                let again = self.given.iter().cloned().map(|mut post| {
                    post["seqno"] = (post["seqno"].as_u64().unwrap() + (1 << 20)).into();
                    post
                });
                posts.extend(again);
                self.is_due = false;
                continue;
            }
            if self.fault == Some(Fault::Repeats) {
                posts.extend(self.given.iter().cloned());
                continue;
            }
            for post in posts {
                if post.get("seqno").is_none() {
                    continue;
                }
                self.given.push(post.clone());
                match self.fault {
                    Some(Fault::Forges) => {
                        post["session_id"] = format!("15{}", "3f".repeat(32)).into();
                    }
                    Some(Fault::Jumps) => {
                        post["seqno"] = (post["seqno"].as_u64().unwrap() + (1 << 40)).into();
                    }
                    _ => {}
                }
            }
        }
        serde_json::to_vec(&all).unwrap()
    }
}
