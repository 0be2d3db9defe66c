//! Golden samples of every kind: written when asked for, held to afterwards.

use std::{fs, path::Path};

use zenith_author::conformance::{Golden, Outcome, Subject, bless};
use zenith_core::{Limits, Plugin};
use zenith_test_artifacts as guests;

use super::{failures, guests::load, report};

fn case(folder: &Path, name: &str, json: &str) {
    fs::create_dir_all(folder.join(name)).unwrap();
    fs::write(folder.join(name).join("case.json"), json).unwrap();
}

fn blessed(plugin: &dyn Plugin, folder: &Path) -> Vec<String> {
    let golden = Golden::read(folder, plugin.kind()).unwrap();
    bless(&Subject { plugin, limits: Limits::default(), configs: Vec::new(), golden }).unwrap()
}

/// Whether the one case in a folder passed; `None` where it has no output.
fn verdict(plugin: &dyn Plugin, folder: &Path) -> Option<bool> {
    let report = report(plugin, &[], Some(folder));
    let check = report.checks.iter().find(|check| check.name == "golden sample `one`").unwrap();
    match check.outcome {
        Outcome::Passed { .. } => Some(true),
        Outcome::Failed(_) => Some(false),
        Outcome::Skipped { .. } => None,
    }
}

#[test]
fn a_case_of_every_kind_is_written_when_asked_for_and_then_held_to() {
    let tensor = r#"{"dtype": "uint8", "shape": [1, 2, 3], "file": "in.bin"}"#;
    let population = r#"{"length": 5, "epoch": 0, "seed": 0, "rank": 0, "world_size": 2}"#;
    let round = r#"{"now": 1,
        "waiting": {"id": [7], "user": [0], "priority": [0], "waited": [5], "tasks": [1], "cpus": [1000],
                    "memory": [10], "gpus": [0], "time_limit": [0]},
        "nodes": {"id": [3], "cpus": [2000], "cpus_free": [2000], "memory": [99], "memory_free": [99],
                  "gpus": [0], "gpus_free": [0], "labels": [0]}}"#;
    for (module, json, file, wrong) in [
        (guests::TRANSFORM_ECHOES, format!(r#"{{"seed": 3, "input": {tensor}}}"#), "output.bin", "\u{1}"),
        (
            guests::BATCH_TRANSFORM_ADDS,
            format!(r#"{{"seed": 3, "inputs": [{tensor}]}}"#),
            "output.bin",
            "\u{1}",
        ),
        (guests::DECODER_ECHOES, r#"{"input": {"file": "raw"}}"#.to_owned(), "output.bin", "\u{1}"),
        (guests::SAMPLER_COUNTS, format!(r#"{{"population": {population}}}"#), "case.json", "[0, 2, 4]"),
        (guests::POLICY_PACKS, format!(r#"{{"round": {round}}}"#), "case.json", "\"node\": 3"),
    ] {
        let plugin = load(module);
        let folder = tempfile::tempdir().unwrap();
        let one = folder.path().join("one");
        case(folder.path(), "one", &json);
        fs::write(one.join("in.bin"), [9; 6]).unwrap();
        fs::write(one.join("raw"), [2, 3, 1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(verdict(&*plugin, folder.path()), None, "it has no output yet");
        assert_eq!(blessed(&*plugin, folder.path()), ["one"]);
        assert_eq!(verdict(&*plugin, folder.path()), Some(true), "{json}");
        assert_eq!(blessed(&*plugin, folder.path()), Vec::<String>::new(), "what is there stays");
        // Another output is not what the plugin makes.
        let path = one.join(file);
        if file == "case.json" {
            let text = fs::read_to_string(&path).unwrap();
            let compact: String = text.split_whitespace().collect();
            let wrong: String = wrong.split_whitespace().collect();
            assert!(compact.contains(&wrong), "{compact}");
            let changed = compact.replace(&wrong, &wrong.replace(['2', '3'], "1"));
            fs::write(&path, changed).unwrap();
        } else {
            let mut bytes = fs::read(&path).unwrap();
            bytes[0] ^= 0x55;
            fs::write(&path, bytes).unwrap();
        }
        assert_eq!(verdict(&*plugin, folder.path()), Some(false), "{json}");
    }
}

#[test]
fn an_output_that_is_off_is_told_by_its_element() {
    let folder = tempfile::tempdir().unwrap();
    let tensor = |file: &str| format!(r#"{{"dtype": "uint8", "shape": [1, 2, 3], "file": "{file}""#);
    let json =
        format!(r#"{{"input": {}}}, "output": {}, "tolerance": 1}}}}"#, tensor("in.bin"), tensor("out.bin"));
    case(folder.path(), "one", &json);
    fs::write(folder.path().join("one/in.bin"), [1, 2, 3, 4, 5, 6]).unwrap();
    fs::write(folder.path().join("one/out.bin"), [1, 3, 3, 4, 9, 6]).unwrap();
    let failed = failures(&report(&*load(guests::TRANSFORM_ECHOES), &[], Some(folder.path())));
    assert_eq!(
        failed,
        [(
            "golden sample `one`".to_owned(),
            "element [0, 1, 1] is 5, not 9; 1 of 6 elements are off by more than 1, at most by 4".to_owned()
        )]
    );
}
