//! HTTP/2 on a real socket, frame by frame.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::connections::{PATIENCE, Server, hasty};

/// A frame of HTTP/2. Source: RFC 9113, section 4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

/// The next frame: its kind, flags and payload; `None` at the end.
async fn next_frame(stream: &mut TcpStream) -> Option<(u8, u8, Vec<u8>)> {
    let mut head = [0; 9];
    timeout(PATIENCE, stream.read_exact(&mut head)).await.expect("a frame or an end").ok()?;
    let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
    stream.read_exact(&mut payload).await.ok()?;
    Some((head[3], head[4], payload))
}

/// Opens an HTTP/2 connection without asking first.
async fn http2(server: &Server) -> TcpStream {
    let mut stream = server.connect().await;
    let preface = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(SETTINGS, 0, 0, &[])].concat();
    stream.write_all(&preface).await.unwrap();
    stream
}

/// `GET /livez` on a stream.
fn get_live(stream: u32) -> Vec<u8> {
    // In HPACK: method GET, scheme http, path, authority.
    frame(HEADERS, 0x5, stream, b"\x82\x86\x04\x06/livez\x01\x01a")
}

#[tokio::test]
async fn http2_is_spoken_and_a_quiet_connection_is_closed_even_if_it_answers_pings() {
    let server = Server::with(hasty()).await;
    let mut stream = http2(&server).await;
    stream.write_all(&get_live(1)).await.unwrap();
    let begun = Instant::now();
    let (mut status, mut body, mut is_leaving) = (0, Vec::new(), false);
    while let Some((kind, flags, payload)) = next_frame(&mut stream).await {
        match kind {
            HEADERS => status = payload[0],
            DATA => body.extend(payload),
            PING if flags == 0 => stream.write_all(&frame(PING, 1, 0, &payload)).await.unwrap(),
            GOAWAY => is_leaving = true,
            _ => {}
        }
    }
    assert_eq!(status, 0x88, "the first header is `:status: 200`");
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["status"], "ok");
    assert!(is_leaving && begun.elapsed() > Duration::from_millis(1200), "ended after {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_flood_of_resets_ends_the_http2_connection() {
    let server = Server::start().await;
    let (mut reader, mut writer) = http2(&server).await.into_split();
    let flood = tokio::spawn(async move {
        for batch in 0..10_000 {
            let pair = |number: u32| {
                let stream = 2 * (100 * batch + number) + 1;
                [get_live(stream), frame(RESET, 0, stream, &[0, 0, 0, 8])].concat()
            };
            if writer.write_all(&(0..100).flat_map(pair).collect::<Vec<u8>>()).await.is_err() {
                return batch;
            }
        }
        10_000
    });
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, reader.read_to_end(&mut bytes)).await.expect("the connection ends");
    drop(reader);
    // More than the buffers of two sockets hold, however slow the machine is.
    assert!(flood.await.unwrap() < 10_000, "a million resets were taken");
    // GOAWAY with ENHANCE_YOUR_CALM (11), unless the reset of the connection overtook it.
    let calm = bytes.windows(4).any(|window| window == [0, 0, 0, 11]);
    assert!(calm || bytes.len() < 100, "{bytes:?}");
}
