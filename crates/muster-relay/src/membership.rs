//! What a monitor remembers of being let in: `hub.toml` in its data folder, for its owner's eyes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::address::HubAddress;
use crate::hub::{Token, Welcome, is_name, store_id};
use crate::trust::Pin;

/// Whose monitor this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Where the hub is.
    pub hub: HubAddress,
    /// The hub's key; none: whom the system's certificates vouch for.
    pub pin: Option<Pin>,
    /// What the hub said.
    pub welcome: Welcome,
}

impl Membership {
    /// The file's name in the data folder.
    pub const FILE: &'static str = "hub.toml";

    /// What the folder's file says; none if there is no file.
    pub fn read(folder: &Path) -> Result<Option<Self>, MembershipError> {
        let text = match fs::read_to_string(folder.join(Self::FILE)) {
            Ok(text) => text,
            Err(it) if it.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(MembershipError::Unreadable { cause }),
        };
        let kept: Kept =
            toml::from_str(&text).map_err(|it| MembershipError::wrong(it.message()))?;
        kept.membership().map(Some)
    }

    /// Writes the file, durably and as a whole.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let kept = Kept {
            hub: self.hub.to_string(),
            pin: self.pin.map(|it| it.to_string()),
            monitor: self.welcome.monitor.to_string(),
            store: self.welcome.store.to_string(),
            token: self.welcome.token.as_str().to_owned(),
        };
        let text = toml::to_string(&kept).map_err(io::Error::other)?;
        let beside = folder.join(UNFINISHED);
        // What an earlier try left may have other rights.
        match fs::remove_file(&beside) {
            Err(it) if it.kind() != io::ErrorKind::NotFound => return Err(it),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(HEAD.as_bytes())?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, folder.join(Self::FILE))?;
        File::open(folder)?.sync_all()
    }
}

/// Why it is not known whose monitor this is.
#[derive(Debug, thiserror::Error)]
pub enum MembershipError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Unreadable {
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// It is not what was written.
    #[error("it is not as it was written: {what}")]
    Wrong {
        /// What is wrong.
        what: String,
    },
}

impl MembershipError {
    fn wrong(what: impl Into<String>) -> Self {
        Self::Wrong { what: what.into() }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    hub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<String>,
    monitor: String,
    store: String,
    token: String,
}

impl Kept {
    fn membership(self) -> Result<Membership, MembershipError> {
        let pin = |it: String| it.parse::<Pin>();
        let wrong = |key: &str| MembershipError::wrong(format!("key `{key}`"));
        let monitor = self.monitor.into_boxed_str();
        Ok(Membership {
            hub: self.hub.parse().map_err(|_| wrong("hub"))?,
            pin: self.pin.map(pin).transpose().map_err(|_| wrong("pin"))?,
            welcome: Welcome {
                monitor: Some(monitor).filter(|it| is_name(it)).ok_or_else(|| wrong("monitor"))?,
                token: Token::read(&self.token).ok_or_else(|| wrong("token"))?,
                store: store_id(&self.store).ok_or_else(|| wrong("store"))?,
            },
        })
    }
}

const HEAD: &str = "# By what this monitor's hub knows it. Written by muster; show it to nobody.\n";
const UNFINISHED: &str = "hub.toml.unfinished";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use muster_core::uplink::StoreId;

    use super::*;

    fn membership() -> Membership {
        let token = "A".repeat(43);
        Membership {
            hub: "https://attic.lan:8129".parse().unwrap(),
            pin: Some("A".repeat(43).parse().unwrap()),
            welcome: Welcome {
                monitor: "kitchen \"2\"".into(),
                token: Token::read(&token).unwrap(),
                store: StoreId(7),
            },
        }
    }

    #[test]
    fn what_was_written_is_read_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Membership::read(folder.path()).unwrap(), None);
        fs::write(folder.path().join(UNFINISHED), "left over").unwrap();
        let open = Membership { pin: None, ..membership() };
        for it in [membership(), open] {
            it.write(folder.path()).unwrap();
            assert_eq!(Membership::read(folder.path()).unwrap(), Some(it));
        }
        let file = folder.path().join(Membership::FILE);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!format!("{:?}", membership()).contains("AAAAAAAAAA\""));
    }

    #[test]
    fn what_is_wrong_in_it_is_named() {
        let folder = tempfile::tempdir().unwrap();
        membership().write(folder.path()).unwrap();
        let file = folder.path().join(Membership::FILE);
        let good = fs::read_to_string(&file).unwrap();
        let (token, store) = ("A".repeat(43), StoreId(7).to_string());
        for (from, to, key) in [
            ("https://", "gopher://", "hub"),
            (token.as_str(), "AAA", "pin"),
            (store.as_str(), "7", "store"),
            ("kitchen \"2\"", "", "monitor"),
            ("hub = ", "house = ", "unknown field `house`"),
        ] {
            fs::write(&file, good.replacen(from, to, 1)).unwrap();
            let error = Membership::read(folder.path()).unwrap_err().to_string();
            assert!(error.contains(key), "{key}: {error}");
        }
    }
}
