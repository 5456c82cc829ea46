//! What a server does with clients that lie, stall, or are too many.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// Longer than anything here takes on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server without TLS that counts what reaches its handler, and answers the body.
struct Server {
    address: SocketAddr,
    handled: Arc<AtomicUsize>,
    _stop: watch::Sender<bool>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let handled = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&handled);
        let handler = move |call: Call| {
            count.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Reply::text(200, call.body))
        };
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(accept(
            listener, limits, None, plain, "test", handler, stopped,
        ));
        Self {
            address,
            handled,
            _stop: stop,
        }
    }

    fn handled(&self) -> usize {
        self.handled.load(Ordering::SeqCst)
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes on a connection of its own and gives all that comes until it is closed.
    async fn talk(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        rest(&mut stream).await
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    // A connection that is reset has said what it had to say.
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await;
    let _ = read.expect("the connection stays open");
    String::from_utf8(said).unwrap()
}

/// What comes until the end of one answer without a body.
async fn answer(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let read = async {
        while !said.ends_with(b"\r\n\r\n") {
            said.push(stream.read_u8().await.unwrap());
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap();
    String::from_utf8(said).unwrap()
}

const GOOD: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_deployed_nodes_refuse_does_not_reach_the_handler() {
    let server = Server::start(LIMITS).await;
    for (request, status) in [
        ("GET / HTTP/1.0\r\nHost: a\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\nHost: a\n\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", "400"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\nabcd",
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
            "400",
        ),
        // It is refused before anything of it has come.
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10485761\r\n\r\n",
            "413",
        ),
    ] {
        let said = server.talk(request.as_bytes()).await;
        assert_eq!(said.split(' ').nth(1), Some(status), "{request}: {said}");
    }
    assert_eq!(server.handled(), 0);
    let mut stream = server.connect().await;
    for _ in 0..3 {
        stream.write_all(GOOD).await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200 "));
    }
    // On a connection that was good so far too.
    stream
        .write_all(b"GET / HTTP/1.1\nHost: a\n\n")
        .await
        .unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 400 "));
    assert_eq!(server.handled(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_that_lies_is_no_request() {
    let server = Server::start(LIMITS).await;
    let head =
        |length: usize| format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
    // Less than was said: the connection ends, and nothing was asked.
    let mut stream = server.connect().await;
    stream
        .write_all(format!("{}abc", head(4)).as_bytes())
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    rest(&mut stream).await;
    assert_eq!(server.handled(), 0);
    // More than was said: the rest is no request.
    let said = server
        .talk(format!("{}abcdef\r\n\r\n", head(3)).as_bytes())
        .await;
    assert!(said.contains("\r\n\r\nabcHTTP/1.1 400 "), "{said}");
    assert_eq!(server.handled(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stalls_is_given_up() {
    let limits = Limits {
        idle: Duration::from_millis(300),
        ..LIMITS
    };
    let server = Server::start(limits).await;
    for begun in [
        "Content-Length: 9\r\n\r\nabc",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ] {
        let said = server
            .talk(format!("POST / HTTP/1.1\r\nHost: a\r\n{begun}").as_bytes())
            .await;
        assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    }
    // One that comes slowly has a deadline as a whole.
    let limits = Limits {
        whole: Duration::from_millis(300),
        ..LIMITS
    };
    let server = Server::start(limits).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\n")
        .await
        .unwrap();
    let drip = async {
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, drip).await.unwrap();
    assert_eq!(server.handled(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_in_part_have_so_much_room_together() {
    let limits = Limits {
        incomplete: 100_000,
        idle: Duration::from_secs(1),
        ..LIMITS
    };
    let server = Server::start(limits).await;
    let mut stalled = Vec::new();
    for _ in 0..2 {
        let mut stream = server.connect().await;
        stream
            .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n")
            .await
            .unwrap();
        stream.write_all(&[b'x'; 40_000]).await.unwrap();
        stalled.push(stream);
    }
    for stream in &mut stalled {
        assert!(rest(stream).await.starts_with("HTTP/1.1 408 "));
    }
    let body = [b'x'; 99_999];
    let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 99999\r\n\r\n";
    let said = server.talk(&[head.as_bytes(), &body].concat()).await;
    assert!(
        said.starts_with("HTTP/1.1 200 "),
        "all room is free again: {said}"
    );
    // More than there is room for never comes together.
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\n\r\n";
    let handled = server.handled();
    let mut stream = server.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&[b'x'; 150_000]).await.unwrap();
    let said = tokio::time::timeout(Duration::from_millis(500), stream.read_u8()).await;
    assert!(said.is_err(), "it waits for room");
    assert_eq!(server.handled(), handled);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_wait() {
    let limits = Limits {
        connections: 2,
        ..LIMITS
    };
    let server = Server::start(limits).await;
    let (mut one, mut two) = (server.connect().await, server.connect().await);
    for stream in [&mut one, &mut two] {
        stream.write_all(GOOD).await.unwrap();
        answer(stream).await;
    }
    let mut three = server.connect().await;
    three.write_all(GOOD).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(300), three.read_u8()).await;
    assert!(early.is_err(), "there is no place for it");
    assert_eq!(server.handled(), 2);
    drop(one);
    let said = tokio::time::timeout(PATIENCE, three.read_u8()).await;
    assert_eq!(said.unwrap().unwrap(), b'H');
    assert_eq!(server.handled(), 3);
}
