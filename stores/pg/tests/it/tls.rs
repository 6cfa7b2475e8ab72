//! What a server has to prove.

use std::{error::Error, path::Path};

use ee_sql::{Database as _, Statement};
use ee_store_pg::{OpenError, PgConfig, PgDatabase};
use ee_testkit::PgCluster;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// An authority that signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// Returns a certificate and its key for a server of this name.
    fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn write(&self, path: &Path) {
        std::fs::write(path, self.0.pem()).unwrap();
    }
}

/// Tells whether the connection that is made is encrypted.
async fn is_encrypted(url: String) -> Result<bool, OpenError> {
    let store = PgDatabase::connect(PgConfig::new(url)).await?;
    let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let rows = store.database().find("test", Statement::new(query)).await;
    let is_encrypted = rows.unwrap().remove(0).take().unwrap();
    store.database().close().await;
    Ok(is_encrypted)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mode_decides_what_the_server_has_to_prove() {
    let directory = tempfile::tempdir().unwrap();
    let (ours, other) = (
        directory.path().join("our ca.pem"),
        directory.path().join("other.pem"),
    );
    let authority = Authority::new();
    authority.write(&ours);
    Authority::new().write(&other);
    let (certificate, key) = authority.sign("localhost");
    let cluster = PgCluster::private_with_tls(&certificate, &key);
    let port = cluster.port();
    let url = |host: &str, mode: &str, root: Option<&Path>| {
        let root = root.map(|path| path.to_str().unwrap().replace(' ', "%20"));
        let root = root.map(|path| format!("&sslrootcert={path}"));
        let root = root.unwrap_or_default();
        format!("postgresql://postgres@{host}:{port}/postgres?sslmode={mode}{root}")
    };

    for (host, mode, root, expected) in [
        ("localhost", "disable", None, Some(false)),
        ("localhost", "prefer", None, Some(true)),
        ("localhost", "require", None, Some(true)),
        ("127.0.0.1", "require", None, Some(true)),
        ("127.0.0.1", "require", Some(&*ours), Some(true)),
        ("127.0.0.1", "require", Some(&*other), None),
        ("127.0.0.1", "verify-ca", Some(&*ours), Some(true)),
        ("127.0.0.1", "verify-ca", Some(&*other), None),
        ("localhost", "verify-full", Some(&*ours), Some(true)),
        ("127.0.0.1", "verify-full", Some(&*ours), None),
        ("localhost", "verify-full", Some(&*other), None),
        // Signed by nobody that the system knows.
        ("localhost", "verify-full", None, None),
    ] {
        let encrypted = is_encrypted(url(host, mode, root)).await;
        let what = format!("{host} {mode} {root:?}: {encrypted:?}");
        assert_eq!(encrypted.as_ref().ok(), expected.as_ref(), "{what}");
        if let Err(error) = encrypted {
            assert!(matches!(error, OpenError::Connect { .. }), "{what}");
        }
    }

    cluster
        .query("postgres", "ALTER SYSTEM SET ssl = off")
        .await;
    cluster.stop();
    cluster.start();
    for (mode, expected) in [
        ("prefer", Some(false)),
        ("require", None),
        ("verify-full", None),
    ] {
        let encrypted = is_encrypted(url("localhost", mode, Some(&ours))).await;
        assert_eq!(encrypted.as_ref().ok(), expected.as_ref(), "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_authorities_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();

    for path in [&*empty, Path::new("/nowhere/ca.pem")] {
        let path = path.to_str().unwrap();
        let url = format!("postgresql://localhost/ee?sslmode=verify-full&sslrootcert={path}");
        let error = is_encrypted(url).await.unwrap_err();

        assert!(matches!(error, OpenError::Authorities { .. }), "{error:?}");
        assert!(error.source().is_some());
    }
}
