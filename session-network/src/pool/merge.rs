//! The nodes on which several lists agree.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use session_crypto::Ed25519Public;
use session_swarm::ServiceNode;
use session_types::SwarmId;

/// The nodes on which at least `agreement` answers agree: same key, address, ports and swarm.
///
/// Of the other fields a record has what as many answers say, too, and otherwise what stands for
/// unknown: a single answer decides nothing. It never has an X25519 key, which is made of the
/// Ed25519 key anyway.
#[must_use]
pub fn intersect(answers: &[Vec<ServiceNode>], agreement: usize) -> Vec<ServiceNode> {
    type Said = (Ed25519Public, [u8; 4], u16, u16, SwarmId);
    let said = |node: &ServiceNode| -> Said {
        (
            node.ed25519,
            node.ip.octets(),
            node.https_port,
            node.omq_port,
            node.swarm_id,
        )
    };
    let mut votes: BTreeMap<Said, Vec<&ServiceNode>> = BTreeMap::new();
    for answer in answers {
        let distinct: BTreeMap<Said, &ServiceNode> =
            answer.iter().map(|node| (said(node), node)).collect();
        for (key, node) in distinct {
            votes.entry(key).or_default().push(node);
        }
    }
    let agreed = votes.into_values();
    let agreed = agreed.filter(|records| records.len() >= agreement);
    let merged = agreed.filter_map(|records| {
        let record = **records.first()?;
        Some(ServiceNode {
            x25519: None,
            legacy: common(&records, agreement, |node| node.legacy),
            version: common(&records, agreement, |node| node.version),
            requested_unlock_height: common(&records, agreement, |node| {
                node.requested_unlock_height
            }),
            ..record
        })
    });
    merged.collect()
}

/// Returns the value that at least `agreement` records have in a field, or else its default.
fn common<T: PartialEq + Default>(
    records: &[&ServiceNode],
    agreement: usize,
    field: impl Fn(&ServiceNode) -> T,
) -> T {
    let agree = |value: &T| {
        records
            .iter()
            .filter(|other| field(other) == *value)
            .count()
    };
    let mut values = records.iter().map(|node| field(node));
    values
        .find(|value| agree(value) >= agreement)
        // Absent: no value on which enough lists agree.
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use session_crypto::{Ed25519PublicExt, Ed25519Secret, X25519Public};
    use session_swarm::record::Version;

    fn node(number: u8) -> ServiceNode {
        let ed25519 = Ed25519Secret::from_seed(&[number; 32]).public();
        ServiceNode {
            ed25519,
            x25519: ed25519.to_x25519().ok(),
            legacy: Some([number; 32]),
            ip: [45, 0, number, 1].into(),
            https_port: 22021,
            omq_port: 22020,
            version: Version([2, 8, 0]),
            swarm_id: SwarmId::new(u64::from(number)),
            requested_unlock_height: 7,
        }
    }

    #[test]
    fn a_liar_among_three_decides_no_field_wherever_it_stands() {
        let honest: Vec<ServiceNode> = (1..6).map(node).collect();
        let mut lies = honest.clone();
        for lie in &mut lies {
            lie.x25519 = Some(X25519Public::from_bytes([9; 32]));
            lie.legacy = Some([9; 32]);
            lie.version = Version([9, 9, 9]);
            lie.requested_unlock_height = 999;
        }
        let mut expected = honest.clone();
        expected.sort_by_key(|node| node.ed25519);
        for node in &mut expected {
            node.x25519 = None;
        }
        for place in 0..3 {
            let mut answers = alloc::vec![honest.clone(); 3];
            answers[place] = lies.clone();
            assert_eq!(intersect(&answers, 2), expected, "the liar at {place}");
        }
        // Where the honest ones are not of one mind either, nothing is known.
        let mut answers = [lies, honest.clone(), honest];
        answers[2][0].version = Version([2, 9, 0]);
        let key = answers[2][0].ed25519;
        let agreed = intersect(&answers, 2);
        let found = agreed.iter().find(|node| node.ed25519 == key);
        assert_eq!(found.map(|node| node.version), Some(Version::default()));
    }
}
