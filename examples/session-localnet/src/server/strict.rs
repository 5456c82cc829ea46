//! What deployed nodes refuse of HTTP and the HTTP library here would take: lines that end without a
//! carriage return, and a request with a length that is chunked as well.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Whether the bytes that come next are the head of a request.
#[derive(Debug, Clone)]
pub(super) struct Head(Arc<AtomicBool>);

impl Default for Head {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Head {
    /// The body has been read: what comes is the next head.
    pub(super) fn next(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A stream that spoils what must be refused with a byte that no head may have.
#[derive(Debug)]
pub(super) struct Strict<S> {
    stream: S,
    head: Head,
    scan: Scan,
}

impl<S> Strict<S> {
    pub(super) fn new(stream: S, head: Head) -> Self {
        Self {
            stream,
            head,
            scan: Scan::default(),
        }
    }
}

/// Headers of which a request may have one only.
const LENGTH: &[u8] = b"content-length:";
const CHUNKED: &[u8] = b"transfer-encoding:";

/// How far a head has been read.
#[derive(Debug, Default)]
struct Scan {
    /// The beginning of the line, in lower case.
    line: Vec<u8>,
    /// Whether the byte before was a carriage return.
    returned: bool,
    has_length: bool,
    is_chunked: bool,
}

impl Scan {
    /// Reads on. True at the end of the head.
    fn read(&mut self, bytes: &mut [u8]) -> bool {
        for byte in bytes {
            if *byte == b'\n' {
                if !self.returned {
                    *byte = 0;
                    return false;
                }
                self.has_length |= self.line == LENGTH;
                self.is_chunked |= self.line == CHUNKED;
                if self.has_length && self.is_chunked {
                    *byte = 0;
                    return false;
                }
                if self.line == b"\r" {
                    *self = Self::default();
                    return true;
                }
                self.line.clear();
                self.returned = false;
                continue;
            }
            self.returned = *byte == b'\r';
            let is_name = self.line.last() != Some(&b':');
            if is_name && self.line.len() < CHUNKED.len() {
                self.line.push(byte.to_ascii_lowercase());
            }
        }
        false
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Strict<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if this.head.0.load(Ordering::Acquire)
            && let Some(new) = buffer.filled_mut().get_mut(before..)
            && this.scan.read(new)
        {
            // What follows, in this piece and later ones, is the body.
            this.head.0.store(false, Ordering::Release);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Strict<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is handed on of a head that comes in pieces of `size` bytes, and whether it ended.
    fn scanned(head: &[u8], size: usize) -> (Vec<u8>, bool) {
        let (mut head, mut scan) = (head.to_vec(), Scan::default());
        let is_over = head.chunks_mut(size).any(|piece| scan.read(piece));
        (head, is_over)
    }

    #[test]
    fn a_good_head_passes_as_it_is() {
        for head in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: content-length:\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Lengths: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\n\n",
        ] {
            for size in [1, 2, 7, 1000] {
                assert_eq!(
                    scanned(head.as_bytes(), size),
                    (head.into(), true),
                    "{head}"
                );
            }
        }
    }

    #[test]
    fn bare_line_feeds_and_two_lengths_are_spoilt() {
        for head in [
            "GET / HTTP/1.1\nHost: a\n\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nCONTENT-LENGTH: 3\r\n\r\n",
        ] {
            for size in [1, 2, 7, 1000] {
                let (handed_on, _) = scanned(head.as_bytes(), size);
                assert!(handed_on.contains(&0), "{head}");
            }
        }
    }
}
