//! Requests to servers outside the network of nodes.

use session_network::{Purpose, Reply, Server, ServerRequest};
use session_types::http::{Request, Response};

use super::{Driver, now};
use crate::error::ClientError;

impl Driver {
    /// Sends a request to a server and returns its reply, whatever its status. `repeatable` says whether
    /// the request may be sent again when nobody knows if the server has seen it.
    pub(crate) async fn ask_server(
        &mut self,
        purpose: Purpose,
        server: &Server,
        request: Request,
        repeatable: bool,
    ) -> Result<Response, ClientError> {
        let mut made = ServerRequest::new(request.method.as_str(), &request.path);
        for (name, value) in &request.headers {
            made = made.header(name, value);
        }
        if !request.body.is_empty() {
            made = made.body(request.body);
        }
        let made = made.repeatable(repeatable);
        let id = self
            .network
            .request_for(purpose, server.clone(), made, now());
        match self.wait(id).await {
            Ok(Reply::Server(reply)) => {
                let headers = reply.headers.into_iter();
                Ok(Response {
                    status: reply.status,
                    headers: headers.map(|header| (header.name, header.value)).collect(),
                    // Absent: an empty body.
                    body: reply.body.unwrap_or_default(),
                })
            }
            Ok(_) => Err(ClientError::Nonsense {
                method: "v4",
                reason: "it is of another kind".to_owned().into(),
            }),
            Err(error) => Err(self.explain(error)),
        }
    }
}
