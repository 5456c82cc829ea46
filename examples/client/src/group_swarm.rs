//! What a group says is to be done, as requests to swarms.

use session_config::group::{Answer, Call, Group};
use session_identity::Account;
use session_message::{SealedMessage, UnixMillis};
use session_network::Target;
use session_storage::{
    Delete, DeleteBefore, GroupMember, Retrieve, RevokeSubaccount, Signer, Store, StoredMessage,
    UnrevokeSubaccount,
};
use session_types::{AccountId, AnyId, MessageHash, Namespace};

use crate::driver::Driver;
use crate::error::ClientError;
use crate::session::{Client, store};

/// How many pages of a namespace are fetched at most.
const MAX_PAGES: usize = 100;

impl Client {
    /// The network's time.
    pub async fn time(&self) -> UnixMillis {
        UnixMillis::new(self.shared.lock().await.driver.network_time())
    }

    /// Fetches all messages of the own account.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if no member of the swarm answers.
    pub async fn inbox(&self) -> Result<Vec<StoredMessage>, ClientError> {
        let driver = &mut self.shared.lock().await.driver;
        let signer = Signer::user(self.account().ed25519());
        fetch(
            driver,
            self.account().id().into(),
            Namespace::DEFAULT,
            &signer,
        )
        .await
    }

    /// Fetches all messages of a namespace of a group.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if no member of the swarm answers, or it refuses our access.
    pub async fn group_messages(
        &self,
        group: &Group,
        namespace: Namespace,
    ) -> Result<Vec<StoredMessage>, ClientError> {
        let driver = &mut self.shared.lock().await.driver;
        with_signer(self.account(), group, async |signer| {
            fetch(driver, group.id().into(), namespace, signer).await
        })
        .await
    }

    /// Stores a message in the swarm of a group.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if no member of the swarm has stored it.
    pub async fn store_in_group(
        &self,
        group: &Group,
        message: SealedMessage,
    ) -> Result<Answer, ClientError> {
        let driver = &mut self.shared.lock().await.driver;
        with_signer(self.account(), group, async |signer| {
            store_signed(driver, group, message, signer).await
        })
        .await
    }

    /// Makes the calls of a job, in their order, and says what came of each: nothing of those behind
    /// one that failed. `own_messages` names the messages in namespace 11 by their authors; `made` is
    /// told of each call that was made.
    pub async fn make_calls(
        &self,
        group: &Group,
        calls: &[Call],
        own_messages: impl Fn(&AccountId) -> Vec<MessageHash>,
        mut made: impl FnMut(&Call),
    ) -> (Vec<Answer>, Option<ClientError>) {
        let mut answers = Vec::new();
        let mut last = None;
        for call in calls {
            match self.make(group, call, &own_messages).await {
                Ok(answer) => {
                    answers.push(answer);
                    made(call);
                }
                Err(error) => {
                    answers.push(Answer::Failed);
                    last = Some(error);
                    if !matches!(call, Call::Send { .. }) {
                        break;
                    }
                }
            }
        }
        (answers, last)
    }

    async fn make(
        &self,
        group: &Group,
        call: &Call,
        own_messages: &impl Fn(&AccountId) -> Vec<MessageHash>,
    ) -> Result<Answer, ClientError> {
        match call {
            Call::Store(message) => return self.store_in_group(group, message.clone()).await,
            Call::Send { to, message } => {
                let driver = &mut self.shared.lock().await.driver;
                let at = driver.network_time();
                let sent = store(driver, to, message.clone(), at).await?;
                let (hash, at) = (sent.hash.to_string(), UnixMillis::new(at));
                return Ok(Answer::Stored { hash, at });
            }
            _ => {}
        }
        let driver = &mut self.shared.lock().await.driver;
        let id = group.id();
        let target = Target::SwarmOf(id.into());
        let at = UnixMillis::new(driver.network_time());
        with_signer(self.account(), group, async |signer| {
            let parsed =
                |names: &[String]| names.iter().filter_map(|name| name.parse().ok()).collect();
            let delete: Vec<MessageHash> = match call {
                Call::Delete(names) => parsed(names),
                Call::DeleteMessagesOf(members) => members.iter().flat_map(own_messages).collect(),
                _ => Vec::new(),
            };
            match call {
                Call::Revoke(tokens) => {
                    let call = RevokeSubaccount::new(id, tokens.clone())?.sign(at, signer);
                    driver.ask(target, &call).await?;
                }
                Call::Unrevoke(tokens) => {
                    let call = UnrevokeSubaccount::new(id, tokens.clone())?.sign(at, signer);
                    driver.ask(target, &call).await?;
                }
                Call::DeleteBefore { namespace, before } => {
                    let call = DeleteBefore::new(id, *namespace, *before).sign(at, signer);
                    driver.ask(target, &call).await?;
                }
                _ if !delete.is_empty() => {
                    let call = Delete::new(id, delete)?.sign(at, signer);
                    driver.ask(target, &call).await?;
                }
                _ => {}
            }
            Ok(Answer::Done)
        })
        .await
    }
}

/// Signs as the admin of a group, or as the member.
async fn with_signer<T>(
    account: &Account,
    group: &Group,
    ask: impl AsyncFnOnce(&Signer<'_>) -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    if let Some(admin) = group.admin() {
        return ask(&Signer::group(admin)).await;
    }
    let unusable = || ClientError::Usage("the group gives this account no access".to_owned());
    let auth = group.auth_data().ok_or_else(unusable)?;
    let member = GroupMember::new(account, auth).map_err(|_| unusable())?;
    ask(&member.signer()).await
}

async fn store_signed(
    driver: &mut Driver,
    group: &Group,
    message: SealedMessage,
    signer: &Signer<'_>,
) -> Result<Answer, ClientError> {
    let at = UnixMillis::new(driver.network_time());
    let call = Store::new(group.id(), message, at)?.sign(at, signer);
    let answered = driver
        .ask(Target::SwarmOf(group.id().into()), &call)
        .await?;
    if answered.signers.is_empty() {
        let failed = answered.answer.entries.len();
        return Err(ClientError::NotStored { failed });
    }
    Ok(Answer::Stored {
        hash: call.hash().to_string(),
        at,
    })
}

pub(crate) async fn fetch(
    driver: &mut Driver,
    account: AnyId,
    namespace: Namespace,
    signer: &Signer<'_>,
) -> Result<Vec<StoredMessage>, ClientError> {
    let mut all: Vec<StoredMessage> = Vec::new();
    for _ in 0..MAX_PAGES {
        let after = all.last().map(|message| message.hash);
        let at = UnixMillis::new(driver.network_time());
        let call = Retrieve::new(account, namespace)
            .after(after)
            .sign(at, signer);
        let answer = driver.ask(Target::SwarmOf(account), &call).await?.answer;
        let intact = |message: &StoredMessage| message.is_intact(&account, namespace);
        let more = answer.more && !answer.messages.is_empty();
        all.extend(answer.messages.into_iter().filter(intact));
        if !more {
            break;
        }
    }
    Ok(all)
}
