//! Whoever depends on the facade alone finds everything under the names that the documentation uses.

use std::sync::Arc;

/// Phase 1: "Exports available from '@mastra/core/ee'".
#[test]
fn p1_everything_is_exported_from_the_facade() {
    let info: ee::LicenseInfo = ee::License::validate(Some("a-key-of-thirty-two-characters!!"));
    let gate = ee::LicenseGate::plain(Arc::new(ee::SystemClock), || None);

    assert!(info.valid);
    assert!(!gate.is_valid());
    assert!(!gate.allows(ee::Feature::Rbac));
    assert_eq!(
        ee::FeatureSet::from_names(["auth"]).unwrap().iter().count(),
        2
    );
}

/// Phase 2: "All interfaces are type-only (no runtime implementation required)": each is a trait that a plugin
/// implements and that composes as `Arc<dyn …>`; none needs a runtime, a store or a server to be named.
#[test]
fn p2_interfaces_are_object_safe_traits_without_a_runtime() {
    fn is_plugin<T: ?Sized + Send + Sync + std::fmt::Debug + 'static>() {}

    is_plugin::<dyn ee::AclManager>();
    is_plugin::<dyn ee::AclProvider>();
    is_plugin::<dyn ee::AuditLogger>();
    is_plugin::<dyn ee::AuthProvider>();
    is_plugin::<dyn ee::CredentialsProvider>();
    is_plugin::<dyn ee::RbacManager>();
    is_plugin::<dyn ee::RbacProvider>();
    is_plugin::<dyn ee::SessionProvider>();
    is_plugin::<dyn ee::SsoProvider>();
    is_plugin::<dyn ee::UserProvider>();
}
