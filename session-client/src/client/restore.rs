//! Going on from persisted records.

use alloc::sync::Arc;
use alloc::vec::Vec;

use session_config::UserConfigs;
use session_config::group::Group;
use session_identity::Account;
use session_proto::bt;
use session_types::UnixMillis;

use super::Client;
use super::groups::GroupState;
use crate::error::RecordError;
use crate::outbox::{Entry, SendId};
use crate::record::Key;
use crate::settings::Settings;

/// A client that was restored.
#[derive(Debug)]
pub struct Restored {
    /// The client.
    pub client: Client,
    /// The keys of records that are damaged, with the reason. Nothing else is lost.
    pub damaged: Vec<(Vec<u8>, RecordError)>,
}

impl Client {
    /// Goes on from the records that batches wrote, in any order. The history is not needed for it.
    ///
    /// A damaged record costs that record. Without its shared configs the client fetches them again
    /// before it changes any.
    #[must_use]
    pub fn restore<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        account: Arc<Account>,
        settings: Settings,
        records: impl IntoIterator<Item = (K, V)>,
        now: UnixMillis,
    ) -> Restored {
        let mut client = Self::linked(Arc::clone(&account), settings);
        let (mut damaged, mut has_configs) = (Vec::new(), false);
        for (key, value) in records {
            let (key, value) = (key.as_ref(), value.as_ref());
            let taken = Key::try_from(key).and_then(|key| match key {
                Key::Configs => {
                    client.configs = UserConfigs::load(Arc::clone(&account), value, now)
                        .map_err(|_| RecordError::Value)?;
                    has_configs = true;
                    Ok(())
                }
                Key::Group(id) => {
                    let group = Group::load(Arc::clone(&account), id, value, now)
                        .map_err(|_| RecordError::Value)?;
                    client.groups.insert(id, GroupState::new(group));
                    Ok(())
                }
                key => client.take_record(key, value),
            });
            if let Err(reason) = taken {
                damaged.push((key.to_vec(), reason));
            }
        }
        if !has_configs {
            let (namespaces, journal) = (&UserConfigs::NAMESPACES, &mut client.journal);
            client.inbox.rewind(client.id, namespaces, journal);
        }
        client.discard_unused_files();
        client.restore_missing_groups();
        client.restore_rooms();
        client.fetching.retries = true;
        client.fetching.is_synced = client.configs.is_fetched();
        Restored { client, damaged }
    }

    fn take_record(&mut self, key: Key, value: &[u8]) -> Result<(), RecordError> {
        match key {
            Key::State => {
                let read = || -> Option<(u64, u64, u64)> {
                    let dict = bt::parse_dict(value).ok()?;
                    let number = |key| dict.u64(key).ok();
                    Some((number("n")?, number("t")?, number("e")?))
                };
                let (next, last, uses_timers) = read().ok_or(RecordError::Value)?;
                self.disappearing.is_used |= uses_timers != 0;
                self.next_send = self.next_send.max(next);
                self.last_sent = self.last_sent.max(UnixMillis::new(last));
                Ok(())
            }
            Key::Outgoing(send) => {
                let entry = Entry::from_value(value)?;
                self.last_sent = self.last_sent.max(entry.sent_at);
                self.next_send = self.next_send.max(send.get().saturating_add(1));
                self.outbox.insert(send, entry);
                Ok(())
            }
            Key::Obsolete(hash) => {
                self.deleting.names.insert(hash);
                Ok(())
            }
            #[cfg(feature = "v2")]
            Key::Device => self.restore_device(value).ok_or(RecordError::Value),
            #[cfg(not(feature = "v2"))]
            Key::Device => Ok(()),
            Key::File(number) => self.files.restore(number, value),
            Key::FileContent(_) => Ok(()),
            Key::Read(hash) => self.disappearing.restore(hash, value),
            key @ (Key::Server(_) | Key::Room(_) | Key::Post(..) | Key::Errand(_)) => {
                self.restore_community(&key, value)
            }
            Key::Message(_) | Key::Configs | Key::Group(_) => Ok(()),
            key => self.inbox.restore(key, value),
        }
    }

    /// Returns the messages in the outbox, the oldest first, then what is on its way to communities.
    pub fn sending(&self) -> impl Iterator<Item = SendId> + '_ {
        let communities = self.communities.sending();
        self.outbox.keys().copied().chain(communities)
    }
}
