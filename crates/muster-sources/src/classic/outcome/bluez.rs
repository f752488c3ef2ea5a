//! What bluetoothd says of an attempt to connect: the name of its error and the text with it.

use super::Verdict::{self, Answered, Fault, Nothing, Silent};
use crate::bluez::BluezError;

/// What the end of `Device1.Connect` says.
pub(crate) fn of_bluez(end: Result<(), &BluezError>) -> Verdict {
    match end {
        Ok(()) => Answered,
        // Forgotten meanwhile, or never known there.
        Err(BluezError::Gone(_)) => Nothing,
        Err(
            BluezError::NoBus(_)
            | BluezError::NoDaemon(_)
            | BluezError::Denied(_)
            | BluezError::Bus(_),
        ) => Fault,
        Err(error @ BluezError::Refused(..)) => {
            error.words().map_or(Nothing, |(name, text)| of_words(name, text))
        }
    }
}

/// What the words of a refusal say. The text decides where the table knows it, since one name, `Failed`,
/// stands for most of what can happen.
fn of_words(name: &str, text: &str) -> Verdict {
    let find = |table: &[(&str, Verdict)], word: &str| {
        table.iter().find(|(it, _)| *it == word).map(|it| it.1)
    };
    // Since 5.83 some are written as `:WORD:explanation`.
    let word = text.strip_prefix(':').and_then(|it| it.split(':').next()).unwrap_or(text);
    find(TEXTS, word).or_else(|| find(NAMES, name)).unwrap_or(Nothing)
}

/// The texts for a classic connection and for one on low energy: all of `src/error.h` of `BlueZ`, 5.66
/// and later.
const TEXTS: &[(&str, Verdict)] = &[
    ("br-connection-already-connected", Answered),
    ("br-connection-page-timeout", Silent),
    // It was reached and asked for its services: none of them is one that this machine makes use of.
    ("br-connection-profile-unavailable", Answered),
    ("br-connection-sdp-search", Nothing),
    ("br-connection-create-socket", Fault),
    ("br-connection-invalid-argument", Fault),
    ("br-connection-adapter-not-powered", Fault),
    ("br-connection-not-supported", Nothing),
    ("br-connection-bad-socket", Fault),
    ("br-connection-memory-allocation", Fault),
    // Somebody else is at it already.
    ("br-connection-busy", Nothing),
    ("br-connection-concurrent-connection-limit", Fault),
    ("br-connection-timeout", Nothing),
    ("br-connection-refused", Answered),
    ("br-connection-aborted-by-remote", Answered),
    ("br-connection-aborted-by-local", Nothing),
    ("br-connection-lmp-protocol-error", Answered),
    ("br-connection-canceled", Nothing),
    ("br-connection-key-missing", Answered),
    ("br-connection-unknown", Nothing),
    ("le-connection-invalid-arguments", Fault),
    ("le-connection-adapter-not-powered", Fault),
    ("le-connection-not-supported", Nothing),
    ("le-connection-already-connected", Answered),
    ("le-connection-bad-socket", Fault),
    ("le-connection-memory-allocation", Fault),
    ("le-connection-busy", Nothing),
    ("le-connection-refused", Answered),
    ("le-connection-create-socket", Fault),
    // Nobody is paged on low energy: the absent do not advertise, and the present need not.
    ("le-connection-timeout", Nothing),
    ("le-connection-concurrent-connection-limit", Fault),
    ("le-connection-abort-by-local", Nothing),
    ("le-connection-abort-by-remote", Answered),
    ("le-connection-link-layer-protocol-error", Answered),
    ("le-connection-gatt-browsing", Answered),
    ("le-connection-key-missing", Answered),
    ("le-connection-unknown", Nothing),
];

/// The names behind `org.bluez.Error.`, where the text says no more: all that bluetoothd 5.66 has.
const NAMES: &[(&str, Verdict)] = &[
    ("AgentNotAvailable", Nothing),
    ("AlreadyConnected", Answered),
    ("AlreadyExists", Nothing),
    ("AuthenticationCanceled", Nothing),
    ("AuthenticationFailed", Answered),
    ("AuthenticationRejected", Answered),
    ("AuthenticationTimeout", Nothing),
    ("Blocked", Nothing),
    ("Busy", Nothing),
    ("Canceled", Nothing),
    ("ConnectionAttemptFailed", Nothing),
    ("DoesNotExist", Nothing),
    ("Failed", Nothing),
    ("HealthError", Nothing),
    ("InProgress", Nothing),
    ("InvalidArgs", Fault),
    ("InvalidArguments", Fault),
    ("InvalidLength", Nothing),
    ("InvalidOffset", Nothing),
    ("InvalidValueLength", Nothing),
    ("NoSuchAdapter", Fault),
    ("NotAuthorized", Fault),
    ("NotAvailable", Nothing),
    ("NotConnected", Nothing),
    ("NotPermitted", Fault),
    ("NotReady", Fault),
    ("NotSupported", Nothing),
    ("Rejected", Nothing),
    ("Unsupported", Nothing),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bluez::Refusal;

    fn words(table: &[(&'static str, Verdict)], wanted: Verdict) -> Vec<&'static str> {
        table.iter().filter(|it| it.1 == wanted).map(|it| it.0).collect()
    }

    #[test]
    fn every_text_and_every_name_has_one_verdict() {
        for table in [TEXTS, NAMES] {
            let mut words: Vec<&str> = table.iter().map(|it| it.0).collect();
            words.sort_unstable();
            words.dedup();
            assert_eq!(words.len(), table.len(), "each once");
        }
        for (text, verdict) in TEXTS {
            for name in ["Failed", "NotAvailable", "NotReady", "InProgress"] {
                assert_eq!(of_words(name, text), *verdict, "{text}");
                assert_eq!(of_words(name, &format!(":{text}:why")), *verdict, "{text}");
            }
        }
        for (name, verdict) in NAMES {
            assert_eq!(of_words(name, "whatever"), *verdict, "{name}");
        }
        assert_eq!(words(TEXTS, Silent), ["br-connection-page-timeout"], "and nothing else");
        assert_eq!(words(NAMES, Silent), [""; 0]);
        assert_eq!(
            words(TEXTS, Answered),
            [
                "br-connection-already-connected",
                "br-connection-profile-unavailable",
                "br-connection-refused",
                "br-connection-aborted-by-remote",
                "br-connection-lmp-protocol-error",
                "br-connection-key-missing",
                "le-connection-already-connected",
                "le-connection-refused",
                "le-connection-abort-by-remote",
                "le-connection-link-layer-protocol-error",
                "le-connection-gatt-browsing",
                "le-connection-key-missing",
            ]
        );
        let refused = ["AlreadyConnected", "AuthenticationFailed", "AuthenticationRejected"];
        assert_eq!(words(NAMES, Answered), refused);
    }

    #[test]
    fn what_was_met_and_what_nobody_named() {
        for (name, text, verdict) in [
            ("NotAvailable", "br-connection-profile-unavailable", Answered),
            ("Failed", "br-connection-page-timeout", Silent),
            ("Failed", "Host is down", Nothing),
            ("Failed", "br-connection-unheard-of", Nothing),
            ("NotReady", "Resource Not Ready", Fault),
            ("FromTheFuture", ":::", Nothing),
            ("", "", Nothing),
        ] {
            assert_eq!(of_words(name, text), verdict, "{name} {text}");
        }
        for (name, _) in Refusal::ALL {
            let known = NAMES.iter().any(|(it, _)| *it == name);
            assert!(known, "{name}");
        }
    }

    #[test]
    fn errors_of_the_bus_are_this_machines() {
        use zbus::fdo::Error;
        let of = |it: Error| of_bluez(Err(&BluezError::from(it)));
        assert_eq!(of_bluez(Ok(())), Answered);
        for error in [Error::ServiceUnknown, Error::NoReply, Error::AccessDenied, Error::Failed] {
            assert_eq!(of(error(String::new())), Fault);
        }
        assert_eq!(of(Error::UnknownObject(String::new())), Nothing);
    }
}
