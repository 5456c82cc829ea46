//! Questions to members of a swarm that have not signed: are they up? (protocol: [swarm, section 7.4])
//!
//! A member is found silent only if it did not answer over several routes, each of which worked at that
//! moment. A route has a last hop of its own, drawn at random: the last hop sees for whom a packet is. So
//! that the hops before it cannot drop the question and pass what shows that they work, witnesses are asked
//! over the same hops at the same time, in random order: nodes that are up. One answer of the member, to
//! whatever question, and it has to sign.
//!
//! [swarm, section 7.4]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/swarm.md#section-7.4

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_crypto::Ed25519Public;
use session_storage::Info;
use session_swarm::ServiceNode;

use super::{Network, Why};
use crate::exchange::{Purpose, RequestError, RequestId};
use crate::onion::Onion;
use crate::path::PathId;
use crate::random;
use crate::time::Instant;

/// Routes over which a member has to be silent.
const ROUTES: usize = 4;
/// Nodes that are asked over the same hops at the same time.
const WITNESSES: usize = 2;
/// Maximum number of routes that are tried for a member before the request itself is tried again.
const MAX_ROUTES: usize = 16;

/// A member of which somebody waits to know whether it is up.
#[derive(Debug, Default)]
struct Asked {
    /// Last hops of the routes so far.
    last_hops: Vec<Ed25519Public>,
    /// Routes that worked and over which it did not answer.
    silent: usize,
    /// Routes since the request itself was tried.
    routes: usize,
    /// Whether it has answered meanwhile.
    is_up: bool,
}

/// A question over one route, and its witnesses.
#[derive(Debug)]
struct Inquiry {
    member: Ed25519Public,
    path: PathId,
    /// Packets that are under way.
    open: usize,
    /// Whether the question itself failed.
    is_silent: bool,
    /// Witnesses that did not answer.
    lost: usize,
}

impl Inquiry {
    /// Whether nothing has come back over the route.
    const fn is_dead(&self) -> bool {
        self.is_silent && self.lost == WITNESSES
    }
}

/// The purpose of a packet of an inquiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Question,
    Witness,
}

/// All inquiries.
#[derive(Debug, Default)]
pub(super) struct Inquiries {
    members: BTreeMap<Ed25519Public, Asked>,
    open: BTreeMap<u64, Inquiry>,
}

impl Inquiries {
    /// Takes the members of which somebody waits to know whether they are up, and forgets all others.
    fn expect(&mut self, wanted: &BTreeMap<Ed25519Public, (ServiceNode, Purpose)>) {
        self.members.retain(|key, _| wanted.contains_key(key));
        for key in wanted.keys() {
            self.members.entry(*key).or_default();
        }
        let members = &self.members;
        self.open
            .retain(|_, inquiry| members.contains_key(&inquiry.member));
    }

    /// A node answered, whatever it was asked: it is up.
    pub(super) fn heard(&mut self, node: &Ed25519Public) {
        if let Some(asked) = self.members.get_mut(node) {
            asked.is_up = true;
            self.open.retain(|_, inquiry| inquiry.member != *node);
        }
    }

    /// A path turned out to be broken: what is asked over it shows nothing.
    pub(super) fn drop_path(&mut self, path: PathId) {
        self.open.retain(|_, inquiry| inquiry.path != path);
    }

    /// Lets members be asked over further routes.
    pub(super) fn renew(&mut self, members: &[Ed25519Public]) {
        for member in members {
            if let Some(asked) = self.members.get_mut(member) {
                asked.routes = 0;
            }
        }
    }

    /// Whether it is being asked whether a node is up.
    fn is_asked(&self, node: &Ed25519Public) -> bool {
        let asked = self.members.get(node);
        asked.is_some_and(|asked| !asked.is_up)
    }

    /// Whether a question to a member is under way over a route that may work.
    fn is_asking(&self, member: &Ed25519Public) -> bool {
        self.count(member) > 0
    }

    fn count(&self, member: &Ed25519Public) -> usize {
        let open = self.open.values();
        open.filter(|inquiry| inquiry.member == *member && inquiry.lost == 0)
            .count()
    }

    /// How many questions to send to a member now: one at first, and the others if it did not answer.
    fn missing(&self, member: &Ed25519Public) -> usize {
        let Some(asked) = self.members.get(member).filter(|asked| !asked.is_up) else {
            return 0;
        };
        let wanted = match asked.silent {
            0 => 1,
            silent => ROUTES.saturating_sub(silent),
        };
        let left = MAX_ROUTES.saturating_sub(asked.routes);
        wanted.saturating_sub(self.count(member)).min(left)
    }
}

impl<O: Onion> Network<O> {
    /// Asks the members that have not signed whether they are up, and tries requests again for which
    /// nobody is left to be asked.
    pub(super) fn check_members(&mut self, now: Instant, rng: &mut (impl CryptoRng + ?Sized)) {
        let waiting = self.waiting_for_members(now);
        let wanted = waiting.iter().flat_map(|(_, purpose, members)| {
            let members = members.iter();
            members.map(|member| (member.ed25519, (*member, *purpose)))
        });
        let wanted: BTreeMap<_, _> = wanted.collect();
        self.inquiries.expect(&wanted);
        for (key, (member, purpose)) in &wanted {
            for _ in 0..self.inquiries.missing(key) {
                if !self.ask_member(member, *purpose, now, rng) {
                    break;
                }
            }
        }
        for (id, _, members) in waiting {
            let is_asking = |member: &ServiceNode| self.inquiries.is_asking(&member.ed25519);
            if !members.iter().any(is_asking) {
                self.try_again(id, &members, now);
            }
        }
    }

    /// The requests that too few members have signed, and the members that have neither signed nor
    /// answered, nor were found silent.
    fn waiting_for_members(&self, now: Instant) -> Vec<(RequestId, Purpose, Vec<ServiceNode>)> {
        let requests = self.requests.iter();
        let waiting = requests.filter(|(_, pending)| pending.best.is_some());
        let waiting = waiting.map(|(id, pending)| {
            let unknown = self.members_of(pending).filter(|member| {
                let key = &member.ed25519;
                !pending.signers.contains(key)
                    && !pending.answered.contains(key)
                    && !self.suspicions.is_silent(key, now)
            });
            (*id, pending.purpose, unknown.copied().collect())
        });
        waiting.collect()
    }

    /// Asks a member and its witnesses over one route. Returns whether there is a route.
    fn ask_member(
        &mut self,
        member: &ServiceNode,
        purpose: Purpose,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> bool {
        let Some(node) = self.pool.with_onion_key(member) else {
            return false;
        };
        let key = node.ed25519;
        // Another path each time, as far as there are several.
        let open = self.inquiries.open.values();
        let on_paths = open.filter(|inquiry| inquiry.member == key);
        let tried: Vec<PathId> = on_paths.map(|inquiry| inquiry.path).collect();
        let chosen = self.choose_path(purpose, Some(&key), false, &tried, rng);
        let Some((path, hops)) = chosen else {
            return false;
        };
        let asked = self.inquiries.members.get(&key);
        let before = asked.map_or(&[][..], |asked| asked.last_hops.as_slice());
        let except: Vec<Ed25519Public> = before.iter().copied().chain([key]).collect();
        let Some(hops) = self.with_last_hop(hops, &except, now, rng) else {
            return false;
        };
        let Some(last_hop) = hops.last().map(|hop| hop.ed25519) else {
            return false;
        };
        let Some(witnesses) = self.witnesses(&hops, &key, now, rng) else {
            return false;
        };
        let mut packets: Vec<(Part, ServiceNode)> = witnesses
            .into_iter()
            .map(|witness| (Part::Witness, witness))
            .collect();
        let place = random::below(rng, packets.len().saturating_add(1));
        packets.insert(place.min(packets.len()), (Part::Question, node));
        let number = self.number();
        let inquiry = Inquiry {
            member: key,
            path,
            open: packets.len(),
            is_silent: false,
            lost: 0,
        };
        self.inquiries.open.insert(number, inquiry);
        if let Some(asked) = self.inquiries.members.get_mut(&key) {
            asked.last_hops.push(last_hop);
            asked.routes = asked.routes.saturating_add(1);
        }
        for (part, node) in packets {
            let why = Why::Inquiry(number, part);
            if !self.send_question(why, path, hops.clone(), node, &Info, "info", now, rng) {
                self.inquiries.open.remove(&number);
                return false;
            }
        }
        true
    }

    /// Nodes that will answer if the hops work: those that answered lately, else any at which nothing
    /// failed.
    fn witnesses(
        &mut self,
        hops: &[ServiceNode],
        member: &Ed25519Public,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Option<Vec<ServiceNode>> {
        let is_apart =
            |key: &Ed25519Public| key != member && hops.iter().all(|hop| hop.ed25519 != *key);
        let is_up = |key: &Ed25519Public| {
            is_apart(key)
                && !self.inquiries.is_asked(key)
                && !self.failed_lately(key, now)
                && !self.strikes.is_out_at(key, now)
        };
        let lately = self.lately.iter().copied().filter(|key| is_up(key));
        let mut keys: Vec<Ed25519Public> = lately.collect();
        random::shuffle(rng, &mut keys);
        if keys.len() < WITNESSES {
            let may = |node: &ServiceNode| is_up(&node.ed25519) && !keys.contains(&node.ed25519);
            let others = self.some_nodes(WITNESSES, now, rng, may);
            keys.extend(others.iter().map(|node| node.ed25519));
        }
        let nodes = keys.iter().filter_map(|key| {
            let node = *self.pool.get(key)?;
            self.pool.with_onion_key(&node)
        });
        let nodes: Vec<ServiceNode> = nodes.take(WITNESSES).collect();
        (nodes.len() == WITNESSES).then_some(nodes)
    }

    /// Replaces the last hop of a path by a random node: one that was not a last hop for this member
    /// before, as far as there are nodes enough.
    fn with_last_hop(
        &mut self,
        mut hops: Vec<ServiceNode>,
        except: &[Ed25519Public],
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Option<Vec<ServiceNode>> {
        let (_, first) = hops.split_last()?;
        let guard = first.first()?.ed25519;
        let (member, used) = except.split_last()?;
        let may = |node: &ServiceNode| {
            let key = &node.ed25519;
            let is_apart = |hop: &ServiceNode| {
                hop.ed25519 != *key
                    && (!self.config.path.distinct_subnets || hop.subnet() != node.subnet())
            };
            node.is_reachable()
                && key != member
                && first.iter().all(is_apart)
                && !self.inquiries.is_asked(key)
                && !self.guards.is_suspect(key)
                && !self.suspicions.is_noted(key, Some(&guard), now)
                && !self.failed_lately(key, now)
        };
        let fresh = |node: &ServiceNode| may(node) && !used.contains(&node.ed25519);
        let mut nodes = self.some_nodes(1, now, rng, fresh);
        if nodes.is_empty() {
            nodes = self.some_nodes(1, now, rng, may);
        }
        let other = nodes.pop();
        let other = other.and_then(|node| self.pool.with_onion_key(&node));
        if let (Some(other), Some(last)) = (other, hops.last_mut()) {
            *last = other;
        }
        // In a network of few nodes the last hop stays. It cannot be the member itself.
        let is_apart = hops.iter().all(|hop| hop.ed25519 != *member);
        is_apart.then_some(hops)
    }

    /// A packet of an inquiry came to nothing, or was answered. An answer of the member has ended the
    /// inquiry before.
    pub(super) fn inquiry_goes_on(
        &mut self,
        number: u64,
        part: Part,
        is_answered: bool,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let Some(inquiry) = self.inquiries.open.get_mut(&number) else {
            return;
        };
        inquiry.open = inquiry.open.saturating_sub(1);
        match (part, is_answered) {
            (Part::Question, false) => inquiry.is_silent = true,
            (Part::Witness, false) => inquiry.lost = inquiry.lost.saturating_add(1),
            (_, true) => {}
        }
        if inquiry.open > 0 {
            return;
        }
        let Some(inquiry) = self.inquiries.open.remove(&number) else {
            return;
        };
        if inquiry.is_dead() {
            // The last hop, or more of the path.
            self.examine(inquiry.path, None, false, now, rng);
        }
        if !inquiry.is_silent || inquiry.lost > 0 {
            return;
        }
        self.suspicions.note(&inquiry.member, now);
        let Some(asked) = self.inquiries.members.get_mut(&inquiry.member) else {
            return;
        };
        asked.silent = asked.silent.saturating_add(1);
        if asked.silent >= ROUTES {
            self.suspicions.found_silent(&inquiry.member, now);
            self.settle_all(now);
        }
    }

    /// Nobody is being asked any more. If no attempt is under way either, the next one starts, and those
    /// that have not answered are asked again.
    fn try_again(&mut self, id: RequestId, members: &[ServiceNode], now: Instant) {
        let is_idle = self.requests.get(&id).is_some_and(|pending| {
            pending.open == 0 && pending.try_at.is_none() && pending.waiting.is_none()
        });
        if is_idle {
            let keys: Vec<Ed25519Public> = members.iter().map(|member| member.ed25519).collect();
            self.inquiries.renew(&keys);
            self.retry(id, RequestError::NoUsableAnswer, now);
        }
    }
}
