//! The version check: which version of a client is the newest (protocol: file-server, section 2).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use session_identity::version::Platform;
use session_types::UnixMillis;
use session_types::http::{Request, Response};

use crate::ReplyError;
use crate::json;

/// Which releases are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Channel {
    /// Stable releases; not written into the request.
    #[default]
    Stable,
    /// Releases before a stable one.
    Prerelease,
    /// The earliest releases.
    Alpha,
}

impl Channel {
    /// Returns the value of `release_channel`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Prerelease => "prerelease",
            Self::Alpha => "alpha",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Stable, Self::Prerelease, Self::Alpha]
            .into_iter()
            .find(|channel| channel.as_str() == text)
    }
}

/// Asks for the newest version. Sign it with [`crate::version::sign`], or send it as it is.
#[must_use]
pub fn request(platform: Platform, channel: Channel) -> Request {
    let path = platform.path();
    match channel {
        Channel::Stable => Request::get(path),
        _ => Request::get(alloc::format!(
            "{path}&release_channel={}",
            channel.as_str()
        )),
    }
}

/// A file of a release.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Asset {
    /// Its name.
    pub name: String,
    /// Its URL.
    pub url: String,
}

/// A release.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// The version, such as `1.17.17`.
    pub version: String,
    /// The title.
    pub name: Option<String>,
    /// The notes.
    pub notes: Option<String>,
    /// Time at which the server learned of it.
    pub updated: UnixMillis,
    /// Its files.
    pub assets: Vec<Asset>,
    /// A newer release that is not stable.
    pub prerelease: Option<Box<Release>>,
}

#[derive(Deserialize)]
struct Fields {
    result: String,
    updated: f64,
    name: Option<String>,
    notes: Option<String>,
    #[serde(default)]
    assets: Vec<Asset>,
    prerelease: Option<Box<Fields>>,
}

impl Fields {
    fn release(self, depth: u8) -> Result<Release, ReplyError> {
        let prerelease = match (self.prerelease, depth) {
            (None, _) => None,
            (Some(inner), 0) => Some(Box::new(inner.release(1)?)),
            (Some(_), _) => return Err(ReplyError::Json),
        };
        Ok(Release {
            version: self.result,
            name: self.name,
            notes: self.notes,
            updated: json::time(self.updated, "updated")?,
            assets: self.assets,
            prerelease,
        })
    }
}

impl Release {
    /// Reads the reply to [`request`].
    ///
    /// # Errors
    ///
    /// [`ReplyError`] if the server refused or the reply is malformed. A platform that the server
    /// does not know is [`ReplyError::NotFound`]; no known release is a status of 502.
    pub fn from_reply(reply: &Response) -> Result<Self, ReplyError> {
        json::object::<Fields>(reply)?.release(0)
    }

    fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("updated".into(), json!(self.updated.as_secs_f64()));
        fields.insert("result".into(), json!(self.version));
        for (key, value) in [("name", &self.name), ("notes", &self.notes)] {
            if let Some(value) = value {
                fields.insert(key.into(), json!(value));
            }
        }
        if !self.assets.is_empty() {
            let asset = |asset: &Asset| json!({ "name": asset.name, "url": asset.url });
            fields.insert("assets".into(), self.assets.iter().map(asset).collect());
        }
        if let Some(prerelease) = &self.prerelease {
            fields.insert("prerelease".into(), prerelease.fields().into());
        }
        fields
    }

    /// Writes the reply of a server.
    #[must_use]
    pub fn reply(&self) -> Response {
        let mut fields = self.fields();
        fields.insert("status_code".into(), json!(200));
        json::reply(200, &Value::Object(fields))
    }
}
