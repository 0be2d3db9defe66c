//! Where tensors are put on the way: the buffers between operators, and a sample's final place.
//! Every write is checked to be exactly what was planned.

use zenith_buffer::{Budget, MemoryKind, Reservation};
use zenith_core::{DType, Extents, OperatorError, Output, TensorType, Window};

/// Where a sample's tensor goes.
pub(super) enum Destination<'a> {
    /// Its place in the batch's slot, of exactly the planned size.
    Place(&'a mut [u8]),
    /// A buffer of its own, where the size differs from sample to sample.
    Open(&'a mut Vec<u8>, &'a mut Extents),
}

impl Destination<'_> {
    /// Lets an operator write its result here, and checks that it is what was planned.
    pub(super) fn receive(
        &mut self,
        planned: &TensorType,
        limit: usize,
        write: impl FnOnce(&mut Output<'_>) -> Result<(), OperatorError>,
    ) -> Result<(), OperatorError> {
        match self {
            Self::Place(place) => {
                if planned.byte_len().is_some_and(|bytes| bytes != place.len()) {
                    return Err(OperatorError::Answer(format!(
                        "it makes {planned}, which does not fill its place of {} bytes in the batch",
                        place.len()
                    )));
                }
                complete(place, write)
            }
            Self::Open(buffer, extents) => {
                let mut output = Output::open(planned.dtype, limit, buffer);
                if let Some(known) = planned.extents() {
                    output.set_shape(&known);
                }
                write(&mut output)?;
                output.finish()?;
                let declared: Extents = output.declared().unwrap_or_default().iter().copied().collect();
                admitted(planned, &declared)?;
                **extents = declared;
                Ok(())
            }
        }
    }
}

/// Has a place of known size written, and checks that it was.
pub(super) fn complete(
    place: &mut [u8],
    write: impl FnOnce(&mut Output<'_>) -> Result<(), OperatorError>,
) -> Result<(), OperatorError> {
    let mut output = Output::place(place);
    write(&mut output)?;
    Ok(output.finish()?)
}

pub(super) fn admitted(planned: &TensorType, declared: &[u32]) -> Result<(), OperatorError> {
    if planned.admits(planned.dtype, declared) {
        Ok(())
    } else {
        Err(OperatorError::Answer(format!("it planned {planned}, but declared the shape {declared:?}")))
    }
}

/// Copies a window out of an image `[height, width, channels]`, row by row.
pub(super) fn copy_window(image: &[u8], tensor: &TensorType, window: Window, output: &mut Output<'_>) {
    let Some(extents) = tensor.extents() else { return };
    let pixel = extents[2] as usize * tensor.dtype.size();
    let stride = extents[1] as usize * pixel;
    let (left, length) = (window.x as usize * pixel, window.width as usize * pixel);
    for row in image.chunks_exact(stride.max(1)).skip(window.y as usize).take(window.height as usize) {
        output.write(&row[left..left + length]);
    }
}

/// A buffer between two operators. It grows to the largest tensor it has held, within the budget.
pub(super) struct Scratch {
    buffer: Vec<u8>,
    held: Reservation,
    /// A tensor larger than this is too large for the memory limit, whatever else is held.
    most: u64,
}

impl Scratch {
    pub(super) fn new(budget: &Budget) -> Self {
        // Beside it there must be room for a batch, and for another worker's tensor.
        let most = budget.limit().map_or(u64::MAX, |limit| limit / 2);
        Self { buffer: Vec::new(), held: budget.force_reserve(MemoryKind::Other, 0), most }
    }

    /// Room for a tensor; its old content is unspecified.
    pub(super) fn sized(&mut self, tensor: &TensorType, limit: usize) -> Result<&mut [u8], OperatorError> {
        let too_large = |what: String| OperatorError::TooLarge(format!("the tensor {tensor} {what}"));
        let bytes = tensor.byte_len().filter(|bytes| *bytes <= limit).ok_or_else(|| {
            too_large(format!("is larger than the operator's output limit of {limit} bytes"))
        })?;
        let grown = bytes.saturating_sub(self.buffer.len());
        if grown > 0 {
            if bytes as u64 > self.most {
                return Err(too_large(format!("takes {bytes} bytes, more than half of the memory limit")));
            }
            if !self.held.try_resize(bytes) {
                return Err(OperatorError::NoRoom { wanted: bytes });
            }
            self.buffer
                .try_reserve_exact(grown)
                .map_err(|error| too_large(format!("has no room: {error}")))?;
            self.buffer.resize(bytes, 0);
        }
        Ok(&mut self.buffer[..bytes])
    }

    /// The bytes of the tensor that it holds.
    pub(super) fn bytes(&self, tensor: &TensorType) -> &[u8] {
        &self.buffer[..tensor.byte_len().unwrap_or(0).min(self.buffer.len())]
    }

    /// Takes a result whose shape the operator declares itself.
    pub(super) fn open(
        &mut self,
        dtype: DType,
        limit: usize,
        write: &mut dyn FnMut(&mut Output<'_>) -> Result<(), OperatorError>,
    ) -> Result<Extents, OperatorError> {
        let mut output = Output::open(dtype, limit, &mut self.buffer);
        write(&mut output)?;
        output.finish()?;
        let declared = output.declared().unwrap_or_default().iter().copied().collect();
        self.held.force_resize(self.buffer.len());
        Ok(declared)
    }
}
