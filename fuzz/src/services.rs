//! Files, push and communities: requests that a server reads, replies that a client reads.

use session_community::auth::{Accepted, Claim};
use session_community::poll::State;
use session_community::reply::Capabilities;
use session_community::request::batch;
use session_community::server::{self as community, Memory, Room, Store as _};
use session_community::{IdChoice, Signer, auth, reply};
use session_crypto::{Blinding, Ed25519Public, Ed25519Secret, SymmetricKey, xchacha};
use session_services::file::client::{Download, FileInfo, Uploaded};
use session_services::file::quic::{self, Block, Head, Stored};
use session_services::file::release::Release;
use session_services::file::server::{self as files, Config, Meta, Store};
use session_services::file::token::TokenInfo;
use session_services::file::{FileId, FileUrl};
use session_services::http::{Method, Request, Response, parse_date};
use session_services::network_info::NetworkInfo;
use session_services::pro::client::Granted;
use session_services::pro::server as pro;
use session_services::pro::{AccountStatus, PaymentPage, Plan, Revocations, Revoked, UserStatus};
use session_services::push::payload::Notification;
use session_services::push::server::{self as push, Subscription};
use session_services::push::{Device, client};
use session_services::version;
use session_types::{AnyId, UnixMillis};

use crate::input::{Input, account, rng, server};

const NOW: UnixMillis = UnixMillis::new(1_795_799_824_000);

/// A URL that is read is written and read again.
pub fn file_url(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    if let Ok(url) = text.parse::<FileUrl>() {
        assert_eq!(url.to_string().parse::<FileUrl>().unwrap().id, url.id);
    }
    if let Some(time) = parse_date(text) {
        assert_eq!(session_services::http::date(time), text);
    }
}

/// Replies of the file server, the push server, the network information server and the Session Pro backend.
pub fn services_reply(data: &[u8]) {
    let mut input = Input::new(data);
    let status = if input.flag() { 200 } else { u16::from(input.byte()) + 200 };
    let reply = Response::new(status, "application/json", input.rest());
    let _ = Uploaded::from_reply(&reply);
    let _ = FileInfo::from_reply(&reply);
    let _ = Release::from_reply(&reply).map(|release| {
        assert_eq!(Release::from_reply(&release.reply()), Ok(release));
    });
    let _ = TokenInfo::from_reply(&reply);
    let _ = NetworkInfo::from_reply(&reply);
    let _ = client::outcomes(&reply, 1);
    pro_reply(&reply);
    let _ = Download::from_reply(reply);
}

/// No files, and room for none.
struct Nothing;

impl Store for Nothing {
    type Error = core::convert::Infallible;

    fn meta(&self, _: &FileId) -> Result<Option<Meta>, Self::Error> {
        Ok(None)
    }

    fn content(&self, _: &FileId) -> Result<Option<Vec<u8>>, Self::Error> {
        Ok(None)
    }

    fn insert(&mut self, _: &FileId, _: Vec<u8>, _: Meta) -> Result<(), Self::Error> {
        Ok(())
    }

    fn update(&mut self, _: &FileId, _: Meta) -> Result<(), Self::Error> {
        Ok(())
    }
}

impl push::Store for Nothing {
    type Error = core::convert::Infallible;

    fn subscribe(&mut self, _: Subscription) -> Result<bool, Self::Error> {
        Ok(true)
    }

    fn unsubscribe(&mut self, _: &AnyId, _: &Device) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

/// A method, a path up to a line break, and a body.
fn request(data: &[u8]) -> Option<Request> {
    let mut input = Input::new(data);
    let methods = [Method::Get, Method::Post, Method::Put, Method::Delete];
    let method = methods[usize::from(input.byte()) % methods.len()];
    let rest = input.rest();
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let path = core::str::from_utf8(&rest[..end]).ok()?;
    let mut request = Request::new(method, path);
    request.body = rest.get(end + 1..).unwrap_or_default().to_vec();
    Some(request.with_header("Content-Type", "application/json"))
}

/// Requests to the file server, the push server and the Session Pro backend.
pub fn services_request(data: &[u8]) {
    let Some(request) = request(data) else {
        return;
    };
    let claimed = request.clone().with_header("X-FS-Pubkey", request.path.clone());
    let claimed = claimed.with_header("X-FS-Timestamp", "1795799824");
    let _ = version::check(&claimed.with_header("X-FS-Signature", "00".repeat(64)), NOW);
    let _ = push::handle(&["dummy"], &request, NOW, &mut Nothing);
    let backend = Ed25519Secret::from_seed(&[2; 32]);
    let reply = pro::handle(&backend, &request, NOW, &mut Nothing).unwrap();
    assert_eq!(reply.status, 200);
    let _ = files::handle(&Config::default(), request, NOW, &mut rng(), &mut Nothing);
}

/// The file server over QUIC: the blocks at the beginning of a stream, replies, and commands. What is read is written
/// and read again, and a block that is complete is the same whatever follows it.
pub fn file_blocks(data: &[u8]) {
    if let Ok(Some((block, taken))) = Block::read(data, quic::MAX_SIZE) {
        let again = block.encode();
        assert_eq!(Block::read(&again, quic::MAX_SIZE), Ok(Some((block.clone(), again.len()))));
        assert_eq!(Block::read(&data[..taken], quic::MAX_SIZE), Ok(Some((block, taken))));
        assert_eq!(Block::read(&data[..taken - 1], quic::MAX_SIZE), Ok(None));
    }
    if let Ok(Some((head, taken))) = Head::read(data) {
        assert!(taken <= quic::MAX_BLOCK + 5);
        let again = head.encode();
        assert_eq!(Head::read(&again), Ok(Some((head, again.len()))));
    }
    if let Some(stored) = Stored::parse(data) {
        assert_eq!(Stored::parse(&stored.encode()), Some(stored));
    }
    for endpoint in [quic::INFO, quic::EXTEND] {
        let Ok(answer) = quic::command(&Config::default(), endpoint, data, NOW, &mut Nothing);
        // There is no file.
        assert!(matches!(answer, Some(Err(_))));
    }
}

/// Replies of the Session Pro backend.
fn pro_reply(reply: &Response) {
    let key = Ed25519Secret::from_seed(&[1; 32]).public();
    let _ = Granted::from_reply(reply, &key, &key);
    let _ = AccountStatus::from_reply(reply);
    let _ = PaymentPage::from_reply(reply);
    if let Ok(revocations) = Revocations::from_reply(reply) {
        let mut known = Revoked::default();
        known.report(&revocations, NOW);
        for item in &revocations.items {
            // Of two entries with one tag the last counts.
            let _ = known.is_revoked(&item.tag, item.effective);
        }
    }
    if let Ok(text) = core::str::from_utf8(&reply.body)
        && let Ok(plan) = text.parse::<Plan>()
    {
        assert_eq!(plan.to_string(), text);
    }
}

impl pro::Store for Nothing {
    type Error = core::convert::Infallible;

    fn status(&self, _: &Ed25519Public, _: UnixMillis) -> Result<AccountStatus, Self::Error> {
        Ok(AccountStatus {
            user: UserStatus::Active,
            is_renewing: false,
            expires: NOW,
            grace: core::time::Duration::ZERO,
            latest: None,
        })
    }

    fn tag(&mut self, _: &Ed25519Public) -> Result<[u8; 32], Self::Error> {
        Ok([7; 32])
    }

    fn payments(&self, _: &Ed25519Public, _: u32, _: &str) -> Result<Option<PaymentPage>, Self::Error> {
        Ok(None)
    }

    fn revocations(&self) -> Result<Revocations, Self::Error> {
        let span = core::time::Duration::from_secs(60);
        Ok(Revocations { ticket: 1, retry_in: span, retain_for: span, items: Vec::new() })
    }
}

/// The content of a push payload, behind its encryption.
pub fn payload_inside(data: &[u8]) {
    let key = SymmetricKey::from_bytes([7; 32]);
    let Ok(sealed) = xchacha::encrypt(&mut rng(), &key, data) else {
        return;
    };
    if let Ok(read) = Notification::open(&key, &sealed) {
        let sealed = read.seal(&mut rng(), &key).unwrap();
        let again = Notification::open(&key, &sealed).unwrap();
        assert_eq!((again.id, again.hash), (read.id, read.hash));
    }
}

/// Replies of a community server, in every reader.
pub fn community_reply(data: &[u8]) {
    let reply = Response::new(200, "application/json", data);
    read_community(&reply);
    for inner in reply::batch(&reply, 3).unwrap_or_default() {
        read_community(&inner);
    }
    let refusal = Response::new(400, "text/plain", data);
    if let Ok(capabilities) = Capabilities::from_reply(&reply) {
        let choice = IdChoice::first(&capabilities, true);
        let _ = choice.after(&refusal, &capabilities);
    }
    let mut state = State::default();
    state.join("room".parse().unwrap());
    let (_, poll) = state.poll(true);
    let _ = state.report(poll, &reply);
    let (_, poll) = state.poll(true);
    let _ = state.report(poll, &reply);
    let _ = reply::file(reply);
}

fn read_community(reply: &Response) {
    let _ = Capabilities::from_reply(reply);
    let _ = reply::room(reply);
    let _ = reply::rooms(reply);
    let _ = reply::poll_info(reply);
    let _ = reply::message(reply);
    let _ = reply::posted(reply);
    let _ = reply::messages(reply);
    let _ = reply::inbox(reply);
    let _ = reply::inbox_sent(reply);
    let _ = reply::inbox_deleted(reply);
    let _ = reply::reactors(reply);
    let _ = reply::reacted(reply);
    let _ = reply::uploaded(reply);
    let _ = reply::info_updates(reply);
    let _ = reply::room_updates(reply);
    let _ = reply::permissions(reply);
    let _ = reply::all_permissions(reply);
    let _ = reply::scheduled(reply);
    let _ = reply::unpinned(reply);
    let _ = reply::reactions_removed(reply);
    let _ = reply::deleted_everywhere(reply);
}

/// Requests to a community server, signed by an admin, alone and inside of a batch; and headers as
/// they are.
pub fn community_request(data: &[u8]) {
    let Some(request) = request(data) else {
        return;
    };
    let own = account(1);
    let signer = Signer::blinded(Blinding::Blind15, &own, &server()).unwrap();
    let (config, mut store) = (community::Config::new(server()), Memory::new());
    let mut room = Room::new("room", "Room", NOW);
    store.put_room(&room).unwrap();
    community::users::make_admin(&mut room, &signer.public_id(), &mut store).unwrap();
    let both = batch::batch(std::slice::from_ref(&request));
    for (nonce, request) in [request, both].into_iter().enumerate() {
        let claimed = request.clone().with_header(auth::PUBKEY, request.path.clone());
        let claimed = claimed.with_header(auth::NONCE, "AAAAAAAAAAAAAAAAAAAAAA");
        let claimed = claimed.with_header(auth::TIMESTAMP, "1795799824");
        let claimed = claimed.with_header(auth::SIGNATURE, "00".repeat(64));
        let _ = Claim::read(&claimed, Accepted::Any25, NOW);
        let request = auth::sign(request, &signer, &[nonce as u8; 16], NOW);
        let response = community::handle(&config, &request, NOW, &mut store).unwrap();
        assert_ne!(response.status, 425);
    }
}
