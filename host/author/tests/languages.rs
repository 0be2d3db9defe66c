//! Every template, from its files to what the component answers: built by the language's own compiler,
//! run in the host on the golden samples that it comes with, and, for the transforms, on an image beside
//! the same computation in Rust.
//!
//! A language whose compiler is missing here is left out, by name and with the reason. The crates of Rust
//! plugins come from where cargo has them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
#![expect(clippy::print_stdout, reason = "a test says what it left out, and what it measured")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};

use serde_json::Value;
use zenith_author::{
    Language, Project,
    build::{self, BuildError, BuildOptions, Built},
    kind_word,
    template::{self, NewPlugin},
};
use zenith_core::{
    Decision, DecodeRequest, Identity, Kind, Limits, Nodes, OperatorError, Output, Placement, Plugin,
    Population, Reason, Round, RunningTasks, TensorType, TensorView, Transform, WaitingJobs, Window,
};
use zenith_plugin::{CacheOption, Host, HostOptions};

/// What cargo keeps between runs, so that compilers find what they made before.
fn kept() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("languages")
}

/// A new plugin's folder. One that is there from an earlier run is brought up to date, and files that are
/// as they should be keep their time.
fn project(language: Language, kind: Kind) -> Project {
    let word = format!("{}-{}", language.word(), kind_word(kind));
    let folder = kept().join(&word);
    let plugin = NewPlugin { name: format!("test:{word}").parse().unwrap(), language, kind };
    for (path, contents) in template::render(&plugin).unwrap() {
        let file = folder.join(path);
        if fs::read(&file).ok().as_ref() != Some(&contents) {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, contents).unwrap();
        }
    }
    Project::open(&folder).unwrap()
}

/// Compilers take a processor and more each, and share folders.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Lets plugins in JavaScript that use the same tool share it: it is 200 MB of npm packages, which the
/// transform's first build fetches.
fn share_packages(kind: Kind) -> Option<()> {
    let shared = project(Language::JavaScript, kind).folder().join("node_modules");
    if !shared.exists() {
        built(Language::JavaScript, Kind::Transform)?;
        let fetched = project(Language::JavaScript, Kind::Transform).folder().join("node_modules");
        std::os::unix::fs::symlink(fetched, shared).unwrap();
    }
    Some(())
}

/// Builds a template, or says why it is left out here.
fn built(language: Language, kind: Kind) -> Option<Built> {
    if language == Language::JavaScript && matches!(kind, Kind::Decoder | Kind::BatchTransform) {
        share_packages(kind)?;
    }
    let _turn = ONE_AT_A_TIME.lock();
    let options = BuildOptions {
        // Rust plugins share what they depend on; the others' folders are their own.
        target_dir: (language == Language::Rust).then(|| kept().join("target")),
        quiet: true,
        ..BuildOptions::default()
    };
    match build::build(&project(language, kind), &options) {
        Ok(built) => Some(built),
        Err(BuildError::MissingTool(missing)) => {
            println!("left out: a {kind} in {language}: {missing}");
            None
        }
        Err(error) => panic!("a {kind} in {language}: {error}"),
    }
}

fn load(built: &Built) -> Arc<dyn Plugin> {
    static HOST: OnceLock<Host> = OnceLock::new();
    let cache = CacheOption::Dir(kept().join("compiled"));
    let host = HOST.get_or_init(|| Host::new(HostOptions { cache }).unwrap());
    let identity = Identity {
        name: built.manifest.name.clone(),
        version: built.manifest.version.to_string(),
        digest: built.digest,
    };
    host.load(identity, &built.bytes).unwrap()
}

/// The golden samples of a template: the folder and the content of each.
fn golden(language: Language, kind: Kind) -> Vec<(PathBuf, Value)> {
    let folder = project(language, kind).folder().join("golden");
    let mut cases: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let folder = entry.unwrap().path();
            let case = serde_json::from_slice(&fs::read(folder.join("case.json")).unwrap()).unwrap();
            (folder, case)
        })
        .collect();
    cases.sort_by(|(one, _), (other, _)| one.cmp(other));
    assert!(!cases.is_empty());
    cases
}

/// A tensor of a golden sample: its type, its extents, its bytes.
fn tensor(folder: &Path, case: &Value) -> (TensorType, Vec<u32>, Vec<u8>) {
    let shape: Vec<u32> = serde_json::from_value(case["shape"].clone()).unwrap();
    let dtype = serde_json::from_value(case["dtype"].clone()).unwrap();
    (TensorType::fixed(dtype, &shape), shape, file(folder, case))
}

fn file(folder: &Path, case: &Value) -> Vec<u8> {
    fs::read(folder.join(case["file"].as_str().unwrap())).unwrap()
}

fn apply(transform: &mut dyn Transform, input: TensorView<'_>) -> Result<Vec<u8>, OperatorError> {
    let planned = transform.plan(&input.tensor_type())?.output;
    let mut place = vec![0; planned.byte_len().unwrap()];
    let mut output = Output::place(&mut place);
    transform.apply(input, 0, &mut output)?;
    output.finish()?;
    Ok(place)
}

/// What all templates of a transform compute, once more in Rust.
fn solarized(data: &[u8], threshold: u16) -> Vec<u8> {
    data.iter().map(|value| if u16::from(*value) >= threshold { 255 - value } else { *value }).collect()
}

/// An image of the size that networks take, with every value in it.
fn image() -> Vec<u8> {
    (0..224 * 224 * 3_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// The median time of a call.
fn time(transform: &mut dyn Transform, input: TensorView<'_>) -> Duration {
    let mut place = vec![0; input.data().len()];
    let mut times: Vec<_> = (0..101)
        .map(|_| {
            let started = Instant::now();
            transform.apply(input, 0, &mut Output::place(&mut place)).unwrap();
            started.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

fn a_transform_holds(language: Language) {
    let Some(built) = built(language, Kind::Transform) else { return };
    let plugin = load(&built);
    for (folder, case) in golden(language, Kind::Transform) {
        let (_, shape, data) = tensor(&folder, &case["input"]);
        let (_, _, expected) = tensor(&folder, &case["output"]);
        let mut transform = plugin.transform(&case["config"].to_string(), &Limits::default()).unwrap();
        let input = TensorView::new(zenith_core::DType::Uint8, &shape, &data).unwrap();
        assert_eq!(apply(&mut *transform, input).unwrap(), expected, "{}", folder.display());
    }

    let data = image();
    let input = TensorView::new(zenith_core::DType::Uint8, &[224, 224, 3], &data).unwrap();
    let mut transform = plugin.transform(r#"{"threshold": 100}"#, &Limits::default()).unwrap();
    for _ in 0..3 {
        assert!(apply(&mut *transform, input).unwrap() == solarized(&data, 100), "other pixels than Rust's");
    }
    let effect = transform.plan(&input.tensor_type()).unwrap();
    assert!(!effect.seeded && !effect.windowed, "{effect:?}");
    let time = time(&mut *transform, input);
    println!("measured: {language}: {} bytes, {} ns for 224×224×3", built.bytes.len(), time.as_nanos());

    // A key that is out of range, of another type, and one that there is not.
    for wrong in [r#"{"threshold": 257}"#, r#"{"threshold": "high"}"#, r#"{"threshold": null}"#] {
        match plugin.transform(wrong, &Limits::default()).err() {
            Some(OperatorError::Config { key, .. }) => assert_eq!(key, "threshold", "{wrong}"),
            other => panic!("{wrong} came to {other:?}"),
        }
    }
    let error = plugin.transform(r#"{"thresold": 3}"#, &Limits::default()).err().unwrap();
    assert!(
        matches!(error, OperatorError::Config { .. }) && error.to_string().contains("thresold"),
        "{error}"
    );
    let nested = plugin.transform(r#"{"a": [1, {"b": "]}"}]}"#, &Limits::default()).err().unwrap();
    assert!(matches!(nested, OperatorError::Config { .. }), "{nested}");
    // White space and an explicit default are fine.
    plugin.transform(" { \"threshold\" : 128 } ", &Limits::default()).unwrap();

    let grey = TensorView::new(zenith_core::DType::Uint8, &[2, 2, 1], &[0; 4]).unwrap();
    let error = apply(&mut *transform, grey).unwrap_err();
    assert!(matches!(error, OperatorError::UnsupportedType(_)), "{error}");
    assert_eq!(apply(&mut *transform, input).unwrap().len(), data.len(), "an error costs no instance");
    assert_eq!(plugin.stats().replaced, 0);
}

#[test]
fn a_transform_in_rust_gives_the_pixels_of_its_reference() {
    a_transform_holds(Language::Rust);
}

#[test]
fn a_transform_in_c_gives_the_pixels_of_its_reference() {
    a_transform_holds(Language::C);
}

#[test]
fn a_transform_in_cpp_gives_the_pixels_of_its_reference() {
    a_transform_holds(Language::Cpp);
}

#[test]
fn a_transform_in_go_gives_the_pixels_of_its_reference() {
    a_transform_holds(Language::Go);
}

#[test]
fn a_transform_in_zig_gives_the_pixels_of_its_reference() {
    a_transform_holds(Language::Zig);
}

#[test]
fn a_transform_in_python_gives_the_pixels_of_its_reference() {
    a_transform_holds(Language::Python);
}

#[test]
fn a_transform_in_javascript_gives_the_pixels_of_its_reference() {
    a_transform_holds(Language::JavaScript);
}

#[test]
fn a_plugin_in_c_or_zig_imports_nothing_of_a_system() {
    for language in [Language::C, Language::Cpp, Language::Zig] {
        if let Some(built) = built(language, Kind::Transform) {
            let foreign: Vec<_> =
                built.imports.iter().filter(|name| !name.starts_with("zenith:plugin/")).collect();
            assert!(foreign.is_empty(), "{language} imports {foreign:?}");
        }
    }
}

fn a_decoder_holds(language: Language) {
    let Some(built) = built(language, Kind::Decoder) else { return };
    let plugin = load(&built);
    for (folder, case) in golden(language, Kind::Decoder) {
        let data = file(&folder, &case["input"]);
        let (_, shape, expected) = tensor(&folder, &case["output"]);
        let mut decoder = plugin.decoder(&case["config"].to_string(), &Limits::default()).unwrap();
        let header = decoder.open(&data).unwrap();
        assert_eq!((header.height, header.width), (shape[0], shape[1]));
        let mut decode = |window: Window| {
            let mut place = vec![0; (window.width * window.height * 3) as usize];
            let mut output = Output::place(&mut place);
            decoder.decode(&data, DecodeRequest { window, reduction: 1 }, &mut output).unwrap();
            output.finish().unwrap();
            place
        };
        assert_eq!(decode(Window::full(shape[1], shape[0])), expected);
        let row = shape[1] as usize * 3;
        assert_eq!(decode(Window { x: 1, y: 2, width: 2, height: 1 }), expected[2 * row + 3..2 * row + 9]);
    }
    let mut decoder = plugin.decoder("{}", &Limits::default()).unwrap();
    assert!(matches!(decoder.open(b"P6 1 1 255 "), Err(OperatorError::InvalidData(_))));
    assert!(matches!(decoder.open(b"\xff\xd8"), Err(OperatorError::InvalidData(_))));
}

fn a_batch_transform_holds(language: Language) {
    let Some(built) = built(language, Kind::BatchTransform) else { return };
    let plugin = load(&built);
    for (folder, case) in golden(language, Kind::BatchTransform) {
        let tensors = |key: &str| -> Vec<_> {
            case[key].as_array().unwrap().iter().map(|case| tensor(&folder, case)).collect()
        };
        let (inputs, expected) = (tensors("inputs"), tensors("outputs"));
        let mut blend = plugin.batch_transform(&case["config"].to_string(), &Limits::default()).unwrap();
        let types: Vec<_> = inputs.iter().map(|(planned, ..)| planned.clone()).collect();
        assert_eq!(blend.plan(&types).unwrap().outputs, types);
        let views: Vec<_> = inputs
            .iter()
            .map(|(planned, shape, data)| TensorView::new(planned.dtype, shape, data).unwrap())
            .collect();
        let mut places: Vec<_> = inputs.iter().map(|(_, _, data)| vec![0; data.len()]).collect();
        let mut outputs: Vec<_> = places.iter_mut().map(|place| Output::place(place)).collect();
        blend.apply(&views, 0, &mut outputs).unwrap();
        drop(outputs);
        for (place, (_, _, expected)) in places.iter().zip(&expected) {
            assert_eq!(place, expected);
        }
    }
}

fn a_sampler_holds(language: Language) {
    let Some(built) = built(language, Kind::Sampler) else { return };
    let plugin = load(&built);
    for (folder, case) in golden(language, Kind::Sampler) {
        let number = |key: &str| case["population"][key].as_u64().unwrap();
        let population = Population {
            length: number("length"),
            epoch: number("epoch"),
            seed: number("seed"),
            rank: number("rank").try_into().unwrap(),
            world_size: number("world_size").try_into().unwrap(),
        };
        let expected: Vec<u64> = serde_json::from_value(case["indices"].clone()).unwrap();
        for limit in [1, 100] {
            let mut sampler = plugin.sampler(&case["config"].to_string(), &Limits::default()).unwrap();
            assert_eq!(sampler.start(population).unwrap(), expected.len() as u64);
            let mut run = Vec::new();
            while run.len() < expected.len() {
                sampler.next(limit, &mut run).unwrap();
            }
            assert_eq!(run, expected, "{}", folder.display());
        }
    }
}

/// The columns of a golden round, each by its name.
struct Columns<'a>(&'a Value);

impl Columns<'_> {
    fn get<T: serde::de::DeserializeOwned>(&self, name: &str) -> Vec<T> {
        serde_json::from_value(self.0[name].clone()).unwrap()
    }
}

fn round(case: &Value) -> Round {
    let (waiting, nodes) = (Columns(&case["waiting"]), Columns(&case["nodes"]));
    Round {
        now: case["now"].as_u64().unwrap(),
        waiting: WaitingJobs {
            id: waiting.get("id"),
            user: waiting.get("user"),
            priority: waiting.get("priority"),
            waited: waiting.get("waited"),
            tasks: waiting.get("tasks"),
            cpus: waiting.get("cpus"),
            memory: waiting.get("memory"),
            gpus: waiting.get("gpus"),
            time_limit: waiting.get("time_limit"),
        },
        nodes: Nodes {
            id: nodes.get("id"),
            cpus: nodes.get("cpus"),
            cpus_free: nodes.get("cpus_free"),
            memory: nodes.get("memory"),
            memory_free: nodes.get("memory_free"),
            gpus: nodes.get("gpus"),
            gpus_free: nodes.get("gpus_free"),
            labels: nodes.get("labels"),
        },
        running: RunningTasks::default(),
    }
}

fn a_policy_holds(language: Language) {
    let Some(built) = built(language, Kind::Policy) else { return };
    let plugin = load(&built);
    for (folder, case) in golden(language, Kind::Policy) {
        let mut policy = plugin.policy(&case["config"].to_string(), &Limits::default()).unwrap();
        let list = |key: &str| case["decision"][key].as_array().unwrap().clone();
        let number = |row: &Value, key: &str| row[key].as_u64().unwrap();
        let expected = Decision {
            placements: list("placements")
                .iter()
                .map(|row| Placement {
                    job: number(row, "job"),
                    node: number(row, "node").try_into().unwrap(),
                })
                .collect(),
            preemptions: list("preemptions").iter().map(|row| row.as_u64().unwrap()).collect(),
            reasons: list("reasons")
                .iter()
                .map(|row| Reason { job: number(row, "job"), text: row["text"].as_str().unwrap().to_owned() })
                .collect(),
        };
        assert_eq!(policy.decide(&round(&case["round"])).unwrap(), expected, "{}", folder.display());
    }
}

#[test]
fn the_tests_that_rust_templates_come_with_pass() {
    let _turn = ONE_AT_A_TIME.lock();
    for (_, kind) in template::combinations().into_iter().filter(|(language, _)| *language == Language::Rust)
    {
        let mut cargo = Command::new("cargo");
        // What a coverage run sets is for the machine's own code.
        for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_TARGET"]
        {
            cargo.env_remove(name);
        }
        cargo.args(["test", "--quiet", "--lib", "--target-dir"]).arg(kept().join("native"));
        let done = cargo.current_dir(project(Language::Rust, kind).folder()).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success(), "{kind}: {said}{}", String::from_utf8_lossy(&done.stderr));
        assert!(said.contains("test result: ok") && !said.contains(" 0 passed"), "{kind}: {said}");
    }
}

#[test]
fn a_decoder_in_rust_gives_its_golden_pixels_and_any_window_of_them() {
    a_decoder_holds(Language::Rust);
}

#[test]
fn a_decoder_in_python_gives_its_golden_pixels_and_any_window_of_them() {
    a_decoder_holds(Language::Python);
}

#[test]
fn a_decoder_in_javascript_gives_its_golden_pixels_and_any_window_of_them() {
    a_decoder_holds(Language::JavaScript);
}

#[test]
fn a_batch_transform_in_rust_gives_its_golden_tensors() {
    a_batch_transform_holds(Language::Rust);
}

#[test]
fn a_batch_transform_in_python_gives_its_golden_tensors() {
    a_batch_transform_holds(Language::Python);
}

#[test]
fn a_batch_transform_in_javascript_gives_its_golden_tensors() {
    a_batch_transform_holds(Language::JavaScript);
}

#[test]
fn a_sampler_in_rust_gives_its_golden_indices_in_runs_of_any_length() {
    a_sampler_holds(Language::Rust);
}

#[test]
fn a_sampler_in_python_gives_its_golden_indices_in_runs_of_any_length() {
    a_sampler_holds(Language::Python);
}

#[test]
fn a_sampler_in_javascript_gives_its_golden_indices_in_runs_of_any_length() {
    a_sampler_holds(Language::JavaScript);
}

#[test]
fn a_policy_in_rust_makes_its_golden_decision() {
    a_policy_holds(Language::Rust);
}

#[test]
fn a_policy_in_python_makes_its_golden_decision() {
    a_policy_holds(Language::Python);
}

#[test]
fn a_policy_in_javascript_makes_its_golden_decision() {
    a_policy_holds(Language::JavaScript);
}

#[test]
fn a_guest_that_does_not_compile_is_told_in_the_compilers_words_with_the_authors_file_and_line() {
    let cases = [
        (Language::C, "src/plugin.c", "src/plugin.c:2:1: error"),
        (Language::Zig, "src/plugin.zig", "src/plugin.zig:2:"),
        (
            Language::Go,
            "export_zenith_plugin_transform/plugin.go",
            "export_zenith_plugin_transform/plugin.go:2:",
        ),
    ];
    for (language, source, place) in cases {
        let folder = tempfile::tempdir().unwrap();
        let name = "test:broken".parse().unwrap();
        let whole = folder.path().join("broken");
        template::create(&NewPlugin { name, language, kind: Kind::Transform }, &whole).unwrap();
        fs::write(whole.join(source), "\nthis is not a program\n").unwrap();
        let options = BuildOptions { quiet: true, ..BuildOptions::default() };
        let error = build::build(&Project::open(&whole).unwrap(), &options).unwrap_err();
        if let BuildError::MissingTool(missing) = &error {
            println!("left out: {language}: {missing}");
            continue;
        }
        assert!(matches!(error, BuildError::Tool(_)), "{language}: {error}");
        let error = error.to_string();
        let said = error.strip_prefix("the plugin does not compile:\n").unwrap_or_else(|| panic!("{error}"));
        assert!(said.contains(place), "{language}: {said}");
        assert!(!whole.join("broken.wasm").exists());
    }
}

#[test]
fn a_manifest_of_another_kind_than_the_code_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("mixed");
    let name = "test:mixed".parse().unwrap();
    template::create(&NewPlugin { name, language: Language::C, kind: Kind::Transform }, &whole).unwrap();
    let manifest = fs::read_to_string(whole.join("plugin.toml")).unwrap();
    fs::write(whole.join("plugin.toml"), manifest.replace("\"transform\"", "\"sampler\"")).unwrap();
    let options = BuildOptions { quiet: true, ..BuildOptions::default() };
    match build::build(&Project::open(&whole).unwrap(), &options).unwrap_err() {
        BuildError::MissingTool(missing) => println!("left out: {missing}"),
        // The bindings are those of a sampler, which the code knows nothing of.
        error => assert!(error.to_string().contains("src/"), "{error}"),
    }
}
