//! Where a hub is, as people type it: `https://attic.lan:8129`.
//!
//! **Invariant:** an address without TLS is one of this machine: tokens never cross a network bare.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hyper::Uri;
use rustls::pki_types::ServerName;

/// Where a hub is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubAddress {
    is_secret: bool,
    /// A name, or an address without brackets.
    host: Box<str>,
    port: u16,
}

impl HubAddress {
    /// Whether TLS is spoken there.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        self.is_secret
    }

    /// What is connected to.
    pub(crate) fn target(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// By which name it is asked, in TLS.
    pub(crate) fn server_name(&self) -> Option<ServerName<'static>> {
        ServerName::try_from(self.host.to_string()).ok()
    }

    /// Host and port as a request names them (RFC 9110, 7.2).
    pub(crate) fn authority(&self) -> String {
        match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V6(it)) => format!("[{it}]:{}", self.port),
            Ok(IpAddr::V4(_)) | Err(_) => format!("{}:{}", self.host, self.port),
        }
    }

    fn is_here(host: &str) -> bool {
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
    }
}

impl FromStr for HubAddress {
    type Err = WrongAddress;

    fn from_str(text: &str) -> Result<Self, WrongAddress> {
        let (scheme, rest) = text.split_once("://").ok_or(WrongAddress::Form)?;
        let is_secret = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(WrongAddress::Form),
        };
        let uri: Uri = text.parse().map_err(|_| WrongAddress::Form)?;
        if rest.contains(['@', '?', '#']) || uri.path() != "/" {
            return Err(WrongAddress::More);
        }
        let authority = uri.authority().ok_or(WrongAddress::Form)?;
        let host = authority.host();
        // What follows the host is there to be read: a library that leaves out a wrong port is no help.
        let port = match authority.as_str().strip_prefix(host).ok_or(WrongAddress::Form)? {
            "" if is_secret => HTTPS,
            "" => HTTP,
            given => given.strip_prefix(':').and_then(|it| it.parse().ok()).unwrap_or(0),
        };
        if port == 0 {
            return Err(WrongAddress::Form);
        }
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if !is_secret && !Self::is_here(host) {
            return Err(WrongAddress::Bare);
        }
        let it = Self { is_secret, host: host.into(), port };
        it.server_name().map(|_| it).ok_or(WrongAddress::Form)
    }
}

impl fmt::Display for HubAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secret { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

/// Why a text is no hub's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongAddress {
    /// Something else.
    #[error("write a hub's address as in https://192.168.1.10:8129")]
    Form,
    /// It goes on after host and port.
    #[error("a hub's address ends with its port, as in https://192.168.1.10:8129")]
    More,
    /// It would send a token in the clear.
    #[error("without TLS only a hub on this machine is spoken to: write https://")]
    Bare,
}

/// The ports of the schemes (RFC 9110, 4.2).
const HTTPS: u16 = 443;
const HTTP: u16 = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown() {
        for (text, shown) in [
            ("https://192.168.1.10:8129", "https://192.168.1.10:8129"),
            ("https://attic.lan:8129/", "https://attic.lan:8129"),
            ("https://muster.example.org", "https://muster.example.org:443"),
            ("https://[fd00::1]:8129", "https://[fd00::1]:8129"),
            ("http://127.0.0.1:8129", "http://127.0.0.1:8129"),
            ("http://[::1]", "http://[::1]:80"),
            ("http://localhost:9", "http://localhost:9"),
        ] {
            let read: HubAddress = text.parse().unwrap();
            assert_eq!(read.to_string(), shown);
            assert_eq!(read.to_string().parse(), Ok(read), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_said() {
        use WrongAddress::{Bare, Form, More};
        for (text, why) in [
            ("attic.lan:8129", Form),
            ("", Form),
            ("ftp://attic", Form),
            ("https://", Form),
            ("https://attic:0", Form),
            ("https://attic:", Form),
            ("https://attic:99999", Form),
            ("https://a b", Form),
            ("https://attic/hub", More),
            ("https://attic:8129?x", More),
            ("https://anna@attic:8129", More),
            ("http://attic.lan:8129", Bare),
            ("http://192.168.1.10:8129", Bare),
        ] {
            assert_eq!(text.parse::<HubAddress>(), Err(why), "{text}");
        }
    }
}
