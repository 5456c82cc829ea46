//! Files through the file server: encrypted on the way in, decrypted on the way out, in pieces.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use session_crypto::attachment::{CHUNK_LENGTH, Key, KeyHasher, Kind};
use session_crypto::{Ed25519Public, Ed25519PublicExt, X25519Public};
use session_identity::community::BaseUrl;
use session_message::content::{Attachment, AttachmentKey, FileKey};
use session_network::{Purpose, Server};
use session_services::ReplyError;
use session_services::file::client::{self as files, Download, Uploaded};
use session_services::file::{DownloadError, FileServer, FileUrl, Upload, UploadError};
use session_types::http::Response;
use zeroize::Zeroizing;

use crate::durable::Draft;
use crate::error::ClientError;
use crate::session::Client;

/// A file server: where it is and its key.
#[derive(Debug, Clone)]
pub struct FileHost {
    base: BaseUrl,
    ed25519: Ed25519Public,
    server: Server,
    /// Whether URLs need not name the key.
    is_default: bool,
}

/// Progress of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// Number of encrypted bytes of the content, and the size of the content.
    Encrypted(u64, u64),
    /// Size of the file that is being sent, in bytes.
    Sending(u64),
    /// Size of the file that was received, in bytes.
    Received(u64),
    /// Number of decrypted bytes of the content.
    Decrypted(u64),
}

impl FileHost {
    /// A file server by its base URL and its Ed25519 key.
    ///
    /// # Errors
    ///
    /// [`ClientError::Usage`] if no node would post there, or the key is unusable.
    pub fn new(base: &str, ed25519: Ed25519Public) -> Result<Self, ClientError> {
        let unusable = |reason: String| {
            ClientError::Usage(format!("the file server cannot be used: {reason}"))
        };
        let url: BaseUrl = base.parse().map_err(|error| unusable(format!("{error}")))?;
        let x25519 = ed25519
            .to_x25519()
            .map_err(|error| unusable(error.to_string()))?;
        let server = Server::new(&url, x25519).map_err(|error| unusable(error.to_string()))?;
        Ok(Self {
            is_default: base == FileServer::MAIN.base && ed25519 == FileServer::MAIN.ed25519,
            base: url,
            ed25519,
            server,
        })
    }

    /// The file server of the main network.
    ///
    /// # Errors
    ///
    /// Infallible: its address is a constant that works.
    pub fn main() -> Result<Self, ClientError> {
        Self::new(FileServer::MAIN.base, FileServer::MAIN.ed25519)
    }

    /// Returns the servers that the URL of a file may mean. Without a key it is that of the main network, or
    /// `known`. The key may be the Ed25519 key, as desktop writes it, or the X25519 key, as the library
    /// does: both are tried.
    fn of(url: &FileUrl, known: &Self) -> Result<Vec<Server>, ClientError> {
        let unusable = |reason: String| {
            ClientError::Usage(format!("the file's server cannot be used: {reason}"))
        };
        let Some(key) = url.key else {
            if url.base == known.base {
                return Ok(vec![known.server.clone()]);
            }
            return Ok(vec![Self::main()?.server]);
        };
        let mut keys = Vec::new();
        if let Ok(converted) = Ed25519Public::from_bytes(key).to_x25519() {
            keys.push(converted);
        }
        keys.push(X25519Public::from_bytes(key));
        let servers = keys.into_iter().map(|key| Server::new(&url.base, key));
        servers
            .map(|server| server.map_err(|error| unusable(error.to_string())))
            .collect()
    }
}

pub(crate) fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> ClientError {
    move |reason| ClientError::File {
        what: "cannot read",
        path: path.to_owned(),
        reason,
    }
}

/// Hands a file to `take` in pieces.
fn each_piece(
    path: &Path,
    mut take: impl FnMut(&[u8]) -> Result<(), ClientError>,
) -> Result<(), ClientError> {
    let mut file = File::open(path).map_err(unreadable(path))?;
    let mut piece = Zeroizing::new(vec![0; CHUNK_LENGTH]);
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => take(&piece[..length])?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(path)(error)),
        }
    }
}

/// Encrypts a file with a key of the account, uploads it, and returns its description for a message.
///
/// # Errors
///
/// [`ClientError`] if the file cannot be read or is too large, or the server refuses it.
pub async fn upload(
    client: &Client,
    host: &FileHost,
    path: &Path,
    progress: impl Fn(Progress),
) -> Result<Attachment, ClientError> {
    let about = std::fs::metadata(path).map_err(unreadable(path))?;
    if !about.is_file() {
        return Err(unreadable(path)(std::io::Error::other("it is not a file")));
    }
    let size = about.len();
    let hasher = || KeyHasher::new(client.account().ed25519(), Kind::Attachment);
    let mut first = hasher();
    each_piece(path, |piece| {
        first.update(piece);
        Ok(())
    })?;
    let key = first.finalize();
    let refused = |error: UploadError| match error {
        UploadError::Content(reason) => ClientError::Size {
            path: path.to_owned(),
            reason,
        },
        other => ClientError::Usage(format!("{}: {other}", path.display())),
    };
    let mut sealed = Upload::new(&key, size).map_err(refused)?;
    let (mut second, mut done) = (hasher(), 0);
    each_piece(path, |piece| {
        second.update(piece);
        sealed.update(piece).map_err(refused)?;
        done += piece.len() as u64;
        progress(Progress::Encrypted(done, size));
        Ok(())
    })?;
    // A key is for one content: what was encrypted must be what the key was made of.
    if second.finalize().header != key.header {
        return Err(unreadable(path)(std::io::Error::other(
            "it is being changed",
        )));
    }
    let request = sealed.finish(None).map_err(refused)?;
    progress(Progress::Sending(request.body.len() as u64));
    // The same bytes get the same id, so it does no harm to send them twice.
    let asked = client.ask_server(Purpose::File, &host.server, request, true);
    let uploaded = Uploaded::from_reply(&asked.await?)?;
    let url = FileUrl {
        base: host.base.clone(),
        room: None,
        id: uploaded.id,
        key: (!host.is_default).then(|| host.ed25519.to_bytes()),
        is_deterministic: true,
        router_address: None,
    };
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    Ok(Attachment {
        url: url.to_string(),
        key: Some(AttachmentKey::Current(FileKey::from_bytes(
            key.key.expose_bytes(),
        ))),
        size: u32::try_from(size).ok(),
        content_type: Some(media_type(path).to_owned()),
        file_name: name,
        ..Attachment::default()
    })
}

/// The media type of a file by its name. Clients show pictures by it.
pub(crate) fn media_type(path: &Path) -> &'static str {
    let ending = path
        .extension()
        .map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("txt") => "text/plain",
        Some("pdf") => "application/pdf",
        _ => "application/octet-stream",
    }
}

/// Downloads a file and writes its content to `output`, which must not be there yet. Returns the length of
/// the content.
///
/// # Errors
///
/// [`ClientError`] if the server has no such file, or the file is not what the key belongs to. No output is
/// left then.
pub async fn download(
    client: &Client,
    known: &FileHost,
    url: &str,
    key: &Key,
    output: &Path,
    progress: impl Fn(Progress),
) -> Result<u64, ClientError> {
    let address: FileUrl = url
        .parse()
        .map_err(|error| ClientError::Usage(format!("this is not the URL of a file: {error}")))?;
    let unwritable = |reason| ClientError::File {
        what: "cannot write",
        path: output.to_owned(),
        reason,
    };
    if std::fs::symlink_metadata(output).is_ok() {
        return Err(unwritable(std::io::ErrorKind::AlreadyExists.into()));
    }
    let mut reply: Result<Response, ClientError> = Err(ReplyError::NotFound.into());
    for server in FileHost::of(&address, known)? {
        let request = files::download(&address.id);
        reply = client
            .ask_server(Purpose::File, &server, request, true)
            .await;
        if reply.is_ok() {
            break;
        }
    }
    let download = Download::from_reply(reply?)?;
    progress(Progress::Received(download.content.len() as u64));
    let mut draft = Draft::beside(output).map_err(unwritable)?;
    let mut done = 0;
    let length = download.decrypt(key, |piece| {
        done += piece.len() as u64;
        progress(Progress::Decrypted(done));
        draft.write_all(piece)
    });
    let length = length.map_err(|error| match error {
        DownloadError::Taker(reason) => unwritable(reason),
        DownloadError::Reply(error) => error.into(),
        _ => ClientError::Decrypt {
            path: output.to_owned(),
        },
    })?;
    draft.publish().map_err(unwritable)?;
    Ok(length)
}
