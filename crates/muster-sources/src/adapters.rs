//! The adapters of this machine as `/sys/class/bluetooth` lists them: what is known of them where nobody
//! can be asked.

use std::fs;
use std::path::Path;

/// Their numbers; none where there is no Bluetooth.
pub(crate) fn present() -> Vec<u16> {
    let Ok(entries) = fs::read_dir(CLASS) else { return Vec::new() };
    let names = entries.flatten().map(|it| it.file_name());
    let mut all: Vec<u16> = names.filter_map(|it| number(it.to_str()?)).collect();
    all.sort_unstable();
    all
}

/// Whether an adapter is blocked by rfkill, in software or by a switch.
pub(crate) fn is_blocked(adapter: u16) -> bool {
    let folder = Path::new(CLASS).join(name(adapter));
    let Ok(entries) = fs::read_dir(folder) else { return false };
    let switches = entries
        .flatten()
        .filter(|it| it.file_name().to_str().is_some_and(|it| it.starts_with("rfkill")));
    switches
        .flat_map(|it| ["soft", "hard"].map(|which| it.path().join(which)))
        .any(|it| fs::read_to_string(it).is_ok_and(|it| it.trim() == "1"))
}

/// What people call it: `hci0`.
pub(crate) fn name(adapter: u16) -> String {
    format!("hci{adapter}")
}

/// The number in such a name; a connection's, `hci0:11`, is none.
pub(crate) fn number(name: &str) -> Option<u16> {
    name.strip_prefix("hci")?.parse().ok()
}

const CLASS: &str = "/sys/class/bluetooth";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_numbers() {
        assert_eq!(number(&name(12)), Some(12));
        assert_eq!(number("hci0:11"), None);
        assert_eq!(number("hci"), None);
        assert!(!is_blocked(u16::MAX));
    }
}
