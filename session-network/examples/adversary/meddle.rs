//! Colluders that meddle with packets.

use rand_chacha::rand_core::Rng;

use super::{Came, World};
use crate::clear::Packet;
use crate::plan::Attack;

impl World {
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
