//! Decoders, well-behaved and hostile: one module for each guest, of the guest's name.

use crate::common::load;
use zenith_core::{DType, Decode, DecodeRequest, Limits, OperatorError, Output, TensorType, Window};
use zenith_test_artifacts as guests;
use zenith_test_artifacts::assert_test_exists;

zenith_test_artifacts::foreach_decoder!(assert_test_exists);

fn decode(
    decoder: &mut dyn Decode,
    data: &[u8],
    request: DecodeRequest,
    length: usize,
) -> Result<Vec<u8>, OperatorError> {
    let mut place = vec![0; length];
    decoder.decode(data, request, &mut Output::place(&mut place))?;
    Ok(place)
}

mod decoder_echoes {
    use super::*;

    /// Four columns and three rows.
    const SAMPLE: &[u8] = &[4, 3, 0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23];

    #[test]
    fn it_tells_its_formats_and_its_plan() {
        let plugin = load(guests::DECODER_ECHOES);
        let mut decoder = plugin.decoder("{}", &Limits::default()).unwrap();
        let formats = decoder.formats().unwrap();
        assert_eq!(formats[0].media_type, "image/x-raw");
        assert_eq!(
            (&formats[0].extensions[..], &formats[0].magic[..]),
            (&["raw".to_owned()][..], &b"RW"[..])
        );
        let planned = TensorType { dtype: DType::Uint8, shape: [None, None, Some(1)].into_iter().collect() };
        assert_eq!(decoder.plan().unwrap(), planned);
    }

    #[test]
    fn an_open_sample_gives_windows_and_reductions_of_itself() {
        let plugin = load(guests::DECODER_ECHOES);
        let mut decoder = plugin.decoder("{}", &Limits::default()).unwrap();
        let header = decoder.open(SAMPLE).unwrap();
        assert_eq!((header.width, header.height, header.orientation), (4, 3, 1));
        assert_eq!(header.reductions, [2]);
        let window = Window { x: 1, y: 1, width: 2, height: 2 };
        let request = DecodeRequest { window, reduction: 1 };
        assert_eq!(decode(&mut *decoder, SAMPLE, request, 4).unwrap(), [11, 12, 21, 22]);
        let request = DecodeRequest { window: Window::full(4, 3), reduction: 2 };
        assert_eq!(decode(&mut *decoder, SAMPLE, request, 4).unwrap(), [0, 2, 20, 22]);
    }

    #[test]
    fn damaged_data_spoils_the_sample_and_not_the_instance() {
        let plugin = load(guests::DECODER_ECHOES);
        let mut decoder = plugin.decoder("{}", &Limits::default()).unwrap();
        let error = decoder.open(&[4]).unwrap_err();
        assert_eq!(error, OperatorError::InvalidData("it ends early, at byte 1".into()));
        assert!(decoder.open(SAMPLE).is_ok());
        assert_eq!((plugin.stats().instances, plugin.stats().replaced), (1, 0));
    }
}

mod decoder_traps {
    use super::*;

    const WHOLE: DecodeRequest = DecodeRequest { window: Window::full(1, 1), reduction: 1 };

    #[test]
    fn a_trap_in_open_costs_the_instance_and_the_next_sample_works() {
        let plugin = load(guests::DECODER_TRAPS);
        let mut decoder = plugin.decoder("{}", &Limits::default()).unwrap();
        assert!(matches!(decoder.open(&[]), Err(OperatorError::Trap { .. })));
        decoder.open(&[7]).unwrap();
        assert_eq!(decode(&mut *decoder, &[7], WHOLE, 3).unwrap(), [7; 3]);
        assert_eq!((plugin.stats().instances, plugin.stats().replaced), (2, 1));
    }

    #[test]
    fn after_a_trap_in_decode_the_sample_is_opened_again_for_its_next_window() {
        let plugin = load(guests::DECODER_TRAPS);
        let mut decoder = plugin.decoder("{}", &Limits::default()).unwrap();
        decoder.open(&[9]).unwrap();
        let halved = DecodeRequest { reduction: 2, ..WHOLE };
        assert!(matches!(decode(&mut *decoder, &[9], halved, 3), Err(OperatorError::Trap { .. })));
        assert_eq!(decode(&mut *decoder, &[9], WHOLE, 3).unwrap(), [9; 3]);
    }

    #[test]
    fn a_place_of_another_size_is_told() {
        let plugin = load(guests::DECODER_TRAPS);
        let mut decoder = plugin.decoder("{}", &Limits::default()).unwrap();
        decoder.open(&[9]).unwrap();
        assert!(matches!(decode(&mut *decoder, &[9], WHOLE, 4), Err(OperatorError::Output(_))));
    }
}

mod decoder_answers_nonsense {
    use super::*;

    #[test]
    fn impossible_headers_are_refused_and_possible_ones_taken() {
        let plugin = load(guests::DECODER_ANSWERS_NONSENSE);
        let mut decoder = plugin.decoder("{}", &Limits::default()).unwrap();
        let mut wrong = |header: &[u8]| decoder.open(header).unwrap_err().to_string();
        assert_eq!(
            wrong(&[0, 0, 1, 2]),
            "the plugin's answer is wrong: its header tells an image of 0×0 pixels"
        );
        assert_eq!(
            wrong(&[1, 1, 9, 2]),
            "the plugin's answer is wrong: its header tells the orientation 9, which is not 1 to 8"
        );
        assert_eq!(
            wrong(&[1, 1, 1, 3]),
            "the plugin's answer is wrong: its header tells the reduction 3, which is not 2, 4, 8, …"
        );
        assert!(decoder.open(&[1, 1, 8, 4]).is_ok());
        assert_eq!(plugin.stats().replaced, 3);
    }

    #[test]
    fn a_format_without_a_beginning_and_a_plan_without_rows_are_refused() {
        let plugin = load(guests::DECODER_ANSWERS_NONSENSE);
        let mut decoder = plugin.decoder("{}", &Limits::default()).unwrap();
        assert!(matches!(decoder.formats(), Err(OperatorError::Answer(_))));
        assert!(matches!(decoder.plan(), Err(OperatorError::Answer(_))));
    }
}
