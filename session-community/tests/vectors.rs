//! The vectors of `tests/vectors/sogs_live.json`: traffic recorded from a running community server.
//!
//! The client builds each signed request and reads each reply; our server, fed the requests in order
//! with the recorded clock, answers with the same code and body, times and HTML pages apart.
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
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};
use session_community::http::{Method, Request, Response, percent_decode};
use session_community::post::{self, NewPost};
use session_community::reply::{self, Capabilities, Change};
use session_community::request::batch::{batch, sequence};
use session_community::request::moderation::{self, PermissionChange, Role, RoomChange, Scope};
use session_community::request::{self, Posts, inbox};
use session_community::server::{self, Config, Memory, Room, Store, users};
use session_community::{Endpoint, Refusal, ReplyError, Signer, auth};
use session_crypto::{Blinding, X25519Public};
use session_identity::{Account, Seed};
use session_types::{AnyId, UnixMillis, base64, hex};
use testkit::{Case, Vectors};

/// The file as a whole, for what stands beside the cases.
fn content() -> Value {
    let folder = std::env::var_os("SESSION_VECTORS").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors"),
        std::path::PathBuf::from,
    );
    let text = std::fs::read_to_string(folder.join("sogs_live.json")).unwrap();
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

fn reply_of(case: Case<'_>) -> Response {
    let given = case.object("reply");
    let body = given.object("body");
    let bytes = match (body.opt_text("text"), body.opt_text("b64")) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (_, Some(b64)) => base64::decode(b64).unwrap(),
        _ => body.value("json").to_string().into_bytes(),
    };
    let mut response = Response::new(given.number("code").try_into().unwrap(), "", bytes);
    let headers = given.value("headers").as_object().unwrap();
    let header = |(name, value): (&String, &Value)| (name.clone(), value.as_str().unwrap().into());
    response.headers = headers.iter().map(header).collect();
    response
}

fn is_page(text: &[u8]) -> bool {
    text.starts_with(b"<!DOCTYPE HTML")
}

/// Times become whether they are numbers, pages that they are pages.
fn comparable(value: Value) -> Value {
    const TIMES: [&str; 7] = [
        "created",
        "posted",
        "edited",
        "posted_at",
        "expires_at",
        "pinned_at",
        "at",
    ];
    match value {
        Value::Object(fields) => {
            let field = |(key, value): (String, Value)| {
                let value = match TIMES.contains(&key.as_str()) {
                    true => json!(value.is_number()),
                    false => comparable(value),
                };
                (key, value)
            };
            Value::Object(fields.into_iter().map(field).collect())
        }
        // Who reacted, and when.
        Value::Array(items) if items.len() == 2 && items[0].is_string() && items[1].is_f64() => {
            json!([items[0], true])
        }
        Value::Array(items) => items.into_iter().map(comparable).collect(),
        Value::String(text) if base64::decode(&text).is_some_and(|bytes| is_page(&bytes)) => {
            json!("a page")
        }
        other => other,
    }
}

fn assert_same(ours: &Response, theirs: &Response) {
    let text = String::from_utf8_lossy(&ours.body).into_owned();
    assert_eq!(ours.status, theirs.status, "{text}");
    assert_eq!(ours.header("content-type"), theirs.header("content-type"));
    let disposition = "content-disposition";
    assert_eq!(ours.header(disposition), theirs.header(disposition));
    for name in ["date", "expires"] {
        assert_eq!(
            ours.header(name).is_some(),
            theirs.header(name).is_some(),
            "{name}"
        );
    }
    if theirs.header("content-type") == Some("application/json") {
        let json = |body| comparable(serde_json::from_slice(body).unwrap());
        assert_eq!(json(&ours.body), json(&theirs.body));
    } else if is_page(&theirs.body) {
        assert!(is_page(&ours.body), "{text}");
    } else {
        assert_eq!(ours.body, theirs.body, "{text}");
    }
}

fn sorted(request: &Request) -> BTreeMap<String, String> {
    request.headers.iter().cloned().collect()
}

fn json_of(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap_or(Value::Null)
}

/// A post of a recorded body, signed anew.
fn new_post(body: &Value, signer: &Signer<'_>) -> Option<NewPost> {
    let data = base64::decode(body["data"].as_str()?)?;
    let mut post = NewPost::new(data, signer, &mut ChaCha20Rng::seed_from_u64(1));
    let files = body["files"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    post.files = files.iter().map(|id| id.as_u64().unwrap()).collect();
    post.whisper_to = body["whisper_to"].as_str().map(|id| id.parse().unwrap());
    Some(post)
}

fn permissions(body: &Value, prefix: &str) -> PermissionChange {
    let flag = |name: &str| body[prefix.to_owned() + name].as_bool();
    PermissionChange {
        read: flag("read"),
        accessible: flag("accessible"),
        write: flag("write"),
        upload: flag("upload"),
    }
}

/// Builds the unsigned request with the client's functions, from what the recorded one asks for.
/// `None` for requests that no client makes.
fn built(request: &Request, signer: Option<&Signer<'_>>) -> Option<Request> {
    let (path, query) = request.path_and_query();
    let decoded = percent_decode(path)?;
    let body = json_of(request);
    let parts: Vec<&str> = decoded.strip_prefix('/')?.splitn(5, '/').collect();
    let parameter = |name: &str| {
        let mut parts = query.split('&').filter_map(|part| part.split_once('='));
        let value = parts
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.parse::<u16>());
        value.transpose()
    };
    let id = |text: &str| text.parse::<u64>().ok();
    let sid = |text: &str| text.parse::<AnyId>().ok();
    let elements = || -> Option<Vec<Request>> {
        let element = |value: &Value| {
            let method: Method = value["method"].as_str()?.parse().ok()?;
            let mut inner = Request::new(method, value["path"].as_str()?);
            if let Some(json) = value.get("json") {
                inner = inner.with_body("application/json", json.to_string().into_bytes());
            }
            if let Some(b64) = value.get("b64") {
                let body = base64::decode(b64.as_str()?)?;
                inner = inner.with_body("application/octet-stream", body);
            }
            let is_bad = !inner.path.starts_with('/')
                || value.get("json").is_some() && value.get("b64").is_some();
            (!is_bad).then_some(inner)
        };
        body.as_array()?.iter().map(element).collect()
    };
    let rooms = || -> Option<Vec<session_identity::community::Room>> {
        let tokens = body["rooms"].as_array()?;
        tokens
            .iter()
            .map(|token| token.as_str()?.parse().ok())
            .collect()
    };
    if let ["room", token, rest @ ..] = parts.as_slice() {
        let room = &token.parse().ok()?;
        return Some(match (request.method, rest) {
            (Method::Get, []) => request::room(room),
            (Method::Put, []) => {
                let change = RoomChange {
                    name: body["name"].as_str(),
                    description: body["description"].as_str(),
                    image: body["image"].as_u64(),
                    defaults: permissions(&body, "default_"),
                };
                moderation::change_room(room, &change)
            }
            (Method::Get, ["pollInfo", known]) => request::poll_info(room, id(known)?),
            (Method::Get, ["messages", "recent"]) => {
                request::posts(room, Posts::Recent, parameter("limit").ok()?, None)
            }
            (Method::Get, ["messages", "before", before]) => request::posts(
                room,
                Posts::Before(id(before)?),
                parameter("limit").ok()?,
                None,
            ),
            (Method::Get, ["messages", "since", seqno]) if query.starts_with("t=r") => {
                let reactors = parameter("reactors")
                    .ok()?
                    .map(|number| u8::try_from(number).unwrap());
                request::posts(room, Posts::Since(id(seqno)?), None, reactors)
            }
            (Method::Get, ["message", post]) => request::post(room, id(post)?),
            (Method::Post, ["message"]) => request::send(room, &new_post(&body, signer?)?),
            (Method::Put, ["message", post]) => {
                request::edit(room, id(post)?, &new_post(&body, signer?)?)
            }
            (Method::Delete, ["message", post]) => request::delete(room, id(post)?),
            (Method::Put, ["reaction", post, emoji]) => {
                request::react(room, id(post)?, &emoji.parse().ok()?)
            }
            (Method::Delete, ["reaction", post, emoji]) => {
                request::unreact(room, id(post)?, &emoji.parse().ok()?)
            }
            (Method::Delete, ["reactions", post, emoji]) => {
                moderation::delete_reactions(room, id(post)?, Some(&emoji.parse().ok()?))
            }
            (Method::Get, ["reactors", post, emoji]) => {
                request::reactors(room, id(post)?, &emoji.parse().ok()?)
            }
            (Method::Post, ["file"]) => {
                let name = request.header("content-disposition");
                let name = name.and_then(|text| text.split_once("UTF-8''"));
                let name = name.and_then(|(_, name)| percent_decode(name));
                request::upload(room, name.as_deref(), request.body.clone()).unwrap()
            }
            (Method::Get, ["file", file]) => request::download(room, id(file)?),
            (Method::Post, ["pin", post]) => moderation::pin(room, id(post)?),
            (Method::Post, ["unpin", "all"]) => moderation::unpin_all(room),
            (Method::Post, ["unpin", post]) => moderation::unpin(room, id(post)?),
            (Method::Get, ["permissions"]) => moderation::permissions(room, None),
            (Method::Post, ["permissions", user]) => {
                let reset = ["read", "accessible", "write", "upload"];
                let is_reset = |name: &&str| body["default_".to_owned() + name] == json!(true);
                let reset: Vec<&str> = reset.into_iter().filter(is_reset).collect();
                let change = permissions(&body, "");
                moderation::set_permissions(room, &sid(user)?, change, &reset)
            }
            (Method::Get, ["futurePermissions"]) => moderation::future_permissions(room, None),
            (Method::Post, ["futurePermissions", user]) => {
                let after = Duration::from_secs(body["in"].as_u64()?);
                let change = permissions(&body, "");
                moderation::schedule_permissions(room, &sid(user)?, change, after)
            }
            (Method::Delete, ["all", user]) => moderation::delete_all_of(room, &sid(user)?),
            _ => return None,
        });
    }
    Some(match (request.method, parts.as_slice()) {
        (Method::Get, ["capabilities"]) => {
            let required = query.strip_prefix("required=").unwrap_or("");
            let required: Vec<&str> = required
                .split(',')
                .filter(|name| !name.is_empty())
                .collect();
            request::capabilities(&required)
        }
        (Method::Get, ["rooms"]) => request::rooms(),
        (Method::Post, ["batch"]) => batch(&elements()?),
        (Method::Post, ["sequence"]) => sequence(&elements()?),
        (Method::Post, ["user", user, "ban"]) => {
            let timeout = body["timeout"].as_u64().map(Duration::from_secs);
            moderation::ban(&sid(user)?, Scope::Rooms(&rooms()?), timeout)
        }
        (Method::Post, ["user", user, "unban"]) => {
            moderation::unban(&sid(user)?, Scope::Rooms(&rooms()?))
        }
        (Method::Post, ["user", user, "moderator"]) => {
            let role = match (body["moderator"].as_bool(), body["admin"].as_bool()) {
                (Some(true), None) => Role::Moderator,
                (Some(false), None) => Role::None,
                (None, Some(true)) => Role::Admin,
                (None, Some(false)) => Role::DemotedAdmin,
                _ => return None,
            };
            moderation::set_role(&sid(user)?, Scope::Rooms(&rooms()?), role, None)
        }
        (Method::Get, ["inbox"]) => inbox::received(None),
        (Method::Get, ["outbox"]) => inbox::sent(None),
        (Method::Get, ["inbox", "since", after]) => inbox::received(Some(id(after)?)),
        (Method::Post, ["inbox", to]) => {
            let message = base64::decode(body["message"].as_str()?)?;
            inbox::send(&sid(to)?, &message)
        }
        (Method::Delete, ["inbox"]) => inbox::delete_all(),
        _ => return None,
    })
}

/// The nonce and time of a recorded request, if a client can have made it: the signature is what we
/// make of them, or the reply says that something else was wrong with it.
fn signed_anew(request: &Request, built: Request, signer: &Signer<'_>) -> Option<Request> {
    let nonce = request.header(auth::NONCE)?;
    // Our client writes base64 with padding; the same bytes in hex or without padding count too.
    let nonce: [u8; 16] = hex::decode(nonce).or_else(|| base64::decode_array(nonce))?;
    let seconds = request.header(auth::TIMESTAMP)?.parse().ok()?;
    Some(auth::sign(
        built,
        signer,
        &nonce,
        UnixMillis::from_secs(seconds),
    ))
}

fn unit<T>(_: T) {}

/// Reads the reply with the client's functions. `None` where the client has none.
fn read(request: &Request, reply: &Response) -> Option<Result<(), ReplyError>> {
    let (path, _) = request.path_and_query();
    let parts: Vec<&str> = path.strip_prefix('/')?.splitn(5, '/').collect();
    Some(match (request.method, parts.as_slice()) {
        (_, ["capabilities"]) => Capabilities::from_reply(reply).map(|known| {
            assert!(known.has("sogs") && !known.has("nonsense"));
        }),
        (_, ["rooms"]) => reply::rooms(reply).map(|rooms| assert!(!rooms.is_empty())),
        (Method::Get, ["room", token]) => {
            reply::room(reply).map(|room| assert_eq!(room.token, *token))
        }
        (_, ["room", _, "pollInfo", _]) => reply::poll_info(reply).map(unit),
        (Method::Get, ["room", _, "messages", ..]) => reply::messages(reply).map(|changes| {
            for change in changes {
                match change {
                    Change::Malformed { .. } => panic!("malformed"),
                    Change::Posted { message, .. } => assert!(message.is_verified),
                    _ => {}
                }
            }
        }),
        (Method::Get, ["room", _, "message", _]) => reply::message(reply).map(unit),
        (Method::Post, ["room", _, "message"]) => reply::posted(reply).map(|message| {
            assert!(message.is_verified);
        }),
        (_, ["room", _, "reaction", ..]) => reply::reacted(reply).map(unit),
        (_, ["room", _, "reactors", ..]) => reply::reactors(reply).map(unit),
        (Method::Post, ["room", _, "file"]) => reply::uploaded(reply).map(unit),
        (Method::Get, ["room", _, "file", _]) => reply::file(reply.clone()).map(unit),
        (_, ["room", _, "pin" | "unpin", _]) => reply::info_updates(reply).map(unit),
        (Method::Put, ["room", _]) => reply::info_updates(reply).map(unit),
        (_, ["user", _, "moderator"]) => reply::room_updates(reply).map(unit),
        (Method::Post, ["batch" | "sequence"]) => {
            let count = json_of(request).as_array().map_or(0, Vec::len);
            reply::batch(reply, count).map(unit)
        }
        (Method::Get, ["inbox" | "outbox", ..]) => reply::inbox(reply).map(unit),
        (Method::Post, ["inbox", _]) => reply::inbox_sent(reply).map(unit),
        _ => reply::done(reply),
    })
}

/// The rooms as the recording begins, from its first list.
fn rooms(cases: &[Value]) -> Vec<Room> {
    let first = cases
        .iter()
        .map(Case)
        .find(|case| case.object("request").text("endpoint") == "/rooms");
    let rooms = reply::rooms(&reply_of(first.unwrap())).unwrap();
    let room = |room: reply::Room| Room::new(&room.token, &room.name, room.created);
    rooms.into_iter().map(room).collect()
}

#[test]
fn sogs_live() {
    let (file, content) = (Vectors::load("sogs_live"), content());
    let cases = content["cases"].as_array().unwrap();
    let key = X25519Public::from_bytes(Case(&content).array("server_key"));
    let users: BTreeMap<String, (Account, AnyId)> = content["users"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, user)| {
            let account = Account::from_seed(&Seed::from_full(&Case(user).array("seed")));
            (
                name.clone(),
                (account, Case(user).text("id15").parse().unwrap()),
            )
        })
        .collect();
    let (config, mut store) = (Config::new(key), Memory::new());
    for room in rooms(cases) {
        store.put_room(&room).unwrap();
    }
    let (mut signatures, mut bodies) = (0, 0);
    file.each("cases", |case| {
        let (request, theirs) = (recorded(case), reply_of(case));
        let endpoint = Endpoint::of(&request);
        if let Some(refusal) = endpoint.and_then(|endpoint| endpoint.refusal(theirs.status)) {
            let is_known = !matches!(refusal, Refusal::Undocumented { .. });
            assert!(is_known, "{endpoint:?}: {refusal}");
        }
        let user = case.opt_text("user").map(|name| &users[name]);
        let signer = user.map(|(account, id)| {
            let signer = Signer::blinded(Blinding::Blind15, account, &key).unwrap();
            assert_eq!(signer.request_id(), *id);
            signer
        });

        // The client's request.
        if let Some(built) = built(&request, signer.as_ref()) {
            assert_eq!(built.method, request.method);
            let path = |request: &Request| {
                let (path, query) = request.path_and_query();
                (percent_decode(path).unwrap(), query.to_owned())
            };
            assert_eq!(path(&built), path(&request));
            let is_forged = |body: &Value| {
                let data = body["data"].as_str().and_then(base64::decode);
                let signature = body["signature"]
                    .as_str()
                    .and_then(base64::decode_array::<64>);
                match (data, signature, user) {
                    (Some(data), Some(signature), Some((_, id))) => {
                        post::verify(id, &data, &signature.into()).is_err()
                    }
                    (Some(_), ..) => true,
                    _ => false,
                }
            };
            let has_body = !request.body.is_empty() || !built.body.is_empty();
            // A reaction goes with an empty object or without a body.
            let is_reaction = request.method == Method::Put && request.path.contains("/reaction/");
            if has_body && !is_reaction && !is_forged(&json_of(&request)) {
                assert_eq!(
                    String::from_utf8_lossy(&built.body),
                    String::from_utf8_lossy(&request.body)
                );
                bodies += 1;
            }
            let wrong = matches!(theirs.status, 401) || theirs.body.starts_with(b"Invalid auth");
            if let (Some(signer), false) = (&signer, wrong) {
                let mut anew = built;
                anew.body.clone_from(&request.body);
                anew.headers
                    .retain(|(name, _)| request.header(name).is_some());
                if request.header("content-type").is_some() && anew.headers.is_empty() {
                    anew =
                        anew.with_header("Content-Type", request.header("content-type").unwrap());
                }
                let mut theirs = request.clone();
                let anew = signed_anew(&request, anew, signer).unwrap();
                // The same nonce, as our client writes it.
                theirs
                    .headers
                    .retain(|(name, _)| name != auth::NONCE && name != "Content-Disposition");
                let mut ours = anew;
                ours.headers
                    .retain(|(name, _)| name != auth::NONCE && name != "Content-Disposition");
                assert_eq!(sorted(&ours), sorted(&theirs));
                signatures += 1;
            }
        }

        // The client's reading.
        if let Some(read) = read(&request, &theirs) {
            let is_good = theirs.is_success() || theirs.status == 304;
            assert_eq!(read.is_ok(), is_good, "{read:?}");
        }

        // Who is an admin by now was made so on the server's own machine.
        if let (Ok(seen), Some((_, id))) = (reply::room(&theirs), user) {
            let member = store.member(&seen.token, id).unwrap().unwrap_or_default();
            if seen.moderation.admin && !member.admin {
                let mut room = store.room(&seen.token).unwrap().unwrap();
                users::make_admin(&mut room, id, &mut store).unwrap();
            }
        }

        // The server's answer.
        let now = UnixMillis::from_secs(case.number("time"));
        server::apply_scheduled(&mut store, now).unwrap();
        let ours = server::handle(&config, &request, now, &mut store).unwrap();
        assert_same(&ours, &theirs);
    });
    println!("{signatures} signatures and {bodies} bodies built");
    assert!(signatures >= cases.len() / 2 && bodies >= cases.len() / 10);
}
