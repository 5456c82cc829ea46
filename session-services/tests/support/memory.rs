//! A file store in memory, for the tests beside it.
#![allow(
    unreachable_pub,
    missing_docs,
    dead_code,
    clippy::unwrap_used,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core
)]

use std::collections::BTreeMap;
use std::convert::Infallible;

use session_services::file::FileId;
use session_services::file::server::{Meta, Store};

#[derive(Default)]
pub struct Memory(pub BTreeMap<FileId, (Vec<u8>, Meta)>);

impl Store for Memory {
    type Error = Infallible;

    fn meta(&self, id: &FileId) -> Result<Option<Meta>, Infallible> {
        Ok(self.0.get(id).map(|(_, meta)| *meta))
    }

    fn content(&self, id: &FileId) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.get(id).map(|(content, _)| content.clone()))
    }

    fn insert(&mut self, id: &FileId, content: Vec<u8>, meta: Meta) -> Result<(), Infallible> {
        self.0.insert(id.clone(), (content, meta));
        Ok(())
    }

    fn update(&mut self, id: &FileId, meta: Meta) -> Result<(), Infallible> {
        self.0.get_mut(id).unwrap().1 = meta;
        Ok(())
    }
}
