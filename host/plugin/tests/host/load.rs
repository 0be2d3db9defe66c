//! What is refused before anything of it runs, and how that is told.

use crate::common::host;
use zenith_core::Digest;
use zenith_plugin::{API_VERSION, LoadError, Problem, Side, manifest_of};
use zenith_test_artifacts::{self as guests, identity};

fn refused(bytes: &[u8]) -> LoadError {
    host().load(identity(bytes), bytes).err().unwrap()
}

/// A component from its text, with custom sections.
fn assembled(text: &str, sections: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = wat::parse_str(text).unwrap();
    for (name, data) in sections {
        let mut section = vec![u8::try_from(name.len()).unwrap()];
        section.extend_from_slice(name.as_bytes());
        section.extend_from_slice(data.as_bytes());
        bytes.push(0);
        bytes.push(u8::try_from(section.len()).unwrap());
        bytes.extend_from_slice(&section);
    }
    bytes
}

fn stamped(text: &str) -> Vec<u8> {
    assembled(text, &[("zenith:api", API_VERSION)])
}

#[test]
fn bytes_that_are_not_those_that_were_asked_for_are_refused_first() {
    let bytes = b"anything";
    let asked = zenith_core::Identity { digest: Digest::from_bytes([0; 32]), ..identity(bytes) };
    let error = host().load(asked, bytes).err().unwrap();
    assert!(matches!(error.problem, Problem::Digest { .. }));
    assert!(error.to_string().starts_with("the plugin `acme:guest@1.0.0` has the digest sha256:"), "{error}");
    assert!(error.hint().is_some());
}

#[test]
fn a_core_module_is_told_apart_from_garbage() {
    let error = refused(guests::TRANSFORM_ECHOES);
    assert_eq!(
        error.to_string(),
        "the plugin `acme:guest@1.0.0` is a WebAssembly core module, not a component"
    );
    assert!(error.hint().unwrap().contains("zenith plugin build"));
    let error = refused(b"\x89PNG\r\n\x1a\n\0\0");
    assert_eq!(
        error.to_string(),
        "the plugin `acme:guest@1.0.0` is not a WebAssembly component: it is other binary data"
    );
}

#[test]
fn every_cut_of_a_component_is_refused_without_a_panic() {
    let bytes = guests::component(guests::TRANSFORM_ECHOES);
    for length in (0..bytes.len()).step_by(997).chain(bytes.len() - 20..bytes.len()) {
        let error = refused(&bytes[..length]);
        assert!(!matches!(error.problem, Problem::Digest { .. } | Problem::CoreModule), "{length}: {error}");
    }
}

#[test]
fn a_component_that_is_damaged_inside_is_refused() {
    let mut bytes = guests::component(guests::TRANSFORM_ECHOES);
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0xFF);
    let error = refused(&bytes);
    assert!(matches!(error.problem, Problem::Malformed { .. } | Problem::Invalid { .. }), "{error}");
}

#[test]
fn a_component_without_a_stamp_is_of_the_version_of_what_it_exports() {
    let exports = |version: &str| {
        let text = format!(
            r#"(component (instance $empty) (export "zenith:plugin/transform@{version}" (instance $empty)))"#
        );
        refused(&assembled(&text, &[])).problem
    };
    // What is empty lacks the interface's functions, which is noticed next.
    assert!(matches!(exports("0.1.0"), Problem::Interface { .. }), "{:?}", exports("0.1.0"));
    assert_eq!(exports("0.2.0"), Problem::Api { plugin: "0.2.0".into(), older: Side::Zenith });
}

#[test]
fn a_component_that_says_no_version_anywhere_is_refused() {
    let error = refused(&assembled("(component)", &[]));
    assert_eq!(error.problem, Problem::Unstamped);
    assert_eq!(
        error.to_string(),
        "the plugin `acme:guest@1.0.0` does not say which version of the plugin interface it was built for"
    );
}

#[test]
fn a_component_for_another_version_is_refused_and_the_older_side_is_named() {
    for (version, older) in [("0.0.9", Side::Plugin), ("0.2.0", Side::Zenith), ("1.0.0", Side::Zenith)] {
        let error = refused(&assembled("(component)", &[("zenith:api", version)]));
        assert_eq!(error.problem, Problem::Api { plugin: version.into(), older });
        assert!(error.to_string().ends_with(&format!("speaks {API_VERSION}: {older} is older")), "{error}");
        assert!(error.hint().is_some());
    }
    let error = refused(&assembled("(component)", &[("zenith:api", "latest")]));
    assert!(matches!(error.problem, Problem::Malformed { .. }));
}

#[test]
fn a_stamp_of_another_version_is_found_inside_a_nested_module() {
    let nested = r#"(component (core module (@custom "zenith:api" "0.9.0")))"#;
    assert!(matches!(refused(&stamped(nested)).problem, Problem::Api { .. }));
}

#[test]
fn imports_beyond_the_interface_are_refused_and_listed() {
    let error = refused(&stamped(
        r#"(component
            (import "wasi:http/outgoing-handler@0.2.0" (instance))
            (import "zenith:plugin/log@0.1.0" (instance))
            (import "wasi:clocks/monotonic-clock@0.2.0" (instance))
            (import "wasi:clocks/monotonic-clock@0.3.0" (instance))
            (import "acme:shared/memory" (instance)))"#,
    ));
    assert_eq!(
        error.to_string(),
        "the plugin `acme:guest@1.0.0` imports what it may not: wasi:http/outgoing-handler@0.2.0, \
         wasi:clocks/monotonic-clock@0.3.0, acme:shared/memory"
    );
    assert!(error.hint().unwrap().contains("WASI 0.2"));
}

#[test]
fn a_component_must_be_one_kind_of_plugin() {
    let error = refused(&stamped("(component)"));
    assert_eq!(error.to_string(), "the plugin `acme:guest@1.0.0` exports no plugin interface");
    let error = refused(&stamped(
        r#"(component
            (instance $empty)
            (export "zenith:plugin/decoder@0.1.0" (instance $empty))
            (export "zenith:plugin/transform@0.1.0" (instance $empty)))"#,
    ));
    assert_eq!(
        error.to_string(),
        "the plugin `acme:guest@1.0.0` exports several plugin interfaces, not one: decoder, transform"
    );
}

#[test]
fn an_interface_without_its_functions_is_refused() {
    for kind in ["decoder", "transform", "batch-transform", "sampler", "policy"] {
        let error = refused(&stamped(&format!(
            r#"(component (instance $empty) (export "zenith:plugin/{kind}@0.1.0" (instance $empty)))"#
        )));
        assert!(matches!(error.problem, Problem::Interface { .. }), "{error}");
        assert!(error.to_string().contains("configure"), "{error}");
    }
}

#[test]
fn an_import_of_another_type_is_refused() {
    let error = refused(&stamped(
        r#"(component
            (import "zenith:plugin/log@0.1.0" (instance (export "write" (func (param "n" u32)))))
            (instance $empty)
            (export "zenith:plugin/transform@0.1.0" (instance $empty)))"#,
    ));
    assert!(matches!(error.problem, Problem::Interface { .. }), "{error}");
}

#[test]
fn a_manifest_is_read_as_it_stands() {
    let with = assembled("(component)", &[("zenith:manifest", "[package]\nname = \"acme:sepia\"\n")]);
    assert_eq!(manifest_of(&with).unwrap(), "[package]\nname = \"acme:sepia\"\n");
    assert_eq!(manifest_of(&assembled("(component)", &[])), None);
    assert_eq!(manifest_of(b"no component"), None);
}
