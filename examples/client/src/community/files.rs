//! Files of a room: uploaded unencrypted, named by posts, downloaded by their numbers.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use session_community::reply;
use session_community::request::{self, FILE_MAX};
use session_message::content::Attachment;
use session_network::Purpose;
use session_services::file::{FileId, FileUrl};

use super::Room;
use crate::durable::Draft;
use crate::error::ClientError;
use crate::transfer::{Progress, media_type, unreadable};

/// A file that was uploaded to a room.
#[derive(Debug, Clone)]
pub struct RoomFile {
    /// Its number on the server. A post must name it within an hour.
    pub id: u64,
    /// The description of the file in a post.
    pub attachment: Attachment,
}

/// Reads a file of at most [`FILE_MAX`] bytes into one buffer of its length.
fn read(path: &Path) -> Result<Vec<u8>, ClientError> {
    let failed = unreadable(path);
    let file = File::open(path).map_err(&failed)?;
    let about = file.metadata().map_err(&failed)?;
    if !about.is_file() {
        return Err(failed(std::io::Error::other("it is not a file")));
    }
    // A longer file is read up to one byte too many; the request then reports its size.
    let most = FILE_MAX as u64 + 1;
    let length = usize::try_from(about.len().min(most)).unwrap_or(FILE_MAX);
    let mut content = Vec::with_capacity(length);
    file.take(most).read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}

impl Room<'_> {
    /// Uploads a file to the room, **unencrypted**: everybody who can read the room can fetch it.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the file cannot be read, is empty or too large, or the server refuses it.
    pub async fn upload(
        &self,
        path: &Path,
        progress: impl Fn(Progress),
    ) -> Result<RoomFile, ClientError> {
        let content = read(path)?;
        let size = u32::try_from(content.len()).ok();
        let name = path.file_name().map(|name| name.to_string_lossy());
        let room = &self.community.room;
        let request = request::upload(room, name.as_deref(), content)
            .map_err(|error| ClientError::Usage(format!("{}: {error}", path.display())))?;
        progress(Progress::Sending(request.body.len() as u64));
        let id = reply::uploaded(&self.ask_for(Purpose::File, request).await?)?;
        let url = FileUrl {
            base: self.community.base.clone(),
            room: Some(room.clone()),
            id: FileId::from_number(id),
            key: None,
            is_deterministic: false,
            router_address: None,
        };
        Ok(RoomFile {
            id,
            attachment: Attachment {
                url: url.to_string(),
                size,
                content_type: Some(media_type(path).to_owned()),
                file_name: name.map(String::from),
                ..Attachment::default()
            },
        })
    }

    /// Downloads a file of the room into a new file, and returns its size in bytes.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the server has no such file, or the output exists or cannot be written. No
    /// output is left then.
    pub async fn download(
        &self,
        id: u64,
        output: &Path,
        progress: impl Fn(Progress),
    ) -> Result<u64, ClientError> {
        let unwritable = |reason| ClientError::File {
            what: "cannot write",
            path: output.to_owned(),
            reason,
        };
        if std::fs::symlink_metadata(output).is_ok() {
            return Err(unwritable(std::io::ErrorKind::AlreadyExists.into()));
        }
        let request = request::download(&self.community.room, id);
        let file = reply::file(self.ask_for(Purpose::File, request).await?)?;
        let size = file.content.len() as u64;
        progress(Progress::Received(size));
        let mut draft = Draft::beside(output).map_err(unwritable)?;
        draft.write_all(&file.content).map_err(unwritable)?;
        draft.publish().map_err(unwritable)?;
        Ok(size)
    }

    /// Returns the number of an attached file if the file lies in this room.
    #[must_use]
    pub fn file_number(&self, attachment: &Attachment) -> Option<u64> {
        let url: FileUrl = attachment.url.parse().ok()?;
        // Old clients leave out the room, which is that of the post.
        let is_here = url.base == self.community.base
            && url.room.is_none_or(|room| room == self.community.room);
        url.id.as_str().parse().ok().filter(|_| is_here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_into_one_buffer_and_not_beyond_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, [7; 1000]).unwrap();
        let content = read(&path).unwrap();
        assert_eq!((content.len(), content.capacity()), (1000, 1000));
        let large = File::create(&path).unwrap();
        large.set_len(100_000_000).unwrap();
        assert_eq!(read(&path).unwrap().len(), FILE_MAX + 1);
        assert!(read(folder.path()).is_err());
    }
}
