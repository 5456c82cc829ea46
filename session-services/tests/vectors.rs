//! The vectors of `tests/vectors/file_server_live.json`: traffic recorded from a running file server.
//!
//! The client builds each request and reads each reply; our server, fed the requests in order with
//! the recorded clock, answers with the same code and body, times apart.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    missing_docs
)]

use std::collections::BTreeMap;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value;
use session_identity::version::{Platform, VersionKey};
use session_identity::{Account, Seed};
use session_onion::payload::v4;
use session_services::file::client::{self, Download, FileInfo, Uploaded};
use session_services::file::release::{self, Channel, Release};
use session_services::file::server::{self, Config, Generation};
use session_services::file::{FileId, IdHasher};
use session_services::http::{Method, Request, Response};
use session_services::{ReplyError, version};
use session_types::{UnixMillis, base64};
use testkit::{Case, Vectors};

#[path = "support/memory.rs"]
mod memory;
use memory::Memory;

/// The file as a whole, for what stands beside the cases.
fn content() -> Value {
    let folder = std::env::var_os("SESSION_VECTORS").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors"),
        std::path::PathBuf::from,
    );
    let text = std::fs::read_to_string(folder.join("file_server_live.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn recorded(case: Case<'_>) -> Request {
    let given = case.object("request");
    let mut request = Request::new(
        given.text("method").parse().unwrap(),
        given.text("endpoint"),
    );
    for (name, value) in given.value("headers").as_object().unwrap() {
        request = request.with_header(name, value.as_str().unwrap());
    }
    if let Some(body) = given.opt_text("body_b64") {
        request.body = base64::decode(body).unwrap();
    }
    request
}

fn reply(case: Case<'_>) -> Response {
    let plain = base64::decode(case.text("reply_plain_b64")).unwrap();
    if case.number("version") == 3 {
        // Version 3 carries no code besides the body.
        let json: Option<Value> = serde_json::from_slice(&plain).ok();
        let status = json.as_ref().and_then(|json| json["status_code"].as_u64());
        let kind = match json {
            Some(_) => "application/json",
            None => "application/octet-stream",
        };
        return Response::new(status.unwrap_or(200).try_into().unwrap(), kind, plain);
    }
    let received = v4::ReceivedResponse::parse(plain).unwrap();
    let mut response = Response::new(received.code, "", received.body.unwrap());
    response.headers = received
        .headers
        .iter()
        .map(|header| (header.name.clone(), header.value.clone()))
        .collect();
    response
}

fn sorted(request: &Request) -> BTreeMap<String, String> {
    request.headers.iter().cloned().collect()
}

/// Times are of the recording: only that they are numbers is compared.
fn without_times(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                *value = match key.as_str() {
                    "updated" | "uploaded" | "expires" => Value::from(value.is_number()),
                    _ => without_times(value.take()),
                };
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| *item = without_times(item.take())),
        _ => {}
    }
    value
}

fn assert_same(ours: &Response, theirs: &Response) {
    assert_eq!(ours.status, theirs.status);
    if let Some(kind) = theirs.header("content-type") {
        assert_eq!(ours.header("content-type"), Some(kind));
    }
    match serde_json::from_slice::<Value>(&theirs.body) {
        Ok(json) => {
            let ours: Value = serde_json::from_slice(&ours.body).unwrap();
            assert_eq!(without_times(ours), without_times(json));
        }
        Err(_) => assert_eq!(ours.body, theirs.body),
    }
}

fn platform(name: &str) -> Option<Platform> {
    let all = [Platform::Desktop, Platform::Android, Platform::Ios];
    all.into_iter()
        .find(|platform| platform.path().ends_with(&format!("={name}")))
}

/// Builds the request with the client's functions, where a client would make it.
fn built(request: &Request, status: u16, key: &VersionKey) -> Option<Request> {
    let parts: Vec<&str> = request.path.split('/').collect();
    let id = |text: &str| text.parse::<FileId>().ok();
    match (request.method, parts.as_slice()) {
        (Method::Post, ["", "file"]) => {
            let built = client::upload(request.body.clone(), None);
            assert_eq!(built.is_err(), request.body.is_empty());
            built.ok()
        }
        (Method::Get, ["", "file", text]) => Some(client::download(&id(text)?)),
        (Method::Get, ["", "file", text, "info"]) => Some(client::info(&id(text)?)),
        (Method::Get, ["", query]) => {
            let platform = platform(query.strip_prefix("session_version?platform=")?)?;
            let plain = release::request(platform, Channel::Stable);
            match request.header("x-fs-timestamp") {
                None => Some(plain),
                // Refused for another reason than its time, it was not made like this.
                Some(_) if !matches!(status, 200 | 425) => None,
                Some(at) => {
                    let at = UnixMillis::from_secs(at.parse().unwrap());
                    Some(version::sign(plain, key, at))
                }
            }
        }
        _ => None,
    }
}

/// Reads the reply with the client's functions.
fn read(request: &Request, reply: &Response) -> Option<Result<(), ReplyError>> {
    let path = request.path.as_str();
    Some(match request.method {
        Method::Post if path == "/file" => Uploaded::from_reply(reply).map(|uploaded| {
            let mut hasher = IdHasher::http();
            hasher.update(&request.body);
            assert_eq!(uploaded.id, hasher.finalize());
        }),
        Method::Get if path.ends_with("/info") => FileInfo::from_reply(reply).map(|info| {
            assert!(info.size > 0 && info.expires > info.uploaded);
        }),
        Method::Get if path.starts_with("/file/") => Download::from_reply(reply.clone())
            .map(|download| assert_eq!(download.content, reply.body)),
        Method::Get if path.starts_with("/session_version") => {
            Release::from_reply(reply).map(|release| {
                assert_same(&release.reply(), reply);
            })
        }
        _ => return None,
    })
}

#[test]
fn file_server_live() {
    let (file, content) = (Vectors::load("file_server_live"), content());
    let cases = content["cases"].as_array().unwrap();

    // The recorded clock: the newest signed request. The server's releases: its first answer.
    let mut config = Config {
        generation: Generation::V2024,
        ..Config::default()
    };
    let mut now = UnixMillis::EPOCH;
    for case in cases.iter().map(Case) {
        let request = recorded(case);
        if let Some(seconds) = request.header("x-fs-timestamp") {
            now = now.max(UnixMillis::from_secs(seconds.parse().unwrap()));
        }
        let name = request.path.split_once("session_version?platform=");
        if let (Some((_, name)), Ok(release)) = (name, Release::from_reply(&reply(case))) {
            let known = (name.to_owned(), Channel::Stable, release);
            config.releases.push(known);
        }
        if let Ok(info) = FileInfo::from_reply(&reply(case)) {
            config.ttl = info.expires.since(info.uploaded);
        }
    }
    assert!(now > UnixMillis::EPOCH && !config.releases.is_empty());

    let seed = Case(&content).array("version_check_seed");
    let key = Account::from_seed(&Seed::from_full(&seed)).version_key();
    let (mut store, mut rng) = (Memory::default(), ChaCha20Rng::seed_from_u64(1));
    let (mut builds, mut reads) = (0, 0);
    file.each("cases", |case| {
        let (request, theirs) = (recorded(case), reply(case));
        if let Some(built) = built(&request, theirs.status, &key) {
            assert_eq!((built.method, &built.path), (request.method, &request.path));
            assert_eq!(built.body, request.body);
            assert_eq!(sorted(&built), sorted(&request));
            builds += 1;
        }
        if let Some(read) = read(&request, &theirs) {
            assert_eq!(read.is_ok(), theirs.is_success(), "{read:?}");
            reads += 1;
        }
        let ours = server::handle(&config, request, now, &mut rng, &mut store).unwrap();
        assert_same(&ours, &theirs);
    });
    assert!(builds >= 8 && reads >= 8, "{builds} built, {reads} read");
}
