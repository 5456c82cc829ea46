//! The devices of the own account in its swarm: namespaces 21 and −21. Upcoming: see
//! `session_config::devices`.

use session_config::devices::{NAMESPACE, Outgoing};
use session_message::SealedMessage;
use session_message::v2::publication;
use session_network::Target;
use session_storage::{Delete, Signer, Store, StoredMessage};
use session_types::{MessageHash, Namespace, UnixMillis};

use crate::error::ClientError;
use crate::group_swarm::fetch;
use crate::session::Client;

impl Client {
    /// Fetches all messages that devices of the own account have for each other.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if no member of the swarm answers.
    pub async fn device_messages(&self) -> Result<Vec<StoredMessage>, ClientError> {
        self.own_messages(NAMESPACE).await
    }

    /// Fetches the public keys that the own account has published.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if no member of the swarm answers.
    pub async fn published_keys(&self) -> Result<Vec<StoredMessage>, ClientError> {
        self.own_messages(publication::NAMESPACE).await
    }

    async fn own_messages(&self, namespace: Namespace) -> Result<Vec<StoredMessage>, ClientError> {
        let driver = &mut self.shared.lock().await.driver;
        let signer = Signer::user(self.account().ed25519());
        fetch(driver, self.account().id().into(), namespace, &signer).await
    }

    /// Stores what a device has to send, and deletes what it replaces. Returns the name of the message, if
    /// there was one.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if no member of the swarm has stored it.
    pub async fn send_for_device(
        &self,
        outgoing: &Outgoing,
    ) -> Result<Option<String>, ClientError> {
        let mut name = None;
        if let Some(message) = &outgoing.message {
            name = Some(self.store_own(message.clone()).await?);
        }
        let obsolete = outgoing.delete.iter();
        let obsolete: Vec<MessageHash> = obsolete.filter_map(|one| one.parse().ok()).collect();
        if !obsolete.is_empty() {
            let driver = &mut self.shared.lock().await.driver;
            let at = UnixMillis::new(driver.network_time());
            let signer = Signer::user(self.account().ed25519());
            let call = Delete::new(self.account().id(), obsolete)?.sign(at, &signer);
            driver
                .ask(Target::SwarmOf(self.account().id().into()), &call)
                .await?;
        }
        if let Some(publication) = &outgoing.publication {
            self.store_own(publication.clone()).await?;
        }
        Ok(name)
    }

    async fn store_own(&self, message: SealedMessage) -> Result<String, ClientError> {
        let driver = &mut self.shared.lock().await.driver;
        let at = UnixMillis::new(driver.network_time());
        let signer = Signer::user(self.account().ed25519());
        let call = Store::new(self.account().id(), message, at)?.sign(at, &signer);
        let target = Target::SwarmOf(self.account().id().into());
        let answered = driver.ask(target, &call).await?;
        if answered.signers.is_empty() {
            let failed = answered.answer.entries.len();
            return Err(ClientError::NotStored { failed });
        }
        Ok(call.hash().to_string())
    }
}
