//! A client's requests to servers outside the network of nodes.

use session_message::content::{Attachment, Kind};
use session_network::{Purpose, Server};
use session_types::UnixMillis;
use session_types::http::{Request, Response};

use super::{Client, Draft};
use crate::error::ClientError;

impl Client {
    /// Sends a request to a server through the network and returns its reply, whatever its status.
    /// `repeatable` says whether the request may be sent again when nobody knows if the server has seen it.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if no reply came.
    pub async fn ask_server(
        &self,
        purpose: Purpose,
        server: &Server,
        request: Request,
        repeatable: bool,
    ) -> Result<Response, ClientError> {
        let mut shared = self.shared.lock().await;
        let driver = &mut shared.driver;
        driver
            .ask_server(purpose, server, request, repeatable)
            .await
    }

    /// The time of the network.
    pub async fn network_time(&self) -> UnixMillis {
        UnixMillis::new(self.shared.lock().await.driver.network_time())
    }
}

impl Draft {
    /// With an attached file.
    #[must_use]
    pub fn with_file(mut self, file: Attachment) -> Self {
        if let Kind::Message(message) = &mut self.content.kind {
            message.attachments.push(file);
        }
        self
    }
}
