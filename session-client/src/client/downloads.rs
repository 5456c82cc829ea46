//! Downloading: files of messages and pictures of others, on request, one at a time.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use session_message::content::Attachment;
use session_network::{Network, Now, Onion, RequestError, Server, ServerReply};
use session_services::ReplyError;
use session_services::file::client::{self, Download};
use session_services::file::{FileId, FileUrl};
use session_types::MonotonicTime;

use super::Client;
use super::files::{FileWork, response};
use crate::event::Event;
use crate::files::{Cipher, DownloadId, FetchError, Fetched};

/// Maximum number of downloads that wait.
const MAX_WAITING: usize = 1_000;
/// Attempts of one download.
const MAX_ATTEMPTS: u32 = 5;

/// A download that waits, or is under way.
struct Wanted {
    id: DownloadId,
    file: FileId,
    /// The servers that it may be on, the next one first.
    servers: VecDeque<Server>,
    cipher: Cipher,
    failures: u32,
}

/// The state of downloading. It is not persisted.
#[derive(Default)]
pub(super) struct Downloads {
    next: u64,
    waiting: VecDeque<Wanted>,
    under_way: Option<Wanted>,
    /// What was downloaded and is not taken yet. Nothing else is downloaded before.
    ended: Option<(DownloadId, Result<Fetched, FetchError>)>,
    due: MonotonicTime,
}

impl Downloads {
    const fn is_idle(&self) -> bool {
        self.under_way.is_none() && self.ended.is_none()
    }

    pub(super) fn due(&self) -> Option<MonotonicTime> {
        let waits = self.is_idle() && !self.waiting.is_empty();
        waits.then_some(self.due)
    }
}

impl Client {
    /// Begins to download a file of a message. Its end comes from [`take_download`](Self::take_download).
    /// What the message says of the file is untrusted: it is asked for through a path, as everything is,
    /// and is nothing before it is decrypted.
    ///
    /// # Errors
    ///
    /// [`FetchError`] if the message does not say where the file is or how to decrypt it, or too many
    /// downloads wait.
    pub fn download(&mut self, file: &Attachment) -> Result<DownloadId, FetchError> {
        let url: FileUrl = file.url.parse()?;
        let cipher = Cipher::of_attachment(file)?;
        self.begin_download(&url, cipher)
    }

    /// Begins to download a profile picture, by its address and its key.
    ///
    /// # Errors
    ///
    /// [`FetchError`] if the address is not that of a file, or too many downloads wait.
    pub fn download_picture(&mut self, url: &str, key: [u8; 32]) -> Result<DownloadId, FetchError> {
        let url: FileUrl = url.parse()?;
        let cipher = Cipher::of_picture(&url, key);
        self.begin_download(&url, cipher)
    }

    fn begin_download(&mut self, url: &FileUrl, cipher: Cipher) -> Result<DownloadId, FetchError> {
        let servers: Vec<Server> = self.files.host.servers_of(url)?;
        let downloads = &mut self.downloads;
        if downloads.waiting.len() >= MAX_WAITING {
            return Err(FetchError::TooMany);
        }
        let id = DownloadId::new(downloads.next);
        downloads.next = downloads.next.saturating_add(1);
        downloads.waiting.push_back(Wanted {
            id,
            file: url.id.clone(),
            servers: servers.into(),
            cipher,
            failures: 0,
        });
        Ok(id)
    }

    /// Gives a download up. What comes of it is dropped.
    pub fn cancel_download(&mut self, id: DownloadId) {
        let downloads = &mut self.downloads;
        downloads.waiting.retain(|wanted| wanted.id != id);
        downloads.under_way.take_if(|wanted| wanted.id == id);
        downloads.ended.take_if(|(ended, _)| *ended == id);
    }

    /// Takes the end of a download: the encrypted file, which decrypts on the way out. The next one begins
    /// after that, so that the client holds one file at most.
    pub fn take_download(&mut self) -> Option<(DownloadId, Result<Fetched, FetchError>)> {
        self.downloads.ended.take()
    }

    pub(super) fn poll_downloads<O: Onion>(&mut self, network: &mut Network<O>, now: Now) {
        let downloads = &mut self.downloads;
        if !downloads.is_idle() || downloads.due > now.monotonic {
            return;
        }
        let Some(wanted) = downloads.waiting.pop_front() else {
            return;
        };
        let (id, request) = (wanted.id, client::download(&wanted.file));
        let Some(server) = wanted.servers.front().cloned() else {
            return;
        };
        let is_first = wanted.failures == 0;
        downloads.under_way = Some(wanted);
        self.ask_file_server(FileWork::Download(id), server, request, network, now);
        if is_first {
            self.journal.event(Event::Downloading { download: id });
        }
    }

    pub(super) fn download_ended(
        &mut self,
        id: DownloadId,
        result: Result<ServerReply, RequestError>,
        now: Now,
    ) {
        let under_way = self.downloads.under_way.take_if(|wanted| wanted.id == id);
        // Without it, it was given up.
        let Some(mut wanted) = under_way else {
            return;
        };
        let result = result.map_err(FetchError::Request).and_then(|reply| {
            Download::from_reply(response(reply)).map_err(|reason| match reason {
                ReplyError::NotFound => FetchError::Expired,
                reason => FetchError::Refused(reason),
            })
        });
        let ended = match result {
            Ok(file) => {
                let fetched = Fetched::new(file, wanted.cipher);
                let size = fetched.sealed_length();
                let download = id;
                self.journal.event(Event::Downloaded { download, size });
                Ok(fetched)
            }
            Err(reason) => {
                wanted.failures = wanted.failures.saturating_add(1);
                let is_request = matches!(reason, FetchError::Request(_));
                if is_request && wanted.failures < MAX_ATTEMPTS {
                    let wait = self.settings.backoff(wanted.failures);
                    self.downloads.due = now.monotonic.saturating_add(wait);
                    return self.downloads.waiting.push_front(wanted);
                }
                // Another key of the server may be the right one.
                wanted.servers.pop_front();
                if !wanted.servers.is_empty() {
                    return self.downloads.waiting.push_front(wanted);
                }
                Err(reason)
            }
        };
        self.downloads.ended = Some((id, ended));
    }
}
