//! The status of an account, and its payments (protocol: pro-backend, sections 3 and 4).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use session_types::UnixMillis;

use super::Plan;
use crate::{ReplyError, json};

/// Advisory data sent with a proof. Not signed: use it for display only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// End of the subscription.
    pub expires: UnixMillis,
    /// Grace period after it.
    pub grace: Duration,
    /// Whether the store renews the subscription.
    pub is_renewing: bool,
}

#[derive(Deserialize)]
pub(super) struct AccountFields {
    account_expiry_ts: Option<u64>,
    account_grace_period_duration: Option<u64>,
    account_auto_renewing: Option<bool>,
}

impl AccountFields {
    /// The three come together or not at all.
    pub(super) fn read(&self) -> Result<Option<Account>, ReplyError> {
        match (
            self.account_expiry_ts,
            self.account_grace_period_duration,
            self.account_auto_renewing,
        ) {
            (Some(expires), Some(grace), Some(is_renewing)) => Ok(Some(Account {
                expires: UnixMillis::from_secs(expires),
                grace: Duration::from_secs(grace),
                is_renewing,
            })),
            (None, None, None) => Ok(None),
            _ => Err(ReplyError::Json),
        }
    }
}

impl Account {
    pub(super) fn write(&self, fields: &mut Map<String, Value>) {
        fields.insert("account_expiry_ts".into(), json!(self.expires.as_secs()));
        let grace = json!(self.grace.as_secs());
        fields.insert("account_grace_period_duration".into(), grace);
        fields.insert("account_auto_renewing".into(), json!(self.is_renewing));
    }
}

/// Whether an account has Session Pro.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserStatus {
    /// It never had.
    Never,
    /// It has.
    Active,
    /// It had.
    Expired,
}

/// State of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PaymentState {
    /// It counts.
    Redeemed,
    /// It has run out.
    Expired,
    /// It was taken back.
    Revoked,
}

/// Payment provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Google's store.
    GooglePlay,
    /// Apple's store.
    AppStore,
    /// The Session Technology Foundation.
    Stf,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// State.
    pub state: PaymentState,
    /// Plan.
    pub plan: Plan,
    /// Payment provider.
    pub provider: Provider,
    /// Whether the store renews it.
    pub is_renewing: bool,
    /// Time of creation.
    pub purchased: UnixMillis,
    /// Expiry.
    pub expires: UnixMillis,
    /// Grace period of the store.
    pub grace: Duration,
    /// Until when the store gives the money back.
    pub refundable_until: UnixMillis,
    /// Time of revocation, if it was revoked.
    pub revoked: Option<UnixMillis>,
    /// Its name at the store, opaque.
    pub id: String,
}

#[derive(Deserialize)]
struct PaymentFields {
    status: PaymentState,
    plan: String,
    payment_provider: Provider,
    auto_renewing: bool,
    purchased_ts: f64,
    expiry_ts: u64,
    grace_period_duration: u64,
    platform_refund_expiry_ts: u64,
    revoked_ts: Option<f64>,
    payment_id: String,
}

impl PaymentFields {
    fn payment(self) -> Result<Payment, ReplyError> {
        let revoked = self.revoked_ts.filter(|at| *at != 0.0);
        Ok(Payment {
            state: self.status,
            plan: self
                .plan
                .parse()
                .map_err(|_| ReplyError::Value { field: "plan" })?,
            provider: self.payment_provider,
            is_renewing: self.auto_renewing,
            purchased: json::time(self.purchased_ts, "purchased_ts")?,
            expires: UnixMillis::from_secs(self.expiry_ts),
            grace: Duration::from_secs(self.grace_period_duration),
            refundable_until: UnixMillis::from_secs(self.platform_refund_expiry_ts),
            revoked: json::opt_time(revoked, "revoked_ts")?,
            id: self.payment_id,
        })
    }
}

impl Payment {
    fn write(&self) -> Value {
        json!({
            "status": match self.state {
                PaymentState::Redeemed => "redeemed",
                PaymentState::Expired => "expired",
                PaymentState::Revoked => "revoked",
            },
            "plan": self.plan.to_string(),
            "payment_provider": match self.provider {
                Provider::GooglePlay => "google_play",
                Provider::AppStore => "app_store",
                Provider::Stf => "stf",
            },
            "auto_renewing": self.is_renewing,
            "purchased_ts": self.purchased.as_secs_f64(),
            "expiry_ts": self.expires.as_secs(),
            "grace_period_duration": self.grace.as_secs(),
            "platform_refund_expiry_ts": self.refundable_until.as_secs(),
            "revoked_ts": self.revoked.map(UnixMillis::as_secs_f64),
            "payment_id": self.id,
        })
    }
}

/// The status of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountStatus {
    /// Whether it has Session Pro.
    pub user: UserStatus,
    /// Whether a store renews the subscription.
    pub is_renewing: bool,
    /// End of the subscription.
    pub expires: UnixMillis,
    /// Grace period after it.
    pub grace: Duration,
    /// The newest payment that was not revoked, or the newest if all were; `None` if there never was one.
    /// It may have run out while the account is active.
    pub latest: Option<Payment>,
}

#[derive(Deserialize)]
pub(super) struct StatusFields {
    user_status: UserStatus,
    auto_renewing: bool,
    expiry_ts: u64,
    grace_period_duration: u64,
    latest_payment: Option<json::Object<PaymentFields>>,
}

impl StatusFields {
    pub(super) fn status(self) -> Result<AccountStatus, ReplyError> {
        let latest = self.latest_payment;
        Ok(AccountStatus {
            user: self.user_status,
            is_renewing: self.auto_renewing,
            expires: UnixMillis::from_secs(self.expiry_ts),
            grace: Duration::from_secs(self.grace_period_duration),
            latest: latest
                .map(|json::Object(fields)| fields.payment())
                .transpose()?,
        })
    }
}

impl AccountStatus {
    pub(super) fn write(&self) -> Value {
        json!({
            "user_status": match self.user {
                UserStatus::Never => "never",
                UserStatus::Active => "active",
                UserStatus::Expired => "expired",
            },
            "auto_renewing": self.is_renewing,
            "expiry_ts": self.expires.as_secs(),
            "grace_period_duration": self.grace.as_secs(),
            "latest_payment": self.latest.as_ref().map(Payment::write),
        })
    }
}

/// A page of payments, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentPage {
    /// Total number of payments.
    pub total: u64,
    /// Those of this page.
    pub items: Vec<Payment>,
    /// Opaque cursor for the next page; `None` for the last page.
    pub next: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct PageFields {
    payments_total: u64,
    items: Vec<json::Object<PaymentFields>>,
    next_cursor: Option<String>,
}

impl PageFields {
    pub(super) fn page(self) -> Result<PaymentPage, ReplyError> {
        let items = self.items.into_iter();
        let items = items.map(|json::Object(fields)| fields.payment());
        Ok(PaymentPage {
            total: self.payments_total,
            items: items.collect::<Result<_, _>>()?,
            next: self.next_cursor,
        })
    }
}

impl PaymentPage {
    pub(super) fn write(&self) -> Value {
        json!({
            "payments_total": self.total,
            "items": self.items.iter().map(Payment::write).collect::<Vec<_>>(),
            "next_cursor": self.next,
        })
    }
}
