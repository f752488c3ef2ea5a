//! The key by which far monitors know this hub: made when it is first needed, and never again.
//!
//! A monitor trusts the key alone, so the certificate around it says nothing: it is made anew at each
//! start, and never ends. **Invariant:** the key is written in full or not at all, for the folder's
//! owner alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{CertificateParams, KeyPair, PublicKeyData as _};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::version::TLS13;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// A key with its certificate.
pub(super) struct HubKey {
    /// What a monitor compares: SHA-256 of the certificate's `SubjectPublicKeyInfo` (RFC 7469, 2.4),
    /// base64url without padding.
    pub(super) pin: String,
    /// TLS 1.3 and nothing older.
    pub(super) tls: Arc<ServerConfig>,
}

impl HubKey {
    /// The key of a data folder.
    pub(super) fn of(data: &Path) -> io::Result<Self> {
        let folder = data.join(FOLDER);
        let path = folder.join(FILE);
        let pair = match fs::read(&path) {
            Ok(bytes) => {
                let bytes = Zeroizing::new(bytes);
                KeyPair::try_from(bytes.as_slice()).map_err(|it| {
                    let what = format!("{} is not the key that was written: {it}", path.display());
                    io::Error::other(what)
                })?
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => make(&folder, &path)?,
            Err(cause) => {
                let what = format!("{} cannot be read: {cause}", path.display());
                return Err(io::Error::new(cause.kind(), what));
            }
        };
        let pin = URL_SAFE_NO_PAD.encode(Sha256::digest(pair.subject_public_key_info()));
        Ok(Self { pin, tls: Arc::new(tls(&pair).map_err(io::Error::other)?) })
    }
}

fn make(folder: &Path, path: &Path) -> io::Result<KeyPair> {
    let pair = KeyPair::generate().map_err(io::Error::other)?;
    let bytes = Zeroizing::new(pair.serialize_der());
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let unfinished = path.with_extension("new");
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    File::open(folder)?.sync_all()?;
    Ok(pair)
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

fn tls(pair: &KeyPair) -> Result<ServerConfig, Failed> {
    let certificate = CertificateParams::new([NAME.to_owned()])?.self_signed(pair)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
    let mut tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(tls)
}

/// In the data folder.
const FOLDER: &str = "secrets";
/// PKCS #8.
const FILE: &str = "monitors.key";
/// In the certificate: nobody goes by it.
const NAME: &str = "muster";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_made_once_for_its_owner_alone() {
        let data = tempfile::tempdir().unwrap();
        let first = HubKey::of(data.path()).unwrap();
        assert_eq!(first.pin.len(), 43);
        assert_eq!(HubKey::of(data.path()).unwrap().pin, first.pin);
        let path = data.path().join(FOLDER).join(FILE);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&data.path().join(FOLDER))), (0o600, 0o700));
        let other = tempfile::tempdir().unwrap();
        assert_ne!(HubKey::of(other.path()).unwrap().pin, first.pin);
        // A damaged one is said, and never replaced: all monitors would have to be let in again.
        fs::write(&path, "not a key").unwrap();
        let said = HubKey::of(data.path()).err().unwrap().to_string();
        assert!(said.contains("monitors.key is not the key that was written"), "{said}");
        assert_eq!(fs::read(&path).unwrap(), b"not a key");
    }
}
