//! What a plugin is allowed and how much of it, from the command line: two keys for a permission, the
//! user's word for a limit.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::fs;

use support::Project;
use zenith_test_artifacts as guests;

const RUN: [&str; 4] = ["run", "pipeline.toml", "--workers", "1"];
const GRANTED: [&str; 6] = ["run", "pipeline.toml", "--workers", "1", "--grant", "acme:paints=files:luts"];
const ASKS: &str = "permissions = [\"clock\", \"entropy\", \"files\"]";

/// A project whose pipeline runs a guest that asks for everything and insists on a file.
fn painting(lines: &str) -> Project {
    let project = Project::new();
    project.package("acme:paints", guests::WASI_PAINTS_WHAT_IT_FINDS, ASKS);
    project.write("luts/warm.bin", [7]);
    project.pipeline("acme:paints", lines);
    project
}

#[test]
fn the_first_use_tells_what_is_asked_and_what_is_given_and_later_ones_do_not() {
    let project = painting("");
    let (_, told) = project.succeeds(&RUN);
    assert_eq!(
        told.trim_end(),
        "warning: first use: `acme:paints@1.0.0` asks for clock, entropy, files, and is given nothing\n\
         hint: `zenith.toml` allows it with `\"acme:paints\" = [\"clock\", \"entropy\", \"files:FOLDER\"]` under \
         `[grants]`"
    );
    assert_eq!(project.succeeds(&RUN).1, "", "it was told once");
    let (_, told) = project.succeeds(&["run", "pipeline.toml", "--log", "info"]);
    assert!(told.starts_with("info: `acme:paints@1.0.0` asks for clock, entropy, files"), "{told}");
    // Other bytes are another plugin.
    project.package("acme:paints", guests::WASI_PAINTS_WHAT_IT_FINDS, "permissions = [\"files\"]");
    let (_, told) = project.succeeds(&GRANTED);
    assert_eq!(
        told.trim_end(),
        "warning: first use: `acme:paints@1.0.0` asks for files, and is given files:luts"
    );
}

#[test]
fn a_folder_is_read_only_where_the_manifest_asks_and_the_user_allows() {
    let project = painting("insist = true");
    let refused = |arguments: &[&str]| {
        let (_, err) = project.fails(arguments, 1);
        assert!(err.contains("`luts/warm.bin` cannot be read"), "{err}");
    };
    refused(&RUN);
    project.succeeds(&GRANTED);
    project.write("zenith.toml", "[grants]\n\"acme:paints\" = [\"files:luts\"]\n");
    project.succeeds(&RUN);
    // What the command line says of a plugin replaces what the file says of it.
    refused(&["run", "pipeline.toml", "--grant", "acme:paints=clock"]);
    // The other key: a plugin that does not ask is not given.
    fs::remove_file(project.path().join("zenith.toml")).unwrap();
    project.package("acme:paints", guests::WASI_PAINTS_WHAT_IT_FINDS, "");
    refused(&GRANTED);
    let (_, err) = project.fails(&GRANTED, 1);
    assert!(
        err.contains("warning: `acme:paints@1.0.0` does not ask for files, and is not given files:luts"),
        "{err}"
    );
}

#[test]
fn explain_marks_a_plugin_that_is_not_deterministic_and_one_that_asks_in_vain() {
    let project = painting("");
    let explain = |grants: &[&str]| {
        let grants = grants.iter().flat_map(|grant| ["--grant", grant]);
        let arguments: Vec<_> = ["explain", "pipeline.toml"].into_iter().chain(grants).collect();
        let (out, _) = project.succeeds(&arguments);
        let row = out.lines().find(|line| line.contains("acme:paints")).unwrap();
        (row.split("wasm").last().unwrap().trim().to_owned(), out.lines().next().unwrap()[..30].to_owned())
    };
    let (nothing, digest) = explain(&[]);
    assert_eq!(nothing, "→ uint8[16, 16, 3]  asks for clock, entropy, files, not given");
    let (clock, other) = explain(&["acme:paints=clock"]);
    assert_eq!(
        clock,
        "→ uint8[16, 16, 3]  not deterministic: given clock  asks for entropy, files, not given"
    );
    assert_ne!(digest, other, "a saved state of the one does not fit the other");
    let (files, _) = explain(&["acme:paints=files:luts"]);
    assert_eq!(
        files,
        "→ uint8[16, 16, 3]  depends on what it is given: files:luts  asks for clock, entropy, not given"
    );
}

#[test]
fn mistakes_in_grants_are_told_with_their_place() {
    let project = painting("");
    let (_, err) = project.fails(&["run", "pipeline.toml", "--grant", "acme:paints=gpu"], 2);
    assert!(err.contains("`gpu` is no permission"), "{err}");
    let (_, err) = project.fails(&["run", "pipeline.toml", "--grant", "acme:paint=clock"], 1);
    assert!(
        err.contains("a grant names the plugin `acme:paint`, which the pipeline does not use")
            && err.contains("hint: it uses")
            && err.contains("`acme:paints`"),
        "{err}"
    );
    let (_, err) = project.fails(&["run", "pipeline.toml", "--grant", "acme:paints=files:nowhere"], 1);
    assert!(err.contains("cannot open the folder `nowhere` that it may read"), "{err}");
    project.write("zenith.toml", "[grants]\n\"acme:paints\" = [\n\"network\"]\n");
    let (_, err) = project.fails(&RUN, 1);
    assert!(err.contains("zenith.toml` is wrong in line 2: `network` cannot be allowed"), "{err}");
}

#[test]
fn a_package_that_asks_for_what_there_is_not_is_refused() {
    let project = painting("");
    let mut bytes = support::packaged("acme:paints", guests::WASI_PAINTS_WHAT_IT_FINDS, ASKS);
    let at = bytes.windows(7).rposition(|part| part == b"\"files\"").unwrap();
    bytes[at..at + 7].copy_from_slice(b"\"disks\"");
    project.write(".zenith/registry/acme/paints/1.0.0.wasm", bytes);
    let (_, err) = project.fails(&RUN, 1);
    assert!(
        err.contains(
            "the plugin `acme:paints@1.0.0` is refused: its manifest is wrong: `disks` is no permission"
        ),
        "{err}"
    );
}

#[test]
fn each_limit_holds_whether_the_pipeline_sets_it_or_the_project() {
    for (guest, limit, told) in [
        (guests::TRANSFORM_ECHOES, "memory = \"64KiB\"", "more memory than its limit of 65536 bytes"),
        (guests::TRANSFORM_LOOPS_WHEN_CONFIGURED, "time = \"60ms\"", "longer than its time limit of 60ms"),
        (guests::TRANSFORM_ECHOES, "output = 767", "more than the limit of 767 bytes"),
        (guests::TRANSFORM_ECHOES, "instances = 1", "has 1 instances already, as many as its limit allows"),
    ] {
        let project = Project::new();
        project.package("acme:guest", guest, "");
        let run = ["run", "pipeline.toml", "--workers", "2"];
        // Twice, so that one worker needs two instances, whatever the other one does.
        let twice = |lines: &str| format!("{lines}\n\n[[operator]]\nmap = \"acme:guest\"\n{lines}");
        project.pipeline("acme:guest", &twice(&format!("limits = {{ {limit} }}")));
        let (_, err) = project.fails(&run, 1);
        assert!(err.contains(told), "{limit}: {err}");
        project.pipeline("acme:guest", &twice(""));
        project.write("zenith.toml", format!("[limits.\"acme:guest\"]\n{limit}\n"));
        let (_, err) = project.fails(&run, 1);
        assert!(err.contains(told), "{limit} in zenith.toml: {err}");
    }
}

#[test]
fn a_pipelines_limit_goes_before_the_projects_and_that_before_the_authors() {
    let project = Project::new();
    let time = |expected: &str| {
        let (_, err) = project.fails(&RUN, 1);
        assert!(err.contains(&format!("longer than its time limit of {expected}")), "{err}");
    };
    project.package("acme:slow", guests::TRANSFORM_LOOPS_WHEN_CONFIGURED, "limits = { time_ms = 50 }");
    project.pipeline("acme:slow", "");
    time("50ms");
    project.write("zenith.toml", "[limits.\"acme:slow\"]\ntime = \"80ms\"\n");
    time("80ms");
    project.pipeline("acme:slow", "limits = { time = 0.06 }");
    time("60ms");
}

#[test]
fn an_author_does_not_raise_a_limit_and_the_user_is_told_how_to() {
    let project = Project::new();
    let wish = "limits = { memory_bytes = 1073741824 }";
    project.package("acme:guest", guests::TRANSFORM_ECHOES, wish);
    project.pipeline("acme:guest", "");
    let (_, told) = project.succeeds(&RUN);
    assert_eq!(
        told.trim_end(),
        "warning: first use: `acme:guest@1.0.0` wishes memory = \"1024MiB\", and does without\n\
         hint: `zenith.toml` allows it with `memory = \"1024MiB\"` under `[limits.\"acme:guest\"]`"
    );
    let limit = |project: &Project| {
        let (out, _) = project.succeeds(&["plugin", "inspect", "acme:guest", "--json"]);
        let value: serde_json::Value = serde_json::from_str(&out).unwrap();
        value["limits_here"]["memory_bytes"].as_u64().unwrap()
    };
    assert_eq!(limit(&project), 256 << 20);
    project.write("zenith.toml", "[limits.\"acme:guest\"]\nmemory = \"1024MiB\"\n");
    assert_eq!(limit(&project), 1 << 30);
}

#[test]
fn what_a_plugin_does_wrong_is_told_with_its_name_the_sample_and_the_limit() {
    let project = Project::new();
    project.package("acme:bad", guests::TRANSFORM_MISBEHAVES, "");
    for (case, limits, told) in [
        ("allocate", "memory = \"16MiB\"", "asked for more memory than its limit of 16777216 bytes"),
        ("loop", "time = \"60ms\"", "ran longer than its time limit of 60ms"),
        ("descend", "", "trapped: its stack overflowed"),
        ("write-too-much", "", "it wrote more than the 768 bytes that its output type calls for"),
    ] {
        project.pipeline("acme:bad", &format!("case = \"{case}\"\nlimits = {{ {limits} }}"));
        let (_, err) = project.fails(&RUN, 1);
        assert!(err.contains("transform `acme:bad@1.0.0` failed on `photos/cat/a.jpg` (sample 0)"), "{err}");
        assert!(err.contains(told) && err.contains("hint: "), "{case}: {err}");
        let skipping: Vec<_> = RUN.into_iter().chain(["--on-error", "skip"]).collect();
        let (out, _) = project.succeeds(&skipping);
        assert!(out.starts_with("0 samples in ") && out.matches("skipped: ").count() == 3, "{out}");
    }
    project.pipeline("acme:bad", "case = \"log\"");
    let (_, err) = project.succeeds(&RUN);
    // Of each of three samples a hundred lines, and one that says so.
    assert_eq!(err.matches("` on `photos/").count(), 303, "{err}");
    assert_eq!(err.matches("further lines of this call are left out").count(), 3);
}
