//! What the file server refuses, and what the client refuses of its replies.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    missing_docs
)]

use core::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_identity::{Account, Seed};
use session_services::file::client::{self, Download, FileInfo, Uploaded};
use session_services::file::release::{self, Channel, Release};
use session_services::file::server::{Config, Meta, Store, handle};
use session_services::file::token::{self, Day, TokenInfo};
use session_services::file::{FileId, IdRule, MAX_TTL};
use session_services::http::{LengthError, Method, Request, Response};
use session_services::network_info::{self, Network, NetworkInfo, Price, Token};
use session_services::{ReplyError, version};
use session_types::UnixMillis;

#[path = "support/memory.rs"]
mod memory;
use memory::Memory;

const NOW: UnixMillis = UnixMillis::new(1_795_799_824_000);
const DAY: Duration = Duration::from_secs(86_400);

fn at(config: &Config, request: Request, now: UnixMillis, store: &mut Memory) -> Response {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    handle(config, request, now, &mut rng, store).unwrap()
}

fn ask(request: Request, store: &mut Memory) -> Response {
    at(&Config::default(), request, NOW, store)
}

fn uploaded(store: &mut Memory, ttl: Option<Duration>) -> Uploaded {
    let request = client::upload(b"content".to_vec(), ttl).unwrap();
    Uploaded::from_reply(&ask(request, store)).unwrap()
}

#[test]
fn a_file_lives_as_long_as_it_was_asked_for_and_can_be_extended() {
    let mut store = Memory::default();
    let file = uploaded(&mut store, Some(DAY));
    assert_eq!(file.expires, Some(NOW.saturating_add(DAY)));
    let reply = ask(client::download(&file.id), &mut store);
    let download = Download::from_reply(reply).unwrap();
    assert_eq!(
        (download.content.as_slice(), download.expires),
        (&b"content"[..], file.expires)
    );

    // An extension never shortens.
    let extend = |ttl, store: &mut Memory| {
        FileInfo::from_reply(&ask(client::extend(&file.id, Some(ttl)), store)).unwrap()
    };
    assert_eq!(
        extend(Duration::from_secs(1), &mut store).expires,
        NOW.saturating_add(DAY)
    );
    let info = extend(2 * DAY, &mut store);
    assert_eq!(info.expires, NOW.saturating_add(2 * DAY));
    assert_eq!(
        FileInfo::from_reply(&ask(client::info(&file.id), &mut store)),
        Ok(info)
    );

    // At its expiry it is gone.
    let config = Config::default();
    let reply = at(
        &config,
        client::download(&file.id),
        info.expires,
        &mut store,
    );
    assert_eq!(Download::from_reply(reply), Err(ReplyError::NotFound));
    let reply = at(
        &config,
        client::extend(&file.id, None),
        info.expires,
        &mut store,
    );
    assert_eq!(FileInfo::from_reply(&reply), Err(ReplyError::NotFound));
}

#[test]
fn uploading_again_renews_by_the_rule_of_the_server() {
    for (ids, renewed) in [(IdRule::Http, true), (IdRule::Quic, false)] {
        let config = Config {
            ids,
            ..Config::default()
        };
        let mut store = Memory::default();
        let later = NOW.saturating_add(DAY);
        for now in [NOW, later] {
            let request = client::upload(b"content".to_vec(), None).unwrap();
            assert_eq!(at(&config, request, now, &mut store).status, 200);
        }
        let (_, meta) = store.0.values().next().unwrap();
        assert_eq!(meta.uploaded == later, renewed);
        assert_eq!(meta.expires, later.saturating_add(MAX_TTL));
    }
}

#[test]
fn times_to_live_that_are_no_number_or_too_long_are_refused() {
    let mut store = Memory::default();
    let id = uploaded(&mut store, None).id;
    for bad in ["-1", "1.5", "x", "", "1209601", "99999999999999999999"] {
        let request = client::upload(b"x".to_vec(), None).unwrap();
        let reply = ask(request.with_header("x-fs-ttl", bad), &mut store);
        assert_eq!(
            Uploaded::from_reply(&reply),
            Err(ReplyError::BadRequest),
            "{bad}"
        );
        let request = client::extend(&id, None).with_header("X-FS-TTL", bad);
        assert_eq!(ask(request, &mut store).status, 400, "{bad}");
    }
    // A server without a maximum ignores the header.
    let config = Config {
        max_ttl: None,
        ..Config::default()
    };
    let request = client::upload(b"x".to_vec(), None)
        .unwrap()
        .with_header("X-FS-TTL", "x");
    assert_eq!(at(&config, request, NOW, &mut store).status, 200);
}

#[test]
fn the_limit_of_the_size_is_exact() {
    assert!(client::upload(vec![1; 10_000_000], None).is_ok());
    assert!(client::upload(vec![1; 10_000_001], None).is_err());
    assert!(client::upload(Vec::new(), None).is_err());
    let config = Config {
        max_size: 3,
        ..Config::default()
    };
    let post = |size| Request::new(Method::Post, "/file").with_body("a/b", vec![1; size]);
    for (size, status) in [(0, 413), (3, 200), (4, 413)] {
        assert_eq!(
            at(&config, post(size), NOW, &mut Memory::default()).status,
            status
        );
    }
}

#[test]
fn numeric_ids_are_drawn_and_cannot_be_extended() {
    let config = Config {
        ids: IdRule::Number,
        ..Config::default()
    };
    let mut store = Memory::default();
    let request = client::upload(b"x".to_vec(), None).unwrap();
    let id = Uploaded::from_reply(&at(&config, request, NOW, &mut store))
        .unwrap()
        .id;
    assert!(id.as_str().parse::<u64>().unwrap() < 1 << 53);
    assert_eq!(ask(client::extend(&id, None), &mut store).status, 404);
    assert_eq!(ask(client::download(&id), &mut store).body, b"x");

    /// A store that has every file.
    struct Full;
    impl Store for Full {
        type Error = core::convert::Infallible;
        fn meta(&self, _: &FileId) -> Result<Option<Meta>, Self::Error> {
            let (uploaded, expires) = (NOW, UnixMillis::MAX);
            Ok(Some(Meta {
                size: 1,
                uploaded,
                expires,
            }))
        }
        fn content(&self, _: &FileId) -> Result<Option<Vec<u8>>, Self::Error> {
            Ok(None)
        }
        fn insert(&mut self, _: &FileId, _: Vec<u8>, _: Meta) -> Result<(), Self::Error> {
            panic!("there is no free id")
        }
        fn update(&mut self, _: &FileId, _: Meta) -> Result<(), Self::Error> {
            Ok(())
        }
    }
    let request = client::upload(b"x".to_vec(), None).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let reply = handle(&config, request, NOW, &mut rng, &mut Full).unwrap();
    assert_eq!(reply.status, 507);
}

#[test]
fn unknown_paths_and_ids_that_are_paths_are_not_found() {
    let mut store = Memory::default();
    uploaded(&mut store, None);
    for path in [
        "/",
        "/x",
        "/file/",
        "/file/../x",
        "/file/..%2fx",
        "/file/1/2",
        "/files/zz",
    ] {
        assert_eq!(ask(Request::get(path), &mut store).status, 404, "{path}");
    }
    assert_eq!(ask(Request::get("file/1"), &mut store).status, 400);
    for path in ["/file", "/files"] {
        assert_eq!(ask(Request::get(path), &mut store).status, 405, "{path}");
    }
    for body in ["", "{}", "[]", r#"{"file":1}"#, r#"{"file":"*"}"#] {
        let request = Request::new(Method::Post, "/files").with_body("a/b", body.into());
        assert_eq!(ask(request, &mut store).status, 400, "{body}");
    }
}

#[test]
fn replies_of_every_wrong_shape_are_refused() {
    for body in [
        "",
        "[[]]",
        "null",
        "[]",
        "1",
        "\"a\"",
        "{}",
        "{",
        r#"{"id":1}"#,
        r#"{"id":"../1"}"#,
        r#"{"id":null}"#,
        r#"{"id":"1","expires":"x"}"#,
        r#"{"id":"1","expires":-1}"#,
        r#"{"id":"1","expires":1e300}"#,
        r#"{"size":-1,"uploaded":1,"expires":1}"#,
        r#"{"result":1,"updated":1}"#,
        r#"{"result":"1","updated":1,"prerelease":{"result":"1","updated":1,"prerelease":{"result":"1","updated":1}}}"#,
    ] {
        let reply = Response::new(200, "application/json", body);
        assert!(Uploaded::from_reply(&reply).is_err(), "{body}");
        assert!(FileInfo::from_reply(&reply).is_err(), "{body}");
        assert!(Release::from_reply(&reply).is_err(), "{body}");
        assert!(TokenInfo::from_reply(&reply).is_err(), "{body}");
        assert!(NetworkInfo::from_reply(&reply).is_err(), "{body}");
    }
    let deep = "[".repeat(100_000);
    let reply = Response::new(200, "application/json", deep);
    assert_eq!(Uploaded::from_reply(&reply), Err(ReplyError::Json));
}

#[test]
fn redirects_large_announcements_and_other_statuses_are_errors() {
    let reply = |status| Response::new(status, "application/json", r#"{"id":"1"}"#);
    for (status, error) in [
        (302, ReplyError::Redirect { status: 302 }),
        (401, ReplyError::Signature),
        (425, ReplyError::Clock),
        (500, ReplyError::Status { status: 500 }),
        (507, ReplyError::Status { status: 507 }),
    ] {
        assert_eq!(Uploaded::from_reply(&reply(status)), Err(error));
        assert_eq!(Download::from_reply(reply(status)), Err(error));
    }
    let large = reply(200).with_header("Content-Length", "100000000");
    let (announced, limit) = (100_000_000, 10_000_000);
    let error = ReplyError::Length(LengthError::TooLong { announced, limit });
    assert_eq!(Download::from_reply(large), Err(error));
    let body = Response::new(200, "a/b", vec![0; 10_000_001]);
    assert!(matches!(
        Download::from_reply(body),
        Err(ReplyError::Length(_))
    ));
    let date = reply(200).with_header("expires", "tomorrow");
    assert_eq!(
        Download::from_reply(date),
        Err(ReplyError::Value { field: "expires" })
    );
}

#[test]
fn headers_of_authentication_are_checked_in_order() {
    let key = Account::from_seed(&Seed::from_full(&[7; 32])).version_key();
    let platform = session_identity::version::Platform::Ios;
    let signed = version::sign(release::request(platform, Channel::Alpha), &key, NOW);
    assert_eq!(version::check(&signed, NOW), Ok(Some(*key.id())));
    let set = |name: &str, value: &str| signed.clone().with_header(name, value);
    use version::AuthError as E;
    let twos = "07".to_owned() + &"02".repeat(32);
    for (request, error, status) in [
        (set("X-FS-Pubkey", "07"), E::Pubkey, 400),
        (
            set(
                "X-FS-Pubkey",
                &signed
                    .header("X-FS-Pubkey")
                    .unwrap()
                    .replacen("07", "15", 1),
            ),
            E::Prefix,
            400,
        ),
        (set("X-FS-Pubkey", &twos), E::Key, 400),
        (set("X-FS-Signature", "AAAA"), E::SignatureText, 400),
        (set("X-FS-Timestamp", "12a"), E::Timestamp, 400),
        (set("X-FS-Timestamp", "+12"), E::Timestamp, 400),
        (set("X-FS-Timestamp", ""), E::Timestamp, 400),
        (set("X-FS-Timestamp", "1795709823"), E::Clock, 425),
        (set("X-FS-Timestamp", "1795799823"), E::Signature, 401),
        (set("X-FS-Timestamp", "01795799824"), E::Signature, 401),
        (set("X-FS-Signature", &"00".repeat(64)), E::Signature, 401),
    ] {
        assert_eq!(version::check(&request, NOW), Err(error), "{request:?}");
        assert_eq!(ask(request, &mut Memory::default()).status, status);
    }
    let mut other = signed.clone();
    other.path = "/session_version?platform=desktop".to_owned();
    assert_eq!(version::check(&other, NOW), Err(E::Signature));
    let mut partial = signed;
    partial.headers.pop();
    assert_eq!(version::check(&partial, NOW), Err(E::Missing));
}

#[test]
fn platforms_channels_and_figures() {
    let release = |version: &str| Release {
        version: version.to_owned(),
        name: None,
        notes: None,
        updated: NOW,
        assets: Vec::new(),
        prerelease: None,
    };
    let info = TokenInfo {
        maximum_supply: "240000000".to_owned(),
        sent_per_node: "1.5".to_owned(),
        staking_reward_pool: "40000000.000000001".to_owned(),
        history: vec![
            Day {
                current_value: "0.1".to_owned(),
                circulating_supply: "80000000".to_owned(),
                total_nodes: 2000,
                updated: NOW,
            };
            12
        ],
    };
    let config = Config {
        releases: vec![
            ("ios".to_owned(), Channel::Stable, release("2.1")),
            ("ios".to_owned(), Channel::Alpha, release("2.2")),
        ],
        token: Some(info.clone()),
        ..Config::default()
    };
    let get = |path: &str| at(&config, Request::get(path), NOW, &mut Memory::default());
    let platform = session_identity::version::Platform::Ios;
    for (channel, version) in [(Channel::Stable, "2.1"), (Channel::Alpha, "2.2")] {
        let reply = get(&release::request(platform, channel).path);
        assert_eq!(Release::from_reply(&reply), Ok(release(version)));
    }
    assert_eq!(
        get(&release::request(platform, Channel::Prerelease).path).status,
        502
    );
    assert_eq!(get("/session_version?platform=desktop").status, 502);
    assert_eq!(get("/session_version?platform=vms").status, 404);
    assert_eq!(get("/session_version").status, 404);
    for (days, expected) in [(10, 10), (31, 7), (0, 7)] {
        let read = TokenInfo::from_reply(&get(&token::request(days).path)).unwrap();
        assert_eq!(read.history.len(), expected);
        assert_eq!(read.history[..5], info.history[..5]);
    }
}

#[test]
fn network_information_needs_a_signature() {
    let key = Account::from_seed(&Seed::from_full(&[7; 32])).version_key();
    let mut info = NetworkInfo {
        t: NOW.as_secs(),
        price: Price {
            usd: 0.05,
            usd_market_cap: 1e6,
            t_price: 1,
            t_stale: 2,
        },
        token: Token {
            staking_requirement: 25_000.0,
            staking_reward_pool: 4e7,
            contract_address: "0x".to_owned() + &"1a".repeat(20),
        },
        network: Network {
            network_size: 2000,
            network_staked_tokens: 5e7,
            network_staked_usd: 1.0,
        },
    };
    let request = network_info::request(&key, NOW);
    assert_eq!(
        NetworkInfo::from_reply(&info.answer(&request, NOW)),
        Ok(info.clone())
    );
    assert_eq!(info.answer(&Request::get("/info"), NOW).status, 400);
    assert_eq!(
        info.answer(&request, NOW.saturating_add(2 * DAY)).status,
        425
    );
    info.token.contract_address.push('0');
    let field = "contract_address";
    let read = NetworkInfo::from_reply(&info.answer(&request, NOW));
    assert_eq!(read, Err(ReplyError::Value { field }));
}
