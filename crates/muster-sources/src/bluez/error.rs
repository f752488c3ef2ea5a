//! What a call of bluetoothd that failed means.

use zbus::fdo;

/// Why bluetoothd did not do it.
#[derive(Debug, thiserror::Error)]
pub enum BluezError {
    /// There is no system bus, or it does not let us in.
    #[error("there is no system bus")]
    NoBus(#[source] Box<zbus::Error>),
    /// bluetoothd does not run, or ended meanwhile: try again when somebody has its name.
    #[error("bluetoothd does not run")]
    NoDaemon(#[source] Box<zbus::Error>),
    /// The object is gone: the adapter was pulled out, the device forgotten.
    #[error("bluetoothd no longer has it")]
    Gone(#[source] Box<zbus::Error>),
    /// The bus does not allow us to ask.
    #[error("the bus does not allow it")]
    Denied(#[source] Box<zbus::Error>),
    /// bluetoothd would not, and says why.
    #[error("bluetoothd refused: {0}")]
    Refused(Refusal, #[source] Box<zbus::Error>),
    /// The connection is lost, or what came over it makes no sense.
    #[error("the system bus failed")]
    Bus(#[source] Box<zbus::Error>),
}

/// The names of bluetoothd's errors behind `org.bluez.Error.` (`src/error.c` of `BlueZ`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    NotReady,
    InProgress,
    AlreadyExists,
    DoesNotExist,
    AlreadyConnected,
    NotConnected,
    NotSupported,
    NotAvailable,
    NotAuthorized,
    NotPermitted,
    InvalidArguments,
    InvalidLength,
    AuthenticationCanceled,
    AuthenticationFailed,
    AuthenticationRejected,
    AuthenticationTimeout,
    ConnectionAttemptFailed,
    /// It failed, for the reason that it tells, as in `br-connection-page-timeout`.
    Failed(String),
    /// A name that none of the others is.
    Other(String),
}

impl Refusal {
    pub(crate) const ALL: [(&'static str, Self); 17] = [
        ("NotReady", Self::NotReady),
        ("InProgress", Self::InProgress),
        ("AlreadyExists", Self::AlreadyExists),
        ("DoesNotExist", Self::DoesNotExist),
        ("AlreadyConnected", Self::AlreadyConnected),
        ("NotConnected", Self::NotConnected),
        ("NotSupported", Self::NotSupported),
        ("NotAvailable", Self::NotAvailable),
        ("NotAuthorized", Self::NotAuthorized),
        ("NotPermitted", Self::NotPermitted),
        ("InvalidArguments", Self::InvalidArguments),
        ("InvalidLength", Self::InvalidLength),
        ("AuthenticationCanceled", Self::AuthenticationCanceled),
        ("AuthenticationFailed", Self::AuthenticationFailed),
        ("AuthenticationRejected", Self::AuthenticationRejected),
        ("AuthenticationTimeout", Self::AuthenticationTimeout),
        ("ConnectionAttemptFailed", Self::ConnectionAttemptFailed),
    ];

    /// Reads an error's name and what comes with it; none if it is not one of bluetoothd's.
    #[must_use]
    pub fn of(name: &str, told: Option<&str>) -> Option<Self> {
        let word = name.strip_prefix(PREFIX)?;
        let known = Self::ALL.iter().find(|(it, _)| *it == word).map(|(_, it)| it.clone());
        Some(known.unwrap_or_else(|| match word {
            "Failed" => Self::Failed(told.unwrap_or_default().to_owned()),
            other => Self::Other(other.to_owned()),
        }))
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(why) => write!(f, "failed, {why}"),
            Self::Other(name) => f.write_str(name),
            known @ (Self::NotReady
            | Self::InProgress
            | Self::AlreadyExists
            | Self::DoesNotExist
            | Self::AlreadyConnected
            | Self::NotConnected
            | Self::NotSupported
            | Self::NotAvailable
            | Self::NotAuthorized
            | Self::NotPermitted
            | Self::InvalidArguments
            | Self::InvalidLength
            | Self::AuthenticationCanceled
            | Self::AuthenticationFailed
            | Self::AuthenticationRejected
            | Self::AuthenticationTimeout
            | Self::ConnectionAttemptFailed) => {
                let word = Self::ALL.iter().find(|(_, it)| it == known).map_or("", |it| it.0);
                f.write_str(word)
            }
        }
    }
}

impl BluezError {
    /// The bus could not be reached.
    pub(super) fn no_bus(cause: zbus::Error) -> Self {
        Self::NoBus(Box::new(cause))
    }

    /// The name behind `org.bluez.Error.` and the text with it, as bluetoothd said them when it refused.
    #[must_use]
    pub fn words(&self) -> Option<(&str, &str)> {
        let Self::Refused(_, cause) = self else { return None };
        let zbus::Error::MethodError(name, told, _) = &**cause else { return None };
        let name = name.as_str().strip_prefix(PREFIX)?;
        Some((name, told.as_deref().unwrap_or_default()))
    }

    /// Why bluetoothd refused, if it did.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal, _) => Some(refusal),
            Self::NoBus(_) | Self::NoDaemon(_) | Self::Gone(_) | Self::Denied(_) | Self::Bus(_) => {
                None
            }
        }
    }
}

impl From<zbus::Error> for BluezError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "what is left has no more to say")]
    fn from(it: zbus::Error) -> Self {
        let how = match &it {
            zbus::Error::MethodError(name, told, _) => {
                match Refusal::of(name.as_str(), told.as_deref()) {
                    Some(refusal) => return Self::Refused(refusal, Box::new(it)),
                    None => Self::Bus,
                }
            }
            zbus::Error::FDO(error) => of_bus(error),
            _ => Self::Bus,
        };
        how(Box::new(it))
    }
}

impl From<fdo::Error> for BluezError {
    fn from(it: fdo::Error) -> Self {
        zbus::Error::from(it).into()
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what is left has no more to say")]
fn of_bus(error: &fdo::Error) -> fn(Box<zbus::Error>) -> BluezError {
    match error {
        fdo::Error::ServiceUnknown(_)
        | fdo::Error::NameHasNoOwner(_)
        | fdo::Error::NoReply(_)
        | fdo::Error::SpawnServiceNotFound(_)
        | fdo::Error::SpawnChildExited(_)
        | fdo::Error::SpawnFailed(_) => BluezError::NoDaemon,
        fdo::Error::UnknownObject(_)
        | fdo::Error::UnknownMethod(_)
        | fdo::Error::UnknownInterface(_) => BluezError::Gone,
        fdo::Error::AccessDenied(_) | fdo::Error::InteractiveAuthorizationRequired(_) => {
            BluezError::Denied
        }
        _ => BluezError::Bus,
    }
}

/// What the names of bluetoothd's errors begin with.
const PREFIX: &str = "org.bluez.Error.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_others_are_kept() {
        let of = |name: &str, told| Refusal::of(name, told);
        assert_eq!(of("org.bluez.Error.NotReady", None), Some(Refusal::NotReady));
        let why = "br-connection-page-timeout";
        let failed = of("org.bluez.Error.Failed", Some(why)).unwrap();
        assert_eq!(failed, Refusal::Failed(why.to_owned()));
        assert_eq!(failed.to_string(), "failed, br-connection-page-timeout");
        let other = of("org.bluez.Error.Moonphase", None).unwrap();
        assert_eq!(other, Refusal::Other("Moonphase".to_owned()));
        assert_eq!(of("org.example.Error.Failed", None), None);
        for (word, refusal) in Refusal::ALL {
            assert_eq!(refusal.to_string(), word);
            assert_eq!(of(&format!("org.bluez.Error.{word}"), Some("why")), Some(refusal));
        }
    }

    #[test]
    fn what_the_bus_says_is_told_apart() {
        let of = |it: fdo::Error| BluezError::from(it);
        let text = String::new;
        assert!(matches!(of(fdo::Error::ServiceUnknown(text())), BluezError::NoDaemon(_)));
        assert!(matches!(of(fdo::Error::NoReply(text())), BluezError::NoDaemon(_)));
        assert!(matches!(of(fdo::Error::UnknownObject(text())), BluezError::Gone(_)));
        assert!(matches!(of(fdo::Error::AccessDenied(text())), BluezError::Denied(_)));
        assert!(matches!(of(fdo::Error::Disconnected(text())), BluezError::Bus(_)));
    }
}
