//! `/token_info`: figures of the token, with their history (protocol: file-server, section 2).

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::json;
use session_types::UnixMillis;
use session_types::http::{Request, Response};

use crate::ReplyError;
use crate::json;

/// Maximum number of days that can be asked for.
pub const MAX_DAYS: u8 = 30;

/// Asks for the figures of the last `days` days, 1 to [`MAX_DAYS`]; the server takes 7 for any other
/// number.
#[must_use]
pub fn request(days: u8) -> Request {
    Request::get(alloc::format!("/token_info?days={days}"))
}

/// One day of the history. Decimals are texts, exact as the server wrote them.
#[derive(Debug, Clone, PartialEq)]
pub struct Day {
    /// The price.
    pub current_value: String,
    /// Tokens in circulation.
    pub circulating_supply: String,
    /// Number of service nodes.
    pub total_nodes: u64,
    /// Time of recording.
    pub updated: UnixMillis,
}

/// The figures.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenInfo {
    /// Tokens that there will ever be.
    pub maximum_supply: String,
    /// Tokens sent to each node.
    pub sent_per_node: String,
    /// Tokens in the reward pool.
    pub staking_reward_pool: String,
    /// The history.
    pub history: Vec<Day>,
}

#[derive(Deserialize)]
struct DayFields {
    current_value: String,
    circulating_supply: String,
    total_nodes: u64,
    updated: f64,
}

#[derive(Deserialize)]
struct InfoFields {
    maximum_supply: String,
    sent_per_node: String,
    staking_reward_pool: String,
    history: Vec<DayFields>,
}

#[derive(Deserialize)]
struct Fields {
    info: InfoFields,
}

impl TokenInfo {
    /// Reads the reply to [`request`].
    ///
    /// # Errors
    ///
    /// [`ReplyError`] if the server refused or the reply is malformed.
    pub fn from_reply(reply: &Response) -> Result<Self, ReplyError> {
        let Fields { info } = json::object(reply)?;
        let day = |day: DayFields| {
            Ok(Day {
                updated: json::time(day.updated, "updated")?,
                current_value: day.current_value,
                circulating_supply: day.circulating_supply,
                total_nodes: day.total_nodes,
            })
        };
        Ok(Self {
            maximum_supply: info.maximum_supply,
            sent_per_node: info.sent_per_node,
            staking_reward_pool: info.staking_reward_pool,
            history: info
                .history
                .into_iter()
                .map(day)
                .collect::<Result<_, ReplyError>>()?,
        })
    }

    /// Writes the reply of a server.
    #[must_use]
    pub fn reply(&self) -> Response {
        let day = |day: &Day| {
            json!({
                "current_value": day.current_value,
                "circulating_supply": day.circulating_supply,
                "total_nodes": day.total_nodes,
                "updated": day.updated.as_secs_f64(),
            })
        };
        let info = json!({
            "maximum_supply": self.maximum_supply,
            "sent_per_node": self.sent_per_node,
            "staking_reward_pool": self.staking_reward_pool,
            "history": self.history.iter().map(day).collect::<Vec<_>>(),
        });
        json::reply(200, &json!({ "status_code": 200, "info": info }))
    }
}
