//! Who receivers have to be.

use std::{fs, path::Path, sync::Arc};

use ee_core::{Error, ErrorKind};
use reqwest::Certificate;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// Reads certificates for a client of HTTP.
pub(super) fn http_roots(path: &Path) -> Result<Vec<Certificate>, Error> {
    let pem = fs::read(path).map_err(|err| unreadable(path, err))?;
    let roots = Certificate::from_pem_bundle(&pem).map_err(|err| unreadable(path, err))?;
    if roots.is_empty() {
        return Err(unreadable(path, "there is no certificate in it"));
    }
    Ok(roots)
}

/// Prepares TLS with the certificates of a file, or those of the system.
pub(super) fn client_config(roots: Option<&Path>) -> Result<Arc<ClientConfig>, Error> {
    let mut store = RootCertStore::empty();
    if let Some(path) = roots {
        let unreadable = |err| unreadable(path, err);
        for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
            let added = store.add(certificate.map_err(unreadable)?);
            added.map_err(|err| self::unreadable(path, err))?;
        }
        if store.is_empty() {
            return Err(self::unreadable(path, "there is no certificate in it"));
        }
    } else {
        // Single ones that cannot be read are nothing to stop for; without any, no receiver is the right one.
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|err| {
            Error::new(ErrorKind::Internal, "no TLS for the audit sink").with_source(err)
        })?;
    let config = builder.with_root_certificates(store).with_no_client_auth();
    Ok(Arc::new(config))
}

fn unreadable(path: &Path, err: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let message = format!("cannot take certificates from `{}`", path.display());
    Error::invalid_field("roots", message).with_source(err)
}
