//! The QUIC file protocol: both sides against each other, and what is refused.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::std_instead_of_alloc, clippy::cast_possible_truncation)]
#![allow(missing_docs)]

use core::convert::Infallible;
use core::time::Duration;
use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use session_services::file::quic::{self, Block, Head, MAX_SIZE, Stored, code};
use session_services::file::server::{Config, Meta, Store};
use session_services::file::{FileId, IdHasher};
use session_types::UnixMillis;

const NOW: UnixMillis = UnixMillis::new(1_800_000_000_000);
const DAY: Duration = Duration::from_secs(86_400);

#[derive(Default)]
struct Files(BTreeMap<FileId, (Meta, Vec<u8>)>);

impl Store for Files {
    type Error = Infallible;

    fn meta(&self, id: &FileId) -> Result<Option<Meta>, Infallible> {
        Ok(self.0.get(id).map(|(meta, _)| *meta))
    }

    fn content(&self, id: &FileId) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.get(id).map(|(_, content)| content.clone()))
    }

    fn insert(&mut self, id: &FileId, content: Vec<u8>, meta: Meta) -> Result<(), Infallible> {
        self.0.insert(id.clone(), (meta, content));
        Ok(())
    }

    fn update(&mut self, id: &FileId, meta: Meta) -> Result<(), Infallible> {
        self.0.get_mut(id).unwrap().0 = meta;
        Ok(())
    }
}

fn put(
    store: &mut Files,
    content: &[u8],
    ttl: Option<Duration>,
    now: UnixMillis,
) -> Result<Stored, u32> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let Ok(stored) = quic::upload(
        &Config::default(),
        content.to_vec(),
        ttl,
        now,
        &mut rng,
        store,
    );
    stored
}

fn hash(content: &[u8]) -> FileId {
    let mut hasher = IdHasher::quic();
    hasher.update(content);
    hasher.finalize()
}

#[test]
fn the_example_of_the_protocol_is_a_block() {
    let block = Block::Put {
        size: 8192,
        ttl: None,
    };
    assert_eq!(block.encode(), b"19:d1:!3:PUT1:si8192ee");
    let bytes = [block.encode(), b"bytes".to_vec()].concat();
    assert_eq!(Block::read(&bytes, MAX_SIZE), Ok(Some((block, 22))));
    for end in 0..22 {
        assert_eq!(Block::read(&bytes[..end], MAX_SIZE), Ok(None), "{end}");
    }
    let get = Block::Get(hash(b"x"));
    let bytes = get.encode();
    assert_eq!(Block::read(&bytes, MAX_SIZE), Ok(Some((get, bytes.len()))));
}

#[test]
fn blocks_are_refused_with_their_codes() {
    for (block, expected) in [
        (&b"x"[..], code::BAD_REQUEST),
        (b":", code::BAD_REQUEST),
        (b"0:", code::BAD_REQUEST),
        (b"019:d1:!3:PUT1:si8192ee", code::BAD_REQUEST),
        (b"10000:", code::BAD_REQUEST),
        (b"2:le", code::BAD_REQUEST),
        (b"2:de", code::BAD_REQUEST),
        (b"10:d1:!3:DELe", code::UNKNOWN),
        (b"10:d1:!3:PUTe", code::NO_SIZE),
        (b"16:d1:!3:PUT1:si0ee", code::BAD_SIZE),
        (b"17:d1:!3:PUT1:si-1ee", code::BAD_SIZE),
        (b"23:d1:!3:PUT1:si10223617ee", code::BAD_SIZE),
        (b"16:d1:!3:PUT1:s1:1e", code::BAD_REQUEST),
        (b"22:d1:!3:PUT1:qi0e1:si1ee", code::BAD_REQUEST),
        (b"10:d1:!3:GETe", code::BAD_REQUEST),
        (b"16:d1:!3:GET1:#1:.e", code::NOT_FOUND),
    ] {
        let shown = String::from_utf8_lossy(block);
        assert_eq!(Block::read(block, MAX_SIZE), Err(expected), "{shown}");
    }
    assert_eq!(Block::read(b"10:d1:!3:GET", MAX_SIZE), Ok(None));
}

#[test]
fn a_file_comes_back_and_the_same_bytes_keep_their_first_time() {
    let mut store = Files::default();
    let first = put(&mut store, b"content", None, NOW).unwrap();
    assert_eq!(first.id, hash(b"content"));
    let secs = NOW.as_secs();
    assert_eq!((first.uploaded, first.expires), (secs, secs + 14 * 86_400));
    assert_eq!(Stored::parse(&first.encode()), Some(first.clone()));
    // A reader accepts a length in front too.
    let bare = first.encode();
    let prefixed = [format!("{}:", bare.len()).as_bytes(), &bare].concat();
    assert_eq!(Stored::parse(&prefixed), Some(first.clone()));
    for end in 0..bare.len() {
        assert_eq!(Stored::parse(&bare[..end]), None, "{end}");
    }
    let later = NOW.saturating_add(DAY);
    let again = put(&mut store, b"content", Some(DAY), later).unwrap();
    assert_eq!(
        (again.uploaded, again.expires),
        (secs, first.expires),
        "never shortened"
    );
    let Ok(found) = quic::download(&first.id, later, &store);
    let (head, content) = found.unwrap();
    assert_eq!((head.size, content.as_slice()), (7, &b"content"[..]));
    let bytes = [head.encode(), content].concat();
    assert_eq!(Head::read(&bytes), Ok(Some((head, bytes.len() - 7))));
    assert_eq!(Head::read(&bytes[..5]), Ok(None));
    assert_eq!(Head::read(b"2:de"), Err(code::BAD_REQUEST));
    // A client makes no room for more than a file can have.
    let announces = |size| Head { size, ..head }.encode();
    assert!(matches!(Head::read(&announces(MAX_SIZE)), Ok(Some(_))));
    assert_eq!(Head::read(&announces(MAX_SIZE + 1)), Err(code::BAD_SIZE));
    let gone = NOW.saturating_add(15 * DAY);
    let Ok(found) = quic::download(&first.id, gone, &store);
    assert_eq!(found.unwrap_err(), code::NOT_FOUND);
}

#[test]
fn times_to_live_are_clamped_and_sizes_bounded() {
    let mut store = Files::default();
    let secs = NOW.as_secs();
    for (number, (ttl, expected)) in [(0, 30), (29, 30), (31, 31), (86_400_000, 14 * 86_400)]
        .into_iter()
        .enumerate()
    {
        let stored = put(
            &mut store,
            &[number as u8],
            Some(Duration::from_secs(ttl)),
            NOW,
        );
        assert_eq!(stored.unwrap().expires, secs + expected, "{ttl}");
    }
    assert!(put(&mut store, &vec![1; MAX_SIZE], None, NOW).is_ok());
    assert_eq!(
        put(&mut store, &vec![1; MAX_SIZE + 1], None, NOW),
        Err(code::BAD_SIZE)
    );
    assert_eq!(put(&mut store, b"", None, NOW), Err(code::BAD_SIZE));
}

#[test]
fn commands_are_answered_in_the_form_in_which_they_came() {
    let mut store = Files::default();
    let stored = put(&mut store, b"content", Some(DAY), NOW).unwrap();
    let (id, secs) = (stored.id.to_string(), NOW.as_secs());
    let mut ask = |endpoint: &[u8], body: String| {
        let Ok(answer) = quic::command(
            &Config::default(),
            endpoint,
            body.as_bytes(),
            NOW,
            &mut store,
        );
        answer.map(|answer| match answer {
            Ok(body) => String::from_utf8(body).unwrap(),
            Err(text) => format!("error {}", String::from_utf8(text).unwrap()),
        })
    };
    let expires = secs + 86_400;
    let info = ask(b"file_info", format!("d1:#44:{id}e")).unwrap();
    assert_eq!(info, format!("d1:#44:{id}1:si7e1:ui{secs}e1:xi{expires}ee"));
    let info = ask(b"file_info", format!(r#"{{"id":"{id}"}}"#)).unwrap();
    assert_eq!(
        info,
        format!(r#"{{"expires":{expires},"id":"{id}","size":7,"uploaded":{secs}}}"#)
    );
    let extended = ask(b"file_extend", format!("d1:#44:{id}1:ti1ee")).unwrap();
    assert_eq!(
        extended,
        format!("d1:#44:{id}1:ui{secs}e1:xi{expires}ee"),
        "never shortened"
    );
    let expires = secs + 2 * 86_400;
    let extended = ask(b"file_extend", format!(r#"{{"id":"{id}","ttl":172800}}"#)).unwrap();
    assert_eq!(
        extended,
        format!(r#"{{"expires":{expires},"id":"{id}","uploaded":{secs}}}"#)
    );
    for (body, expected) in [
        ("d1:#1:1e", "error NOT_FOUND"),
        (r#"{"id":"1"}"#, r#"error {"error":"NOT_FOUND"}"#),
        (r#"{"id":"../1"}"#, r#"error {"error":"NOT_FOUND"}"#),
        ("", "error BAD_REQUEST"),
        ("{", "error BAD_REQUEST"),
        ("de", "error BAD_REQUEST"),
        (r#"{"id":1}"#, "error BAD_REQUEST"),
    ] {
        for endpoint in [quic::INFO, quic::EXTEND] {
            assert_eq!(ask(endpoint, body.into()).unwrap(), expected, "{body}");
        }
    }
    assert_eq!(ask(b"file_delete", "de".into()), None);
}
