//! The network information server: price, token and size of the network (protocol: file-server,
//! section 5).

use alloc::string::String;

use serde::Deserialize;
use serde_json::json;
use session_identity::version::VersionKey;
use session_types::UnixMillis;
use session_types::http::{Request, Response};

use crate::{ReplyError, json, version};

/// Base URL of the deployed server.
pub const BASE_URL: &str = "http://networkv1.getsession.org";
/// The deployed server's X25519 key, in hex.
pub const X25519_KEY: &str = "cbf461a4431dc9174dceef4421680d743a2a0e1a3131fc794240bcb0bc3dd449";

/// Asks for the figures, signed under the account's `07` id as of `now`.
#[must_use]
pub fn request(key: &VersionKey, now: UnixMillis) -> Request {
    version::sign(Request::get("/info"), key, now)
}

/// Price of the token.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Price {
    /// In US dollars.
    pub usd: f64,
    /// Market capitalisation in US dollars.
    pub usd_market_cap: f64,
    /// Time of fetching, in Unix seconds.
    pub t_price: u64,
    /// Time at which it becomes stale, in Unix seconds.
    pub t_stale: u64,
}

/// The token.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Token {
    /// Tokens needed for one node.
    pub staking_requirement: f64,
    /// Tokens in the reward pool.
    pub staking_reward_pool: f64,
    /// Address of the contract: `0x` and 40 hex digits.
    pub contract_address: String,
}

/// The network.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Network {
    /// Number of nodes.
    pub network_size: u64,
    /// Tokens staked.
    pub network_staked_tokens: f64,
    /// Their value in US dollars.
    pub network_staked_usd: f64,
}

/// The figures.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct NetworkInfo {
    /// The server's time, Unix seconds.
    pub t: u64,
    /// Price of the token.
    pub price: Price,
    /// The token.
    pub token: Token,
    /// The network.
    pub network: Network,
}

impl NetworkInfo {
    /// Reads the reply to [`request`].
    ///
    /// # Errors
    ///
    /// [`ReplyError`] if the server refused or the reply is malformed.
    pub fn from_reply(reply: &Response) -> Result<Self, ReplyError> {
        let info: Self = json::object(reply)?;
        let digits = info.token.contract_address.strip_prefix("0x");
        let digits = digits.filter(|digits| digits.len() == 40);
        if digits.is_none_or(|digits| !digits.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            let field = "contract_address";
            return Err(ReplyError::Value { field });
        }
        Ok(info)
    }

    /// Answers [`request`] as a server: signed requests only.
    #[must_use]
    pub fn answer(&self, request: &Request, now: UnixMillis) -> Response {
        match version::check(request, now) {
            Err(error) => error.response(),
            Ok(None) => version::AuthError::Missing.response(),
            Ok(Some(_)) => json::reply(
                200,
                &json!({
                    "status_code": 200,
                    "t": self.t,
                    "price": {
                        "usd": self.price.usd,
                        "usd_market_cap": self.price.usd_market_cap,
                        "t_price": self.price.t_price,
                        "t_stale": self.price.t_stale,
                    },
                    "token": {
                        "staking_requirement": self.token.staking_requirement,
                        "staking_reward_pool": self.token.staking_reward_pool,
                        "contract_address": self.token.contract_address,
                    },
                    "network": {
                        "network_size": self.network.network_size,
                        "network_staked_tokens": self.network.network_staked_tokens,
                        "network_staked_usd": self.network.network_staked_usd,
                    },
                }),
            ),
        }
    }
}
