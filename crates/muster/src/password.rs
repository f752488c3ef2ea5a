//! The password for a server, as the first line of a file, and what helps where that is not to be read.
//!
//! Whoever root becomes has to read it: a message names them, and never what is in the file.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use muster_core::ports::StoreError;
use muster_store::server::Secret;
use nix::unistd::{Gid, Uid};

use crate::failure::Exit;
use crate::owner::Owner;

/// The first line of a file, of which people were told by a key or an option.
pub(crate) fn read(file: &str, told_by: &str) -> Result<Secret, StoreError> {
    let unread = |cause: io::Error| {
        let user = Owner { uid: Uid::effective(), gid: Gid::effective() };
        let who = user.account();
        let what = format!("the password cannot be read by the user {who}: {file} ({told_by})");
        let unread = Unread { file: file.to_owned(), told_by: told_by.to_owned(), user, cause };
        StoreError::Unavailable { what, cause: Box::new(unread) }
    };
    let mut text = String::new();
    let opened = File::open(file).map_err(unread)?;
    opened.take(LONGEST).read_to_string(&mut text).map_err(unread)?;
    Ok(Secret::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// With what a command ends that has no password for this reason, and what to type; none: it is another
/// reason.
pub(crate) fn remedy(error: &StoreError) -> Option<(Exit, String)> {
    let StoreError::Unavailable { cause, .. } = error else { return None };
    cause.downcast_ref::<Unread>().map(Unread::remedy)
}

/// Why there is no password.
#[derive(Debug)]
struct Unread {
    file: String,
    told_by: String,
    user: Owner,
    cause: io::Error,
}

impl Unread {
    fn remedy(&self) -> (Exit, String) {
        let Self { file, told_by, user, cause } = self;
        if cause.kind() != io::ErrorKind::PermissionDenied {
            return (Exit::Usage, format!("give the file with the password in {told_by}"));
        }
        let who = user.account();
        // Who may not look at the file does not get to it.
        let hint = if Path::new(file).metadata().is_ok() {
            format!("as root: chown {who} {file} && chmod 600 {file}")
        } else {
            format!(
                "{who} does not get into its folder; as root: install -D -o {who} -m 600 {file} \
                 /etc/muster/password, and give that in {told_by}"
            )
        };
        (Exit::NotAllowed, hint)
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl std::error::Error for Unread {}

/// Bytes of a file with a password in it.
const LONGEST: u64 = 4096;
