//! Reading a poll answer beside the verifications that it cannot avoid.
//!
//! ```text
//! cargo test --release -p session-community --test speed -- --ignored --nocapture
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    missing_docs
)]

use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_community::http::{Request, Response};
use session_community::post::{NewPost, verify};
use session_community::reply::{self, Change};
use session_community::request::{self, Posts};
use session_community::server::{self, Config, Memory, Room, Store};
use session_community::{Signer, auth};
use session_crypto::{Blinding, X25519Secret};
use session_identity::{Account, Seed};
use session_types::UnixMillis;

const NOW: UnixMillis = UnixMillis::new(1_795_799_770_000);
const POSTS: u8 = 255;
const ROUNDS: usize = 21;

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    *all.get(all.len() / 2).unwrap()
}

#[test]
#[ignore = "a measurement"]
fn a_poll_answer_costs_little_more_than_its_verifications() {
    let rng = &mut ChaCha20Rng::seed_from_u64(1);
    let key = X25519Secret::from_bytes([3; 32]).public();
    let mut config = Config::new(key);
    config.rate_posts = usize::MAX;
    let mut store = Memory::new();
    store.put_room(&Room::new("lounge", "Lounge", NOW)).unwrap();
    let room = "lounge".parse().unwrap();
    let mut number = 0_u64;
    let mut ask = |signer: &Signer<'_>, request: Request| -> Response {
        number = number.wrapping_add(1);
        let mut nonce = [0; 16];
        nonce
            .iter_mut()
            .zip(number.to_le_bytes())
            .for_each(|(to, from)| *to = from);
        let request = auth::sign(request, signer, &nonce, NOW);
        server::handle(&config, &request, NOW, &mut store).unwrap()
    };
    // Each post by another author, as in a busy room.
    for author in 0..=POSTS {
        let account = Account::from_seed(&Seed::from_short(&[author; 16]));
        let signer = Signer::blinded(Blinding::Blind15, &account, &key).unwrap();
        let post = NewPost::new(vec![author; 320], &signer, rng);
        assert_eq!(ask(&signer, request::send(&room, &post)).status, 201);
    }
    let account = Account::from_seed(&Seed::from_short(&[7; 16]));
    let signer = Signer::blinded(Blinding::Blind15, &account, &key).unwrap();
    let answer = ask(
        &signer,
        request::posts(&room, Posts::Recent, Some(256), None),
    );
    let posts: Vec<_> = reply::messages(&answer)
        .unwrap()
        .into_iter()
        .map(|change| match change {
            Change::Posted { message, .. } => message,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(posts.len(), 256);
    let (mut reading, mut verifying) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        assert_eq!(reply::messages(&answer).unwrap().len(), 256);
        reading.push(start.elapsed());
        let start = Instant::now();
        for post in &posts {
            verify(&post.author, &post.data, &post.signature.unwrap()).unwrap();
        }
        verifying.push(start.elapsed());
    }
    let (reading, verifying) = (median(reading), median(verifying));
    let ratio = reading.as_secs_f64() / verifying.as_secs_f64();
    println!("256 posts: read {reading:?}, verifications alone {verifying:?}, ratio {ratio:.3}");
    assert!(ratio <= 1.1, "{ratio}");
}
