//! `zenith plugin inspect`, `test` and `bench` as a plugin's author runs them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use serde_json::Value;
use support::{Project, packaged};
use zenith_test_artifacts as guests;

const ABOUT: &str = "description = \"Hands images on\"\nlicense = \"Apache-2.0\"\nauthors = [\"Ada\", \"Grace\"]\n\
                     repository = \"https://example.org/echo\"\npermissions = [\"files\"]\n\
                     limits = { memory_bytes = 536870912, time_ms = 500 }";

/// A project with the built plugin in its folder, as `zenith plugin build` leaves it.
fn author(guest: &[u8], lines: &str) -> Project {
    let project = Project::new();
    let kind = if lines.contains("kind = ") { "" } else { "kind = \"transform\"\n" };
    let manifest = format!("name = \"acme:echo\"\nversion = \"1.0.0\"\n{kind}{lines}\n");
    project.write("plugin.toml", manifest);
    project.write("echo.wasm", packaged("acme:echo", guest, lines));
    project
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({filters => vec![
        (r"sha256:[0-9a-f]{64}", "sha256:[digest]"),
        (r"\d+ bytes\n", "[size] bytes\n"),
        (r"\d[\d.]* (µs|ms|s)\b", "[time]"),
        (r"\d[\d.]* (MB/s|calls/s|MB|%)", "[figure]"),
        (r"of \d+\n", "of [calls]\n"),
        (r"(language|processed-by) (\S+) [^,\n]+", "$1 $2 [version]"),
        (r"for 95 \[figure\]|for \[figure\]", "for 95 %"),
    ]}, { insta::assert_snapshot!(name, text) });
}

#[test]
fn inspect_shows_what_a_plugin_is_and_what_it_is_given_here() {
    let project = author(guests::TRANSFORM_ECHOES, ABOUT);
    project.write("zenith.toml", "[grants]\n\"acme:echo\" = [\"files:luts\", \"clock\"]\n");
    let (out, err) = project.succeeds(&["plugin", "inspect", "."]);
    assert_eq!(err, "", "nothing was run");
    snapshot("inspect", &out);
    let (file, _) = project.succeeds(&["plugin", "inspect", "echo.wasm"]);
    assert_eq!(file.lines().next(), out.lines().next());
    let (json, _) = project.succeeds(&["plugin", "inspect", "echo.wasm", "--json"]);
    let value: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["package"], "acme:echo@1.0.0");
    assert_eq!(value["permissions"], serde_json::json!(["files"]));
    assert_eq!(value["given"], serde_json::json!(["files:luts"]));
    assert_eq!(value["limits"]["memory_bytes"], 536_870_912);
    assert_eq!(value["limits_here"]["memory_bytes"], 268_435_456);
    assert_eq!(value["limits_here"]["time_ms"], 500);
    assert_eq!(value["signed"], "not by a trusted key, which is accepted");
    assert!(value["producers"].as_array().unwrap().iter().any(|made| made["name"] == "Rust"), "{json}");
}

#[test]
fn inspect_takes_a_package_of_the_registry_and_says_what_is_none() {
    let project = Project::new();
    let (out, _) = project.succeeds(&["plugin", "inspect", "zenith:jpeg@^0.1"]);
    assert!(out.contains("kind         decoder") && out.contains("asks for     nothing"), "{out}");
    assert!(out.contains("from         built-in: "), "{out}");
    for (given, told) in [
        ("nothing here", "is neither a file, nor a folder, nor a package"),
        ("acme:nothing", "there is no plugin `acme:nothing`"),
        ("photos/cat/a.jpg", "is no plugin: it is not a WebAssembly component"),
        ("photos", "there is no `photos/plugin.toml`"),
    ] {
        let (_, err) = project.fails(&["plugin", "inspect", given], 1);
        assert!(err.contains(told), "{given}: {err}");
    }
    project.write("plugin.toml", "name = \"acme:echo\"\nversion = \"1.0.0\"\nkind = \"transform\"\n");
    let (_, err) = project.fails(&["plugin", "inspect", "."], 1);
    assert!(err.contains("there is no built plugin") && err.contains("zenith plugin build ."), "{err}");
}

#[test]
fn a_plugin_that_keeps_its_promises_passes() {
    let project = author(guests::TRANSFORM_ECHOES, "");
    project.write("golden/small/input.bin", [1, 2, 3, 4, 5, 6]);
    let case =
        r#"{"config": {}, "seed": 0, "input": {"dtype": "uint8", "shape": [1, 2, 3], "file": "input.bin"}}"#;
    project.write("golden/small/case.json", case);
    let (out, _) = project.succeeds(&["plugin", "test"]);
    snapshot("test_passes", &out);
    let (out, _) = project.succeeds(&["plugin", "test", "echo.wasm", "--bless"]);
    assert!(out.starts_with("wrote the output of golden sample `small`\n"), "{out}");
    assert!(out.contains("  ✓ golden sample `small`\n"), "{out}");
    let (out, _) = project.succeeds(&["plugin", "test", "--json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["plugin"], &report["kind"]), (&"acme:echo@1.0.0".into(), &"transform".into()));
    assert!(report["checks"].as_array().unwrap().iter().all(|check| check["outcome"] != "failed"), "{out}");
}

#[test]
fn a_plugin_that_breaks_a_promise_fails_with_what_was_given_and_what_came() {
    let project = author(guests::TRANSFORM_MISBEHAVES, "limits = { time_ms = 100, memory_bytes = 16777216 }");
    let (out, err) = project.fails(&["plugin", "test", "--config", r#"{"case": "write-too-much"}"#], 1);
    assert!(err.contains("error: `acme:echo@1.0.0` fails ") && err.contains(" checks"), "{err}");
    assert!(out.contains("  ✗ it writes exactly what it planned\n"), "{out}");
    assert!(out.contains("      config  {\"case\":\"write-too-much\"}\n"), "{out}");
    assert!(out.contains("      given   uint8[224, 224, 3], seed 0\n"), "{out}");
    assert!(out.contains("it wrote more than the 150528 bytes"), "{out}");
    for (case, told) in [
        ("loop", "longer than its time limit of 100ms"),
        ("allocate", "more memory than its limit of 16777216 bytes"),
        ("descend", "its stack overflowed"),
    ] {
        let (out, _) = project.fails(&["plugin", "test", "--config", &format!(r#"{{"case": "{case}"}}"#)], 1);
        assert!(out.contains(told), "{out}");
    }
    let (out, _) = project.fails(&["plugin", "test", "--json"], 1);
    let report: Value = serde_json::from_str(&out).unwrap();
    let failed: Vec<_> =
        report["checks"].as_array().unwrap().iter().filter(|check| check["outcome"] == "failed").collect();
    assert_eq!(failed[0]["name"], "there is a configuration to test with");
    let (_, err) = project.fails(&["plugin", "test", "--config", "[]"], 2);
    assert!(err.contains("a configuration is a JSON object"), "{err}");
    project.write("golden/one/case.json", "{");
    let (_, err) = project.fails(&["plugin", "test"], 1);
    assert!(err.contains("golden sample") && err.contains("has a wrong `case.json`"), "{err}");
}

#[test]
fn the_shipped_plugins_keep_their_promises() {
    let project = Project::new();
    project.write("golden/photograph/case.json", r#"{"input": {"file": "photograph.jpg"}}"#);
    let photograph = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/photograph.jpg");
    project.write("golden/photograph/photograph.jpg", std::fs::read(photograph).unwrap());
    for (plugin, options) in [
        ("zenith:jpeg", vec!["--golden", "golden"]),
        ("zenith:png", vec![]),
        ("zenith:center-crop", vec!["--config", r#"{"size": 16}"#]),
        ("zenith:random-crop", vec!["--config", r#"{"size": 16}"#]),
        ("zenith:random-resized-crop", vec!["--config", r#"{"size": 32}"#]),
        ("zenith:resize", vec!["--config", r#"{"size": 32}"#]),
        ("zenith:horizontal-flip", vec![]),
        ("zenith:color-jitter", vec!["--config", r#"{"brightness": 0.4, "hue": 0.1}"#]),
        ("zenith:to-float", vec![]),
        ("zenith:normalize", vec!["--config", r#"{"mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2]}"#]),
        ("zenith:sequential", vec![]),
        ("zenith:shuffle", vec!["--config", r#"{"seed": 3}"#]),
    ] {
        let arguments: Vec<_> = ["plugin", "test", plugin].into_iter().chain(options).collect();
        let (out, _) = project.succeeds(&arguments);
        assert!(out.contains(" passed, 0 failed, "), "{out}");
    }
}

#[test]
fn bench_measures_every_kind_beside_a_plugin_that_does_nothing() {
    let project = author(guests::TRANSFORM_ECHOES, "");
    let brief = ["--seconds", "0.05"];
    let bench = |arguments: &[&str]| {
        let arguments: Vec<_> =
            ["plugin", "bench"].into_iter().chain(arguments.iter().copied()).chain(brief).collect();
        project.succeeds(&arguments).0
    };
    bench(&["."]);
    // Compiled already, so that the text is the same in every run.
    snapshot("bench", &bench(&["."]));
    let value: Value = serde_json::from_str(&bench(&[".", "--json", "--shape", "32,16,3"])).unwrap();
    let number = |key: &str| value[key].as_f64().unwrap();
    assert!(number("calls") >= 10.0 && number("median_ns") > 0.0, "{value}");
    assert!(number("p95_ns") >= number("median_ns"), "{value}");
    assert!(number("boundary_ns") > 0.0 && (0.0..=1.0).contains(&number("boundary_share")), "{value}");
    assert_eq!((number("bytes_in"), number("bytes_out")), (1536.0, 1536.0), "{value}");
    assert!(
        number("memory") > 65536.0 && number("start_ns") > 0.0 && number("load_cached_ns") > 0.0,
        "{value}"
    );
    for arguments in [
        &["zenith:jpeg", "--sample", "photos/cat/a.jpg"][..],
        &["zenith:random-resized-crop", "--config", r#"{"size": 32}"#],
        &["zenith:center-crop", "--config", r#"{"size": 32}"#],
        &["zenith:shuffle"],
    ] {
        let out = bench(arguments);
        assert!(out.contains("  boundary    ") && out.contains("  starting    "), "{out}");
    }
    let (_, err) = project.fails(&["plugin", "bench", "zenith:jpeg"], 1);
    assert!(err.contains("a decoder is measured on a sample") && err.contains("--sample"), "{err}");
    let (_, err) = project.fails(&["plugin", "bench", ".", "--dtype", "uint9"], 2);
    assert!(err.contains("uint9"), "{err}");
    let (_, err) = project.fails(&["plugin", "bench", ".", "--shape", "4000000000,4000000000"], 1);
    assert!(err.contains("is no shape of a tensor that fits into memory"), "{err}");
}

#[test]
fn bench_measures_batch_transforms_and_policies() {
    for (guest, kind) in [(guests::BATCH_TRANSFORM_ADDS, "batch-transform"), (guests::POLICY_PACKS, "policy")]
    {
        let project = author(guest, &format!("kind = \"{kind}\""));
        let (out, _) =
            project.succeeds(&["plugin", "bench", "--seconds", "0.05", "--shape", "8,16,16,3", "--json"]);
        let value: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(value["kind"], kind);
        assert!(value["bytes_in"].as_u64().unwrap() > 0, "{out}");
    }
}
