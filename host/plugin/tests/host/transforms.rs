//! Transforms, well-behaved and hostile: one module or test for each guest, of the guest's name.

use crate::common::{BAD, GOOD, INPUT, apply, fault, load, short};
use zenith_core::{
    DType, Effect, Engine, Kind, Limits, OperatorError, Output, OutputError, TensorType, TensorView, Window,
};
use zenith_test_artifacts as guests;
use zenith_test_artifacts::assert_test_exists;

zenith_test_artifacts::foreach_transform!(assert_test_exists);

mod transform_echoes {
    use super::*;

    #[test]
    fn a_tensor_goes_in_and_comes_out() {
        let plugin = load(guests::TRANSFORM_ECHOES);
        assert_eq!((plugin.kind(), plugin.engine()), (Kind::Transform, Engine::Wasm));
        assert_eq!(plugin.identity().to_string(), "acme:guest@1.0.0");
        let mut transform = plugin.transform("{}", &Limits::default()).unwrap();
        assert_eq!(apply(&mut *transform, GOOD).unwrap(), INPUT);
        assert_eq!(apply(&mut *transform, BAD).unwrap(), INPUT);
    }

    #[test]
    fn a_plan_comes_back_as_the_plugin_made_it() {
        let plugin = load(guests::TRANSFORM_ECHOES);
        let mut transform = plugin.transform("{}", &Limits::default()).unwrap();
        let input = TensorType { dtype: DType::Bfloat16, shape: [None, Some(3)].into_iter().collect() };
        let expected = Effect {
            output: input.clone(),
            seeded: false,
            windowed: false,
            crop_only: false,
            reducible: false,
        };
        assert_eq!(transform.plan(&input).unwrap(), expected);
    }

    #[test]
    fn one_instance_serves_all_calls_and_its_memory_is_counted_while_it_lives() {
        let plugin = load(guests::TRANSFORM_ECHOES);
        assert_eq!(plugin.stats().memory, 0);
        let mut transform = plugin.transform("{}", &Limits::default()).unwrap();
        for _ in 0..100 {
            apply(&mut *transform, GOOD).unwrap();
        }
        let stats = plugin.stats();
        assert_eq!((stats.instances, stats.replaced), (1, 0));
        assert!((1 << 16..4 << 20).contains(&stats.memory), "{}", stats.memory);
        drop(transform);
        assert_eq!(plugin.stats().memory, 0);
    }

    #[test]
    fn a_large_tensor_passes_in_one_piece() {
        let plugin = load(guests::TRANSFORM_ECHOES);
        let mut transform = plugin.transform("{}", &Limits::default()).unwrap();
        let data: Vec<u8> = (0..40_u32 << 20).map(|index| index.to_le_bytes()[index as usize % 3]).collect();
        let extents = [u32::try_from(data.len()).unwrap()];
        let mut place = vec![0; data.len()];
        let input = TensorView::new(DType::Uint8, &extents, &data).unwrap();
        transform.apply(input, GOOD, &mut Output::place(&mut place)).unwrap();
        assert!(place == data);
    }

    #[test]
    fn an_input_larger_than_the_memory_limit_is_refused_and_the_next_sample_works() {
        let plugin = load(guests::TRANSFORM_ECHOES);
        let limits = Limits { memory: 8 << 20, ..Limits::default() };
        let mut transform = plugin.transform("{}", &limits).unwrap();
        let data = vec![0; 16 << 20];
        let mut place = vec![0; data.len()];
        let input = TensorView::new(DType::Uint8, &[16 << 20], &data).unwrap();
        let error = transform.apply(input, GOOD, &mut Output::place(&mut place)).unwrap_err();
        assert_eq!(error, OperatorError::MemoryLimit { limit: 8 << 20 });
        assert_eq!(apply(&mut *transform, GOOD).unwrap(), INPUT);
    }

    #[test]
    fn a_plugin_too_large_for_its_memory_limit_is_not_started() {
        let plugin = load(guests::TRANSFORM_ECHOES);
        let limits = Limits { memory: 1 << 16, ..Limits::default() };
        let error = plugin.transform("{}", &limits).err().unwrap();
        assert_eq!(error, OperatorError::MemoryLimit { limit: 1 << 16 });
        assert_eq!(plugin.stats().memory, 0);
    }

    #[test]
    fn a_transform_is_not_put_to_another_use() {
        let plugin = load(guests::TRANSFORM_ECHOES);
        let limits = Limits::default();
        let errors = [
            plugin.decoder("{}", &limits).err().unwrap(),
            plugin.sampler("{}", &limits).err().unwrap(),
            plugin.batch_transform("{}", &limits).err().unwrap(),
        ];
        assert_eq!(
            errors.map(|error| error.to_string()),
            [
                "the plugin could not be started: it is a transform, not a decoder",
                "the plugin could not be started: it is a transform, not a sampler",
                "the plugin could not be started: it is a transform, not a batch transform",
            ]
        );
    }

    #[test]
    fn no_more_instances_live_than_the_limit_allows_and_a_place_that_is_left_is_taken_again() {
        let plugin = load(guests::TRANSFORM_ECHOES);
        let limits = Limits { instances: 2, ..Limits::default() };
        let first = plugin.transform("{}", &limits).unwrap();
        let _second = plugin.transform("{}", &limits).unwrap();
        let error = plugin.transform("{}", &limits).err().unwrap();
        assert_eq!(error, OperatorError::InstanceLimit { limit: 2 });
        drop(first);
        let mut third = plugin.transform("{}", &limits).unwrap();
        assert_eq!(apply(&mut *third, GOOD).unwrap(), INPUT);
        assert_eq!(plugin.stats().alive, 2);
    }

    #[test]
    fn workers_run_their_own_instances_at_the_same_time() {
        let plugin = load(guests::TRANSFORM_ECHOES);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut transform = plugin.transform("{}", &Limits::default()).unwrap();
                    for _ in 0..100 {
                        assert_eq!(apply(&mut *transform, GOOD).unwrap(), INPUT);
                    }
                });
            }
        });
        assert_eq!(plugin.stats().instances, 4);
    }
}

#[test]
fn transform_traps() {
    let OperatorError::Trap { reason, backtrace } = fault(guests::TRANSFORM_TRAPS, &Limits::default()) else {
        panic!("another error");
    };
    assert!(reason.starts_with("it aborted, after it logged: panicked at "), "{reason}");
    assert!(reason.ends_with("this sample is not to my taste"), "{reason}");
    let first = backtrace.lines().next().unwrap();
    assert!(
        first.starts_with("0: ") && first.contains("::apply"),
        "names of functions are told: {backtrace}"
    );
    let error = OperatorError::Trap { reason, backtrace: backtrace.clone() };
    assert!(error.to_string().contains(&format!("\n  {first}")), "{error}");
}

#[test]
fn transform_loops_forever() {
    let limits = short();
    let error = fault(guests::TRANSFORM_LOOPS_FOREVER, &limits);
    assert_eq!(error, OperatorError::TimeLimit { limit: limits.time });
}

#[test]
fn transform_loops_when_configured() {
    let plugin = load(guests::TRANSFORM_LOOPS_WHEN_CONFIGURED);
    let limits = short();
    let error = plugin.transform("{}", &limits).err().unwrap();
    assert_eq!(error, OperatorError::TimeLimit { limit: limits.time });
    assert_eq!(plugin.stats().memory, 0);
}

#[test]
fn transform_allocates_without_bound() {
    let limits = Limits { memory: 32 << 20, ..Limits::default() };
    let error = fault(guests::TRANSFORM_ALLOCATES_WITHOUT_BOUND, &limits);
    assert_eq!(error, OperatorError::MemoryLimit { limit: 32 << 20 });
}

/// `componentize-py`, as of 0.25, never gives back the bytes that a plugin writes: after some 1700
/// images of 224×224 a plugin in Python was refused memory, and an epoch failed.
#[test]
fn transform_loses_memory() {
    let limits = Limits { memory: 16 << 20, ..Limits::default() };
    let plugin = load(guests::TRANSFORM_LOSES_MEMORY);
    let mut transform = plugin.transform("{}", &limits).unwrap();
    for call in 0..100 {
        assert!(apply(&mut *transform, GOOD).is_ok(), "call {call}");
    }
    let stats = plugin.stats();
    assert_eq!(stats.replaced, 0, "nothing went wrong");
    assert!((6..=20).contains(&stats.instances), "{stats:?}");
}

#[test]
fn transform_overflows_its_stack() {
    let error = fault(guests::TRANSFORM_OVERFLOWS_ITS_STACK, &Limits::default());
    let OperatorError::Trap { reason, backtrace } = error else { panic!("{error}") };
    assert_eq!(reason, "its stack overflowed");
    assert!(backtrace.contains("descend"), "{backtrace}");
    assert!(backtrace.lines().count() < 100, "a deep stack is told in part");
}

#[test]
fn transform_misbehaves() {
    let limits = Limits { memory: 16 << 20, ..short() };
    let error = |case: &str| {
        let plugin = load(guests::TRANSFORM_MISBEHAVES);
        let config = format!(r#"{{"case": "{case}"}}"#);
        let mut transform = plugin.transform(&config, &limits).unwrap();
        apply(&mut *transform, GOOD).err().map(|error| error.to_string())
    };
    for (case, told) in [
        ("allocate", "the plugin asked for more memory than its limit of 16777216 bytes"),
        ("loop", "the plugin ran longer than its time limit of 50ms"),
        ("descend", "the plugin trapped: its stack overflowed"),
        ("write-too-much", "the plugin's answer is wrong: it wrote more than the 8 bytes that"),
    ] {
        let error = error(case).unwrap();
        assert!(error.starts_with(told), "{case}: {error}");
    }
    assert_eq!(error("log"), None, "a flood of lines harms nobody");
}

#[test]
fn transform_grows_a_table() {
    let limits = Limits { memory: 8 << 20, ..Limits::default() };
    let error = fault(guests::TRANSFORM_GROWS_A_TABLE, &limits);
    assert_eq!(error, OperatorError::MemoryLimit { limit: 8 << 20 });
}

#[test]
fn transform_hoards_resources() {
    let error = fault(guests::TRANSFORM_HOARDS_RESOURCES, &Limits::default());
    let OperatorError::Trap { reason, .. } = error else { panic!("{error}") };
    assert!(reason.contains("handle limit exceeded"), "{reason}");
}

#[test]
fn transform_writes_too_much() {
    let error = fault(guests::TRANSFORM_WRITES_TOO_MUCH, &Limits::default());
    assert_eq!(error, OutputError::TooLong { expected: 8 }.into());
}

#[test]
fn transform_writes_too_little() {
    let error = fault(guests::TRANSFORM_WRITES_TOO_LITTLE, &Limits::default());
    assert_eq!(error, OutputError::TooShort { written: 7, expected: 8 }.into());
}

#[test]
fn transform_writes_buffer() {
    let plugin = load(guests::TRANSFORM_WRITES_BUFFER);
    let mut transform = plugin.transform("{}", &Limits::default()).unwrap();
    let planned = transform.plan(&TensorType::fixed(DType::Uint8, &[8])).unwrap().output;
    assert_eq!(planned, TensorType::fixed(DType::Float32, &[8]));
    let mut place = [1; 32];
    let input = TensorView::new(DType::Uint8, &[8], &INPUT).unwrap();
    transform.apply(input, GOOD, &mut Output::place(&mut place)).unwrap();
    assert_eq!(place, [0; 32]);
}

#[test]
fn transform_writes_nothing() {
    let error = fault(guests::TRANSFORM_WRITES_NOTHING, &Limits::default());
    assert_eq!(error, OutputError::TooShort { written: 0, expected: 8 }.into());
}

mod transform_declares_an_absurd_shape {
    use super::*;

    fn open(seed: u64) -> Result<(Vec<u32>, Vec<u8>), OperatorError> {
        let plugin = load(guests::TRANSFORM_DECLARES_AN_ABSURD_SHAPE);
        let mut transform = plugin.transform("{}", &Limits::default()).unwrap();
        let mut buffer = Vec::new();
        let mut output = Output::open(DType::Uint8, 1 << 20, &mut buffer);
        let input = TensorView::new(DType::Uint8, &[8], &INPUT).unwrap();
        transform.apply(input, seed, &mut output)?;
        let declared = output.declared().unwrap().to_vec();
        Ok((declared, buffer))
    }

    #[test]
    fn a_shape_that_fits_is_taken() {
        assert_eq!(open(GOOD).unwrap(), (vec![8], INPUT.to_vec()));
    }

    #[test]
    fn a_shape_beyond_the_output_limit_is_refused_and_nothing_is_allocated() {
        let expected = OutputError::ShapeTooLarge { shape: vec![u32::MAX; 4], limit: 1 << 20 };
        assert_eq!(open(BAD).unwrap_err(), expected.into());
    }

    #[test]
    fn a_shape_of_thousands_of_dimensions_ends_the_call() {
        let error = open(BAD + 1).unwrap_err();
        let OperatorError::Trap { reason, .. } = error else { panic!("{error}") };
        assert_eq!(reason, "it declared an output of 5000 dimensions, more than 16");
    }

    #[test]
    fn bytes_before_the_shape_are_refused() {
        assert_eq!(open(BAD + 2).unwrap_err(), OutputError::NoShape.into());
    }

    #[test]
    fn a_second_shape_is_refused() {
        assert_eq!(open(BAD + 3).unwrap_err(), OutputError::UnexpectedShape.into());
    }
}

mod transform_asks_for_a_window_outside {
    use super::*;

    #[test]
    fn the_window_is_refused_and_the_next_one_works() {
        let plugin = load(guests::TRANSFORM_ASKS_FOR_A_WINDOW_OUTSIDE);
        let mut transform = plugin.transform("{}", &Limits::default()).unwrap();
        assert!(transform.plan(&TensorType::fixed(DType::Uint8, &[6, 4, 3])).unwrap().crop_only);
        assert_eq!(transform.window(4, 6, GOOD).unwrap(), Window::full(4, 6));
        let error = transform.window(4, 6, BAD).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the plugin's answer is wrong: it asks for the window 4×6+1+0 of an image of 4×6 pixels"
        );
        assert_eq!(transform.window(4, 6, GOOD).unwrap(), Window::full(4, 6));
        assert_eq!(plugin.stats().replaced, 1);
    }
}

mod transform_errs {
    use super::*;

    #[test]
    fn each_error_comes_through_and_costs_no_instance() {
        let plugin = load(guests::TRANSFORM_ERRS);
        let mut transform = plugin.transform(r#"{"p": 0.1}"#, &Limits::default()).unwrap();
        let mut error = |seed| apply(&mut *transform, seed).unwrap_err();
        assert_eq!(error(0), OperatorError::InvalidData("byte 17 is wrong".into()));
        assert_eq!(error(1), OperatorError::UnsupportedData("it has twelve channels".into()));
        assert_eq!(error(2), OperatorError::TooLarge("it has 900 million pixels".into()));
        assert_eq!(error(3), OperatorError::InvalidState("it is of version 9".into()));
        assert_eq!(
            transform.plan(&TensorType::fixed(DType::Bool, &[2])).unwrap_err(),
            OperatorError::UnsupportedType("it takes nothing, and so not bool[2]".into())
        );
        assert_eq!((plugin.stats().instances, plugin.stats().replaced), (1, 0));
    }

    #[test]
    fn a_long_text_full_of_terminal_codes_is_cut_and_tamed() {
        let plugin = load(guests::TRANSFORM_ERRS);
        let mut transform = plugin.transform("{}", &Limits::default()).unwrap();
        let error = apply(&mut *transform, 9).unwrap_err();
        let OperatorError::InvalidData(text) = error else { panic!("{error}") };
        assert!(text.len() < 5000 && !text.contains('\u{1b}'));
    }

    #[test]
    fn a_wrong_configuration_names_its_key() {
        let plugin = load(guests::TRANSFORM_ERRS);
        for (config, expected) in [
            (r#"{"p": 1.5}"#, "`p` must be between 0 and 1, but is 1.5"),
            (r#"{"q": 1}"#, "`q` is wrong: unknown field `q`, expected `p`"),
        ] {
            let error = plugin.transform(config, &Limits::default()).err().unwrap();
            assert_eq!(error.to_string(), expected);
        }
        assert_eq!(plugin.stats().replaced, 0);
    }
}

mod transform_plans_nonsense {
    use super::*;

    fn plan(case: &str, input: &TensorType) -> OperatorError {
        let plugin = load(guests::TRANSFORM_PLANS_NONSENSE);
        let config = format!(r#"{{"case": "{case}"}}"#);
        let mut transform = plugin.transform(&config, &Limits::default()).unwrap();
        let error = transform.plan(input).unwrap_err();
        assert_eq!(plugin.stats().replaced, 1);
        error
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let image = TensorType::fixed(DType::Uint8, &[4, 5, 3]);
        let wrong = |case| plan(case, &image).to_string();
        assert_eq!(
            wrong("too many dimensions"),
            "the plugin's answer is wrong: it planned an output of 100 dimensions, more than 16"
        );
        assert_eq!(
            wrong("a crop without a window"),
            "the plugin's answer is wrong: it says that its window is its result, but not that it has a \
             window"
        );
        assert_eq!(
            wrong("a crop that casts"),
            "the plugin's answer is wrong: it says that it only crops, but makes float32[4, 5, 3] of \
             uint8[4, 5, 3]"
        );
        assert!(matches!(
            plan("too large", &image),
            OperatorError::Output(OutputError::ShapeTooLarge { limit: 0x4000_0000, .. })
        ));
    }

    #[test]
    fn only_what_has_rows_and_columns_has_a_window() {
        assert_eq!(
            plan("a window of a vector", &TensorType::fixed(DType::Uint8, &[4])).to_string(),
            "the plugin's answer is wrong: it asks for a window of uint8[4], which has no rows and columns"
        );
    }
}

mod transform_uses_relaxed_simd {
    use zenith_plugin::Problem;

    use super::*;

    #[test]
    fn it_is_refused_because_its_results_would_differ_from_cpu_to_cpu() {
        let bytes = guests::component(guests::TRANSFORM_USES_RELAXED_SIMD);
        let error = crate::common::host().load(guests::identity(&bytes), &bytes).err().unwrap();
        assert!(matches!(error.problem, Problem::Invalid { .. }));
        assert!(error.to_string().contains("relaxed SIMD"), "{error}");
        assert!(error.hint().unwrap().contains("deterministic"));
    }
}

mod transform_logs {
    use std::sync::Arc;

    use zenith_core::{FieldSpec, Reader, ReaderOptions, Source, SourceError, with_sample};

    use super::*;
    use crate::common::guest_lines;

    /// A source of which only the keys matter.
    struct Photographs;

    impl Source for Photographs {
        fn len(&self) -> u64 {
            10
        }

        fn fields(&self) -> &[FieldSpec] {
            &[]
        }

        fn key(&self, index: u64) -> String {
            format!("cat/{index}.jpg")
        }

        fn describe(&self) -> String {
            "photographs".into()
        }

        fn fingerprint(&self) -> u64 {
            0
        }

        fn reader(&self, _: &ReaderOptions) -> Result<Box<dyn Reader>, SourceError> {
            Err(SourceError::Option("nothing reads them".into()))
        }
    }

    fn lines(seed: u64) -> Vec<String> {
        let plugin = load(guests::TRANSFORM_LOGS);
        let mut transform = plugin.transform("{}", &Limits::default()).unwrap();
        let source: Arc<dyn Source> = Arc::new(Photographs);
        guest_lines(|| {
            with_sample(&source, 7, || apply(&mut *transform, seed).unwrap());
            if seed == GOOD {
                apply(&mut *transform, seed).unwrap();
            }
        })
    }

    #[test]
    fn lines_arrive_with_their_level_the_plugins_name_and_the_sample_at_hand() {
        let lines = lines(GOOD);
        let tail = r#"plugin="acme:guest@1.0.0" sample="cat/7.jpg" index=7"#;
        assert_eq!(lines[0], format!("ERROR zenith::guest: an error {tail}"));
        assert_eq!(lines[1], format!("WARN zenith::guest: a warning {tail}"));
        assert!(lines[2].starts_with("INFO zenith::guest: long long") && lines[2].len() < 5000);
        assert_eq!(lines[3], format!("DEBUG zenith::guest: one line or two {tail}"));
        assert_eq!(lines[4], r#"ERROR zenith::guest: an error plugin="acme:guest@1.0.0""#, "no sample");
    }

    #[test]
    fn a_flood_is_cut_off_with_a_word() {
        let lines = lines(BAD);
        assert_eq!(lines.len(), 101);
        assert!(lines[100].contains("further lines of this call are left out"), "{}", lines[100]);
    }
}
