//! The commands that look after what is kept.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};
use muster_config::value::{DatabaseUrl, FilePath};

/// `muster store`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Copy everything into an empty place, a database on a server or a data folder, and verify it;
    /// the hub must not run
    #[command(
        name = "move",
        after_help = "Example: muster store move --to postgres://muster@db.local/muster --password-file /etc/muster/password"
    )]
    Move(MoveArgs),
    /// Read everything that is kept and say what is damaged, how much there is, and from when; also
    /// while the hub runs
    #[command(after_help = "Example: muster store check")]
    Check,
}

/// `muster store move`.
#[derive(Clone, Debug, Args)]
pub(crate) struct MoveArgs {
    /// Where to: a database, as in `postgres://USER@HOST/DATABASE` or `mysql://USER@HOST/DATABASE`, or a
    /// data folder
    #[arg(long, value_name = "URL|FOLDER")]
    pub(crate) to: Destination,
    /// A file whose first line is the user's password there
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<FilePath>,
    /// Whether others on the way there can read along, as `store.tls` of the configuration
    #[arg(long, value_enum, value_name = "off|require|verify", hide_possible_values = true)]
    pub(crate) tls: Option<Encrypted>,
    /// A file with the certificates (PEM) of whoever may have signed the server's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<FilePath>,
}

/// `muster archive`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ArchiveArgs {
    /// The file to write; it must not exist
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Then let the store forget what is older than this time, which is in the file: a date, RFC 3339, or
    /// relative as in -90d; the hub must not run
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) forget_before: Option<String>,
}

/// `muster cleanup`.
#[derive(Clone, Debug, Args)]
pub(crate) struct CleanupArgs {
    /// Forget who was heard and how strongly, and who listened, before this time: a date, RFC 3339,
    /// or relative as in -90d [default: as `store.retention_facts` says, unless another time is given]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) before: Option<String>,
    /// Forget the best readings, and what is counted of them by the hour, before this time [default: as
    /// `store.retention_readings` says, unless another time is given; without that key as
    /// --journal-before]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) readings_before: Option<String>,
    /// Forget stays and changes before this time [default: as `store.retention_journal` says, unless
    /// another time is given]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) journal_before: Option<String>,
    /// Only say how many rows that is, also while the hub runs
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Where a store is copied to.
#[derive(Clone, Debug)]
pub(crate) enum Destination {
    /// A database on a server.
    Server(DatabaseUrl),
    /// A data folder.
    Folder(PathBuf),
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains("://") {
            return text
                .parse()
                .map(Self::Server)
                .map_err(|it: <DatabaseUrl as FromStr>::Err| it.to_string());
        }
        if text.is_empty() {
            return Err("write a database or a data folder".to_owned());
        }
        Ok(Self::Folder(text.into()))
    }
}

/// How the connection to a server is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Encrypted {
    /// It is not
    Off,
    /// Encrypted, whoever the server is
    Require,
    /// Encrypted, and the certificate is checked
    Verify,
}
