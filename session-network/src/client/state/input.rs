//! Reads the sections of a saved state.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use session_crypto::{Ed25519Public, X25519Public};
use session_swarm::record::{MAX_NODES, ServiceNode, Version};
use session_types::{AnyId, MessageHash, Namespace, SwarmId};

use super::{FILE, MAX_RECORDS, STANDARD, SavedPath, SavedState};
use crate::last_hash::LastHashes;
use crate::path::{Guard, Purpose};
use crate::strikes::Strikes;

/// Most paths that are read, and most hops of one.
const MAX_PATHS: usize = 64;
const MAX_HOPS: usize = 16;

/// What is left to read.
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    fn short(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    fn list<T>(&mut self, max: usize, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = usize::try_from(u32::from_be_bytes(self.take()?)).ok()?;
        if count > max {
            return None;
        }
        (0..count).map(|_| read(self)).collect()
    }

    fn key(&mut self) -> Option<Ed25519Public> {
        self.take().map(Ed25519Public::from_bytes)
    }

    fn optional_key(&mut self) -> Option<Option<[u8; 32]>> {
        let [flag] = self.take()?;
        let key = self.take()?;
        match flag {
            0 => Some(None),
            1 => Some(Some(key)),
            _ => None,
        }
    }

    fn node(&mut self) -> Option<ServiceNode> {
        Some(ServiceNode {
            ed25519: self.key()?,
            x25519: self.optional_key()?.map(X25519Public::from_bytes),
            legacy: self.optional_key()?,
            ip: Ipv4Addr::from(self.take::<4>()?),
            https_port: self.short()?,
            omq_port: self.short()?,
            version: Version([self.short()?, self.short()?, self.short()?]),
            swarm_id: SwarmId::new(self.number()?),
            requested_unlock_height: self.number()?,
        })
    }

    fn path(&mut self) -> Option<SavedPath> {
        let purpose = match self.take()? {
            [STANDARD] => Purpose::Standard,
            [FILE] => Purpose::File,
            _ => return None,
        };
        Some(SavedPath {
            purpose,
            built_ms: self.number()?,
            hops: self.list(MAX_HOPS, Self::key)?,
        })
    }

    pub(super) fn state(&mut self) -> Option<SavedState> {
        let updated_ms = self.number()?;
        let nodes = self.list(MAX_NODES, Self::node)?;
        let mut strikes = Strikes::default();
        for (node, times) in self.list(MAX_RECORDS, |input| {
            Some((input.key()?, input.list(MAX_RECORDS, Self::number)?))
        })? {
            strikes.insert(node, times);
        }
        let guards = self.list(MAX_RECORDS, |input| {
            Some(Guard {
                key: input.key()?,
                since_ms: input.number()?,
            })
        })?;
        let paths = self.list(MAX_PATHS, Self::path)?;
        let mut last_hashes = LastHashes::default();
        for (account, namespace, node, hash, expiry) in self.list(MAX_RECORDS, |input| {
            let account = AnyId::from_bytes(input.take()?);
            let namespace = Namespace::new(i16::from_be_bytes(input.take()?));
            let node = input.key()?;
            let hash = MessageHash::try_from(input.take::<43>()?.as_slice()).ok()?;
            Some((account, namespace, node, hash, input.number()?))
        })? {
            last_hashes.set(&account, namespace, &node, hash, expiry);
        }
        Some(SavedState {
            nodes,
            updated_ms: (updated_ms != u64::MAX).then_some(updated_ms),
            strikes,
            guards,
            paths,
            last_hashes,
        })
    }
}
