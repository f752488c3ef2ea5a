//! `muster decode` on captures and bare frames.

use std::io::Write as _;
use std::process::Stdio;

use insta::assert_snapshot;

use crate::support::House;

/// 192.168.1.23 asks for 192.168.1.1.
const REQUEST: &str = "ffffffffffffb827eb0102030806000108000604\
                       0001b827eb010203c0a80117000000000000c0a80101";

#[test]
fn bare_frames() {
    let house = House::empty();
    let (cut, _) = REQUEST.split_at(60);
    house.file("frames.txt", &format!("{REQUEST}\n\n{cut}\nnot hex\n{REQUEST}"));
    assert_snapshot!(
        house.transcript(&[&format!("decode {REQUEST}"), "decode frames.txt --as ethernet",])
    );
}

#[test]
fn what_is_no_capture_at_all_is_said_once() {
    let house = House::empty();
    house.file("list.txt", "flour\neggs\n");
    house.file("empty.txt", "");
    assert_snapshot!(house.transcript(&[
        "decode list.txt",
        "decode empty.txt",
        "decode frames.txt --format csv",
    ]));
}

#[test]
fn standard_input_and_a_reader_that_goes_away() {
    let house = House::empty();
    let mut command = house.command(&["decode"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let mut input = child.stdin.take().expect("a pipe");
    for _ in 0..5_000 {
        if writeln!(input, "{REQUEST}").is_err() {
            break;
        }
    }
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}
