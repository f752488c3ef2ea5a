//! Topics with named parts: `ble/{monitor}/{id}/state`.

/// A topic in which some levels have names, and `+` stands for any level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Level>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Level {
    Fixed(Box<str>),
    Any,
    Monitor,
    Id,
}

/// The parts of a topic that a pattern names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) monitor: &'a str,
    pub(super) id: Option<&'a str>,
}

impl Pattern {
    /// Reads one: levels of text without `#`, `+`, `{` or `}` in them, `+`, `{monitor}` once, and
    /// perhaps `{id}` once.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let mut levels = Vec::new();
        for part in text.split('/') {
            levels.push(match part {
                "{monitor}" => Level::Monitor,
                "{id}" => Level::Id,
                "+" => Level::Any,
                _ if part.contains(['#', '+', '{', '}', '\0']) => return Err(InvalidPattern),
                _ => Level::Fixed(part.into()),
            });
        }
        let count = |what: &Level| levels.iter().filter(|it| *it == what).count();
        let fits = count(&Level::Monitor) == 1 && count(&Level::Id) <= 1 && text.len() <= MAX_TOPIC;
        if fits { Ok(Self(levels)) } else { Err(InvalidPattern) }
    }

    /// What to subscribe to.
    #[must_use]
    pub fn filter(&self) -> String {
        let levels = self.0.iter().map(|it| match it {
            Level::Fixed(text) => text,
            Level::Any | Level::Monitor | Level::Id => "+",
        });
        levels.collect::<Vec<_>>().join("/")
    }

    /// The named parts of a topic; none if it is another's.
    pub(super) fn parts<'a>(&self, topic: &'a str) -> Option<Parts<'a>> {
        let mut parts = Parts::default();
        let mut given = topic.split('/');
        for level in &self.0 {
            let part = given.next()?;
            match level {
                Level::Fixed(text) if **text != *part => return None,
                Level::Fixed(_) | Level::Any => {}
                Level::Monitor => parts.monitor = part,
                Level::Id => parts.id = Some(part),
            }
        }
        given.next().is_none().then_some(parts)
    }
}

/// A text that is no pattern.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "a topic with {{monitor}} as one of its levels, perhaps {{id}} as another, + for any, no #"
)]
pub struct InvalidPattern;

/// Longer topics are refused by some brokers.
const MAX_TOPIC: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let it = Pattern::parse("ble/{monitor}/+/{id}").unwrap();
        assert_eq!(it.filter(), "ble/+/+/+");
        let parts = it.parts("ble/attic/x/b827eb010203").unwrap();
        assert_eq!((parts.monitor, parts.id), ("attic", Some("b827eb010203")));
        for topic in ["ble/attic/x", "ble/attic/x/y/z", "bla/attic/x/y", ""] {
            assert_eq!(it.parts(topic), None, "{topic}");
        }
        assert_eq!(Pattern::parse("{monitor}").unwrap().parts("attic").unwrap().id, None);
        for text in
            ["", "ble/{id}", "{monitor}/{monitor}", "a{monitor}", "{monitor}/#", "{monitor}/{x}"]
        {
            assert_eq!(Pattern::parse(text), Err(InvalidPattern), "{text}");
        }
    }
}
