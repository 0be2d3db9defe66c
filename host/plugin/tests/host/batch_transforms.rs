//! Batch transforms, well-behaved and hostile: one module for each guest, of the guest's name.

use crate::common::{BAD, load};
use zenith_core::{
    BatchTransform, DType, Limits, OperatorError, Output, OutputError, TensorType, TensorView,
};
use zenith_test_artifacts as guests;
use zenith_test_artifacts::assert_test_exists;

zenith_test_artifacts::foreach_batch_transform!(assert_test_exists);

mod batch_transform_adds {
    use super::*;

    fn apply(
        transform: &mut dyn BatchTransform,
        seed: u64,
        images: &mut [u8],
        labels: &mut [u8],
    ) -> Result<(), OperatorError> {
        let inputs = [
            TensorView::new(DType::Uint8, &[2, 3], &[1, 2, 3, 4, 5, 6]).unwrap(),
            TensorView::new(DType::Uint8, &[2], &[10, 20]).unwrap(),
        ];
        transform.apply(&inputs, seed, &mut [Output::place(images), Output::place(labels)])
    }

    #[test]
    fn all_fields_of_a_batch_go_in_and_come_out() {
        let plugin = load(guests::BATCH_TRANSFORM_ADDS);
        let mut transform = plugin.batch_transform("{}", &Limits::default()).unwrap();
        let types = [TensorType::fixed(DType::Uint8, &[2, 3]), TensorType::fixed(DType::Uint8, &[2])];
        let effect = transform.plan(&types).unwrap();
        assert_eq!((&effect.outputs[..], effect.seeded), (&types[..], true));
        let (mut images, mut labels) = ([0; 6], [0; 2]);
        apply(&mut *transform, 1, &mut images, &mut labels).unwrap();
        assert_eq!((images, labels), ([2, 3, 4, 5, 6, 7], [11, 21]));
    }

    #[test]
    fn a_trap_costs_one_batch() {
        let plugin = load(guests::BATCH_TRANSFORM_ADDS);
        let mut transform = plugin.batch_transform("{}", &Limits::default()).unwrap();
        let (mut images, mut labels) = ([0; 6], [0; 2]);
        let error = apply(&mut *transform, BAD, &mut images, &mut labels).unwrap_err();
        assert!(matches!(error, OperatorError::Trap { .. }), "{error}");
        apply(&mut *transform, 0, &mut images, &mut labels).unwrap();
        assert_eq!(labels, [10, 20]);
        assert_eq!(plugin.stats().replaced, 1);
    }

    #[test]
    fn a_place_that_stays_empty_is_told() {
        let plugin = load(guests::BATCH_TRANSFORM_ADDS);
        let mut transform = plugin.batch_transform("{}", &Limits::default()).unwrap();
        let (mut images, mut labels) = ([0; 6], [0; 3]);
        let error = apply(&mut *transform, 1, &mut images, &mut labels).unwrap_err();
        assert_eq!(error, OutputError::TooShort { written: 2, expected: 3 }.into());
    }
}

mod batch_transform_plans_too_few {
    use super::*;

    #[test]
    fn a_plan_must_have_an_output_for_each_input_and_each_an_extent_for_the_batch() {
        let plugin = load(guests::BATCH_TRANSFORM_PLANS_TOO_FEW);
        let mut transform = plugin.batch_transform("{}", &Limits::default()).unwrap();
        let field = TensorType::fixed(DType::Uint8, &[2]);
        let mut wrong = |inputs: &[TensorType]| transform.plan(inputs).unwrap_err().to_string();
        assert_eq!(
            wrong(&[field.clone(), field.clone()]),
            "the plugin's answer is wrong: it plans 1 outputs for 2 inputs"
        );
        assert_eq!(
            wrong(&[field]),
            "the plugin's answer is wrong: it plans uint8[], which has no extent for the batch"
        );
    }
}
