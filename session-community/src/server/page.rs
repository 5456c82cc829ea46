//! Responses that are not JSON.

use alloc::string::String;

use session_types::http::Response;

use crate::json::{HTML, TEXT};

fn page(status: u16, title: &str, text: &str) -> Response {
    let body = alloc::format!(
        "<!DOCTYPE HTML>\n<title>{status} {title}</title>\n<h1>{title}</h1>\n<p>{text}</p>\n"
    );
    Response::new(status, HTML, body)
}

pub(super) fn not_found() -> Response {
    page(404, "Not Found", "There is nothing at this URL.")
}

pub(super) fn bad_request() -> Response {
    page(400, "Bad Request", "The request is malformed.")
}

pub(super) fn forbidden() -> Response {
    page(403, "Forbidden", "The user lacks a permission.")
}

pub(super) fn too_large() -> Response {
    page(413, "Request Entity Too Large", "The file is too large.")
}

pub(super) fn not_acceptable() -> Response {
    page(406, "Not Acceptable", "The file is not one of this room.")
}

/// An error of the model: the bare text.
pub(super) fn model(status: u16, text: impl Into<String>) -> Response {
    Response::new(status, HTML, text.into())
}

pub(super) fn denied() -> Response {
    model(403, "Permission denied")
}

pub(super) fn no_post(id: u64) -> Response {
    model(404, alloc::format!("No such post: {id}"))
}

/// An endpoint that needs a permission.
pub(super) fn needs(what: &str) -> Response {
    Response::new(403, TEXT, alloc::format!("This endpoint requires {what}"))
}
