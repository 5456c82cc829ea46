#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::disallowed_methods
    )
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod answer;
mod auth;
mod batch;
mod bulk;
mod check;
mod delete;
mod delete_all;
mod error;
mod expire;
mod get_expiries;
mod get_swarm;
mod group_member;
mod ifelse;
mod info;
mod method;
mod nodes_bin;
mod oxend;
mod params;
mod params_out;
mod request;
mod retrieve;
mod revoke;
mod revoked;
mod serve;
mod service_nodes;
mod storage;
mod store;
mod swarm_answer;
mod swarm_info;

pub mod monitor;
pub mod omq;
pub mod quic;
pub mod rate;
pub mod replication;
pub mod value;

pub use answer::{AnswerError, Body, Response, Stamp};
pub use auth::{Auth, Sign, Signer, SubaccountProof, TimedAuth};
pub use batch::{Batch, BatchAnswer};
pub use bulk::{DeleteBefore, DeletedEntry, ExpireAll, UpdatedEntry};
pub use check::Checks;
pub use delete::{Delete, DeleteEntry};
pub use delete_all::DeleteAll;
pub use error::{ParamError, RpcError};
pub use expire::{Applied, Expire, ExpireDirection, ExpireEntry, Expiries};
pub use get_expiries::GetExpiries;
pub use get_swarm::{GetSwarm, GetSwarmAnswer};
pub use group_member::GroupMember;
pub use ifelse::{Condition, IfElse, IfElseAnswer, NetworkState};
pub use info::{Info, InfoAnswer};
pub use method::Method;
pub use nodes_bin::ActiveNodesBin;
pub use oxend::{OxendAnswer, OxendEndpoint, OxendRequest};
pub use request::{Call, Encoding, Request};
pub use retrieve::{Page, Retrieve, RetrieveAnswer, SizeLimit, StoredMessage, share_of_size};
pub use revoke::{RevokeSubaccount, RevokedEntry, UnrevokeSubaccount, UnrevokedEntry};
pub use revoked::{RevokedAnswer, RevokedSubaccounts};
pub use serve::{Forward, ForwardId, Host, PeerOutcome, Serving, serve, serve_peer, serve_with};
pub use service_nodes::{NodeFields, ServiceNodesRequest, ServiceNodesState};
pub use session_identity::subaccount::{Permissions, Token};
pub use storage::{Inserted, MemoryStorage, Storage};
pub use store::{Lifetime, Store, StoreEntry};
pub use swarm_answer::{
    Affected, Entry, Failure, MAX_ENTRIES, Signed, SwarmAnswer, SwarmCall, SwarmEntry, Verified,
    peer_body,
};
pub use swarm_info::SwarmInfo;

use request::member;
