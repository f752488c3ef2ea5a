//! Facts that only who has the spool's key can read: each is sealed by itself, so that it can be deleted
//! by itself.
//!
//! A fact is sealed with ChaCha20-Poly1305 (RFC 8439) under a key of its boot. The nonce is its sequence
//! and four octets of a keyed hash of what it says: the same fact written again is the same bytes, and
//! another one in its place has another nonce, whatever was forgotten in between. **Invariant:** the key is
//! written in full or not at all, for the folder's owner alone, before anything is sealed with it.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use muster_core::uplink::BootId;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac::{self, HMAC_SHA256};
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

/// The key of a spool.
pub(super) struct Seal(hmac::Key);

/// What seals the facts of one boot.
pub(super) struct BootSeal {
    facts: LessSafeKey,
    nonces: hmac::Key,
    boot: BootId,
}

impl Seal {
    /// The file beside a spool in which its key is.
    pub(super) fn beside(spool: &Path) -> PathBuf {
        spool.with_extension("key")
    }

    /// The key in a file; none: there is no such file, or it is no key.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::read(path).map(Zeroizing::new) {
            Ok(it) => Ok((it.len() == LENGTH).then(|| Self::new(&it))),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    /// Draws a key and writes it down.
    pub(super) fn make(path: &Path) -> io::Result<Self> {
        let mut octets = Zeroizing::new([0; LENGTH]);
        let drawn = SystemRandom::new().fill(&mut *octets);
        drawn.map_err(|_| io::Error::other("the machine has no random numbers"))?;
        let unfinished = path.with_extension("key.unfinished");
        // What an earlier try left may have other rights.
        match fs::remove_file(&unfinished) {
            Err(it) if it.kind() != io::ErrorKind::NotFound => return Err(it),
            Ok(()) | Err(_) => {}
        }
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&unfinished)?;
        file.write_all(&*octets)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(Self::new(&*octets))
    }

    fn new(octets: &[u8]) -> Self {
        Self(hmac::Key::new(HMAC_SHA256, octets))
    }

    /// Which key it is, without the key.
    pub(super) fn id(&self) -> [u8; ID] {
        cut(self.derived(b"id", &[]).as_ref())
    }

    /// What seals the facts of a boot.
    pub(super) fn of(&self, boot: BootId) -> Option<BootSeal> {
        let of_boot = |label: &[u8]| self.derived(label, &boot.0.to_be_bytes());
        let facts = UnboundKey::new(&CHACHA20_POLY1305, of_boot(b"facts").as_ref()).ok()?;
        let nonces = hmac::Key::new(HMAC_SHA256, of_boot(b"nonces").as_ref());
        Some(BootSeal { facts: LessSafeKey::new(facts), nonces, boot })
    }

    fn derived(&self, label: &[u8], of: &[u8]) -> hmac::Tag {
        hmac::sign(&self.0, &[label, b" ", of].concat())
    }
}

impl BootSeal {
    /// A fact, sealed: four octets of its nonce, then what it says and by what that is known to be it.
    pub(super) fn seal(&self, sequence: u64, fact: &[u8]) -> Option<Vec<u8>> {
        let of = [&sequence.to_be_bytes()[..], fact].concat();
        let told: [u8; TOLD] = cut(hmac::sign(&self.nonces, &of).as_ref());
        let mut sealed = Vec::with_capacity(TOLD + fact.len() + CHACHA20_POLY1305.tag_len());
        sealed.extend(told);
        sealed.extend(fact);
        let inside = sealed.get_mut(TOLD..)?;
        let tag =
            self.facts.seal_in_place_separate_tag(nonce(sequence, told), self.about(), inside);
        sealed.extend(tag.ok()?.as_ref());
        Some(sealed)
    }

    /// What was sealed; none: it is not what was sealed there.
    pub(super) fn open(&self, sequence: u64, sealed: &[u8]) -> Option<Vec<u8>> {
        let (told, inside) = sealed.split_first_chunk::<TOLD>()?;
        let mut inside = inside.to_vec();
        let length =
            self.facts.open_in_place(nonce(sequence, *told), self.about(), &mut inside).ok()?.len();
        inside.truncate(length);
        Some(inside)
    }

    fn about(&self) -> Aad<[u8; 16]> {
        Aad::from(self.boot.0.to_be_bytes())
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(..)")
    }
}

/// Why a fact is not written: never, with a key of the right length and a fact that fits into memory.
pub(super) fn failed() -> sqlx::Error {
    sqlx::Error::Encode("a fact cannot be sealed".into())
}

fn nonce(sequence: u64, told: [u8; TOLD]) -> Nonce {
    let mut octets = [0; NONCE_LEN];
    let all = sequence.to_be_bytes().into_iter().chain(told);
    octets.iter_mut().zip(all).for_each(|(to, from)| *to = from);
    Nonce::assume_unique_for_key(octets)
}

fn cut<const N: usize>(all: &[u8]) -> [u8; N] {
    let mut first = [0; N];
    first.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
    first
}

const LENGTH: usize = 32;
/// Enough to tell keys of one machine apart.
const ID: usize = 8;
/// Octets of a nonce that are kept with a fact: the rest is its sequence.
const TOLD: usize = NONCE_LEN - size_of::<u64>();

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_fact_opens_where_it_was_sealed_and_nowhere_else() {
        let seal = Seal::new(&[7; LENGTH]);
        let one = seal.of(BootId(1)).unwrap();
        let sealed = one.seal(5, b"who was where").unwrap();
        assert_eq!(sealed.len(), b"who was where".len() + 20);
        assert_eq!(one.open(5, &sealed).unwrap(), b"who was where");
        assert_eq!(one.seal(5, b"who was where").unwrap(), sealed, "the same is the same");
        assert_ne!(one.seal(5, b"who was there").unwrap()[..TOLD], sealed[..TOLD]);
        assert_ne!(one.seal(6, b"who was where").unwrap()[TOLD..], sealed[TOLD..]);
        assert_eq!(one.open(6, &sealed), None);
        assert_eq!(seal.of(BootId(2)).unwrap().open(5, &sealed), None);
        let other = Seal::new(&[8; LENGTH]);
        assert_ne!(other.id(), seal.id());
        assert_eq!(other.of(BootId(1)).unwrap().open(5, &sealed), None);
        for length in 0..sealed.len() {
            assert_eq!(one.open(5, &sealed[..length]), None);
            let mut harmed = sealed.clone();
            harmed[length] ^= 1;
            assert_eq!(one.open(5, &harmed), None);
        }
    }

    #[test]
    fn a_key_is_made_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = Seal::beside(&folder.path().join("spool.db"));
        assert!(Seal::read(&path).unwrap().is_none());
        fs::write(folder.path().join("spool.key.unfinished"), "left over").unwrap();
        let made = Seal::make(&path).unwrap();
        assert_eq!(Seal::read(&path).unwrap().unwrap().id(), made.id());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(format!("{made:?}"), "Seal(..)");
        fs::write(&path, "no key").unwrap();
        assert!(Seal::read(&path).unwrap().is_none());
    }
}
