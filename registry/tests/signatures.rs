//! Signatures: what they bind, what breaks them, and that they are minisign's.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]

mod common;

use std::{fs, path::Path, process::Command};

use common::{name, signature, transform, version};
use proptest::prelude::*;
use zenith_registry::{
    KeyError, KeyFolder, Malformed, Mismatch, Password, PublicKey, SecretKey, Signature, Statement,
    package::digest,
};

fn key() -> SecretKey {
    SecretKey::generate().unwrap()
}

#[test]
fn a_signature_holds_for_its_bytes_under_its_name_and_no_others() {
    let (key, bytes) = (key(), transform("acme:sepia", "1.2.0", ""));
    let signature: Signature = signature(&bytes, "acme:sepia", "1.2.0", &key).as_str().parse().unwrap();
    let sepia = name("acme:sepia");
    signature.fits(&sepia, "1.2.0", digest(&bytes)).unwrap();
    signature.made_by(key.public()).unwrap();
    signature.verify(key.public(), &bytes).unwrap();

    let moved = signature.fits(&sepia, "1.3.0", digest(&bytes)).unwrap_err();
    assert_eq!(moved.to_string(), "it is for `acme:sepia@1.2.0`");
    let moved = signature.fits(&name("acme:other"), "1.2.0", digest(&bytes)).unwrap_err();
    assert!(matches!(moved, Mismatch::Other { .. }));
    let changed = signature.fits(&sepia, "1.2.0", digest(b"other")).unwrap_err();
    assert!(changed.to_string().starts_with("it is for other bytes: it signs sha256:"), "{changed}");
    assert_eq!(signature.verify(key.public(), b"other"), Err(Mismatch::Forged(key.public().id())));
}

#[test]
fn a_statement_that_was_changed_after_signing_does_not_hold() {
    let (key, bytes) = (key(), transform("acme:sepia", "1.2.0", ""));
    let text = signature(&bytes, "acme:sepia", "1.2.0", &key).as_str().replace("@1.2.0", "@9.9.9");
    let moved: Signature = text.parse().unwrap();
    moved.fits(&name("acme:sepia"), "9.9.9", digest(&bytes)).unwrap();
    assert_eq!(moved.made_by(key.public()), Err(Mismatch::Forged(key.public().id())));
}

#[test]
fn another_key_did_not_make_it_even_if_it_has_the_same_number() {
    let (own, other) = (key(), key());
    let bytes = transform("acme:sepia", "1.2.0", "");
    let signature = signature(&bytes, "acme:sepia", "1.2.0", &own);
    assert_eq!(signature.made_by(other.public()), Err(Mismatch::Key(own.public().id())));

    // The number is the 3rd to the 10th byte of the public key: 14 characters of base64 cover it and
    // no more than a byte on each side.
    let (mine, theirs) = (own.public().as_str(), other.public().as_str());
    let forged = format!("{}{}", &mine[..14], &theirs[14..]);
    if let Ok(forged) = forged.parse::<PublicKey>()
        && forged.id() == own.public().id()
    {
        assert_eq!(signature.made_by(&forged), Err(Mismatch::Forged(own.public().id())));
    }
}

#[test]
fn what_is_cut_short_or_damaged_is_no_signature_and_says_where() {
    let (key, bytes) = (key(), transform("acme:sepia", "1.2.0", ""));
    let whole = signature(&bytes, "acme:sepia", "1.2.0", &key).as_str().to_owned();
    let lines: Vec<_> = whole.lines().collect();
    for kept in 0..4 {
        let text = lines[..kept].join("\n");
        let error = text.parse::<Signature>().unwrap_err();
        assert_eq!(error, Malformed::Short(kept), "{text}");
    }
    for (line, what) in [(1, "comment"), (2, "base64"), (3, "trusted comment"), (4, "base64")] {
        let mut damaged: Vec<_> = lines.iter().map(ToString::to_string).collect();
        damaged[line - 1].truncate(8);
        let error = damaged.join("\n").parse::<Signature>().unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with(&format!("line {line} is not ")) && text.contains(what), "{text}");
    }
    let unstated = whole.replace("package:", "package=");
    assert_eq!(unstated.parse::<Signature>().unwrap_err(), Malformed::Statement);
    let twice = whole.replace("\tdigest:", "\tpackage:a:b@1.0.0\tdigest:");
    assert_eq!(twice.parse::<Signature>().unwrap_err(), Malformed::Statement);
}

/// The crate `minisign` 0.10 reads 64 bytes of the second signature without asking how many there are.
/// A file whose last line is valid base64 of fewer bytes made it panic.
#[test]
fn a_short_second_signature_is_an_error_and_no_panic() {
    let (key, bytes) = (key(), transform("acme:sepia", "1.2.0", ""));
    let whole = signature(&bytes, "acme:sepia", "1.2.0", &key).as_str().to_owned();
    let mut lines: Vec<_> = whole.lines().map(str::to_owned).collect();
    for short in ["QUJD".to_owned(), lines[3][..44].to_owned()] {
        lines[3] = short;
        let error = lines.join("\n").parse::<Signature>().unwrap_err();
        assert!(matches!(error, Malformed::Line { line: 4, .. }), "{error}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,200}", lines in 0_usize..6) {
        let text = format!("untrusted comment: x\n{text}\n").repeat(lines);
        let _ = text.parse::<Signature>();
        let _ = text.parse::<PublicKey>();
        let _ = SecretKey::from_file_text(&text, &Password::Given(String::new()));
    }

    #[test]
    fn a_flipped_bit_never_holds(place in 0_usize..600, bit in 0_u8..7) {
        let (key, bytes) = (key(), transform("acme:sepia", "1.2.0", ""));
        let mut text = signature(&bytes, "acme:sepia", "1.2.0", &key).as_str().as_bytes().to_vec();
        let place = place % text.len();
        text[place] ^= 1 << bit;
        let read = String::from_utf8(text).ok().and_then(|text| text.parse::<Signature>().ok());
        let holds = read.is_some_and(|read| {
            read.fits(&name("acme:sepia"), "1.2.0", digest(&bytes)).is_ok()
                && read.verify(key.public(), &bytes).is_ok()
        });
        // The first line is no part of what is signed, and white space at the end of a line is none
        // of the line.
        let whole = signature(&bytes, "acme:sepia", "1.2.0", &key);
        let signed = whole.as_str().find('\n').unwrap() + 1;
        let at_an_end = whole.as_str().as_bytes()[place].is_ascii_whitespace();
        prop_assert!(!holds || place < signed || at_an_end, "byte {place}, bit {bit}");
    }
}

/// Made by minisign 0.11 with `minisign -G -W`.
const TOOL_PUBLIC: &str = include_str!("data/minisign.pub");

/// Made by minisign 0.11 with `minisign -S -t "package:acme:sepia@1.2.0 digest:sha256:…"`, of the bytes
/// `a component`.
const TOOL_SIGNATURE: &str = include_str!("data/minisign.sig");

#[test]
fn what_minisign_made_is_read_and_checked() {
    let public = PublicKey::from_file_text(TOOL_PUBLIC).unwrap();
    let signature: Signature = TOOL_SIGNATURE.parse().unwrap();
    assert_eq!(
        *signature.statement(),
        Statement { name: name("acme:sepia"), version: version("1.2.0"), digest: digest(b"a component") }
    );
    assert_eq!(signature.named_key(), None);
    signature.made_by(&public).unwrap();
    signature.verify(&public, b"a component").unwrap();
}

#[test]
fn minisign_checks_what_was_made_here() {
    let folder = tempfile::tempdir().unwrap();
    let run =
        |arguments: &[&str]| Command::new("minisign").args(arguments).current_dir(folder.path()).output();
    if run(&["-v"]).is_err() {
        println!("skipped: minisign_checks_what_was_made_here: `minisign` is not installed");
        return;
    }
    let keys = KeyFolder::new(folder.path().join("keys"));
    keys.make("ana", &Password::None).unwrap();
    let key = keys.secret("ana", &Password::None).unwrap();
    let bytes = transform("acme:sepia", "1.2.0", "");
    let made = signature(&bytes, "acme:sepia", "1.2.0", &key);
    fs::write(folder.path().join("1.2.0.wasm"), &bytes).unwrap();
    fs::write(folder.path().join("1.2.0.wasm.minisig"), made.as_str()).unwrap();
    let output = run(&["-V", "-m", "1.2.0.wasm", "-p", "keys/ana.pub"]).unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("package:acme:sepia@1.2.0"), "{text}");
    // And it signs with the same key file, as we do with one of its own.
    assert!(run(&["-G", "-W", "-p", "own.pub", "-s", "own.key"]).unwrap().status.success());
    let own = SecretKey::read(&folder.path().join("own.key"), &Password::None).unwrap();
    assert_eq!(*own.public(), PublicKey::read(&folder.path().join("own.pub")).unwrap());
    let comment = made.statement().to_string();
    let signed = run(&["-S", "-W", "-s", "keys/ana.key", "-t", &comment, "-m", "1.2.0.wasm"]).unwrap();
    assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
    let theirs = fs::read_to_string(folder.path().join("1.2.0.wasm.minisig")).unwrap();
    theirs.parse::<Signature>().unwrap().verify(key.public(), &bytes).unwrap();
}

#[test]
fn keys_are_made_listed_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let keys = KeyFolder::new(folder.path().join("config/keys"));
    assert!(keys.list().unwrap().is_empty());
    let error = keys.get("ana").unwrap_err();
    assert!(error.to_string().starts_with("there is no key `ana` in `"), "{error}");
    assert_eq!(error.hint().unwrap(), "make one with: zenith key new");

    let ana = keys.make("ana", &Password::None).unwrap();
    assert_eq!((ana.protected, ana.name.as_str()), (Some(false), "ana"));
    assert!(matches!(keys.make("ana", &Password::None), Err(KeyError::Exists { .. })));
    assert_eq!(keys.get("ana").unwrap().public, ana.public);
    assert_eq!(keys.secret("ana", &Password::None).unwrap().public(), &ana.public);
    assert_eq!(PublicKey::read(&ana.path).unwrap(), ana.public);
    assert_eq!(keys.get("bob").unwrap_err().hint().unwrap(), "there are: ana");
    for wrong in ["", "../ana", "a/b", "Ana", "ana.key", "-x"] {
        assert!(matches!(keys.make(wrong, &Password::None), Err(KeyError::Name(_))), "{wrong}");
        assert!(matches!(keys.secret(wrong, &Password::None), Err(KeyError::Name(_))), "{wrong}");
    }
    assert_eq!(keys.list().unwrap().len(), 1);
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_a_secret_key() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let keys = KeyFolder::new(folder.path());
    let made = keys.make("ana", &Password::None).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&made.path.with_extension("key")), 0o600);
    assert_ne!(mode(&made.path) & 0o044, 0);
}

#[test]
fn a_password_protects_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let keys = KeyFolder::new(folder.path());
    let right = Password::Given("correct horse".to_owned());
    let made = keys.make("ana", &right).unwrap();
    assert_eq!(made.protected, Some(true));
    assert_eq!(keys.secret("ana", &right).unwrap().public(), &made.public);
    let error = keys.secret("ana", &Password::Given("wrong".to_owned())).unwrap_err();
    assert!(error.to_string().contains("Wrong password"), "{error}");
    assert_eq!(format!("{right:?}"), "Given(…)");
}

#[test]
fn a_file_that_is_no_key_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let keys = KeyFolder::new(folder.path());
    fs::write(folder.path().join("ana.key"), "untrusted comment: x\nAAAA\n").unwrap();
    fs::write(folder.path().join("ana.pub"), "nonsense\n").unwrap();
    let error = keys.secret("ana", &Password::None).unwrap_err();
    assert!(error.to_string().contains("ana.key` cannot be used to sign: "), "{error}");
    assert!(error.hint().unwrap().contains("minisign -G"));
    let error = keys.get("ana").unwrap_err();
    assert!(error.to_string().contains("`nonsense` is not a public key"), "{error}");
    // A secret key whose public half belongs to another is found out when it signs, not later.
    let error = SecretKey::read(Path::new("/nowhere/ana.key"), &Password::None).unwrap_err();
    assert!(error.to_string().starts_with("cannot read `/nowhere/ana.key`"), "{error}");
}

#[test]
fn no_printed_form_of_a_key_holds_its_secret() {
    let folder = tempfile::tempdir().unwrap();
    let keys = KeyFolder::new(folder.path());
    let made = keys.make("ana", &Password::None).unwrap();
    let secret = keys.secret("ana", &Password::None).unwrap();
    assert_eq!(format!("{secret:?}"), format!("SecretKey({})", made.public.id()));
}
