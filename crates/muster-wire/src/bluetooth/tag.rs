//! Text by which apps make a phone known, wherever it travels: in the name, in service data, in
//! manufacturer data, or spelled out in a 128-bit service identifier.
//!
//! Phones change their addresses, so the apps of attendance systems send such a text instead. Which
//! ones are taken is decided by how they begin, whichever way they came.

use std::fmt;
use std::ops::RangeInclusive;

use muster_core::identity::Identity;
use muster_core::legible::is_legible;
use muster_core::tag::TagPrefix;

use super::ad::Field;
use super::advertisement::Advertisement;
use super::uuid::{Uuid, digits};

/// Which texts are taken as identities: those that begin with one of some prefixes, travel in one of
/// some carriers and have one of some lengths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRules {
    prefixes: Vec<TagPrefix>,
    carriers: Vec<CarrierKind>,
    any_case: bool,
    length: RangeInclusive<usize>,
}

/// What a text can travel in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarrierKind {
    /// The device's name.
    Name,
    /// Data of a service.
    ServiceData,
    /// Data of a maker.
    Manufacturer,
    /// A 128-bit identifier of a service.
    Service,
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
    /// It begins with this prefix, but what it travels in is not looked at.
    OtherCarrier(&'r str),
    /// It begins with this prefix, but is too short or too long.
    OtherLength(&'r str),
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
    /// By the default prefix.
    fn default() -> Self {
        Self::new(vec![TagPrefix::default()])
    }
}

impl TagRules {
    /// Rules by prefixes alone; without any, no text is taken.
    #[must_use]
    pub fn new(prefixes: Vec<TagPrefix>) -> Self {
        let carriers = CarrierKind::ALL.to_vec();
        Self { prefixes, carriers, any_case: false, length: 1..=Identity::MAX_TEXT }
    }

    /// By these prefixes, and all else as it is.
    #[must_use]
    pub fn with_prefixes(self, prefixes: Vec<TagPrefix>) -> Self {
        Self { prefixes, ..self }
    }

    /// Only what travels in these.
    #[must_use]
    pub fn only_in(self, carriers: Vec<CarrierKind>) -> Self {
        Self { carriers, ..self }
    }

    /// Whether the letters of a prefix may be larger or smaller. The text is kept as it was sent.
    #[must_use]
    pub fn in_any_case(self, any_case: bool) -> Self {
        Self { any_case, ..self }
    }

    /// Only texts of so many characters, prefix included.
    #[must_use]
    pub fn of_length(self, length: RangeInclusive<usize>) -> Self {
        Self { length, ..self }
    }

    /// Whether a text is taken, and why.
    #[must_use]
    pub fn judge(&self, candidate: &Candidate<'_>) -> Verdict<'_> {
        let octets = candidate.octets();
        let begins = |it: &&str| octets.starts_with(it.as_bytes());
        let begins_somehow = |it: &&str| {
            octets.get(..it.len()).is_some_and(|head| head.eq_ignore_ascii_case(it.as_bytes()))
        };
        let mut prefixes = self.prefixes.iter().map(TagPrefix::as_str);
        let Some(prefix) = prefixes.clone().find(begins) else {
            return match prefixes.find(begins_somehow) {
                Some(prefix) if self.any_case => self.judge_begun(candidate, prefix),
                Some(prefix) => Verdict::OtherCase(prefix),
                None => Verdict::NoPrefix,
            };
        };
        self.judge_begun(candidate, prefix)
    }

    fn judge_begun<'r>(&self, candidate: &Candidate<'_>, prefix: &'r str) -> Verdict<'r> {
        let says_more = candidate.octets().len() > prefix.len();
        let Some(text) = candidate.text().filter(|_| says_more) else {
            return Verdict::Unreadable;
        };
        if !self.carriers.contains(&candidate.carrier.kind()) {
            return Verdict::OtherCarrier(prefix);
        }
        if !self.length.contains(&text.chars().count()) {
            return Verdict::OtherLength(prefix);
        }
        Verdict::Accepted(prefix)
    }

    /// Whether a text is taken.
    #[must_use]
    pub fn takes(&self, candidate: &Candidate<'_>) -> bool {
        let octets = candidate.octets();
        let begins = |it: &TagPrefix| {
            let head = octets.get(..it.as_str().len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(it.as_str().as_bytes()))
        };
        // Nearly nothing heard begins so.
        self.prefixes.iter().any(begins) && matches!(self.judge(candidate), Verdict::Accepted(_))
    }
}

impl CarrierKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Name, Self::ServiceData, Self::Manufacturer, Self::Service];
}

impl Carrier {
    const fn kind(self) -> CarrierKind {
        match self {
            Self::Name => CarrierKind::Name,
            Self::ServiceData(_) => CarrierKind::ServiceData,
            Self::Manufacturer(_) => CarrierKind::Manufacturer,
            Self::Service(_) => CarrierKind::Service,
        }
    }
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
    advertisement.fields().flat_map(|it| explain_field(it, rules))
}

/// The same for one field.
pub fn explain_field<'a: 'r, 'r>(
    field: Field<'a>,
    rules: &'r TagRules,
) -> impl Iterator<Item = (Candidate<'a>, Verdict<'r>)> {
    let all = Candidate::of(field);
    all.map(|it| (it, rules.judge(&it))).filter(|(it, verdict)| match verdict {
        Verdict::Accepted(_)
        | Verdict::OtherCarrier(_)
        | Verdict::OtherLength(_)
        | Verdict::Unreadable => true,
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
            Self::OtherCarrier(prefix) => {
                write!(f, "begins with {prefix}, but texts that travel so do not count")
            }
            Self::OtherLength(prefix) => {
                write!(f, "begins with {prefix}, but is shorter or longer than texts that count")
            }
            Self::Unreadable => f.write_str("cannot be read, or has nothing behind its prefix"),
        }
    }
}
