//! The file server of the network in memory.

use core::convert::Infallible;
use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use session_onion::payload::v4;
use session_services::file::FileId;
use session_services::file::server::{Config, Meta, Store, handle};
use session_types::UnixMillis;
use session_types::http::{Request, Response};

#[derive(Default)]
pub struct FileServer {
    pub files: BTreeMap<FileId, (Vec<u8>, Meta)>,
    /// A status with which it refuses everything.
    pub refuses: Option<u16>,
    /// What it was asked: method and path.
    pub asked: Vec<String>,
}

impl Store for FileServer {
    type Error = Infallible;

    fn meta(&self, id: &FileId) -> Result<Option<Meta>, Infallible> {
        Ok(self.files.get(id).map(|(_, meta)| *meta))
    }

    fn content(&self, id: &FileId) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.files.get(id).map(|(content, _)| content.clone()))
    }

    fn insert(&mut self, id: &FileId, content: Vec<u8>, meta: Meta) -> Result<(), Infallible> {
        self.files.insert(id.clone(), (content, meta));
        Ok(())
    }

    fn update(&mut self, id: &FileId, meta: Meta) -> Result<(), Infallible> {
        if let Some(file) = self.files.get_mut(id) {
            file.1 = meta;
        }
        Ok(())
    }
}

impl FileServer {
    /// Answers a request of version 4 with status and body.
    pub fn answer(&mut self, plaintext: &[u8], now: UnixMillis) -> (u16, Vec<u8>) {
        let received = v4::Received::parse(plaintext.to_vec()).unwrap();
        let path = received.endpoint.rsplit_once("/file/");
        let path = path.map_or("/file", |(_, rest)| match rest.ends_with("/extend") {
            true => "extend",
            false => "content",
        });
        self.asked.push(format!("{} {path}", received.method));
        if let Some(status) = self.refuses {
            return (status, Vec::new());
        }
        let mut request = Request::new(received.method.parse().unwrap(), received.endpoint);
        let headers = received.headers.into_iter();
        request.headers = headers.map(|header| (header.name, header.value)).collect();
        request.body = received.body;
        let rng = &mut ChaCha8Rng::seed_from_u64(now.get());
        let Ok(Response { status, body, .. }) = handle(&Config::default(), request, now, rng, self);
        (status, body)
    }

    pub fn count(&self, wanted: &str) -> usize {
        self.asked.iter().filter(|asked| *asked == wanted).count()
    }
}
