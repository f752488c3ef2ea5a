//! Who gets in, told as requests.

use super::*;

/// A request to port 8080 and whether it is let through.
struct Story {
    name: &'static str,
    method: Method,
    headers: &'static [(&'static str, &'static str)],
    passes: bool,
}

fn read(
    name: &'static str,
    headers: &'static [(&'static str, &'static str)],
    passes: bool,
) -> Story {
    Story { name, method: Method::GET, headers, passes }
}

fn write(
    name: &'static str,
    headers: &'static [(&'static str, &'static str)],
    passes: bool,
) -> Story {
    Story { name, method: Method::POST, headers, passes }
}

#[test]
fn hosts() {
    check_all(&[
        read("by name", &[("host", "localhost:8080")], true),
        read("by name in capitals", &[("host", "LOCALHOST:8080")], true),
        read("by address", &[("host", "127.0.0.1:8080")], true),
        read("by another loopback address", &[("host", "127.0.0.2:8080")], true),
        read("by IPv6 address", &[("host", "[::1]:8080")], true),
        read("a rebound DNS name", &[("host", "evil.example:8080")], false),
        read("a name that begins well", &[("host", "localhost.evil.example:8080")], false),
        read(
            "a name that looks like an address",
            &[("host", "127.0.0.1.evil.example:8080")],
            false,
        ),
        read("the LAN address", &[("host", "192.168.1.5:8080")], false),
        read("through a tunnel that begins at another port", &[("host", "localhost:9000")], true),
        read("through a tunnel, by address", &[("host", "127.0.0.1:9000")], true),
        read("through a tunnel from port 80", &[("host", "localhost")], true),
        read("the same, IPv6", &[("host", "[::1]")], true),
        read("a rebound name at another port", &[("host", "evil.example:9000")], false),
        read("a rebound name without a port", &[("host", "evil.example")], false),
        read("a port that is none", &[("host", "localhost:8080x")], false),
        read("no host", &[], false),
        read("two hosts", &[("host", "localhost:8080"), ("host", "evil.example")], false),
        write(
            "a rebound name is refused even if the page thinks it is at home",
            &[("host", "evil.example:8080"), ("sec-fetch-site", "same-origin")],
            false,
        ),
    ]);
}

#[test]
fn writes() {
    check_all(&[
        write("a command", &[("host", "localhost:8080")], true),
        write("our page", &[HERE, ("sec-fetch-site", "same-origin")], true),
        write(
            "our form, whose origin the referrer policy hides",
            &[HERE, ("sec-fetch-site", "same-origin"), ("origin", "null")],
            true,
        ),
        write("another page", &[HERE, ("sec-fetch-site", "cross-site")], false),
        write("another port of this machine", &[HERE, ("sec-fetch-site", "same-site")], false),
        write("a navigation from elsewhere", &[HERE, ("sec-fetch-site", "cross-site"), NAV], false),
        write("an older browser, our page", &[HERE, ("origin", "http://localhost:8080")], true),
        write("an older browser, other page", &[HERE, ("origin", "http://evil.example")], false),
        write("an older browser, other port", &[HERE, ("origin", "http://localhost:3000")], false),
        write("an older browser, other name", &[HERE, ("origin", "http://127.0.0.1:8080")], false),
        write(
            "an older browser through a tunnel, our page",
            &[("host", "localhost:9000"), ("origin", "http://localhost:9000")],
            true,
        ),
        write(
            "an older browser, a page of another program at the tunnel's other end",
            &[("host", "localhost:9000"), ("origin", "http://localhost:8080")],
            false,
        ),
        write(
            "an older browser, the port that need not be said",
            &[("host", "localhost"), ("origin", "http://localhost:80")],
            true,
        ),
        write("an older browser, a sandbox", &[HERE, ("origin", "null")], false),
        write("an unreadable word", &[HERE, ("sec-fetch-site", "sibling")], false),
    ]);
}

#[test]
fn reads() {
    check_all(&[
        read("a link from elsewhere", &[HERE, ("sec-fetch-site", "cross-site"), NAV], true),
        read("a script elsewhere", &[HERE, ("sec-fetch-site", "cross-site")], false),
        read("typed in", &[HERE, ("sec-fetch-site", "none"), NAV], true),
    ]);
}

#[test]
fn the_socket_was_checked_by_the_kernel() {
    let nothing = HeaderMap::new();
    assert!(verdict(Guard::Socket, &Method::POST, &Uri::from_static("/"), &nothing).is_ok());
}

#[test]
fn an_absolute_address_must_agree_with_the_host() {
    let headers = HeaderMap::from_iter([(header::HOST, "localhost:8080".parse().unwrap())]);
    let uri = Uri::from_static("http://evil.example:8080/");
    assert!(verdict(AT, &Method::GET, &uri, &headers).is_err());
}

#[track_caller]
fn check_all(stories: &[Story]) {
    for story in stories {
        let mut headers = HeaderMap::new();
        for (name, value) in story.headers {
            headers.append(*name, value.parse().unwrap());
        }
        let found = verdict(AT, &story.method, &Uri::from_static("/"), &headers);
        assert_eq!(found.is_ok(), story.passes, "{}", story.name);
    }
}

const AT: Guard = Guard::Loopback { port: 8080 };
const HERE: (&str, &str) = ("host", "localhost:8080");
const NAV: (&str, &str) = ("sec-fetch-mode", "navigate");
