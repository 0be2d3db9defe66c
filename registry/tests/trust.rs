//! Trust files: what they say, what they refuse, and that the stricter of two holds.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{name, signature, transform};
use zenith_core::Identity;
use zenith_registry::{
    Doubt, Policy, PolicyError, PublicKey, SecretKey, SignatureFile, Trust, TrustError, Unsigned, Verdict,
    package::digest,
};

fn key() -> SecretKey {
    SecretKey::generate().unwrap()
}

/// `acme:sepia@1.2.0`, and what lies beside it.
fn sepia(signed_by: Option<&SecretKey>) -> (Identity, Option<SignatureFile>) {
    let bytes = transform("acme:sepia", "1.2.0", "");
    let identity = Identity { name: name("acme:sepia"), version: "1.2.0".to_owned(), digest: digest(&bytes) };
    let file = signed_by.map(|key| file(signature(&bytes, "acme:sepia", "1.2.0", key).as_str()));
    (identity, file)
}

fn file(text: &str) -> SignatureFile {
    SignatureFile { path: PathBuf::from("1.2.0.wasm.minisig"), text: text.to_owned() }
}

/// A policy with keys for namespaces.
fn policy(folder: &Path, file: &str, unsigned: &str, keys: &[(&str, &PublicKey)]) -> Policy {
    let path = folder.join(file);
    fs::write(&path, format!("version = 1\nunsigned = \"{unsigned}\"\n")).unwrap();
    for (namespace, key) in keys {
        assert!(Policy::add(&path, namespace, key, None).unwrap());
    }
    Policy::read(&path).unwrap().unwrap()
}

fn judge(trust: &Trust, signed_by: Option<&SecretKey>) -> Result<Verdict, Box<TrustError>> {
    let (identity, signature) = sepia(signed_by);
    trust.judge(&identity, signature.as_ref())
}

#[test]
fn without_a_trust_file_what_nobody_vouches_for_is_used_with_a_warning() {
    let trust = Trust::read(Some(Path::new("nowhere/trust.toml")), None).unwrap();
    let Verdict::Warning(doubt) = judge(&trust, None).unwrap() else { panic!("no warning") };
    assert_eq!(doubt.to_string(), "`acme:sepia@1.2.0` is not signed, so that nobody vouches for it");
    assert!(doubt.hint().contains("ask its author"));
    let key = key();
    let Verdict::Warning(doubt) = judge(&trust, Some(&key)).unwrap() else { panic!("no warning") };
    assert!(matches!(doubt, Doubt::Stranger { .. }));
    assert!(doubt.to_string().contains(&key.public().id().to_string()), "{doubt}");
    assert_eq!(
        doubt.hint(),
        format!("if you know that key: zenith trust add {} --namespace acme", key.public())
    );
}

#[test]
fn a_listed_key_vouches_and_is_required_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let (ana, bob) = (key(), key());
    let user = policy(folder.path(), "user.toml", "warn", &[("acme", ana.public())]);
    let trust = Trust::new(vec![user]);
    assert_eq!(judge(&trust, Some(&ana)).unwrap(), Verdict::Signed(ana.public().id()));
    let error = judge(&trust, None).unwrap_err().to_string();
    assert!(error.starts_with("`acme:sepia@1.2.0` is not signed"), "{error}");
    assert!(error.contains("user.toml` requires one of the key "), "{error}");
    let error = judge(&trust, Some(&bob)).unwrap_err();
    assert!(error.to_string().contains(&bob.public().id().to_string()), "{error}");
    assert!(error.hint().unwrap().contains(bob.public().as_str()));
}

#[test]
fn a_key_vouches_for_its_own_namespace_only() {
    let folder = tempfile::tempdir().unwrap();
    let ana = key();
    let user = policy(folder.path(), "user.toml", "warn", &[("other", ana.public())]);
    assert!(matches!(judge(&Trust::new(vec![user]), Some(&ana)).unwrap(), Verdict::Warning(_)));
}

#[test]
fn the_stricter_of_user_and_project_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (ana, bob) = (key(), key());
    let of =
        |file: &str, unsigned: &str, keys: &[(&str, &PublicKey)]| policy(folder.path(), file, unsigned, keys);
    let [ana_key, bob_key] = [("acme", ana.public()), ("acme", bob.public())];
    let outcome = |user: Policy, project: Policy, by: Option<&SecretKey>| match judge(
        &Trust::new(vec![user, project]),
        by,
    ) {
        Ok(Verdict::Signed(_)) => "signed",
        Ok(Verdict::Accepted) => "accepted",
        Ok(Verdict::Warning(_)) => "warning",
        Err(_) => "refused",
    };
    for (user, project, by, expected) in [
        // Levels: the greater one counts.
        (("allow", None), ("allow", None), None, "accepted"),
        (("allow", None), ("warn", None), None, "warning"),
        (("warn", None), ("allow", None), None, "warning"),
        (("allow", None), ("refuse", None), None, "refused"),
        (("refuse", None), ("allow", None), None, "refused"),
        // A project's key is good enough where its user has said nothing about that namespace …
        (("warn", None), ("allow", Some(ana_key)), Some(&ana), "signed"),
        // … but not where its user accepts only keys of their own.
        (("refuse", None), ("allow", Some(ana_key)), Some(&ana), "refused"),
        (("refuse", Some(ana_key)), ("allow", Some(ana_key)), Some(&ana), "signed"),
        // Where both list keys, both must be content.
        (("warn", Some(ana_key)), ("allow", Some(bob_key)), Some(&ana), "refused"),
        (("warn", Some(ana_key)), ("allow", Some(bob_key)), Some(&bob), "refused"),
        // A project cannot take its user's requirement away.
        (("warn", Some(ana_key)), ("allow", None), None, "refused"),
        (("warn", Some(ana_key)), ("allow", None), Some(&bob), "refused"),
    ] {
        let user_policy = of("user.toml", user.0, user.1.as_slice());
        let project_policy = of("project.toml", project.0, project.1.as_slice());
        let found = outcome(user_policy, project_policy, by);
        assert_eq!(found, expected, "user {user:?}, project {project:?}, signed by {by:?}");
    }
}

#[test]
fn a_signature_that_does_not_hold_is_refused_under_any_policy() {
    let folder = tempfile::tempdir().unwrap();
    let ana = key();
    let lenient = Trust::new(vec![policy(folder.path(), "user.toml", "allow", &[])]);
    let (identity, Some(good)) = sepia(Some(&ana)) else { panic!("it is signed") };
    assert_eq!(lenient.judge(&identity, Some(&good)).unwrap(), Verdict::Accepted);
    let bytes = transform("acme:sepia", "1.2.0", "");
    let last = good.text.lines().last().unwrap().to_owned();
    let damaged = format!("{}{}", if last.starts_with('A') { 'B' } else { 'A' }, &last[1..]);
    for (text, part) in [
        (signature(&bytes, "acme:other", "1.2.0", &ana).as_str().to_owned(), "it is for `acme:other@1.2.0`"),
        (signature(&bytes, "acme:sepia", "1.1.0", &ana).as_str().to_owned(), "it is for `acme:sepia@1.1.0`"),
        (signature(b"other", "acme:sepia", "1.2.0", &ana).as_str().to_owned(), "it is for other bytes"),
        (good.text.replace(&last, &damaged), "it was not made by the key"),
        (good.text[..good.text.len() / 2].to_owned(), "is not a signature of `acme:sepia@1.2.0`"),
        (String::new(), "it ends after line 0 of 4"),
        ("nonsense\n".repeat(4), "line 2 is not a signature in base64"),
    ] {
        let error = lenient.judge(&identity, Some(&file(&text))).unwrap_err();
        assert!(error.to_string().contains(part), "{error}\nof\n{text}");
        assert!(error.to_string().contains("1.2.0.wasm.minisig"), "{error}");
        assert!(error.hint().is_some());
    }
}

/// A signature names the key that it can be checked with. One who changes both, with a key of their own,
/// is a stranger, and no more than that.
#[test]
fn a_forger_with_a_key_of_their_own_is_a_stranger() {
    let folder = tempfile::tempdir().unwrap();
    let (ana, forger) = (key(), key());
    let strict = Trust::new(vec![policy(folder.path(), "user.toml", "warn", &[("acme", ana.public())])]);
    let error = judge(&strict, Some(&forger)).unwrap_err();
    assert!(matches!(*error, TrustError::Required { doubt: Doubt::Stranger { .. }, .. }), "{error}");
}

#[test]
fn a_trust_file_keeps_what_its_user_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config/trust.toml");
    let (ana, bob) = (key(), key());
    assert!(Policy::add(&path, "acme", ana.public(), Some("Ana, \"the\" author")).unwrap());
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("# Bob is new.\n");
    fs::write(&path, text).unwrap();
    assert!(Policy::add(&path, "acme", bob.public(), None).unwrap());
    assert!(Policy::add(&path, "other", bob.public(), None).unwrap());
    assert!(!Policy::add(&path, "acme", bob.public(), None).unwrap());
    let read = Policy::read(&path).unwrap().unwrap();
    assert_eq!(read.unsigned(), Unsigned::Warn);
    assert_eq!(read.keys_for("acme").count(), 2);
    assert_eq!(read.keys()[0].comment.as_deref(), Some("Ana, \"the\" author"));

    assert_eq!(Policy::remove(&path, Some("acme"), bob.public()).unwrap(), ["acme"]);
    assert_eq!(Policy::remove(&path, None, ana.public()).unwrap(), ["acme"]);
    assert!(Policy::remove(&path, None, ana.public()).unwrap().is_empty());
    let left = Policy::read(&path).unwrap().unwrap();
    assert_eq!(left.keys().iter().map(|key| key.namespace.as_str()).collect::<Vec<_>>(), ["other"]);
    assert!(fs::read_to_string(&path).unwrap().contains("# Bob is new."));
    assert!(Policy::remove(&folder.path().join("none.toml"), None, ana.public()).unwrap().is_empty());
}

#[test]
fn an_entry_in_another_form_is_left_to_its_author() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trust.toml");
    let ana = key();
    let text = format!("version = 1\nkey = [{{ namespace = \"acme\", key = \"{}\" }}]\n", ana.public());
    fs::write(&path, &text).unwrap();
    assert_eq!(Policy::read(&path).unwrap().unwrap().keys_for("acme").count(), 1);
    let error = Policy::remove(&path, None, ana.public()).unwrap_err();
    assert!(error.to_string().contains("is left for you to take out"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_wrong_trust_file_is_told_to_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trust.toml");
    let ana = key();
    let key = ana.public();
    for (text, line, part) in [
        ("version = 1\n<<<<<<<\n".to_owned(), 2, ""),
        ("version = 1\nunsigned = \"maybe\"\n".to_owned(), 2, "`warn`"),
        (format!("version = 1\n[[key]]\nnamespace = \"../x\"\nkey = \"{key}\"\n"), 3, "is not a namespace"),
        (
            "version = 1\n[[key]]\nnamespace = \"acme\"\nkey = \"RWshort\"\n".to_owned(),
            4,
            "is not a public key",
        ),
        (format!("version = 1\n[[key]]\nkey = \"{key}\"\n"), 2, "missing field `namespace`"),
        ("version = 1\nrequire = true\n".to_owned(), 2, "unknown field `require`"),
        ("\n".to_owned(), 1, "missing field `version`"),
    ] {
        fs::write(&path, &text).unwrap();
        let error = Trust::read(Some(&path), None).unwrap_err();
        let message = error.to_string();
        let beginning = format!("`{}` is wrong in line {line}: ", path.display());
        assert!(message.starts_with(&beginning) && message.contains(part), "{message}\nof\n{text}");
        assert!(error.hint().unwrap().contains("correct that line"));
    }
    fs::write(&path, "version = 2\n").unwrap();
    assert!(matches!(Policy::read(&path), Err(PolicyError::Format { found: 2, .. })));
    let error = Policy::add(&folder.path().join("new.toml"), "Acme", key, None).unwrap_err();
    assert!(matches!(error, PolicyError::Namespace(_)), "{error}");
}
