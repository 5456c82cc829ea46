//! The Session Pro backend: proofs, status, payments and revocations (protocol: pro-backend).
//!
//! Behind the feature `pro-backend`, because the format is not frozen before the launch of Session Pro.
//!
//! ```text
//! POST /generate_pro_proof    signed by master and rotating key  ->  proof
//! POST /get_pro_status        signed by the master key           ->  status of the account
//! POST /get_payment_details   signed by the master key           ->  a page of payments
//! POST /get_pro_revocations   a ticket                           ->  revoked proofs
//! ```
//!
//! The HTTP status is always 200; the body says whether the request succeeded. [`client`] makes requests
//! and reads replies, [`server`] answers them. The keys come from `session_crypto::pro`.

mod account;
pub mod client;
mod envelope;
mod plan;
mod revocations;
pub mod server;

pub use account::{
    Account, AccountStatus, Payment, PaymentPage, PaymentState, Provider, UserStatus,
};
pub use envelope::{Code, ProError};
pub use plan::{Plan, PlanError, Unit};
pub use revocations::{Revocation, Revocations, Revoked};

use core::time::Duration;

/// Path of the request for a proof.
pub const PROOF: &str = "/generate_pro_proof";
/// Path of the request for the status of an account.
pub const STATUS: &str = "/get_pro_status";
/// Path of the request for payments.
pub const PAYMENTS: &str = "/get_payment_details";
/// Path of the request for revocations.
pub const REVOCATIONS: &str = "/get_pro_revocations";
/// Maximum difference between the time of a request and the server's clock.
pub const TIME_TOLERANCE: Duration = Duration::from_secs(70);
/// Time before the expiry of a proof at which it is renewed, not earlier.
pub const RENEW_BEFORE: Duration = Duration::from_secs(60 * 60);
