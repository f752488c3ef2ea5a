//! A process of its own for what must be killed or measured alone: this test binary once more,
//! told by an environment variable which part to play and where.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Starts the test `name` again as a child that finds `folder` in [`told`].
pub(super) fn start(name: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The folder, in a child.
pub(super) fn told() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

const FOLDER: &str = "MUSTER_STORE_TEST_CHILD";
