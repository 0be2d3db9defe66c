//! A decoder that runs as a component.

use std::slice;

use wasmtime::component::Resource;
use zenith_core::{Decode, DecodeRequest, Format, Header, Limits, OperatorError, Output, TensorType};

use crate::{
    bindings::{exports::zenith::plugin::decoder as wit, zenith::plugin::types},
    convert::{self, nonsense},
    instance::Guest,
    text::tame,
    wasi::NO_SEED,
};

/// Formats, extensions of one format, or reductions that a decoder may name.
const MAX_NAMED: usize = 64;

/// The adapter from a decoder's component to the host's trait.
pub(crate) struct WasmDecoder {
    guest: Guest<wit::Guest>,
    /// Which instance has the sample open.
    open_in: Option<u64>,
}

impl WasmDecoder {
    pub(crate) fn new(guest: Guest<wit::Guest>) -> Self {
        Self { guest, open_in: None }
    }
}

impl Decode for WasmDecoder {
    fn formats(&mut self) -> Result<Vec<Format>, OperatorError> {
        let formats = self
            .guest
            .call(|live| live.interface.instance().call_formats(&mut live.store, live.resource).map(Ok))?;
        let checked = checked_formats(formats);
        self.guest.judge(checked)
    }

    fn plan(&mut self) -> Result<TensorType, OperatorError> {
        let planned =
            self.guest.call(|live| live.interface.instance().call_plan(&mut live.store, live.resource))?;
        let checked = checked_plan(planned, self.guest.limits());
        self.guest.judge(checked)
    }

    fn open(&mut self, data: &[u8]) -> Result<Header, OperatorError> {
        self.open_in = None;
        let header = self
            .guest
            .call(|live| live.interface.instance().call_open(&mut live.store, live.resource, data))?;
        let header = self.guest.judge(checked_header(header))?;
        self.open_in = Some(self.guest.born());
        Ok(header)
    }

    fn decode(
        &mut self,
        data: &[u8],
        request: DecodeRequest,
        output: &mut Output<'_>,
    ) -> Result<(), OperatorError> {
        // The instance that had the sample open may be gone, through a fault in an earlier window.
        if self.guest.is_gone() || self.open_in != Some(self.guest.born()) {
            self.open(data)?;
        }
        let window = request.window;
        let request = wit::Request {
            window: types::Window { x: window.x, y: window.y, width: window.width, height: window.height },
            reduction: request.reduction,
        };
        self.guest.call_into(NO_SEED, slice::from_mut(output), |live| {
            live.interface.instance().call_decode(
                &mut live.store,
                live.resource,
                request,
                Resource::new_borrow(0),
            )
        })
    }
}

fn checked_formats(formats: Vec<wit::Format>) -> Result<Vec<Format>, OperatorError> {
    if formats.len() > MAX_NAMED {
        return nonsense(format!("it names {} formats, more than {MAX_NAMED}", formats.len()));
    }
    formats
        .into_iter()
        .map(|format| {
            let media_type = tame(&format.media_type);
            if media_type.is_empty() || format.magic.is_empty() {
                return nonsense(format!(
                    "its format `{media_type}` has no media type, or no bytes that it begins with"
                ));
            }
            if format.extensions.len() > MAX_NAMED {
                return nonsense(format!("its format `{media_type}` has more than {MAX_NAMED} extensions"));
            }
            let extensions = format.extensions.iter().map(|extension| tame(extension)).collect();
            Ok(Format { media_type, extensions, magic: format.magic })
        })
        .collect()
}

fn checked_plan(planned: types::TensorTypeResult, limits: &Limits) -> Result<TensorType, OperatorError> {
    let planned = convert::type_result(planned, limits)?;
    match planned.shape[..] {
        [None, None, _] => Ok(planned),
        _ => nonsense(format!("it plans {planned}, not `[?, ?, channels]`")),
    }
}

fn checked_header(header: wit::Header) -> Result<Header, OperatorError> {
    let wit::Header { width, height, orientation, reductions } = header;
    if width == 0 || height == 0 {
        return nonsense(format!("its header tells an image of {width}×{height} pixels"));
    }
    if !(1..=8).contains(&orientation) {
        return nonsense(format!("its header tells the orientation {orientation}, which is not 1 to 8"));
    }
    if reductions.len() > MAX_NAMED {
        return nonsense(format!("its header tells {} reductions", reductions.len()));
    }
    match reductions.iter().find(|reduction| **reduction < 2 || !reduction.is_power_of_two()) {
        Some(wrong) => nonsense(format!("its header tells the reduction {wrong}, which is not 2, 4, 8, …")),
        None => Ok(Header { width, height, orientation, reductions }),
    }
}

#[cfg(test)]
mod tests {
    use zenith_core::DType;

    use super::*;

    fn header() -> wit::Header {
        wit::Header { width: 2, height: 1, orientation: 1, reductions: vec![2, 4] }
    }

    #[test]
    fn a_header_must_describe_an_image_that_can_exist() {
        assert!(checked_header(header()).is_ok());
        for wrong in [
            wit::Header { width: 0, ..header() },
            wit::Header { height: 0, ..header() },
            wit::Header { orientation: 0, ..header() },
            wit::Header { orientation: 9, ..header() },
            wit::Header { reductions: vec![1], ..header() },
            wit::Header { reductions: vec![3], ..header() },
            wit::Header { reductions: vec![2; MAX_NAMED + 1], ..header() },
        ] {
            assert!(matches!(checked_header(wrong), Err(OperatorError::Answer(_))));
        }
    }

    #[test]
    fn a_format_must_be_recognisable() {
        let format = || wit::Format {
            media_type: "image/x-test".into(),
            extensions: vec!["test".into()],
            magic: vec![1],
        };
        assert_eq!(checked_formats(vec![format()]).unwrap()[0].magic, [1]);
        for wrong in [
            wit::Format { magic: vec![], ..format() },
            wit::Format { media_type: String::new(), ..format() },
            wit::Format { extensions: vec![String::new(); MAX_NAMED + 1], ..format() },
        ] {
            assert!(matches!(checked_formats(vec![wrong]), Err(OperatorError::Answer(_))));
        }
        assert!(checked_formats(vec![format(); MAX_NAMED + 1]).is_err());
    }

    #[test]
    fn a_decoder_plans_rows_columns_and_channels() {
        let plan = |shape: &[Option<u32>]| {
            let planned = types::TensorTypeResult { dtype: types::Dtype::Uint8, shape: shape.to_vec() };
            checked_plan(planned, &Limits::default())
        };
        assert_eq!(plan(&[None, None, Some(3)]).unwrap().dtype, DType::Uint8);
        for wrong in [&[][..], &[None, None], &[Some(4), None, Some(3)]] {
            assert!(matches!(plan(wrong), Err(OperatorError::Answer(_))));
        }
    }
}
