//! Encoding, embedding and reading back, on hand-made components.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]

mod common;

use common::{component, transform};
use proptest::prelude::*;
use zenith_core::Kind;
use zenith_registry::package::{
    EncodeError, MANIFEST_SECTION, Manifest, ManifestError, NamingError, ReadError, SectionError, digest,
    embed, encode, read, validate,
};

const TRANSFORM: &str = "zenith:plugin/transform@0.1.0";

fn manifest(text: &str) -> Manifest {
    Manifest::from_toml(text).unwrap()
}

#[test]
fn a_package_reads_back_what_its_manifest_says() {
    let text = r#"
        name = "acme:sepia"
        version = "1.2.0-rc.1"
        kind = "transform"
        description = "Tints"
        license = "MIT"
        authors = ["Ada", "Grace"]
        repository = "https://example.org/sepia"
        permissions = ["clock"]
        limits = { memory_bytes = 1048576, time_ms = 50 }
    "#;
    let bytes = embed(&component(TRANSFORM, ""), &manifest(text)).unwrap();
    validate(&bytes).unwrap();
    let info = read(&bytes).unwrap();
    assert_eq!(info.manifest, Some(manifest(text)));
    assert_eq!((info.kind, info.api.to_string().as_str()), (Kind::Transform, "0.1.0"));
    assert_eq!((info.size, info.digest), (bytes.len(), digest(&bytes)));
    assert_eq!(info.naming(None).unwrap().1.to_string(), "1.2.0-rc.1");
}

#[test]
fn a_permission_that_is_none_and_a_limit_of_nothing_are_refused_with_their_line() {
    let start = "name = \"a:b\"\nversion = \"1.0.0\"\nkind = \"transform\"\n";
    let wrong = |line: &str| Manifest::from_toml(&format!("{start}{line}")).unwrap_err().to_string();
    assert_eq!(
        wrong("permissions = [\"clock\", \"gpu\"]"),
        "`plugin.toml` is wrong in line 4: `gpu` is no permission: a plugin may ask for `clock`, `entropy`, \
         `files` and `network`"
    );
    assert!(
        wrong("permissions = [\"files:luts\"]").ends_with("which folder it reads is for its user to say")
    );
    for key in ["memory_bytes", "time_ms", "output_bytes", "instances"] {
        let error = wrong(&format!("limits = {{ {key} = 0 }}"));
        assert!(
            error.starts_with("`plugin.toml` is wrong in line 4: ") && error.contains("nonzero"),
            "{error}"
        );
    }
}

#[test]
fn embedding_again_replaces_the_manifest() {
    let first = transform("a:b", "1.0.0", "");
    let text = "name = \"a:b\"\nversion = \"1.0.1\"\nkind = \"transform\"";
    let second = embed(&first, &manifest(text)).unwrap();
    assert_eq!(second.len(), first.len());
    assert_eq!(read(&second).unwrap().manifest.unwrap().version.to_string(), "1.0.1");
    let sections = second.windows(MANIFEST_SECTION.len()).filter(|part| *part == MANIFEST_SECTION.as_bytes());
    assert_eq!(sections.count(), 1);
}

#[test]
fn a_long_manifest_survives_its_own_length() {
    // More than 2¹⁴ bytes, so that the section's size takes three bytes of LEB128.
    let long = Manifest {
        description: "é".repeat(20_000),
        ..manifest("name = \"a:b\"\nversion = \"1.0.0\"\nkind = \"transform\"")
    };
    let bytes = embed(&component(TRANSFORM, ""), &long).unwrap();
    assert_eq!(read(&bytes).unwrap().manifest, Some(long));
}

#[test]
fn every_kind_is_known_by_its_interface() {
    for (name, kind) in [
        ("decoder", Kind::Decoder),
        ("transform", Kind::Transform),
        ("batch-transform", Kind::BatchTransform),
        ("sampler", Kind::Sampler),
        ("policy", Kind::Policy),
    ] {
        let info = read(&component(&format!("zenith:plugin/{name}@0.1.0"), "")).unwrap();
        assert_eq!((info.kind, info.manifest), (kind, None));
    }
}

#[test]
fn without_a_stamp_the_interface_version_is_that_of_the_export() {
    let plain = r#"(component (instance $i) (export "zenith:plugin/sampler@0.2.1" (instance $i)))"#;
    assert_eq!(read(&wat::parse_str(plain).unwrap()).unwrap().api.to_string(), "0.2.1");
}

#[test]
fn a_component_without_a_manifest_is_named_by_who_adds_it() {
    let info = read(&component(TRANSFORM, "")).unwrap();
    let given = ("a:b".parse().unwrap(), "1.0.0".parse().unwrap());
    assert_eq!(info.naming(Some(given.clone())).unwrap(), given);
    let error = info.naming(None).unwrap_err();
    assert!(matches!(error, NamingError::Unnamed));
    assert_eq!(error.hint().unwrap(), "say them: `namespace:name@version`");
}

#[test]
fn a_given_name_cannot_differ_from_the_manifest() {
    let info = read(&transform("a:b", "1.0.0", "")).unwrap();
    let error = info.naming(Some(("a:c".parse().unwrap(), "1.0.0".parse().unwrap()))).unwrap_err();
    assert_eq!(error.to_string(), "the package is `a:b@1.0.0` by its own manifest, not `a:c@1.0.0`");
    assert!(error.hint().unwrap().contains("`a:b@1.0.0`"));
}

#[test]
fn what_is_no_plugin_is_refused_with_what_it_is() {
    let message = |bytes: &[u8]| {
        let error = read(bytes).unwrap_err();
        (error.to_string(), error.hint())
    };
    assert_eq!(message(b"").0, "it is not a WebAssembly component");
    assert_eq!(message(b"<html>").0, "it is not a WebAssembly component");
    let (text, hint) = message(&wat::parse_str("(module)").unwrap());
    assert_eq!(text, "it is a core WebAssembly module, not a component");
    assert!(hint.unwrap().contains("zenith plugin build"));
    let (text, hint) = message(&wat::parse_str("(component)").unwrap());
    assert_eq!(text, "it exports none of the plugin interfaces; it exports nothing");
    assert!(hint.unwrap().contains("zenith:plugin/decoder"));
    let (text, _) = message(&component("other:thing/here@1.0.0", ""));
    assert_eq!(text, "it exports none of the plugin interfaces; it exports `other:thing/here@1.0.0`");
}

#[test]
fn a_plugin_of_two_kinds_is_refused() {
    let both = r#"(component (instance $i)
        (export "zenith:plugin/sampler@0.1.0" (instance $i))
        (export "zenith:plugin/decoder@0.1.0" (instance $i)))"#;
    let error = read(&wat::parse_str(both).unwrap()).unwrap_err();
    assert!(matches!(error, ReadError::SeveralInterfaces(_)));
    assert!(
        error.to_string().contains("both `zenith:plugin/sampler@0.1.0` and `zenith:plugin/decoder@0.1.0`")
    );
    assert_eq!(error.hint(), None);
}

#[test]
fn a_manifest_of_another_kind_is_refused() {
    let text = "name = \"a:b\"\nversion = \"1.0.0\"\nkind = \"batch-transform\"";
    let error = read(&embed(&component(TRANSFORM, ""), &manifest(text)).unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "its manifest says that it is a batch transform, but it exports the interface of a transform"
    );
    assert!(error.hint().unwrap().contains("`kind` in `plugin.toml`"));
}

#[test]
fn damaged_sections_are_told_by_name() {
    let with = |section: &str, content: &str| {
        let text = format!(
            r#"(component (@custom "{section}" "{content}") (instance $i) (export "{TRANSFORM}" (instance $i)))"#
        );
        read(&wat::parse_str(text).unwrap()).unwrap_err().to_string()
    };
    assert!(with("zenith:manifest", "{").starts_with("its manifest is wrong: EOF"));
    assert_eq!(with("zenith:api", "new"), "its interface version is not a version: `new`");
}

#[test]
fn a_component_cut_short_is_damaged_and_not_a_panic() {
    let whole = transform("a:b", "1.0.0", "");
    for length in 9..whole.len() {
        let cut = &whole[..length];
        assert!(read(cut).is_err() || read(cut).unwrap().manifest.is_none(), "{length}");
    }
    let error = validate(&whole[..40]).unwrap_err();
    assert!(error.to_string().starts_with("it is a damaged WebAssembly component"), "{error}");
    assert_eq!(error.hint().unwrap(), "fetch or build it again");
}

#[test]
fn embedding_wants_a_whole_component() {
    let manifest = manifest("name = \"a:b\"\nversion = \"1.0.0\"\nkind = \"transform\"");
    let module = wat::parse_str("(module)").unwrap();
    assert!(matches!(embed(&module, &manifest), Err(SectionError::NotComponent)));
    let mut cut = component(TRANSFORM, "");
    cut.truncate(cut.len() - 1);
    let error = embed(&cut, &manifest).unwrap_err();
    assert!(error.to_string().starts_with("it is a damaged WebAssembly component"), "{error}");
}

/// Found by damaged modules: `wit-component` slices a module by the length that its code section states, so
/// that one which was cut off inside that section ended the process.
#[test]
fn a_module_that_ends_inside_its_code_is_refused() {
    let module = wat::parse_str("(module (func (export \"f\") nop nop nop))").unwrap();
    // Cut off between two sections, it may well be a module.
    for end in 0..module.len() {
        let _ = encode(&module[..end]);
    }
    let error = encode(&module[..module.len() - 1]).unwrap_err();
    assert!(matches!(error, EncodeError::Damaged(_)), "{error}");
}

/// As the above, for the description of the world, which is a component in a custom section.
#[test]
fn a_module_whose_world_is_cut_off_is_refused() {
    let text = r#"(module (@custom "component-type:x" "\00asm\0d\00\01\00\07\05\01"))"#;
    let error = encode(&wat::parse_str(text).unwrap()).unwrap_err();
    assert!(matches!(error, EncodeError::Damaged(_)), "{error}");
}

/// Found by damaged components: one with thousands of exports was answered with all of their names.
#[test]
fn an_error_names_a_few_exports_and_counts_the_others() {
    let exports: Vec<_> = (0..20).map(|index| format!("(export \"e{index}\" (instance $i))")).collect();
    let exports = exports.concat();
    let error = read(&wat::parse_str(format!("(component (instance $i) {exports})")).unwrap()).unwrap_err();
    assert!(error.to_string().ends_with("`e7` and 12 more"), "{error}");
}

#[test]
fn a_component_is_encoded_to_itself() {
    let bytes = component(TRANSFORM, "");
    assert_eq!(encode(&bytes).unwrap(), bytes);
}

#[test]
fn a_module_that_no_component_can_be_made_of_is_told_with_what_to_do() {
    let error = encode(b"not wasm").unwrap_err();
    assert!(matches!(error, EncodeError::NotWasm));
    assert_eq!((error.to_string().as_str(), error.hint()), ("it is not a WebAssembly module", None));

    let wasi = r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))))"#;
    let error = encode(&wat::parse_str(wasi).unwrap()).unwrap_err();
    assert!(error.to_string().starts_with("it cannot be made into a component"), "{error}");
    assert!(error.hint().unwrap().contains("wasm32-unknown-unknown"));

    let env = r#"(module (import "env" "now" (func (result i64))))"#;
    let error = encode(&wat::parse_str(env).unwrap()).unwrap_err();
    assert!(error.hint().unwrap().contains("zenith_plugin_sdk::export!"));
}

#[test]
fn a_manifest_error_names_its_line() {
    for (text, line, part) in [
        ("name = \"a:b\"\nversion = \"1\"\nkind = \"transform\"", 2, "unexpected end"),
        ("name = \"sepia\"\nversion = \"1.0.0\"\nkind = \"transform\"", 1, "is not a package name"),
        ("name = \"a:b\"\nversion = \"1.0.0\"\nkind = \"filter\"", 3, "unknown variant `filter`"),
        ("name = \"a:b\"\nversion = \"1.0.0\"\nkind = \"sampler\"\nautor = 1", 4, "unknown field `autor`"),
        ("name = \"a:b\"\n\nversion = ", 3, ""),
        ("", 1, "missing field `name`"),
    ] {
        let error = Manifest::from_toml(text).unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with(&format!("`plugin.toml` is wrong in line {line}: ")), "{message}");
        assert!(message.contains(part), "{message}");
        assert_eq!(error.hint(), None);
    }
}

#[test]
fn a_missing_manifest_says_what_one_holds() {
    let folder = tempfile::tempdir().unwrap();
    let error = Manifest::in_folder(folder.path()).unwrap_err();
    assert!(matches!(error, ManifestError::Missing(_)));
    assert!(error.hint().unwrap().contains("`name`, `version` and `kind`"));
    std::fs::create_dir(folder.path().join("plugin.toml")).unwrap();
    let error = Manifest::in_folder(folder.path()).unwrap_err();
    assert!(matches!(error, ManifestError::File(_)), "{error}");
    assert_eq!(error.hint(), None);
}

proptest! {
    #[test]
    fn damaged_bytes_never_panic(position in 0_usize..400, value in any::<u8>()) {
        let mut bytes = transform("a:b", "1.0.0", "mark");
        let position = position % bytes.len();
        bytes[position] = value;
        let _ = read(&bytes);
        let _ = validate(&bytes);
        let _ = encode(&bytes);
        let _ = embed(&bytes, &manifest("name = \"a:b\"\nversion = \"1.0.0\"\nkind = \"transform\""));
    }
}
