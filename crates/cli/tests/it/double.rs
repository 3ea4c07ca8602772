//! The stand-in for LINE as a program of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::place::KIZUNA;

#[test]
fn the_stand_in_for_line_tells_its_address_answers_there_and_ends_when_asked() {
    let mut child = Command::new(KIZUNA)
        .args([
            "double",
            "line",
            "--port",
            "0",
            "--at",
            "2026-11-20T09:00:00+09:00",
            "--lang",
            "ja",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let address = first.rsplit_once("http://").unwrap().1;

    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET /_double/state HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();

    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"now\":\"2026-11-20T00:00:00Z\""), "{answer}");
    let asked = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(asked.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
