//! Our own profile picture: uploaded, written into the profile, and kept alive on the server.
//!
//! The server deletes files after two weeks. Half of that before, the lifetime is extended; if the server
//! does not have the picture any more, the device that has it uploads it again (protocol: file-server,
//! section 2; config, section 13.2).

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use session_config::field::Picture;
use session_network::{Network, Now, Onion, RequestError, ServerReply};
use session_services::ReplyError;
use session_services::file::FileUrl;
use session_services::file::client::{FileInfo, extend};
use session_types::{MonotonicTime, UnixMillis};

use super::Client;
use super::files::{FileWork, StoredFile, response};
use crate::error::SendError;
use crate::event::Event;
use crate::files::{FileNumber, UploadFailure};
use crate::record::Key;

/// Time before the server's end of a picture at which it is extended.
const EXTEND_BEFORE: Duration = Duration::from_secs(7 * 86_400);
/// Time between two looks at the end of our picture.
const INTERVAL: Duration = Duration::from_secs(86_400);

/// The state of our own picture.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    failures: u32,
    upload_due: MonotonicTime,
    /// When to look whether it is to be extended.
    look_due: MonotonicTime,
    is_extending: bool,
    /// The picture that is uploaded again: the server has lost it.
    again: Option<FileNumber>,
}

impl Client {
    /// Makes a picture that was [staged](Self::stage_file) our profile picture: it is uploaded and written
    /// into the profile, which goes with our messages. [`Event::PictureSet`] says when. To remove the
    /// picture, [`edit`](Self::edit) the profile.
    ///
    /// # Errors
    ///
    /// [`SendError::File`] if the file was not staged as a picture.
    pub fn set_picture(&mut self, number: FileNumber) -> Result<(), SendError> {
        let stored = self.files.stored.get_mut(&number);
        let picture = stored.and_then(|file| file.picture.as_mut());
        picture.ok_or(SendError::File)?.is_set = true;
        // One that waited for its upload is not wanted any more.
        self.discard_pictures(|other, file| {
            let picture = file.picture.as_ref();
            other != number && picture.is_some_and(|picture| picture.url.is_none())
        });
        self.pictures.upload_due = MonotonicTime::default();
        self.put_file(number);
        Ok(())
    }

    pub(super) fn is_picture(&self, number: FileNumber) -> bool {
        let stored = self.files.stored.get(&number);
        stored.is_some_and(|file| file.picture.is_some())
    }

    fn discard_pictures(&mut self, is_unwanted: impl Fn(FileNumber, &StoredFile) -> bool) {
        let stored = self.files.stored.iter();
        let unwanted = stored.filter(|(number, file)| {
            let is_set = file.picture.as_ref().is_some_and(|picture| picture.is_set);
            is_set && is_unwanted(**number, file)
        });
        let unwanted: Vec<FileNumber> = unwanted.map(|(number, _)| *number).collect();
        for number in unwanted {
            self.discard_file(number);
        }
    }

    fn put_file(&mut self, number: FileNumber) {
        if let Some(file) = self.files.stored.get(&number) {
            self.journal.put(Key::File(number), file.to_value());
        }
    }

    /// The picture that waits for its upload.
    fn waiting_picture(&self) -> Option<FileNumber> {
        let mut stored = self.files.stored.iter();
        let waiting = stored.find(|(number, file)| {
            let picture = file.picture.as_ref();
            let is_new = picture.is_some_and(|one| one.is_set && one.url.is_none());
            is_new || self.pictures.again == Some(**number)
        });
        waiting.map(|(number, _)| *number)
    }

    pub(super) fn picture_to_upload(&self, now: Now) -> Option<FileNumber> {
        let is_due = self.pictures.upload_due <= now.monotonic;
        self.waiting_picture().filter(|_| is_due)
    }

    pub(super) fn pictures_due(&self) -> impl Iterator<Item = MonotonicTime> + use<> {
        let waits = self.files.is_idle() && self.waiting_picture().is_some();
        let upload = waits.then_some(self.pictures.upload_due);
        let has_picture = self.configs.is_fetched() && self.configs.profile.picture().is_some();
        let looks = has_picture && !self.pictures.is_extending;
        let look = looks.then_some(self.pictures.look_due);
        upload.into_iter().chain(look)
    }

    pub(super) fn picture_uploaded(
        &mut self,
        number: FileNumber,
        url: String,
        expires: Option<UnixMillis>,
        now: Now,
    ) {
        let Some(key) = self.files.key(&number).copied() else {
            return;
        };
        let is_again = self.pictures.again.take_if(|again| *again == number);
        self.pictures.failures = 0;
        let set = Picture::new(url.clone(), key).and_then(|picture| {
            let profile = &mut self.configs.profile;
            if is_again.is_none() {
                return profile.set_picture(Some(&picture), now.wall);
            }
            // The same bytes usually get the same place.
            let is_same = profile.picture().is_some_and(|old| old.url() == url);
            match is_same {
                true => Ok(()),
                false => profile.set_reuploaded_picture(Some(&picture), now.wall),
            }
        });
        if let Err(reason) = set {
            self.discard_file(number);
            return self.journal.event(Event::PictureNotWritten { reason });
        }
        let stored = self.files.stored.get_mut(&number);
        if let Some(picture) = stored.and_then(|file| file.picture.as_mut()) {
            (picture.url, picture.expires) = (Some(url), expires);
        }
        self.pictures.look_due = now.monotonic.saturating_add(INTERVAL);
        self.put_file(number);
        self.discard_pictures(|other, _| other != number);
        if is_again.is_none() {
            self.journal.event(Event::PictureSet);
        }
    }

    pub(super) fn picture_failed(
        &mut self,
        number: FileNumber,
        reason: UploadFailure,
        is_final: bool,
        now: Now,
    ) {
        if is_final {
            self.pictures.again = None;
            self.discard_file(number);
            return self.journal.event(Event::PictureFailed { reason });
        }
        self.pictures.failures = self.pictures.failures.saturating_add(1);
        let wait = self.settings.backoff(self.pictures.failures);
        self.pictures.upload_due = now.monotonic.saturating_add(wait);
    }

    /// Looks whether the picture of the profile is to be extended.
    pub(super) fn poll_picture<O: Onion>(&mut self, network: &mut Network<O>, now: Now) {
        let is_due = self.pictures.look_due <= now.monotonic && !self.pictures.is_extending;
        if !is_due || !self.configs.is_fetched() {
            return;
        }
        let Some(url) = self.picture_url() else {
            return;
        };
        self.pictures.look_due = now.monotonic.saturating_add(INTERVAL);
        // What another device has replaced is not needed here any more.
        self.discard_pictures(|_, file| {
            let known = file.picture.as_ref().and_then(|one| one.url.as_ref());
            known.is_some_and(|known| *known != url)
        });
        let number = self.number_of_picture(&url);
        let stored = number.and_then(|number| self.files.stored.get(&number));
        let expires = stored.and_then(|file| file.picture.as_ref()?.expires);
        let time = network.network_time(now);
        if expires.is_some_and(|expires| expires.since(time) > EXTEND_BEFORE) {
            return;
        }
        let Ok(address) = url.parse::<FileUrl>() else {
            return;
        };
        let servers = self.files.host.servers_of(&address);
        let server = servers.ok().and_then(|servers| servers.into_iter().next());
        let Some(server) = server else { return };
        if !address.id.is_extendable() {
            self.pictures.again = number;
            return;
        }
        self.pictures.is_extending = true;
        let request = extend(&address.id, None);
        self.ask_file_server(FileWork::Extend, server, request, network, now);
    }

    fn picture_url(&self) -> Option<String> {
        let picture = self.configs.profile.picture();
        picture.map(|picture| picture.url().into())
    }

    fn number_of_picture(&self, url: &str) -> Option<FileNumber> {
        let mut stored = self.files.stored.iter();
        let found = stored.find(|(_, file)| {
            let picture = file.picture.as_ref();
            picture.is_some_and(|picture| picture.url.as_deref() == Some(url))
        });
        found.map(|(number, _)| *number)
    }

    pub(super) fn extended<O: Onion>(
        &mut self,
        result: Result<ServerReply, RequestError>,
        _network: &Network<O>,
        now: Now,
    ) {
        self.pictures.is_extending = false;
        let Some(number) = self
            .picture_url()
            .and_then(|url| self.number_of_picture(&url))
        else {
            return;
        };
        let info = result.map(|reply| FileInfo::from_reply(&response(reply)));
        match info {
            Ok(Ok(info)) => {
                let stored = self.files.stored.get_mut(&number);
                if let Some(picture) = stored.and_then(|file| file.picture.as_mut()) {
                    picture.expires = Some(info.expires);
                }
                self.put_file(number);
            }
            Ok(Err(ReplyError::NotFound)) => {
                self.pictures.again = Some(number);
                self.pictures.upload_due = now.monotonic;
            }
            // In a day, again: seven of them are left.
            Ok(Err(_)) | Err(_) => {}
        }
    }
}
