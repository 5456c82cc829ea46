//! Uploading: files of messages and our own picture, one at a time. The content comes from the store when
//! it is needed.
//!
//! ```text
//! stage_file -> persisted      the encrypted file is a record
//! send_files -> persisted      the message waits for its files
//! poll -> wanted_file          the driver reads the record
//! give_file -> report          the file is on the server; its record is deleted with the next batch
//! ```

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use rand_core::CryptoRng;
use session_crypto::attachment::Kind as FileKind;
use session_message::content::{Attachment, AttachmentKey, Content, FileKey, Kind, decode};
use session_network::{
    Network, Now, Onion, Purpose, RequestError, Server, ServerReply, ServerRequest, Target,
};
use session_proto::bt;
use session_services::ReplyError;
use session_services::file::client::{Uploaded, upload};
use session_types::http::{Request, Response};
use session_types::{MonotonicTime, UnixMillis};
use zeroize::Zeroizing;

use super::{Client, Doing};
use crate::conversation::ConversationId;
use crate::error::{RecordError, SendError};
use crate::event::{Event, Failure};
use crate::files::{DownloadId, FileHost, FileNumber, SealedFile, UploadFailure};
use crate::outbox::SendId;
use crate::record::Key;

/// A request about a file.
#[derive(Debug)]
pub(crate) enum FileWork {
    /// A file is being uploaded.
    Upload(FileNumber),
    /// A file is being downloaded.
    Download(DownloadId),
    /// The lifetime of our own picture is being extended.
    Extend,
}

/// A file of ours in the records. Its content is a record of its own, which is not held here.
#[derive(Clone, PartialEq)]
pub(super) struct StoredFile {
    key: Zeroizing<[u8; 32]>,
    size: u64,
    /// Our own picture, rather than a file of a message.
    pub(super) picture: Option<OwnPicture>,
}

impl fmt::Debug for StoredFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredFile")
            .field("size", &self.size)
            .field("picture", &self.picture)
            .finish_non_exhaustive()
    }
}

/// What is known of our own picture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct OwnPicture {
    /// Whether it is to be our picture, or is it.
    pub(super) is_set: bool,
    /// Its address, once it was uploaded.
    pub(super) url: Option<String>,
    /// When the server deletes it, if it said so.
    pub(super) expires: Option<UnixMillis>,
}

/// The files of ours that wait, and the upload that is under way.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) host: FileHost,
    pub(super) stored: BTreeMap<FileNumber, StoredFile>,
    next: u64,
    /// The file whose content the driver is to read.
    wanted: Option<FileNumber>,
    is_uploading: bool,
}

impl Default for Files {
    fn default() -> Self {
        Self {
            host: FileHost::main(),
            stored: BTreeMap::new(),
            next: 1,
            wanted: None,
            is_uploading: false,
        }
    }
}

impl Files {
    /// Whether another upload can begin.
    pub(super) const fn is_idle(&self) -> bool {
        self.wanted.is_none() && !self.is_uploading
    }

    pub(super) fn key(&self, number: &FileNumber) -> Option<&[u8; 32]> {
        self.stored.get(number).map(|file| &*file.key)
    }

    pub(super) fn restore(&mut self, number: FileNumber, value: &[u8]) -> Result<(), RecordError> {
        self.next = self.next.max(number.get().saturating_add(1));
        let file = StoredFile::from_value(value).ok_or(RecordError::Value)?;
        self.stored.insert(number, file);
        Ok(())
    }
}

impl StoredFile {
    pub(super) fn to_value(&self) -> Vec<u8> {
        bt::dict(|d| {
            d.bytes(b"k", self.key.as_slice());
            let kind = match &self.picture {
                None => 0_u8,
                Some(picture) if !picture.is_set => 1,
                Some(_) => 2,
            };
            d.int(b"p", kind);
            d.int(b"s", self.size);
            if let Some(picture) = &self.picture {
                if let Some(url) = &picture.url {
                    d.bytes(b"u", url.as_bytes());
                }
                if let Some(expires) = picture.expires {
                    d.int(b"x", expires.get());
                }
            }
        })
    }

    fn from_value(value: &[u8]) -> Option<Self> {
        let dict = bt::parse_dict(value).ok()?;
        let picture = match dict.u64("p").ok()? {
            0 => None,
            kind => Some(OwnPicture {
                is_set: kind == 2,
                url: match dict.get(b"u") {
                    None => None,
                    Some(url) => Some(core::str::from_utf8(url.as_bytes()?).ok()?.into()),
                },
                expires: match dict.get(b"x") {
                    None => None,
                    Some(_) => Some(UnixMillis::new(dict.u64("x").ok()?)),
                },
            }),
        };
        Some(Self {
            key: Zeroizing::new(*dict.array::<32>("k").ok()?),
            size: dict.u64("s").ok()?,
            picture,
        })
    }
}

/// A request of the file server as the network takes it. It may be repeated: the same bytes get the same
/// place.
pub(super) fn to_server(request: Request) -> ServerRequest {
    let mut made = ServerRequest::new(request.method.as_str(), &request.path).repeatable(true);
    for (name, value) in &request.headers {
        made = made.header(name, value);
    }
    match request.body.is_empty() {
        true => made,
        false => made.body(request.body),
    }
}

pub(super) fn response(reply: ServerReply) -> Response {
    let headers = reply.headers.into_iter();
    Response {
        status: reply.status,
        headers: headers.map(|header| (header.name, header.value)).collect(),
        // Absent: an empty body.
        body: reply.body.unwrap_or_default(),
    }
}

/// Whether a refusal is final: the same request would be refused again.
const fn is_final(reason: &ReplyError) -> bool {
    matches!(
        reason,
        ReplyError::BadRequest | ReplyError::Size | ReplyError::NotFound | ReplyError::Signature
    )
}

impl Client {
    /// Sets the file server to which files are uploaded. Without it, it is [`FileHost::main`].
    pub fn set_file_host(&mut self, host: FileHost) {
        self.files.host = host;
    }

    /// Keeps an encrypted file in the records, for [`send_files`](Self::send_files) or
    /// [`set_picture`](Self::set_picture). A file that nothing names when the client is restored is deleted.
    ///
    /// The content is a part of the next batch: persist it before another file is staged, so that one at a
    /// time is in memory.
    pub fn stage_file(&mut self, file: SealedFile) -> FileNumber {
        let number = FileNumber::new(self.files.next);
        self.files.next = self.files.next.saturating_add(1);
        let stored = StoredFile {
            key: Zeroizing::new(*file.key.expose_bytes()),
            size: file.size,
            picture: (file.kind == FileKind::ProfilePicture).then(OwnPicture::default),
        };
        self.journal.put(Key::FileContent(number), file.content);
        self.journal.put(Key::File(number), stored.to_value());
        self.files.stored.insert(number, stored);
        number
    }

    /// Deletes a file that was staged and is not needed.
    pub fn discard_file(&mut self, number: FileNumber) {
        if self.files.stored.remove(&number).is_some() {
            self.journal.delete(Key::FileContent(number));
            self.journal.delete(Key::File(number));
        }
    }

    /// Puts a message with files into the outbox, as [`send`](Self::send). Each file was
    /// [staged](Self::stage_file), and comes with its description: name, media type, caption; address, key
    /// and size are filled in. The message is sent once all files are on the server. Until then its
    /// attachments in the history have no address; then it gets another [`MessageId`](crate::MessageId),
    /// which [`Event::Uploaded`] tells.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); [`SendError::File`] if the content is no message to show, or a file was not
    /// staged, or is used already. Nothing has changed then.
    pub fn send_files<O: Onion>(
        &mut self,
        to: impl Into<ConversationId>,
        content: impl Into<Content>,
        files: &[(FileNumber, Attachment)],
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<SendId, SendError> {
        let mut content = content.into();
        let Kind::Message(message) = &mut content.kind else {
            return Err(SendError::File);
        };
        let mut numbers = Vec::new();
        for (number, about) in files {
            let stored = self.files.stored.get(number).ok_or(SendError::File)?;
            let mut entries = self.outbox.values();
            let is_used = entries.any(|entry| entry.files.contains(number));
            if is_used || numbers.contains(number) || stored.picture.is_some() {
                return Err(SendError::File);
            }
            numbers.push(*number);
            message.attachments.push(Attachment {
                url: String::new(),
                key: Some(AttachmentKey::Current(FileKey::from_bytes(&stored.key))),
                size: u32::try_from(stored.size).ok(),
                digest: None,
                ..about.clone()
            });
        }
        self.send_with(to.into(), content, numbers, network, now, rng)
    }

    /// Returns the record whose content is to be given to [`give_file`](Self::give_file): a file that is
    /// being uploaded.
    #[must_use]
    pub fn wanted_file(&self) -> Option<Key> {
        self.files.wanted.map(Key::FileContent)
    }

    /// Uploads the file that was [wanted](Self::wanted_file). `None` if its record is not there.
    pub fn give_file<O: Onion>(
        &mut self,
        content: Option<Vec<u8>>,
        network: &mut Network<O>,
        now: Now,
    ) {
        let Some(number) = self.files.wanted.take() else {
            return;
        };
        if !self.files.stored.contains_key(&number) && self.sender_of(number).is_none() {
            // It was discarded in the meantime.
            return;
        }
        let length = content.as_ref().map(Vec::len);
        let request = content.and_then(|content| upload(content, None).ok());
        let Some(request) = request else {
            return self.upload_failed(number, UploadFailure::Lost, now);
        };
        self.files.is_uploading = true;
        let server = self.files.host.server();
        let work = FileWork::Upload(number);
        self.ask_file_server(work, server, request, network, now);
        if let (Some(send), Some(size)) = (self.sender_of(number), length) {
            let left = self.files_left(send);
            self.journal.event(Event::Uploading { send, left, size });
        }
    }

    pub(super) fn ask_file_server<O: Onion>(
        &mut self,
        work: FileWork,
        server: Server,
        request: Request,
        network: &mut Network<O>,
        now: Now,
    ) {
        let target = Target::from(server);
        let id = network.request_for(Purpose::File, target, to_server(request), now);
        self.under_way.insert(id, Doing::File(work));
    }

    pub(super) fn poll_files<O: Onion>(&mut self, network: &mut Network<O>, now: Now) {
        self.poll_downloads(network, now);
        self.poll_picture(network, now);
        if !self.files.is_idle() {
            return;
        }
        let mut waiting = self.outbox.values();
        let due =
            waiting.find(|entry| !entry.files.is_empty() && entry.attempt.due <= now.monotonic);
        let due = due.and_then(|entry| entry.files.first().copied());
        self.files.wanted = self.picture_to_upload(now).or(due);
    }

    /// When the next upload is due.
    pub(super) fn files_due(&self) -> impl Iterator<Item = MonotonicTime> + '_ {
        let waiting = self.outbox.values().filter(|entry| !entry.files.is_empty());
        let uploads = waiting.map(|entry| entry.attempt.due);
        let idle = self.files.is_idle();
        uploads
            .filter(move |_| idle)
            .chain(self.pictures_due())
            .chain(self.downloads.due())
    }

    pub(super) fn file_answered<O: Onion>(
        &mut self,
        work: &FileWork,
        result: Result<ServerReply, RequestError>,
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        match work {
            FileWork::Upload(number) => self.upload_ended(*number, result, now, rng),
            FileWork::Download(id) => self.download_ended(*id, result, now),
            FileWork::Extend => self.extended(result, network, now),
        }
    }

    fn upload_ended(
        &mut self,
        number: FileNumber,
        result: Result<ServerReply, RequestError>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        self.files.is_uploading = false;
        let result = result.map_err(UploadFailure::Request).and_then(|reply| {
            Uploaded::from_reply(&response(reply)).map_err(UploadFailure::Refused)
        });
        let uploaded = match result {
            Ok(uploaded) => uploaded,
            Err(reason) => return self.upload_failed(number, reason, now),
        };
        let url = self.files.host.url(uploaded.id).to_string();
        if self.is_picture(number) {
            return self.picture_uploaded(number, url, uploaded.expires, now);
        }
        let Some(send) = self.sender_of(number) else {
            return;
        };
        self.discard_file(number);
        if let Err(reason) = self.attach(send, url, now, rng) {
            self.fail(send, reason);
        }
    }

    /// Writes the address of an uploaded file into its message. The message is sealed once it has all of
    /// them.
    fn attach(
        &mut self,
        send: SendId,
        url: String,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), Failure> {
        let Some(entry) = self.outbox.get_mut(&send) else {
            return Ok(());
        };
        let decoded = decode(&entry.raw).map_err(session_message::SealError::from);
        let mut content = decoded?.content;
        if let Kind::Message(message) = &mut content.kind {
            let mut open = message
                .attachments
                .iter_mut()
                .filter(|one| one.url.is_empty());
            if let Some(file) = open.next() {
                file.url = url;
            }
        }
        let sent_at = entry.sent_at;
        entry.raw = Zeroizing::new(
            content
                .encode(sent_at, None)
                .map_err(session_message::SealError::from)?,
        );
        entry.files.remove(0);
        entry.attempt = crate::outbox::Attempt::default();
        if entry.files.is_empty() {
            self.reseal(send, sent_at, now, rng)?;
        }
        self.put_outgoing(send);
        let entry = self.outbox.get(&send);
        let message = entry.and_then(|entry| entry.message);
        let left = self.files_left(send);
        self.journal.event(Event::Uploaded {
            send,
            message,
            left,
        });
        Ok(())
    }

    fn upload_failed(&mut self, number: FileNumber, reason: UploadFailure, now: Now) {
        let is_final = match &reason {
            UploadFailure::Lost => true,
            UploadFailure::Refused(reason) => is_final(reason),
            UploadFailure::Request(_) => false,
        };
        if self.is_picture(number) {
            return self.picture_failed(number, reason, is_final, now);
        }
        let Some(send) = self.sender_of(number) else {
            return;
        };
        let Some(entry) = self.outbox.get_mut(&send) else {
            return;
        };
        let age = now.wall.since(entry.created);
        if is_final || age > self.settings.give_up {
            return self.fail(send, reason.into());
        }
        entry.attempt.failures = entry.attempt.failures.saturating_add(1);
        let wait = self.settings.backoff(entry.attempt.failures);
        entry.attempt.due = now.monotonic.saturating_add(wait);
    }

    /// The message that waits for a file.
    fn sender_of(&self, number: FileNumber) -> Option<SendId> {
        let mut entries = self.outbox.iter();
        let waiting = entries.find(|(_, entry)| entry.files.contains(&number));
        waiting.map(|(send, _)| *send)
    }

    fn files_left(&self, send: SendId) -> usize {
        let entry = self.outbox.get(&send);
        entry.map_or(0, |entry| entry.files.len())
    }

    /// Deletes the files that neither a message nor the profile needs: a crash came before they were used.
    pub(super) fn discard_unused_files(&mut self) {
        let used = self.outbox.values().flat_map(|entry| &entry.files);
        let used: Vec<FileNumber> = used.copied().collect();
        let stored = self.files.stored.iter();
        let unused = stored.filter(|(number, file)| {
            !used.contains(number) && file.picture.as_ref().is_none_or(|picture| !picture.is_set)
        });
        let unused: Vec<FileNumber> = unused.map(|(number, _)| *number).collect();
        for number in unused {
            self.discard_file(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_files_come_back() {
        let mut file = StoredFile {
            key: Zeroizing::new([7; 32]),
            size: 12_345,
            picture: None,
        };
        let check = |file: &StoredFile| {
            let value = file.to_value();
            assert_eq!(StoredFile::from_value(&value).as_ref(), Some(file));
            for end in 0..value.len() {
                assert_eq!(StoredFile::from_value(&value[..end]), None);
            }
        };
        check(&file);
        file.picture = Some(OwnPicture::default());
        check(&file);
        file.picture = Some(OwnPicture {
            is_set: true,
            url: Some("http://host/file/1".into()),
            expires: Some(UnixMillis::new(9)),
        });
        check(&file);
    }
}
