//! What people say to the controller while it runs, a line each.

use std::time::Duration;

use crate::address::Address;
use crate::air::Wrong;

/// One line, understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// A device advertises, or does so otherwise.
    Advertiser(Address, Vec<(String, String)>),
    /// Its owner does something with it.
    AdvertiserDoes(Address, Act),
    /// A phone is around, or is otherwise.
    Phone(Address, Vec<(String, String)>),
    /// Its owner does something with it.
    PhoneDoes(Address, Act),
    /// A neighbour is gone.
    Remove(Address),
    /// All are.
    Clear,
    /// The host's wish to hear of each device once per scan is kept, or is not.
    Duplicates { are_filtered: bool },
    /// How long a page takes that nobody answers, whatever the host asked for.
    PageTimeout(Duration),
    /// Nothing is answered or reported, or it is again.
    Hang(bool),
    /// The hardware reports an error of its own.
    Fault,
    /// The adapter is out of its socket, or in it again.
    Plugged(bool),
    /// What the controller is doing, and what it did.
    State,
}

/// What somebody does with a device of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Connects to the adapter, and shows the key if it has one.
    Connect,
    /// Connects if it has not, and pairs.
    Pair,
    Disconnect,
    /// Forgets the key.
    Forget,
    /// Goes by another private address.
    Rotate,
}

/// Why a line was not understood, or what it wants cannot be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoRequest {
    #[error("there is no such request")]
    Unknown,
    #[error("{0}")]
    Address(#[from] crate::address::NoAddress),
    #[error("not KEY=VALUE: {0}")]
    Pair(String),
    #[error("{0} is missing, or not what it should be")]
    Argument(&'static str),
    #[error("nobody has that address: {0}")]
    Nobody(Address),
    #[error("it is not connected")]
    NoLink,
    #[error("it pairs with nobody")]
    Declined,
    #[error("it has no irk to hide its address behind")]
    NotPrivate,
    #[error("the adapter does not answer it")]
    Unanswered,
    #[error("something of that kind is under way")]
    Busy,
    #[error("{0}")]
    Neighbour(#[from] Wrong),
}

impl Request {
    pub(crate) fn parse(line: &str) -> Result<Self, NoRequest> {
        let (verb, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        let rest = rest.trim();
        let (subject, pairs) = rest.split_once(' ').unwrap_or((rest, ""));
        Ok(match verb {
            "advertiser" => match Act::parse(pairs) {
                Some(act) => Self::AdvertiserDoes(subject.parse()?, act),
                None => Self::Advertiser(subject.parse()?, keys_and_values(pairs)?),
            },
            "phone" => match Act::parse(pairs) {
                Some(act) => Self::PhoneDoes(subject.parse()?, act),
                None => Self::Phone(subject.parse()?, keys_and_values(pairs)?),
            },
            "remove" => Self::Remove(subject.parse()?),
            "clear" => Self::Clear,
            "duplicates" => match rest {
                "filtered" => Self::Duplicates { are_filtered: true },
                "reported" => Self::Duplicates { are_filtered: false },
                _ => return Err(NoRequest::Argument("filtered or reported")),
            },
            "page-timeout" => {
                let ms = rest.parse().ok().filter(|it| (1..=MOST_PAGE_MS).contains(it));
                let ms = ms.ok_or(NoRequest::Argument("a number of milliseconds up to 40959"))?;
                Self::PageTimeout(Duration::from_millis(ms))
            }
            "hang" => Self::Hang(true),
            "resume" => Self::Hang(false),
            "fault" => Self::Fault,
            "unplug" => Self::Plugged(false),
            "plug" => Self::Plugged(true),
            "state" => Self::State,
            _ => return Err(NoRequest::Unknown),
        })
    }
}

impl Act {
    fn parse(word: &str) -> Option<Self> {
        Some(match word.trim() {
            "connect" => Self::Connect,
            "pair" => Self::Pair,
            "disconnect" => Self::Disconnect,
            "forget" => Self::Forget,
            "rotate" => Self::Rotate,
            _ => return None,
        })
    }
}

/// `KEY=VALUE` with blanks between; what follows `name=` is the name, blanks included.
fn keys_and_values(mut rest: &str) -> Result<Vec<(String, String)>, NoRequest> {
    let mut pairs = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(pairs);
        }
        let (pair, more) = match rest.strip_prefix("name=") {
            Some(_) => (rest, ""),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        let (key, value) = pair.split_once('=').ok_or_else(|| NoRequest::Pair(pair.to_owned()))?;
        pairs.push((key.to_owned(), value.to_owned()));
        rest = more;
    }
}

/// For whoever types them.
pub(crate) const HELP: &str = "\
Requests:
  advertiser ADDRESS [KEY=VALUE...]   a device advertises; said again, it changes
      type=random|public  rssi=-60 (dBm)  jitter=0 (dB)  interval=200 (ms)  connectable=yes|no
      data=HEX  response=HEX (to an active scan)  reachable=yes|no (losing its link)
      irk=HEX (of 16 octets, least first: ADDRESS is its identity, heard is a private one)
      restless=yes|no (whether each advertisement is heard from another private address)
      name=TEXT (to the end of the line, as data)
  advertiser ADDRESS connect|disconnect  it connects where the adapter advertises that one can, showing
      the key that it has; it ends that
  advertiser ADDRESS pair|forget      it pairs, connecting first if it has to; it forgets its key
  advertiser ADDRESS rotate           it goes by another private address
  phone ADDRESS [KEY=VALUE...]        a phone is around; said again, it changes
      rssi=-60 (dBm)  class=5a020c  discoverable=yes|no  reachable=yes|no (losing its link)
      answers_after=60 (ms)  pairs=just-works|numeric-comparison|no
      name=TEXT (to the end of the line)
  phone ADDRESS connect|disconnect    it connects to the adapter, showing the key that it has; it ends that
  phone ADDRESS pair|forget           it pairs, connecting first if it has to; it forgets its key
  remove ADDRESS, clear               it is gone, all are
  duplicates filtered|reported        keep the host's wish to hear of each device once, or not
  page-timeout MS                     how long an unanswered page takes
  hang, resume                        answer nothing; answer again, having lost every link
  fault                               report an error of the hardware
  unplug, plug                        pull the adapter out, and put it in again
  state                               what it is doing, and what it did; of who hides, IDENTITY/ADDRESS
      under private; of who paired or tried to, ADDRESS/SCREEN: the number to compare, paired, or failed
      with an error of HCI (volume 1, part F) or, on low energy, of pairing (volume 3, part H, 3.5.5)";

/// 0xFFFF slots of 0.625 ms (volume 4, part E, section 6.6).
const MOST_PAGE_MS: u64 = 40_959;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reaches_to_the_end_of_the_line() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let request = Request::parse("phone 00:00:00:00:00:07 rssi=-40  name=Anna's = phone");
        let pairs = vec![pair("rssi", "-40"), pair("name", "Anna's = phone")];
        assert_eq!(request.unwrap(), Request::Phone(Address([7, 0, 0, 0, 0, 0]), pairs));
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for line in [
            "",
            "dance",
            "remove",
            "remove me",
            "advertiser 00:00:00:00:00:07 loud",
            "page-timeout 0",
        ] {
            assert!(Request::parse(line).is_err(), "{line}");
        }
        assert_eq!(Request::parse(" hang ").unwrap(), Request::Hang(true));
    }
}
