//! Communities, file server and push server: requests that a server reads, replies that a client
//! reads.

use session_community::reply;
use session_community::request::batch;
use session_community::server::{self as community, Memory};
use session_crypto::attachment::{self, FileKey, Key, Kind};
use session_services::file::Upload;
use session_services::file::client::{Download, FileInfo, Uploaded};
use session_services::file::release::Release;
use session_services::file::token::TokenInfo;
use session_services::http::{Method, Request, Response};
use session_services::network_info::NetworkInfo;
use session_services::push::{client, payload, server as push};
use session_types::AnyId;

use crate::{AT, KIB, Report, SYMMETRIC, as_is, bound, rng, xchacha};

/// A push server that keeps nothing.
struct Nothing;

impl push::Store for Nothing {
    type Error = core::convert::Infallible;

    fn subscribe(&mut self, _: push::Subscription) -> Result<bool, Self::Error> {
        Ok(true)
    }

    fn unsubscribe(
        &mut self,
        _: &AnyId,
        _: &session_services::push::Device,
    ) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

fn posted(path: &str, body: &[u8]) -> Request {
    let mut request = Request::new(Method::Post, path);
    request.body = body.to_vec();
    request.with_header("Content-Type", "application/json")
}

/// The input as an encrypted file.
fn sealed_file(input: Vec<u8>) -> Vec<u8> {
    let key = FileKey {
        key: Key::from_bytes([7; 32]),
        header: [9; 24],
    };
    attachment::encrypt(&key, &input).expect("it is short")
}

pub fn run(report: &mut Report) {
    // A value of JSON of two bytes takes 64, and what is made of it stands beside it.
    let json = 160;
    report.run(
        bound("replies of a community", json, 64 * KIB),
        as_is,
        |input| {
            let reply = Response::new(200, "application/json", input);
            let _ = reply::rooms(&reply);
            let _ = reply::poll_info(&reply);
            let _ = reply::messages(&reply);
            let _ = reply::inbox(&reply);
            let _ = reply::reactors(&reply);
            let _ = reply::reacted(&reply);
            let _ = reply::all_permissions(&reply);
            let _ = reply::scheduled(&reply);
            let _ = reply::deleted_everywhere(&reply);
            let _ = reply::batch(&reply, 3);
        },
    );
    report.run(
        bound("requests to a community", json, 64 * KIB),
        as_is,
        |input| {
            let server = crate::account(3).x25519_public();
            let (config, mut store) = (community::Config::new(server), Memory::new());
            for path in ["/batch", "/room/room/message", "/inbox/15"] {
                let request = posted(path, input);
                let _ = community::handle(&config, &request, AT, &mut store);
                let both = batch::batch(std::slice::from_ref(&request));
                let _ = community::handle(&config, &both, AT, &mut store);
            }
        },
    );
    report.run(
        bound(
            "replies of file, push and network information servers",
            json,
            64 * KIB,
        ),
        as_is,
        |input| {
            let reply = Response::new(200, "application/json", input);
            let _ = Uploaded::from_reply(&reply);
            let _ = FileInfo::from_reply(&reply);
            let _ = Release::from_reply(&reply);
            let _ = TokenInfo::from_reply(&reply);
            let _ = NetworkInfo::from_reply(&reply);
            let _ = client::outcomes(&reply, 1);
            let _ = Download::from_reply(reply);
        },
    );
    // The encrypted file once, and pieces.
    report.run(
        bound("a file, encrypted into an upload", 1, 256 * KIB),
        as_is,
        |input| {
            let key = FileKey::derive(crate::account(1).ed25519(), Kind::Attachment, input);
            let mut upload = Upload::new(&key, input.len() as u64).expect("it is short");
            for piece in input.chunks(10_000) {
                upload.update(piece).expect("as long as announced");
            }
            let request = upload.finish(None).expect("complete");
            assert!(request.body.len() >= input.len());
        },
    );
    report.run(
        bound("a file, decrypted from a download", 1, 256 * KIB),
        sealed_file,
        |input| {
            let reply = Response::new(200, "application/octet-stream", input);
            let download = Download::from_reply(reply).expect("it is short");
            let key = Key::from_bytes([7; 32]);
            let mut length = 0;
            let opened = download.decrypt::<()>(&key, |piece| {
                length += piece.len();
                Ok(())
            });
            assert_eq!(opened, Ok(length as u64));
        },
    );
    report.run(
        bound("requests to the push server", json, 2048 * KIB),
        as_is,
        |input| {
            for path in ["/subscribe", "/unsubscribe"] {
                let _ = push::handle(&["dummy"], &posted(path, input), AT, &mut Nothing);
            }
        },
    );
    report.run(
        bound("push payload, behind the encryption", 4, 4 * KIB),
        |input| xchacha::encrypt(&mut rng(), &SYMMETRIC, &input).expect("it is short"),
        |input| {
            let _ = payload::Notification::open(&SYMMETRIC, input);
        },
    );
}
