//! Both sides of the socket in one process.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::frame::{self, Kind};
use super::link::SILENCE;
use super::*;
use crate::base::error::Error;
use crate::base::id::Seq;

fn server(dir: &Path) -> (Server, Arc<AtomicU64>) {
    let oldest = Arc::new(AtomicU64::new(u64::MAX));
    let seen = oldest.clone();
    let handler: Handler = Arc::new(|name, body| match name {
        "echo" => Ok(body.to_vec()),
        "slow" => {
            std::thread::sleep(Duration::from_millis(2500));
            Ok(vec![1])
        }
        "panic" => std::panic::panic_any("on purpose"),
        _ => Err(Error::LimitExceeded { what: "names", limit: 1, found: 2 }),
    });
    let watch: Watch = Box::new(move |seq| seen.store(seq.map_or(u64::MAX, |seq| seq.0), Ordering::SeqCst));
    (Server::start(dir, Hello::of("store"), handler, watch).expect("starts"), oldest)
}

fn answer(link: &Link, name: &str, body: &[u8]) -> Vec<u8> {
    match link.call(name, body) {
        Outcome::Answer(answer) => answer,
        Outcome::Refused(error) => panic!("{error}"),
        _ => panic!("no answer"),
    }
}

#[test]
fn orders_are_answered_and_errors_keep_their_kind() {
    let dir = tempfile::tempdir().expect("makes");
    let link = Link::new(dir.path(), Hello::of("store"));
    assert!(matches!(link.call("echo", b"x"), Outcome::NotSent), "nobody listens yet");
    let (server, _) = server(dir.path());
    for body in [&b"x"[..], &[], &vec![7; 300_000]] {
        assert_eq!(answer(&link, "echo", body), body);
    }
    let Outcome::Refused(error) = link.call("other", b"") else { panic!("refused") };
    assert_eq!((error.name(), error.to_string()), ("LimitExceeded", "names: expected at most 1, found 2".to_owned()));
    let Outcome::Refused(error) = link.call("panic", b"") else { panic!("refused") };
    assert_eq!(error.name(), "Internal");
    assert_eq!(answer(&link, "echo", b"again"), b"again", "a panic ends nothing");
    assert_eq!(link.writer(), std::process::id());
    std::thread::scope(|scope| {
        for n in 0..20_u8 {
            let link = &link;
            scope.spawn(move || (0..50).for_each(|m| assert_eq!(answer(link, "echo", &[n, m]), [n, m])));
        }
    });
    server.finish();
    server.join().expect("ends");
    assert!(matches!(link.call("echo", b"x"), Outcome::NotSent), "nobody listens any more");
}

#[test]
fn a_slow_order_is_waited_for_and_closing_lets_it_end() {
    let dir = tempfile::tempdir().expect("makes");
    let (server, _) = server(dir.path());
    let link = Link::new(dir.path(), Hello::of("store"));
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| answer(&link, "slow", b""));
        std::thread::sleep(Duration::from_millis(100));
        let start = Instant::now();
        server.finish();
        server.join().expect("ends");
        assert!(start.elapsed() > Duration::from_secs(1), "it waited for the answer");
        assert_eq!(slow.join().expect("no panic"), [1]);
    });
}

#[test]
fn positions_are_known_until_their_process_is_gone() {
    let dir = tempfile::tempdir().expect("makes");
    let (server, oldest) = server(dir.path());
    let link = Link::new(dir.path(), Hello::of("store"));
    let connection = link.connect().expect("connects").expect("listens");
    connection.report(Seq(41)).expect("sends");
    let until = |wanted: u64| {
        let start = Instant::now();
        while oldest.load(Ordering::SeqCst) != wanted && start.elapsed() < SILENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
        oldest.load(Ordering::SeqCst)
    };
    assert_eq!((until(41), server.followers()), (41, 1));
    drop(connection);
    assert_eq!((until(u64::MAX), server.followers()), (u64::MAX, 0));
    server.finish();
    server.join().expect("ends");
}

#[test]
fn strangers_and_nonsense_end_their_own_connection_only() {
    let dir = tempfile::tempdir().expect("makes");
    let (server, _) = server(dir.path());
    let connect = || UnixStream::connect(dir.path().join("writer.sock")).expect("connects");
    let hello = |of: &Hello| encode(of).expect("encodes");
    let other_store = hello(&Hello::of("another"));
    for first in [&b""[..], b"GET / HTTP/1.1\r\n\r\n", &[1, 255, 255, 255, 255], &[2, 0, 0, 0, 0], &[0; 64]] {
        let mut stream = connect();
        let _ = stream.write_all(first);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    }
    let mut stream = connect();
    frame::write(&mut stream, Kind::Hello, &other_store).expect("writes");
    assert_eq!(frame::read(&mut stream).expect("says who it is").0, Kind::Hello);
    assert!(frame::read(&mut stream).is_err(), "and ends");
    // An order whose bytes mean nothing.
    let mut stream = connect();
    frame::write(&mut stream, Kind::Hello, &hello(&Hello::of("store"))).expect("writes");
    frame::read(&mut stream).expect("says who it is");
    frame::write(&mut stream, Kind::Order, &[255; 9]).expect("writes");
    assert_eq!(frame::read(&mut stream).expect("answers").0, Kind::Refusal);
    let link = Link::new(dir.path(), Hello::of("store"));
    assert_eq!(answer(&link, "echo", b"x"), b"x");
    let stranger = Link::new(dir.path(), Hello::of("another"));
    assert!(matches!(stranger.call("echo", b"x"), Outcome::Refused(Error::AlreadyOpen { .. })));
    server.finish();
    server.join().expect("ends");
}

#[test]
fn a_socket_that_was_removed_comes_back() {
    let dir = tempfile::tempdir().expect("makes");
    let (server, _) = server(dir.path());
    std::fs::remove_file(dir.path().join("writer.sock")).expect("removes");
    let link = Link::new(dir.path(), Hello::of("store"));
    let start = Instant::now();
    while !matches!(link.call("echo", b"x"), Outcome::Answer(_)) {
        assert!(start.elapsed() < SILENCE, "it does not come back");
        std::thread::sleep(Duration::from_millis(50));
    }
    server.finish();
    server.join().expect("ends");
}
