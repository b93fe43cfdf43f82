//! What a client can do to a connection: on a real socket, byte by byte.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use axum::{Extension, Router, extract::Request, response::Response, routing::get};
use hyper::body::Incoming;
use serde_json::Value;
use sogep::{
    http::peer::Peer,
    server::{self, Limits},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::app::TestApp;

const LIVE: &str = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";
const LAST: &str = "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
/// Longer than anything here should take, on a machine that does much else.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The service on a port of its own. Whoever comes from 127.0.0.9 is trusted.
pub struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    _app: Option<TestApp>,
}

impl Server {
    pub async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    pub async fn with(limits: Limits) -> Self {
        let app = TestApp::start().await;
        Self { _app: None, ..Self::serve(app.front(), limits).await }.keep(app)
    }

    fn keep(self, app: TestApp) -> Self {
        Self { _app: Some(app), ..self }
    }

    async fn serve<S>(service: S, limits: Limits) -> Self
    where
        S: tower_service::Service<Request<Incoming>, Response = Response, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let is_trusted = |ip: IpAddr| ip == IpAddr::from([127, 0, 0, 9]);
        let task = tokio::spawn(async move {
            server::serve(listener, service, limits, is_trusted, async move { stopped.await.unwrap() }).await;
        });
        Self { address, stop, task, _app: None }
    }

    pub async fn connect(&self) -> TcpStream {
        self.connect_from([127, 0, 0, 1]).await
    }

    async fn connect_from(&self, ip: [u8; 4]) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((ip, 0).into()).unwrap();
        let stream = socket.connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// A connection on which a request was answered; `None` when it was turned away.
    async fn enter(&self, ip: [u8; 4]) -> Option<TcpStream> {
        let mut stream = self.connect_from(ip).await;
        let mut start = [0; 12];
        stream.write_all(LIVE.as_bytes()).await.ok()?;
        timeout(PATIENCE, stream.read_exact(&mut start)).await.expect("an answer or an end").ok()?;
        assert_eq!(&start, b"HTTP/1.1 200");
        Some(stream)
    }

    /// All answers to what is sent in pieces, until the server ends the connection.
    async fn answers<'a>(&self, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Received> {
        let mut stream = self.connect().await;
        for (index, piece) in pieces.into_iter().enumerate() {
            if index > 0 {
                sleep(Duration::from_millis(2)).await;
            }
            // It may have ended already.
            let _ = stream.write_all(piece).await;
        }
        received(&read_to_end(&mut stream).await)
    }

    async fn statuses(&self, sent: &str) -> Vec<u16> {
        self.answers([sent.as_bytes()]).await.iter().map(|answer| answer.status).collect()
    }
}

/// An answer as it came.
#[derive(Debug)]
struct Received {
    status: u16,
    head: String,
    body: Value,
}

async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset is an end too; what came before it counts.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the connection ends");
    bytes
}

fn received(bytes: &[u8]) -> Vec<Received> {
    let mut rest = std::str::from_utf8(bytes).unwrap();
    let mut answers = Vec::new();
    while let Some((head, after)) = rest.split_once("\r\n\r\n") {
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let (body, after) = after.split_at(length.parse().unwrap());
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        answers.push(Received { status, head, body: serde_json::from_str(body).unwrap() });
        rest = after;
    }
    assert_eq!(rest, "", "half an answer");
    answers
}

#[track_caller]
fn assert_refused(answer: &Received, status: u16, code: &str, sent: &str) {
    assert_eq!((answer.status, answer.body["code"].as_str()), (status, Some(code)), "{sent:?}");
    assert_eq!(answer.body["request_id"].as_str().map(str::len), Some(32), "{sent:?}");
    for line in
        ["content-type: application/problem+json", "x-content-type-options: nosniff", "connection: close"]
    {
        assert!(answer.head.contains(line), "{line} is missing after {sent:?}: {}", answer.head);
    }
}

fn login(lines: &str, body: &str) -> String {
    format!(
        "POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{lines}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn a_malformed_head_is_answered_with_a_problem_and_ends_the_connection() {
    let server = Server::start().await;
    let mut heads: Vec<String> = [
        "X: y",
        "Host: a\r\nHost: a",
        "Host:",
        "Host: a\nX: y",
        "Host: a\r\nX: a\rb",
        "Host: a\r\nX: y\r\n folded",
        "Host : a",
        "Host: a\r\nX: \0",
        "Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
        "Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5",
        "Host: a\r\nContent-Length: 5\r\nContent-Length: 5",
        "Host: a\r\nContent-Length: +5",
        "Host: a\r\nTransfer-Encoding: gzip, chunked",
        "Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    ]
    .map(|lines| format!("GET /livez HTTP/1.1\r\n{lines}\r\n\r\n"))
    .to_vec();
    heads.push("GET /livez HTTP/1.1\nHost: a\n\n".to_owned());
    heads.push("GET /livez HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned());
    heads.push("\u{16}\u{3}\u{1}\0".to_owned());
    for head in heads {
        // What follows must neither be answered nor keep the connection open.
        let answers = server.answers([head.as_bytes(), LIVE.as_bytes()]).await;
        assert_eq!(answers.len(), 1, "{head:?}: {answers:?}");
        assert_refused(&answers[0], 400, "malformed-request", &head);
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_answered_with_a_problem() {
    let server = Server::start().await;
    let with = |lines: &str| format!("GET /livez HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    let (many, large) = (with(&"X: y\r\n".repeat(64)), with(&format!("X: {}\r\n", "y".repeat(33 * 1024))));
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(9 * 1024));
    for (sent, status, code) in
        [(many, 431, "headers-too-large"), (large, 431, "headers-too-large"), (long, 414, "uri-too-long")]
    {
        let answers = server.answers([sent.as_bytes()]).await;
        assert_refused(&answers[0], status, code, &sent[..40]);
    }
    assert_eq!(
        server.statuses(&with(&format!("{}Connection: close\r\n", "X: y\r\n".repeat(62)))).await,
        [200]
    );
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_order() {
    let server = Server::start().await;
    assert_eq!(server.statuses(&format!("{LIVE}{LAST}")).await, [200, 200]);
    assert_eq!(server.statuses("GET /livez HTTP/1.0\r\n\r\n").await, [200]);
    let bad = "GET /livez HTTP/1.1\r\n\r\n";
    assert_eq!(server.statuses(&format!("{LIVE}{bad}{LIVE}")).await, [200, 400]);
    // Odd but well-formed: answered by the service, and what follows is a request of its own.
    for line in ["CONNECT a:443", "OPTIONS *", "GET http://a/nothing", "TRACE /livez", "FOO /livez"] {
        let statuses =
            server.statuses(&format!("{line} HTTP/1.1\r\nHost: a:443\r\nUpgrade: h2c\r\n\r\n{LAST}")).await;
        assert!(matches!(statuses[..], [404 | 405, 200]), "{line}: {statuses:?}");
    }
    // Nobody can call what stands in for a bad request.
    let forged = "REFUSED / HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n\r\n";
    assert_eq!(server.statuses(forged).await, [404]);
}

#[tokio::test]
async fn a_body_ends_where_it_says_and_nothing_is_swallowed() {
    let server = Server::start().await;
    let counted = login("Content-Length: 2", "{}");
    assert_eq!(server.statuses(&format!("{counted}{LAST}")).await, [422, 200]);
    assert_eq!(server.statuses(&format!("{counted}xyz\r\n{LAST}")).await, [422, 400]);
    let chunked = login("Transfer-Encoding: chunked", "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n");
    assert_eq!(server.statuses(&format!("{chunked}{LAST}")).await, [422, 200]);
    for body in
        ["2\r\n{}x", "2;a=b\r\n{}\r\n", "2\n{}", "-2\r\n{}", "2\r\n{}\r\n0\r\nA: b\nC: d", "123456789\r\n"]
    {
        let sent = login("Transfer-Encoding: chunked", &format!("{body}\r\n0\r\n\r\n{LIVE}"));
        let answers = server.answers([sent.as_bytes()]).await;
        assert_eq!(answers.len(), 1, "{body:?}");
        assert_refused(&answers[0], 400, "malformed-request", body);
    }
    let begun = Instant::now();
    let answers = server.answers([login("Content-Length: 300000", "").as_bytes()]).await;
    assert_refused(&answers[0], 413, "payload-too-large", "300000 bytes announced");
    assert!(begun.elapsed() < Duration::from_secs(10), "refused only after {:?}", begun.elapsed());
}

#[tokio::test]
async fn it_does_not_matter_how_requests_are_cut_into_packets() {
    let server = Server::start().await;
    let sent = format!("{}{}{LAST}", login("Transfer-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n"), LIVE);
    for cut in 1..sent.len() {
        let (left, right) = sent.as_bytes().split_at(cut);
        let statuses: Vec<u16> =
            server.answers([left, right]).await.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [422, 200, 200], "cut at {cut}");
    }
    let statuses: Vec<u16> =
        server.answers(sent.as_bytes().chunks(1)).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [422, 200, 200]);
}

pub fn hasty() -> Limits {
    let moment = Duration::from_millis(700);
    Limits { head: moment, idle: 2 * moment, write_window: moment, linger: moment / 4, ..Limits::default() }
}

#[tokio::test]
async fn who_is_slow_or_silent_is_closed_in_time() {
    let server = Server::with(hasty()).await;
    for (answered, sent, least) in
        [("", "", 600), ("", "GET /livez", 600), (LIVE, "", 1300), (LIVE, "GET /", 600)]
    {
        let mut stream = server.connect().await;
        stream.write_all(answered.as_bytes()).await.unwrap();
        let begun = Instant::now();
        let (mut reader, mut writer) = stream.split();
        let drip = async {
            for byte in sent.bytes().chain(std::iter::repeat_n(b'x', if sent.is_empty() { 0 } else { 1000 }))
            {
                let _ = writer.write_all(&[byte]).await;
                sleep(Duration::from_millis(50)).await;
            }
            std::future::pending::<()>().await;
        };
        let mut bytes = Vec::new();
        tokio::select! {
            ended = timeout(PATIENCE, reader.read_to_end(&mut bytes)) => { let _ = ended.expect("the connection ends"); }
            () = drip => {}
        }
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(least), "{sent:?} was closed after {took:?}");
        assert_eq!(received(&bytes).len(), usize::from(!answered.is_empty()));
    }
}

#[tokio::test]
async fn who_does_not_take_the_answer_is_cut_off() {
    let server = Server::with(Limits { per_client: 1, ..hasty() }).await;
    let mut stream = server.connect().await;
    let document = "GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200);
    stream.write_all(document.as_bytes()).await.unwrap();
    // Once it is cut off, its place is free.
    let begun = Instant::now();
    while server.enter([127, 0, 0, 1]).await.is_none() {
        assert!(begun.elapsed() < PATIENCE, "it is never cut off");
        sleep(Duration::from_millis(100)).await;
    }
    assert!(begun.elapsed() > Duration::from_millis(500), "cut off after {:?}", begun.elapsed());
}

#[tokio::test]
async fn one_client_cannot_take_all_connections() {
    let server = Server::with(Limits { per_client: 2, ..Limits::default() }).await;
    let first = server.enter([127, 0, 0, 1]).await.unwrap();
    let _second = server.enter([127, 0, 0, 1]).await.unwrap();
    assert!(server.enter([127, 0, 0, 1]).await.is_none());
    let _other = server.enter([127, 0, 0, 2]).await.unwrap();
    let trusted = [9; 4].map(|_| server.enter([127, 0, 0, 9]));
    assert!(futures_util::future::join_all(trusted).await.iter().all(Option::is_some));
    drop(first);
    let begun = Instant::now();
    while server.enter([127, 0, 0, 1]).await.is_none() {
        assert!(begun.elapsed() < PATIENCE, "the place is never given back");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn all_clients_together_leave_room_for_those_who_are_trusted() {
    let server = Server::with(Limits { connections: 4, reserved: 1, ..Limits::default() }).await;
    let mut strangers = Vec::new();
    for last in 1..4 {
        strangers.push(server.enter([127, 0, 1, last]).await.unwrap());
    }
    assert!(server.enter([127, 0, 1, 4]).await.is_none());
    let _trusted = server.enter([127, 0, 0, 9]).await.unwrap();
    assert!(server.enter([127, 0, 0, 9]).await.is_none());
}

#[tokio::test]
async fn a_handler_learns_who_calls() {
    let router =
        Router::new().route("/", get(async |Extension(Peer(peer)): Extension<Peer>| peer.to_string()));
    let server = Server::serve(router, Limits::default()).await;
    let mut stream = server.connect_from([127, 0, 0, 7]).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let answer = read_to_end(&mut stream).await;
    let peer = stream.local_addr().map_or_else(|_| String::new(), |address| address.to_string());
    assert!(peer.starts_with("127.0.0.7:") && answer.ends_with(peer.as_bytes()));
}

#[tokio::test]
async fn stopping_ends_what_is_idle() {
    let server = Server::start().await;
    let mut idle = server.enter([127, 0, 0, 1]).await.unwrap();
    let mut fresh = server.connect().await;
    server.stop.send(()).unwrap();
    read_to_end(&mut idle).await;
    read_to_end(&mut fresh).await;
    drop((idle, fresh));
    timeout(PATIENCE, server.task).await.expect("the server ends").unwrap();
}

#[tokio::test]
async fn sign_ins_that_dribble_in_keep_nobody_from_signing_in() {
    let server = Server::start().await;
    let mut slow = Vec::new();
    for _ in 0..80 {
        let mut stream = server.connect().await;
        let head = "POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 60\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    sleep(Duration::from_millis(300)).await;
    let body = r#"{"email":"yok@sogep.example","password":"uzun ve akilda kalan"}"#;
    let answers =
        server.statuses(&login(&format!("Connection: close\r\nContent-Length: {}", body.len()), body)).await;
    assert_eq!(answers, [401], "80 are waiting for their bodies, and a place is free");
    drop(slow);
}
