//! Pushing to and pulling from a real registry, started here.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]

mod common;

use common::{Registry, Setup, certificate, transform};
use zenith_core::PackageName;
use zenith_registry::{Reference, package};
use zenith_registry_oci::{
    Access, Credentials, Outcome, Package, Pin, Place, Progress, Pulled, Remote, RemoteError, RemoteOptions,
};

fn remote(registry: &Registry, prefix: &str) -> Remote {
    let place: Place = format!("{}{prefix}", registry.host).parse().unwrap();
    Remote::new(place, RemoteOptions { plain_http: true, ..RemoteOptions::default() })
}

fn push(remote: &Remote, version: &str, mark: &str, signature: Option<&str>) -> Result<Outcome, RemoteError> {
    let name: PackageName = "acme:sepia".parse().unwrap();
    let bytes = transform("acme:sepia", version, mark);
    let version = version.parse().unwrap();
    let package = Package { name: &name, version: &version, bytes: &bytes, signature };
    remote.push(package, &mut |_| {}).map(|pushed| pushed.outcome)
}

fn pull(remote: &Remote, reference: &str) -> Result<Pulled, RemoteError> {
    remote.pull(&reference.parse().unwrap(), None, &mut |_| {})
}

#[test]
fn what_was_pushed_comes_back_byte_for_byte() {
    let registry = or_skip!(Registry::start());
    for prefix in ["", "/team/ml"] {
        let remote = remote(&registry, prefix);
        assert_eq!(push(&remote, "1.2.0", "a", None).unwrap(), Outcome::New);
        let pulled = pull(&remote, "acme:sepia@1.2.0").unwrap();
        assert_eq!(pulled.bytes, transform("acme:sepia", "1.2.0", "a"));
        assert_eq!(pulled.digest, package::digest(&pulled.bytes));
        assert_eq!((pulled.version.to_string().as_str(), pulled.signature), ("1.2.0", None));
    }
}

#[test]
fn the_same_bytes_may_be_pushed_again_and_others_may_not() {
    let registry = or_skip!(Registry::start());
    let remote = remote(&registry, "");
    assert_eq!(push(&remote, "1.2.0", "a", None).unwrap(), Outcome::New);
    assert_eq!(push(&remote, "1.2.0", "a", None).unwrap(), Outcome::Unchanged);
    let error = push(&remote, "1.2.0", "b", None).unwrap_err();
    let given = package::digest(&transform("acme:sepia", "1.2.0", "b")).to_string();
    assert!(matches!(error, RemoteError::Conflict { .. }), "{error}");
    assert!(error.to_string().contains("already in the registry") && error.to_string().contains(&given));
    assert_eq!(pull(&remote, "acme:sepia").unwrap().bytes, transform("acme:sepia", "1.2.0", "a"));
}

#[test]
fn the_highest_version_that_matches_is_pulled() {
    let registry = or_skip!(Registry::start());
    let remote = remote(&registry, "");
    for version in ["1.2.0", "1.10.0", "1.9.3", "2.0.0", "2.1.0-rc.1"] {
        push(&remote, version, "", None).unwrap();
    }
    let version = |reference: &str| pull(&remote, reference).unwrap().version.to_string();
    assert_eq!(version("acme:sepia@^1.2"), "1.10.0");
    assert_eq!(version("acme:sepia@~1.9"), "1.9.3");
    assert_eq!(version("acme:sepia"), "2.0.0");
    assert_eq!(version("acme:sepia@2.1.0-rc.1"), "2.1.0-rc.1");
    let name = "acme:sepia".parse().unwrap();
    let versions: Vec<_> = remote.versions(&name).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(versions, ["1.2.0", "1.9.3", "1.10.0", "2.0.0", "2.1.0-rc.1"]);
    for missing in ["acme:sepia@^3", "acme:sepia@1.2.1", "acme:sepia@1.2.0+linux"] {
        let error = pull(&remote, missing).unwrap_err();
        assert!(matches!(error, RemoteError::NoVersion { .. }), "{error}");
        assert_eq!(error.hint().unwrap(), "these versions exist: 2.1.0-rc.1, 2.0.0, 1.10.0, 1.9.3, 1.2.0");
    }
}

#[test]
fn a_signature_travels_and_may_follow_later_but_never_change() {
    let registry = or_skip!(Registry::start());
    let remote = remote(&registry, "");
    let (one, two) = ("untrusted comment: é \"1\"\nRUQ=\n", "untrusted comment: 2\nRUQ=\n");
    assert_eq!(push(&remote, "1.0.0", "", None).unwrap(), Outcome::New);
    assert_eq!(push(&remote, "1.0.0", "", Some(one)).unwrap(), Outcome::Signed);
    assert_eq!(pull(&remote, "acme:sepia").unwrap().signature.as_deref(), Some(one));
    assert_eq!(push(&remote, "1.0.0", "", Some(one)).unwrap(), Outcome::Unchanged);
    // Who has no signature does not take away the one that is there.
    assert_eq!(push(&remote, "1.0.0", "", None).unwrap(), Outcome::Unchanged);
    assert_eq!(pull(&remote, "acme:sepia").unwrap().signature.as_deref(), Some(one));
    let error = push(&remote, "1.0.0", "", Some(two)).unwrap_err();
    assert!(matches!(error, RemoteError::OtherSignature { .. }), "{error}");
}

#[test]
fn what_the_lockfile_pins_is_pulled_and_nothing_else() {
    let registry = or_skip!(Registry::start());
    let remote = remote(&registry, "");
    push(&remote, "1.2.0", "a", None).unwrap();
    push(&remote, "1.3.0", "a", None).unwrap();
    let reference: Reference = "acme:sepia@^1".parse().unwrap();
    let pin = |mark| Pin {
        version: "1.2.0".parse().unwrap(),
        digest: package::digest(&transform("acme:sepia", "1.2.0", mark)),
    };
    let pulled = remote.pull(&reference, Some(&pin("a")), &mut |_| {}).unwrap();
    assert_eq!(pulled.version.to_string(), "1.2.0");
    let error = remote.pull(&reference, Some(&pin("b")), &mut |_| {}).unwrap_err();
    assert!(matches!(error, RemoteError::Pinned { .. }), "{error}");
}

#[test]
fn bytes_that_changed_in_the_registry_are_refused() {
    let registry = or_skip!(Registry::start());
    let remote = remote(&registry, "");
    push(&remote, "1.2.0", "original", None).unwrap();
    let original = transform("acme:sepia", "1.2.0", "original");
    let forged = transform("acme:sepia", "1.2.0", "forgery!");
    registry.tamper(&original, &forged);
    let error = pull(&remote, "acme:sepia").unwrap_err();
    let digest = |bytes| package::digest(bytes).to_string();
    assert!(
        matches!(&error, RemoteError::Digest { expected, found, .. }
            if *expected == digest(&original) && *found == digest(&forged)),
        "{error}"
    );
    // Longer ones are not even taken in.
    registry.tamper(&forged, &transform("acme:sepia", "1.2.0", "a longer forgery"));
    let error = pull(&remote, "acme:sepia").unwrap_err();
    assert!(matches!(&error, RemoteError::Digest { .. }), "{error}");
    assert!(error.hint().unwrap().starts_with("try again"));
}

#[test]
fn what_the_registry_does_not_have_is_said() {
    let registry = or_skip!(Registry::start());
    let remote = remote(&registry, "/team");
    for reference in ["acme:sepia", "acme:sepia@1.0.0"] {
        let error = pull(&remote, reference).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "the registry `{}/team` has no package `acme:sepia`: there is no repository `team/acme/sepia`",
                registry.host
            )
        );
    }
}

#[test]
fn a_package_under_a_name_that_is_not_its_own_is_not_pushed() {
    let registry = or_skip!(Registry::start());
    let remote = remote(&registry, "");
    let (name, version) = ("acme:other".parse().unwrap(), "1.0.0".parse().unwrap());
    let bytes = transform("acme:sepia", "1.0.0", "");
    let package = Package { name: &name, version: &version, bytes: &bytes, signature: None };
    let error = remote.push(package, &mut |_| {}).unwrap_err();
    assert!(matches!(error, RemoteError::Naming { .. }), "{error}");
    let package = Package { bytes: b"not wasm", ..package };
    let error = remote.push(package, &mut |_| {}).unwrap_err();
    assert!(matches!(error, RemoteError::Plugin { .. }), "{error}");
    let version = "1.0.0+linux".parse().unwrap();
    let bytes = transform("acme:other", "1.0.0+linux", "");
    let package = Package { version: &version, bytes: &bytes, ..package };
    let error = remote.push(package, &mut |_| {}).unwrap_err();
    assert!(matches!(error, RemoteError::BuildMetadata { .. }), "{error}");
}

#[test]
fn a_large_package_comes_in_parts_and_the_parts_are_told() {
    let registry = or_skip!(Registry::start());
    let remote = remote(&registry, "");
    // More than one chunk of an upload.
    let mark = "0123456789abcdef".repeat(400_000);
    let name: PackageName = "acme:sepia".parse().unwrap();
    let (version, bytes) = ("1.0.0".parse().unwrap(), transform("acme:sepia", "1.0.0", &mark));
    let total = bytes.len() as u64;
    let mut told = Vec::new();
    let package = Package { name: &name, version: &version, bytes: &bytes, signature: None };
    remote.push(package, &mut |progress| told.push(progress)).unwrap();
    assert_eq!(told, [Progress { done: 0, total }, Progress { done: total, total }]);
    told.clear();
    let pulled = remote.pull(&name.clone().into(), None, &mut |progress| told.push(progress)).unwrap();
    assert!(pulled.bytes == bytes);
    assert!(told.len() > 2 && told.is_sorted_by_key(|progress| progress.done));
    assert_eq!(told.last(), Some(&Progress { done: total, total }));
    // The same, where less is allowed.
    let options = RemoteOptions { plain_http: true, largest: total - 1, ..RemoteOptions::default() };
    let strict = Remote::new(remote.place().clone(), options);
    let error = strict.pull(&name.into(), None, &mut |_| {}).unwrap_err();
    assert!(matches!(error, RemoteError::TooLarge { .. }), "{error}");
}

#[test]
fn a_registry_that_wants_a_password_gets_it_and_never_a_word_of_it_is_shown() {
    // `correct horse`, with the least rounds.
    let users = Some("ada:$2b$04$M8vHZenITQOY9/M25ZFcHO8wiGDTTSUtR5OvnuT3FKmDZkwOQIspO\n");
    let registry = or_skip!(Registry::with(&Setup { users, tls: None }));
    let asked = |credentials: Credentials| {
        let options = RemoteOptions { plain_http: true, credentials, ..RemoteOptions::default() };
        Remote::new(registry.host.parse().unwrap(), options)
    };
    let basic = |password: &str| {
        asked(Credentials::Basic { username: "ada".to_owned(), password: password.to_owned() })
    };
    push(&basic("correct horse"), "1.0.0", "", None).unwrap();
    assert_eq!(pull(&basic("correct horse"), "acme:sepia").unwrap().version.to_string(), "1.0.0");
    for (remote, access, hint) in [
        (asked(Credentials::Anonymous), Access::Anonymous, "run `docker login "),
        (
            asked(Credentials::Helper("desktop".to_owned())),
            Access::Helper("desktop".to_owned()),
            "docker keeps",
        ),
        (basic("wrong horse"), Access::Known, "run `docker login "),
        (asked(Credentials::Token("wronghorse".to_owned())), Access::Known, "run `docker login "),
    ] {
        for error in [pull(&remote, "acme:sepia").unwrap_err(), push(&remote, "1.1.0", "", None).unwrap_err()]
        {
            let expected = access.clone();
            assert!(
                matches!(&error, RemoteError::Unauthorized { access, .. } if *access == expected),
                "{error:?}"
            );
            assert!(error.hint().unwrap().starts_with(hint), "{:?}", error.hint());
            assert!(!format!("{error} {error:?} {remote:?}").contains("horse"));
        }
    }
}

#[test]
fn https_and_plain_http_are_told_apart() {
    let plain = or_skip!(Registry::start());
    let folder = tempfile::tempdir().unwrap();
    let tls = or_skip!(certificate(folder.path()));
    let encrypted = or_skip!(Registry::with(&Setup { users: None, tls: Some(tls) }));
    let error = |registry: &Registry, plain_http| {
        let options = RemoteOptions { plain_http, ..RemoteOptions::default() };
        pull(&Remote::new(registry.host.parse().unwrap(), options), "acme:sepia").unwrap_err()
    };
    let not_tls = error(&plain, false);
    assert!(matches!(not_tls, RemoteError::NotTls { .. }), "{not_tls:?}");
    assert!(not_tls.hint().unwrap().contains("--plain-http"));
    let not_plain = error(&encrypted, true);
    assert!(matches!(not_plain, RemoteError::NotPlain { .. }), "{not_plain:?}");
    let unknown = error(&encrypted, false);
    assert!(matches!(unknown, RemoteError::Certificate { .. }), "{unknown:?}");
    assert!(unknown.hint().unwrap().contains("SSL_CERT_FILE"));
}
