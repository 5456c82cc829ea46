//! The binary list of nodes (protocol: swarm, section 3.4).

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use session_types::{Ed25519Public, SwarmId};

use super::list::{Collector, ReadOptions, RecordError, Skipped};
use super::{ServiceNode, Transport, Version};

/// Length of a record in bytes.
///
/// | Offset | Size | Field |
/// |---|---|---|
/// | 0 | 32 | Ed25519 key |
/// | 32 | 8 | swarm id, big-endian |
/// | 40 | 4 | IPv4 address |
/// | 44 | 2 | HTTPS port, big-endian |
/// | 46 | 2 | OxenMQ and QUIC port, big-endian |
/// | 48 | 3 | version |
pub const BINARY_LENGTH: usize = 51;

/// Encodes records.
#[must_use]
pub fn write_binary(nodes: &[ServiceNode]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(nodes.len().saturating_mul(BINARY_LENGTH));
    for node in nodes {
        bytes.extend_from_slice(node.ed25519.as_bytes());
        bytes.extend_from_slice(&node.swarm_id.get().to_be_bytes());
        bytes.extend_from_slice(&node.ip.octets());
        bytes.extend_from_slice(&node.https_port.to_be_bytes());
        bytes.extend_from_slice(&node.omq_port.to_be_bytes());
        bytes.extend(
            node.version
                .0
                .map(|part| u8::try_from(part).unwrap_or(u8::MAX)),
        );
    }
    bytes
}

/// Parses records. Those without an address or an OxenMQ port are skipped.
///
/// # Errors
///
/// [`RecordError::Length`] if the length is not a multiple of 51.
pub fn read_binary(bytes: &[u8]) -> Result<(Vec<ServiceNode>, Skipped), RecordError> {
    let options = ReadOptions {
        addresses: super::AddressPolicy::Any,
        transport: Transport::Omq,
        ..ReadOptions::default()
    };
    read_binary_with(bytes, &options)
}

/// Parses records by given rules.
///
/// # Errors
///
/// [`RecordError::Length`] if the length is not a multiple of 51.
pub fn read_binary_with(
    bytes: &[u8],
    options: &ReadOptions,
) -> Result<(Vec<ServiceNode>, Skipped), RecordError> {
    let (records, rest) = bytes.as_chunks::<BINARY_LENGTH>();
    if !rest.is_empty() {
        return Err(RecordError::Length(bytes.len()));
    }
    let mut nodes = Collector::new(*options);
    for record in records {
        match read_record(record) {
            Some(node) => nodes.push(node),
            None => nodes.skipped.malformed = nodes.skipped.malformed.saturating_add(1),
        }
    }
    Ok(nodes.finish())
}

fn read_record(record: &[u8; BINARY_LENGTH]) -> Option<ServiceNode> {
    let (key, rest) = record.split_first_chunk::<32>()?;
    let (swarm_id, rest) = rest.split_first_chunk::<8>()?;
    let (ip, rest) = rest.split_first_chunk::<4>()?;
    let (https_port, rest) = rest.split_first_chunk::<2>()?;
    let (omq_port, rest) = rest.split_first_chunk::<2>()?;
    let version = rest.first_chunk::<3>()?;
    Some(ServiceNode {
        ed25519: Ed25519Public::from_bytes(*key),
        x25519: None,
        legacy: None,
        ip: Ipv4Addr::from(*ip),
        https_port: u16::from_be_bytes(*https_port),
        omq_port: u16::from_be_bytes(*omq_port),
        version: Version(version.map(u16::from)),
        swarm_id: SwarmId::new(u64::from_be_bytes(*swarm_id)),
        requested_unlock_height: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = "1f000f09a7b07828dcb72af7cd16857050c10c02bd58afb0e38111fb6cda1fef\
                          3fffffffffffffff5fd8217156544ee8020b00";

    #[test]
    fn the_record_of_the_specification() {
        let bytes: [u8; 51] = session_types::hex::decode(RECORD).unwrap();
        let (nodes, skipped) = read_binary(&bytes).unwrap();
        assert_eq!(skipped.total(), 0);
        let [node] = nodes[..] else { panic!() };
        assert_eq!(node.ip, Ipv4Addr::new(95, 216, 33, 113));
        assert_eq!((node.https_port, node.omq_port), (22100, 20200));
        assert_eq!(node.version, Version([2, 11, 0]));
        assert_eq!(node.swarm_id.get(), 0x3fffffffffffffff);
        assert_eq!(write_binary(&nodes), bytes);
    }

    #[test]
    fn a_length_that_is_no_multiple_is_refused_and_nothing_is_no_nodes() {
        assert_eq!(read_binary(&[0; 50]), Err(RecordError::Length(50)));
        assert_eq!(read_binary(&[]), Ok((Vec::new(), Skipped::default())));
    }

    #[test]
    fn records_without_address_or_port_are_skipped() {
        let bytes: [u8; 51] = session_types::hex::decode(RECORD).unwrap();
        let mut no_ip = bytes;
        no_ip[40..44].fill(0);
        let mut no_port = bytes;
        no_port[46..48].fill(0);
        no_port[0] ^= 1;
        let (nodes, skipped) = read_binary(&[no_ip, no_port, bytes, bytes].concat()).unwrap();
        assert_eq!(nodes.len(), 1);
        assert_eq!(
            (skipped.address, skipped.port, skipped.duplicate),
            (1, 1, 1)
        );
    }

    #[test]
    fn version_parts_stop_at_255() {
        let bytes: [u8; 51] = session_types::hex::decode(RECORD).unwrap();
        let (mut nodes, _) = read_binary(&bytes).unwrap();
        nodes[0].version = Version([300, 255, 1]);
        assert_eq!(write_binary(&nodes)[48..], [255, 255, 1]);
    }
}
