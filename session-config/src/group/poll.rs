//! What is to be sent next.

use alloc::vec::Vec;

use session_crypto::Ed25519Secret;
use session_identity::subaccount::{AuthData, Permissions, Token};
use session_message::content::{Kind, MemberAuthData};
use session_message::rand_core::CryptoRng;
use session_message::{Sealer, admin, kicked};
use session_types::limits::REVOKED_MAX;
use session_types::{AccountId, Namespace, SealedMessage, UnixMillis};

use super::error::ActError;
use super::job::{Call, Job, Open, Part, Ticket};
use super::{Group, Stage};
use crate::config::Config;
use crate::kind::Kind as ConfigKind;
use crate::limits::MAX_GROUP_MEMBERS;
use crate::members::{Delivery, Removal};
use session_proto::zstd::{Compressor, Encoder};

/// Maximum number of invitations and promotions in one job.
const SENDS: usize = 20;

/// For how many generations a removed member is watched.
const WATCHED: u64 = 64;

/// A job that is being made.
#[derive(Default)]
struct Plan {
    calls: Vec<Call>,
    parts: Vec<Part>,
}

impl Plan {
    fn add(&mut self, part: Part, call: Call) {
        self.parts.push(part);
        self.calls.push(call);
    }

    fn store(&mut self, part: Part, namespace: Namespace, data: Vec<u8>) {
        let ttl = namespace.usual_ttl();
        self.add(
            part,
            Call::Store(SealedMessage {
                namespace,
                ttl,
                data,
            }),
        );
    }
}

impl Group {
    /// Returns what has to be sent next; nothing if all is done.
    ///
    /// Jobs come one after the other, each once the one before has been reported: keys are stored
    /// before what is encrypted with them, and invitations are sent after that. If the outcome of a job
    /// is unknown, poll again: the same will come. Wait before repeating what failed.
    ///
    /// Poll after a whole fetch was received, and save [`dump`](Self::dump) before sending.
    ///
    /// # Errors
    ///
    /// [`ActError`] if a message cannot be made, for instance because a config has grown too long.
    pub fn poll(
        &mut self,
        now: UnixMillis,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Option<Job>, ActError> {
        self.poll_with(now, rng, &Encoder)
    }

    /// As [`poll`](Self::poll), with another compressor.
    ///
    /// # Errors
    ///
    /// As [`poll`](Self::poll).
    pub fn poll_with(
        &mut self,
        now: UnixMillis,
        rng: &mut (impl CryptoRng + ?Sized),
        compressor: &dyn Compressor,
    ) -> Result<Option<Job>, ActError> {
        self.open = None;
        if !matches!(self.stage, Stage::Joined | Stage::Leaving) {
            return Ok(None);
        }
        let acts = self.stage() == Stage::Joined && !self.is_being_removed();
        if acts && self.is_admin() {
            if self.queue.claim_admin && self.members.seqno() != 0 {
                let own = *self.account.id();
                self.members
                    .update(&own, |own| own.set_promotion(Delivery::Done))?;
                self.queue.claim_admin = false;
                self.needs_dump = true;
            }
            let are_back = self.review_removed()?;
            let needs_key = are_back || (!self.keys.has_pending() && self.is_key_outdated());
            // An admin may have listed more than one key message can serve: they can only be removed.
            if needs_key && self.ids().len() <= MAX_GROUP_MEMBERS {
                self.rekey()?;
            }
        }
        let plan = self.plan_pushes(now, rng, compressor)?;
        if !plan.calls.is_empty() {
            return Ok(Some(self.opened(plan, Vec::new())));
        }
        if !acts {
            return Ok(None);
        }
        let (plan, removed) = self.plan_removal(now, rng)?;
        if !removed.is_empty() {
            return Ok(Some(self.opened(plan, removed)));
        }
        let plan = self.plan_sends(now, rng)?;
        Ok((!plan.calls.is_empty()).then(|| self.opened(plan, Vec::new())))
    }

    /// Returns whether there are two newest keys, or the newest one is not for the members that there
    /// are: another admin did not know of a change of ours when they made it.
    fn is_key_outdated(&self) -> bool {
        let is_known = self.members.seqno() != 0 && self.keys.count() > 0;
        self.keys.needs_rekey() || (is_known && !self.keys.is_for(&self.ids()))
    }

    /// Looks at members whom this device has removed, and returns whether some are members again.
    ///
    /// An admin who did not know of the removal may have given one of them a newer key. They are sent
    /// another notice then: the one that they have is older than that key. If it turns out that the
    /// admin had invited them again, they need another invitation and a key newer than this notice.
    fn review_removed(&mut self) -> Result<bool, ActError> {
        let newest = self.keys.generation();
        let members = &self.members;
        let queue = &mut self.queue;
        let back = |id: &&AccountId| {
            members
                .get(id)
                .is_some_and(|one| one.removal == Removal::No)
        };
        let back: Vec<_> = queue.noticed_again.iter().filter(back).copied().collect();
        queue.unrevoke.extend(&back);
        for id in &back {
            if self.members.get(id).is_some_and(|member| !member.is_admin) {
                self.members
                    .update(id, |member| member.set_invite(Delivery::NotSent))?;
            }
        }
        let members = &self.members;
        // An admin has invited them again, or they are about to be removed again.
        queue.removed.retain(|id, generation| {
            members.get(id).is_none() && generation.saturating_add(WATCHED) > newest
        });
        let removed = &queue.removed;
        queue.given.retain(|id, generation| {
            removed
                .get(id)
                .is_some_and(|noticed| *generation > *noticed)
        });
        queue.noticed_again.retain(|id| removed.contains_key(id));
        Ok(!back.is_empty())
    }

    fn opened(&mut self, plan: Plan, removed: Vec<AccountId>) -> Job {
        self.last_ticket = self.last_ticket.wrapping_add(1);
        let ticket = Ticket(self.last_ticket);
        let has_keys = plan.parts.contains(&Part::Keys);
        let keys = self.keys.pending_message().filter(|_| has_keys);
        self.open = Some(Open {
            ticket,
            keys: keys.map(<[u8]>::to_vec),
            parts: plan.parts,
            generation: self.keys.generation(),
            removed: removed.into_iter().collect(),
        });
        Job {
            ticket,
            calls: plan.calls,
        }
    }

    /// Keys before what is encrypted with them, and deletions after what replaces the deleted.
    fn plan_pushes(
        &mut self,
        now: UnixMillis,
        rng: &mut (impl CryptoRng + ?Sized),
        compressor: &dyn Compressor,
    ) -> Result<Plan, ActError> {
        let mut plan = Plan::default();
        for supplement in &self.queue.supplements {
            plan.store(Part::Supplement, Namespace::GROUP_KEYS, supplement.clone());
        }
        if let Some(message) = self.keys.pending_message() {
            plan.store(Part::Keys, Namespace::GROUP_KEYS, message.to_vec());
        }
        let delete = &mut self.queue.delete;
        if self.info.needs_push() || self.queue.restore_info {
            let (seqno, messages, obsolete) = push(&mut self.info, now, compressor)?;
            delete.extend(obsolete);
            for message in messages {
                plan.store(Part::Info { seqno }, Namespace::GROUP_INFO, message);
            }
        } else {
            delete.extend(self.info.take_obsolete());
        }
        if self.members.needs_push() || self.queue.restore_members {
            let (seqno, messages, obsolete) = push(&mut self.members, now, compressor)?;
            delete.extend(obsolete);
            for message in messages {
                plan.store(Part::Members { seqno }, Namespace::GROUP_MEMBERS, message);
            }
        } else {
            delete.extend(self.members.take_obsolete());
        }
        self.plan_controls(&mut plan, now, rng)?;
        let Some(admin) = self.admin() else {
            return Ok(plan);
        };
        let used: Vec<_> = self.keep_alive(now).collect();
        let delete = self
            .queue
            .delete
            .iter()
            .filter(|name| !used.contains(&name.as_str()));
        let delete: Vec<_> = delete.cloned().collect();
        // Another admin may have removed them since.
        let is_member = |id: &AccountId| {
            self.members
                .get(id)
                .is_some_and(|member| member.removal == Removal::No)
        };
        let unrevoke = self.queue.unrevoke.iter().copied();
        let unrevoke: Vec<_> = unrevoke.filter(is_member).collect();
        let unrevoked = tokens(admin, &unrevoke);
        if !delete.is_empty() {
            plan.add(Part::Delete(delete.clone()), Call::Delete(delete));
        }
        if let Some(before) = self.queue.delete_before {
            let namespace = Namespace::GROUP_MESSAGES;
            plan.add(
                Part::DeleteBefore(before),
                Call::DeleteBefore { namespace, before },
            );
        }
        let given: Vec<_> = self.queue.given.keys().copied().take(REVOKED_MAX).collect();
        if !given.is_empty() && self.keys.count() > 0 {
            plan.add(Part::Removal, Call::Revoke(tokens(admin, &given)));
            let generation = self.keys.generation();
            let notice = kicked::seal(rng, admin, &given, generation)?;
            plan.add(
                Part::Notice {
                    ids: given,
                    generation,
                },
                Call::Store(notice),
            );
        }
        for (ids, tokens) in unrevoke
            .chunks(REVOKED_MAX)
            .zip(unrevoked.chunks(REVOKED_MAX))
        {
            plan.add(
                Part::Unrevoke(ids.to_vec()),
                Call::Unrevoke(tokens.to_vec()),
            );
        }
        Ok(plan)
    }

    fn plan_controls(
        &mut self,
        plan: &mut Plan,
        now: UnixMillis,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), ActError> {
        let Some(key) = self.keys.newest() else {
            return Ok(());
        };
        let sealer = Sealer::new(&*self.account);
        for control in &self.queue.controls {
            if let Some(content) = control.content(self.keys.admin(), &self.info, now) {
                let sealed = sealer.seal_group(rng, self.keys.id(), key, &content, now)?;
                plan.add(Part::Control, Call::Store(sealed));
            }
        }
        Ok(())
    }

    /// The steps that come before the erasure of members who are marked as removed.
    fn plan_removal(
        &self,
        now: UnixMillis,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(Plan, Vec<AccountId>), ActError> {
        let mut plan = Plan::default();
        let marked = self
            .members
            .iter()
            .filter(|member| member.removal != Removal::No);
        let marked: Vec<_> = marked
            .take(REVOKED_MAX)
            .map(|one| (one.id, one.removal))
            .collect();
        let (Some(admin), Some(key)) = (self.admin(), self.keys.newest()) else {
            return Ok((plan, Vec::new()));
        };
        let ids: Vec<_> = marked.iter().map(|(id, _)| *id).collect();
        // An id that allows no subaccount has nothing to be revoked, and nobody reads a notice.
        let valid: Vec<_> = ids
            .iter()
            .copied()
            .filter(|id| token(admin, id).is_some())
            .collect();
        if !valid.is_empty() {
            plan.add(Part::Removal, Call::Revoke(tokens(admin, &valid)));
            let notice = kicked::seal(rng, admin, &valid, self.keys.generation())?;
            plan.add(Part::Removal, Call::Store(notice));
        }
        let with_messages = marked
            .iter()
            .filter(|(_, how)| *how == Removal::WithMessages);
        let with_messages: Vec<_> = with_messages.map(|(id, _)| *id).collect();
        if !with_messages.is_empty() {
            let delete = admin::delete_content(admin, &with_messages, &[], now);
            let content = Kind::Group(delete).into();
            let sealer = Sealer::new(&*self.account);
            let sealed = sealer.seal_group(rng, self.id(), key, &content, now)?;
            plan.add(Part::Removal, Call::Store(sealed));
            plan.add(Part::Removal, Call::DeleteMessagesOf(with_messages));
        }
        Ok((plan, ids))
    }

    /// Invitations and promotions that this device is to send.
    fn plan_sends(
        &self,
        now: UnixMillis,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Plan, ActError> {
        let mut plan = Plan::default();
        let Some(group) = self.admin() else {
            return Ok(plan);
        };
        let sealer = Sealer::new(&*self.account);
        let name = self.name();
        let due = self.members.iter().filter(|member| {
            // Another admin may have sent it since.
            let delivery = if member.is_admin {
                member.promotion
            } else {
                member.invite
            };
            let is_due = delivery == Delivery::NotSent && member.removal == Removal::No;
            is_due && self.members.is_pending_send(&member.id)
        });
        for member in due.take(SENDS) {
            let (part, update) = if member.is_admin {
                (Part::Promote(member.id), admin::promote(group, &name))
            } else {
                let auth = AuthData::create(group, &member.id, Permissions::MEMBER)?;
                let auth = MemberAuthData::from_bytes(&auth.expose_bytes());
                let update = admin::invite(group, &member.id, &name, &auth, now);
                (Part::Invite(member.id), update)
            };
            let content = Kind::Group(update).into();
            let message = sealer.seal_direct(rng, &member.id, &content, now)?;
            plan.add(
                part,
                Call::Send {
                    to: member.id,
                    message,
                },
            );
        }
        Ok(plan)
    }
}

type Pushed = (i64, Vec<Vec<u8>>, Vec<alloc::string::String>);

fn push<K: ConfigKind>(
    config: &mut Config<K>,
    now: UnixMillis,
    compressor: &dyn Compressor,
) -> Result<Pushed, ActError> {
    let push = config.push_with(now, compressor)?;
    Ok((push.seqno, push.messages, push.obsolete))
}

fn token(admin: &Ed25519Secret, id: &AccountId) -> Option<Token> {
    Token::of_member(admin, id, Permissions::MEMBER).ok()
}

fn tokens(admin: &Ed25519Secret, ids: &[AccountId]) -> Vec<Token> {
    ids.iter().filter_map(|id| token(admin, id)).collect()
}
