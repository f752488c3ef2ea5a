//! Text by which apps make a phone known, wherever it travels: in the name, in service data, in
//! manufacturer data, or spelled out in a 128-bit service identifier.
//!
//! Phones change their addresses, so the apps of attendance systems send such a text instead. Which
//! ones are taken is decided by how they begin, whichever way they came.

use std::fmt;

use muster_core::identity::Identity;
use muster_core::legible::is_legible;

use super::ad::Field;
use super::advertisement::Advertisement;
use super::uuid::{Uuid, digits};

/// Which texts are taken as identities: those that begin with one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRules {
    prefixes: Vec<Box<str>>,
}

/// A prefix that would take what is no identifier.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a prefix is 1 to {MAX_PREFIX} characters of ASCII without spaces: {given}")]
pub struct InvalidPrefix {
    given: String,
}

/// A text, and how it travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// Where it was found.
    pub carrier: Carrier,
    octets: Octets<'a>,
}

/// Where a text was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// The device's name.
    Name,
    /// Data of a service.
    ServiceData(Uuid),
    /// Data of a maker, by company identifier.
    Manufacturer(u16),
    /// An identifier of a service.
    Service(Uuid),
}

/// Whether a text is taken, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'r> {
    /// It begins with this prefix.
    Accepted(&'r str),
    /// It begins with no prefix.
    NoPrefix,
    /// It would begin with this prefix if its letters were larger or smaller.
    OtherCase(&'r str),
    /// It begins with a prefix but cannot be read, or says nothing behind it.
    Unreadable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Octets<'a> {
    Borrowed(&'a [u8]),
    /// The 16 octets of an identifier as characters.
    Spelled([u8; 16]),
    /// The digits of an identifier.
    Digits([u8; 36]),
}

impl Default for TagRules {
    /// `ATT-`, as the attendance reference has it.
    fn default() -> Self {
        Self { prefixes: vec!["ATT-".into()] }
    }
}

impl TagRules {
    /// Rules by prefixes; without any, no text is taken.
    pub fn new(prefixes: &[impl AsRef<str>]) -> Result<Self, InvalidPrefix> {
        let checked = |it: &str| {
            let fits = (1..=MAX_PREFIX).contains(&it.len());
            let wrong = || InvalidPrefix { given: it.to_owned() };
            let plain = it.bytes().all(|it| it.is_ascii_graphic());
            (fits && plain).then(|| it.into()).ok_or_else(wrong)
        };
        let prefixes: Result<_, _> = prefixes.iter().map(|it| checked(it.as_ref())).collect();
        Ok(Self { prefixes: prefixes? })
    }

    /// Whether a text is taken, and why.
    #[must_use]
    pub fn judge(&self, candidate: &Candidate<'_>) -> Verdict<'_> {
        let octets = candidate.octets();
        let mut prefixes = self.prefixes.iter().map(|it| &**it);
        if let Some(prefix) = prefixes.find(|it| octets.starts_with(it.as_bytes())) {
            let accepted = says_more(candidate, prefix);
            return if accepted { Verdict::Accepted(prefix) } else { Verdict::Unreadable };
        }
        let begins_otherwise = |it: &&str| {
            octets.get(..it.len()).is_some_and(|head| head.eq_ignore_ascii_case(it.as_bytes()))
        };
        let mut prefixes = self.prefixes.iter().map(|it| &**it);
        match prefixes.find(begins_otherwise) {
            Some(prefix) => Verdict::OtherCase(prefix),
            None => Verdict::NoPrefix,
        }
    }

    /// Whether a text is taken.
    #[must_use]
    pub fn takes(&self, candidate: &Candidate<'_>) -> bool {
        // As `judge` says, without looking for what is almost one: nearly nothing heard begins so.
        let octets = candidate.octets();
        let mut prefixes = self.prefixes.iter();
        let prefix = prefixes.find(|it| octets.starts_with(it.as_bytes()));
        prefix.is_some_and(|it| says_more(candidate, it))
    }
}

/// Whether something that can be read stands behind the prefix.
fn says_more(candidate: &Candidate<'_>, prefix: &str) -> bool {
    candidate.octets().len() > prefix.len() && candidate.text().is_some()
}

impl<'a> Candidate<'a> {
    /// The text that a field may carry; each identifier of 128 bits in both
    /// ways of reading it: as characters and as digits.
    pub fn of(field: Field<'a>) -> impl Iterator<Item = Self> + use<'a> {
        let borrowed = |carrier, octets| Self { carrier, octets: Octets::Borrowed(octets) };
        let (mut one, mut uuids) = (None, None);
        if let Field::Name { text, .. } = field {
            one = Some(borrowed(Carrier::Name, text));
        } else if let Field::ServiceData(service, data) = field {
            one = Some(borrowed(Carrier::ServiceData(service), data));
        } else if let Field::Manufacturer(company, data) = field {
            one = Some(borrowed(Carrier::Manufacturer(company), data));
        } else if let Field::Services(services) = field {
            uuids = Some(services.iter());
        }
        let spelled = uuids.into_iter().flatten().flat_map(|uuid| {
            let Uuid::Long(octets) = uuid else { return [None, None] };
            let carrier = Carrier::Service(uuid);
            let both = [Octets::Spelled(octets), Octets::Digits(digits(&octets))];
            both.map(|octets| Some(Self { carrier, octets }))
        });
        one.into_iter().chain(spelled.flatten())
    }

    /// Its text without padding; none when nobody can read it.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let text = std::str::from_utf8(self.octets()).ok()?;
        (text.len() <= Identity::MAX_TEXT && is_legible(text)).then_some(text)
    }

    fn octets(&self) -> &[u8] {
        let octets: &[u8] = match &self.octets {
            Octets::Borrowed(it) => it,
            Octets::Spelled(it) => it,
            Octets::Digits(it) => it,
        };
        let padding = octets.iter().rev().take_while(|it| **it == 0).count();
        octets.get(..octets.len() - padding).unwrap_or_default()
    }
}

/// Everything in an advertisement that could be such a text, and whether it is taken. What nobody can
/// read is left out unless it begins with a prefix; so are the digits of identifiers.
pub fn explain<'a: 'r, 'r>(
    advertisement: &Advertisement<'a>,
    rules: &'r TagRules,
) -> impl Iterator<Item = (Candidate<'a>, Verdict<'r>)> {
    let all = advertisement.fields().flat_map(Candidate::of);
    all.map(|it| (it, rules.judge(&it))).filter(|(it, verdict)| match verdict {
        Verdict::Accepted(_) | Verdict::Unreadable => true,
        Verdict::NoPrefix | Verdict::OtherCase(_) => {
            it.text().is_some() && !matches!(it.octets, Octets::Digits(_))
        }
    })
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("name"),
            Self::ServiceData(it) => write!(f, "service data {it}"),
            Self::Manufacturer(it) => write!(f, "manufacturer data {it:04x}"),
            Self::Service(it) => write!(f, "service {it}"),
        }
    }
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(prefix) => write!(f, "begins with {prefix}"),
            Self::NoPrefix => f.write_str("begins with no prefix"),
            Self::OtherCase(prefix) => {
                write!(f, "begins with no prefix; {prefix} is written in other letters")
            }
            Self::Unreadable => f.write_str("cannot be read, or has nothing behind its prefix"),
        }
    }
}

/// Longer ones are no prefixes but whole identifiers.
const MAX_PREFIX: usize = 32;
