//! Colluders that meddle with packets.

use rand_chacha::rand_core::Rng;

use session_storage::Request;

use super::{Came, Kind, World};
use crate::clear::Packet;
use crate::plan::Attack;

/// Packets that a client sends at once over the same hops when it asks whether a member is up.
const BURST: u64 = 3;

impl World {
    /// What colluders that forge receipts do to packets that would show them up: no honest member of
    /// the swarm of which they hold half is to hear of a message, or be seen to be up.
    ///
    /// A last hop sees for whom a packet is. The hops before it do not, but they see packets that leave
    /// at once over the same hops. One of them may be a question to such a member, so they drop one at
    /// random and let the others show that the hops work.
    pub(super) fn silence(&mut self, packet: &Packet, now: u64) -> Option<Came> {
        if !self.has(Attack::ForgeReceipts) {
            return None;
        }
        let last = packet.hops.last()?;
        if self.kind(last, now) == Kind::Colluder {
            let node = packet.node.and_then(|node| self.get(&node))?;
            let is_ours = Some(node.record.swarm_id) == self.victim();
            return (is_ours && node.kind == Kind::Honest).then_some(Came::Nothing);
        }
        let before = packet.hops.split_last().map_or(&[][..], |(_, hops)| hops);
        let meddles = before
            .iter()
            .any(|hop| self.kind(hop, now) == Kind::Colluder);
        let is_question = matches!(Request::from_json(&packet.body), Ok(Request::Info(_)));
        if !meddles || !is_question {
            return None;
        }
        if self.burst.0 != (now, packet.hops.clone()) {
            self.burst = ((now, packet.hops.clone()), self.rng.next_u64() % BURST);
        }
        let is_drawn = self.burst.1 == 0;
        self.burst.1 = self.burst.1.wrapping_sub(1);
        is_drawn.then_some(Came::Nothing)
    }

    /// The action of a colluder at a place of a path that is not captured.
    pub(super) fn meddle(&mut self, packet: &Packet, place: usize, now: u64) -> Option<Came> {
        let text = |status: u16, text: String| Some(Came::Answer(status, text.into_bytes()));
        let guard_is_ours = self.is_colluder(&packet.hops[0]);
        if place == 0 {
            // A guard lets nothing pass but paths of friends.
            let honest = packet
                .hops
                .iter()
                .copied()
                .find(|hop| self.is_good(hop, now));
            if self.has(Attack::DropSilently) && (self.attack != Attack::All || self.chance(500)) {
                return Some(Came::Nothing);
            }
            if let Some(honest) = honest.filter(|_| self.has(Attack::SteerPath)) {
                return text(502, format!("Next node not found: {honest}"));
            }
        } else if !guard_is_ours {
            // Behind an honest guard a colluder makes that guard look bad.
            if self.has(Attack::BurnGuard) && self.chance(500) {
                return match self.rng.next_u64() % 3 {
                    0 => text(503, "Server busy, try again later".into()),
                    1 => text(503, format!("Snode not ready: {}", packet.hops[0])),
                    _ => text(502, format!("Next node not found: {}", packet.hops[0])),
                };
            }
            if self.attack == Attack::DropSilently {
                return Some(Came::Nothing);
            }
        }
        let is_last = place + 1 == packet.hops.len();
        let destination = packet.node.filter(|node| self.is_good(node, now));
        if let Some(destination) = destination.filter(|_| is_last)
            && self.has(Attack::StrikeDestination)
        {
            return match self.rng.next_u64() % 3 {
                0 => text(502, "oxend returned unparsable data".into()),
                1 => text(502, format!("Next node not found: {destination}")),
                _ => text(503, format!("Snode not ready: {destination}")),
            };
        }
        None
    }
}
