//! Far monitors that were let in: by what they are known again, and what they may tell.
//!
//! Of a token only its hash is known here. **Invariant:** a monitor has at most one token that opens
//! anything, and one that was revoked opens nothing for ever.

use std::fmt;

use crate::fact::SourceKind;
use crate::identity::{Identity, PlaceId};
use crate::time::Time;
use crate::uplink::{Rights, StoreId};

use super::{Directory, EditError};

/// The SHA-256 of a token: 32 random bytes need no slower hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenHash(pub [u8; 32]);

impl fmt::Debug for TokenHash {
    /// Never the hash: it says whose token a stolen one is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

/// That a far monitor was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// Its token's hash.
    pub token: TokenHash,
    /// See [`Rights::sources`].
    pub sources: Option<Vec<SourceKind>>,
    /// See [`Rights::kinds`].
    pub kinds: Option<Vec<Box<str>>>,
    /// When it was let in.
    pub at: Time,
    /// Since when its token opens nothing any more; none: it does.
    pub revoked: Option<Time>,
}

/// Lets a far monitor in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrol {
    /// Its name, by which its facts are kept; one that was let in before gets another token.
    pub monitor: String,
    /// How.
    pub enrolment: Enrolment,
    /// Where it stands; none: where it stood, or the first site.
    pub place: Option<PlaceId>,
    /// The store's number, if it has none yet.
    pub store: StoreId,
}

impl Directory {
    /// The most far monitors, those included that were shut out: a building has dozens.
    pub const MAX_ENROLMENTS: usize = 1_000;

    /// What the monitor may tell that shows a token with this hash; none: it is not let in.
    #[must_use]
    pub fn rights_of(&self, token: &TokenHash) -> Option<Rights> {
        let is_it = |it: &Enrolment| it.token == *token && it.revoked.is_none();
        let (name, it) = self.enrolments.iter().find(|(_, it)| is_it(it))?;
        let (sources, kinds) = (it.sources.clone(), it.kinds.clone());
        Some(Rights { monitor: name.clone(), sources, kinds })
    }

    /// Whether a far monitor is let in, whatever became of one that was.
    #[must_use]
    pub fn lets_monitors_in(&self) -> bool {
        self.enrolments.values().any(|it| it.revoked.is_none())
    }

    /// Refuses what is no name of a monitor or gives no rights that exist, and one too many.
    pub fn may_enrol(
        &self,
        monitor: &str,
        kinds: Option<&[Box<str>]>,
        place: Option<PlaceId>,
    ) -> Result<(), EditError> {
        let sound = |it: u8| it.is_ascii_alphanumeric() || b"_.-".contains(&it);
        if monitor.is_empty() || monitor.len() > 64 || !monitor.bytes().all(sound) {
            return Err(EditError::MonitorName { given: monitor.to_owned() });
        }
        let mut kinds = kinds.unwrap_or(&[]).iter();
        if let Some(kind) = kinds.find(|it| !Identity::KINDS.contains(&&***it)) {
            let allowed = "mac, ble, bt, private, ibeacon, altbeacon, eddystone, irk, tag, name, \
                           entity";
            let given = kind.to_string();
            return Err(EditError::UnknownWord { what: "kind of identity", given, allowed });
        }
        if let Some(place) = place {
            self.place(place)?;
        }
        let is_new = !self.enrolments.contains_key(monitor);
        if is_new && self.enrolments.len() >= Self::MAX_ENROLMENTS {
            return Err(EditError::Full);
        }
        Ok(())
    }

    pub(super) fn enrol(&mut self, it: Enrol) -> Result<(), EditError> {
        let Enrol { monitor, enrolment, place, store } = it;
        self.may_enrol(&monitor, enrolment.kinds.as_deref(), place)?;
        self.store.get_or_insert(store);
        if let Some(place) = place {
            self.monitors.insert(monitor.as_str().into(), place);
        }
        self.enrolments.insert(monitor.into(), enrolment);
        Ok(())
    }

    pub(super) fn revoke(&mut self, monitor: &str, at: Time) -> Result<(), EditError> {
        let missing = || EditError::Missing { what: "far monitor", given: monitor.to_owned() };
        let it = self.enrolments.get_mut(monitor).ok_or_else(missing)?;
        it.revoked.get_or_insert(at);
        Ok(())
    }
}
