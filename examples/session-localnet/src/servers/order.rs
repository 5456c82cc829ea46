//! Orders to the servers.

use std::sync::Arc;

use session_identity::community::{self as url, Room};
use session_types::AnyId;

use super::community::Order;
use super::{Kind, Server, Servers};
use crate::fault::{parse_clock, parse_slow};

impl Servers {
    /// The server of this name.
    pub(crate) fn named(&self, name: &str) -> Option<&Arc<Server>> {
        self.all()
            .into_iter()
            .find(|server| server.kind.name() == name)
    }

    /// Whether an action is one for the community server.
    pub(crate) fn is_for_community(action: &str) -> bool {
        matches!(action, "room" | "admin" | "moderator" | "ban" | "unban")
    }

    /// Carries out an order to the community server and says what happened.
    pub(crate) async fn govern(&self, action: &str, value: &str) -> Result<String, String> {
        let order = read_order(action, value)?;
        let (now, work) = (self.community.now(), order.clone());
        let done = self
            .community
            .engine
            .run(move |db| work.obey(db, now))
            .await;
        done.map_err(|failure| failure.to_string())??;
        Ok(match order {
            Order::Room { token, .. } => format!("room `{token}` is at {}", self.room_url(&token)),
            Order::Role {
                room,
                user,
                admin: true,
            } => format!("{user} is an admin of `{room}`"),
            Order::Role { room, user, .. } => format!("{user} is a moderator of `{room}`"),
            Order::Ban { user, banned: true } => format!("{user} is banned"),
            Order::Ban { user, .. } => format!("{user} is not banned"),
        })
    }

    /// The URL by which clients join a room.
    #[must_use]
    pub fn room_url(&self, token: &str) -> String {
        let server = &self.community;
        format!("{}/{token}?public_key={}", server.url, server.x25519())
    }
}

/// Reads an order. The value of `room` is its token and, behind a blank, its name; that of `admin` and
/// `moderator` is a room and an id, that of `ban` and `unban` an id.
fn read_order(action: &str, value: &str) -> Result<Order, String> {
    let (first, rest) = value.split_once(' ').unwrap_or((value, ""));
    let id = |text: &str| -> Result<AnyId, String> {
        let id: Result<AnyId, _> = text.trim().parse();
        id.map_err(|_| format!("`{text}` is not an id of 66 hex digits"))
    };
    match action {
        "room" => {
            let token: Result<Room, url::UrlError> = first.parse();
            let token =
                token.map_err(|error| format!("`{first}` is no name of a room: {error}"))?;
            let name = if rest.is_empty() { first } else { rest };
            Ok(Order::Room {
                token: token.as_typed().to_owned(),
                name: name.to_owned(),
            })
        }
        "admin" | "moderator" => Ok(Order::Role {
            room: first.to_owned(),
            user: id(rest)?,
            admin: action == "admin",
        }),
        _ => Ok(Order::Ban {
            user: id(value)?,
            banned: action == "ban",
        }),
    }
}

impl Server {
    /// Carries out an order and says what happened.
    pub(crate) async fn obey(
        self: &Arc<Self>,
        action: &str,
        value: &str,
    ) -> Result<String, String> {
        let name = match self.kind {
            Kind::File => "the file server",
            Kind::Community => "the community server",
            Kind::Push => "the push server",
        };
        match action {
            "down" => {
                self.down();
                Ok(format!("{name} is down"))
            }
            "up" => {
                self.up().await.map_err(|error| error.to_string())?;
                Ok(format!("{name} is up"))
            }
            "slow" => {
                let slow = parse_slow(value)?;
                self.hurt(|fault| fault.slow = slow);
                let ms = slow.as_millis();
                Ok(format!("{name} waits {ms} ms before it answers"))
            }
            "full" => {
                let full = match value {
                    "on" | "" => true,
                    "off" => false,
                    _ => return Err(format!("`{value}` is neither on nor off")),
                };
                self.hurt(|fault| fault.full = full);
                Ok(match full {
                    true => format!("the disk of {name} is full"),
                    false => format!("the disk of {name} has room"),
                })
            }
            "clock" => {
                let ms = parse_clock(value)?;
                self.hurt(|fault| fault.clock_ms = ms);
                Ok(format!("the clock of {name} is shifted by {ms} ms"))
            }
            other => Err(format!(
                "`{other}` is not an order to a server; there are down, up, slow, full and clock"
            )),
        }
    }
}
