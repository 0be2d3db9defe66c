//! The place that an operator's result goes to. It checks that exactly the planned bytes arrive.

use thiserror::Error;

use crate::tensor::{DType, Extents, byte_len};

/// What is wrong with what an operator handed over.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OutputError {
    /// It wrote more than its planned shape calls for.
    #[error("it wrote more than the {expected} bytes that its output type calls for")]
    TooLong {
        /// The planned length in bytes.
        expected: usize,
    },
    /// It wrote less than its planned shape calls for.
    #[error("it wrote {written} of the {expected} bytes that its output type calls for")]
    TooShort {
        /// The bytes that arrived.
        written: usize,
        /// The planned length in bytes.
        expected: usize,
    },
    /// It wrote before it had declared the shape that its plan leaves open.
    #[error("it wrote its output before it declared the output's shape")]
    NoShape,
    /// It declared a shape where none is called for, or twice.
    #[error("it declared an output shape that its plan already fixes")]
    UnexpectedShape,
    /// It declared a shape that is larger than the output limit.
    #[error("it declared the output shape {shape:?}, more than the limit of {limit} bytes")]
    ShapeTooLarge {
        /// The declared extents.
        shape: Vec<u32>,
        /// The limit in bytes.
        limit: usize,
    },
}

/// Where an operator puts its result: a place of known size, or a buffer that grows once the
/// operator has declared its shape.
#[derive(Debug)]
pub struct Output<'a> {
    target: Target<'a>,
    written: usize,
    failure: Option<OutputError>,
}

#[derive(Debug)]
enum Target<'a> {
    Place(&'a mut [u8]),
    Open { dtype: DType, limit: usize, extents: Option<Extents>, buffer: &'a mut Vec<u8> },
}

impl<'a> Output<'a> {
    /// A place of exactly the planned size. Its old content is never read.
    pub fn place(place: &'a mut [u8]) -> Self {
        Self { target: Target::Place(place), written: 0, failure: None }
    }

    /// A place whose size the operator declares, up to `limit` bytes. `buffer` ends up holding
    /// exactly the result.
    pub fn open(dtype: DType, limit: usize, buffer: &'a mut Vec<u8>) -> Self {
        buffer.clear();
        Self { target: Target::Open { dtype, limit, extents: None, buffer }, written: 0, failure: None }
    }

    /// Declares the shape of an open output.
    pub fn set_shape(&mut self, shape: &[u32]) {
        let Target::Open { dtype, limit, extents, buffer } = &mut self.target else {
            self.failure.get_or_insert(OutputError::UnexpectedShape);
            return;
        };
        if extents.is_some() {
            self.failure.get_or_insert(OutputError::UnexpectedShape);
            return;
        }
        match byte_len(*dtype, shape).filter(|bytes| bytes <= limit) {
            Some(bytes) => {
                buffer.resize(bytes, 0);
                *extents = Some(shape.iter().copied().collect());
            }
            None => {
                self.failure
                    .get_or_insert(OutputError::ShapeTooLarge { shape: shape.to_vec(), limit: *limit });
            }
        }
    }

    /// Appends bytes. What does not fit is cut off and told by [`Output::finish`].
    pub fn write(&mut self, data: &[u8]) {
        let written = self.written;
        let (Some(room), expected) = self.room() else {
            self.failure.get_or_insert(OutputError::NoShape);
            return;
        };
        if data.len() > room.len() - written {
            self.failure.get_or_insert(OutputError::TooLong { expected });
            return;
        }
        room[written..written + data.len()].copy_from_slice(data);
        self.written += data.len();
    }

    /// The whole place at once, for an operator that fills it directly; it then counts as written.
    /// `None` where the shape is not known yet, or something was written before.
    pub fn whole(&mut self) -> Option<&mut [u8]> {
        if self.written > 0 || self.failure.is_some() {
            return None;
        }
        self.written = self.room().1;
        self.room().0
    }

    /// Bytes that are still to come, or `None` before the shape of an open output is declared.
    pub fn remaining(&self) -> Option<usize> {
        match &self.target {
            Target::Place(place) => Some(place.len() - self.written),
            Target::Open { extents: None, .. } => None,
            Target::Open { buffer, .. } => Some(buffer.len() - self.written),
        }
    }

    /// The declared extents of an open output.
    pub fn declared(&self) -> Option<&[u32]> {
        match &self.target {
            Target::Place(_) => None,
            Target::Open { extents, .. } => extents.as_deref(),
        }
    }

    /// Says whether exactly the planned bytes arrived.
    pub fn finish(&mut self) -> Result<(), OutputError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let written = self.written;
        match self.room() {
            (None, _) => Err(OutputError::NoShape),
            (Some(_), expected) if written == expected => Ok(()),
            (Some(_), expected) => Err(OutputError::TooShort { written, expected }),
        }
    }

    fn room(&mut self) -> (Option<&mut [u8]>, usize) {
        match &mut self.target {
            Target::Place(place) => {
                let expected = place.len();
                (Some(place), expected)
            }
            Target::Open { extents: None, .. } => (None, 0),
            Target::Open { buffer, .. } => {
                let expected = buffer.len();
                (Some(buffer.as_mut_slice()), expected)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_writes_fill_a_place() {
        let mut place = [0; 4];
        let mut output = Output::place(&mut place);
        output.write(&[1, 2]);
        output.write(&[3, 4]);
        assert_eq!(output.finish(), Ok(()));
        assert_eq!(place, [1, 2, 3, 4]);
    }

    #[test]
    fn a_long_and_a_short_answer_are_told_apart() {
        let mut place = [0; 4];
        let mut output = Output::place(&mut place);
        output.write(&[0; 5]);
        assert_eq!(output.finish(), Err(OutputError::TooLong { expected: 4 }));
        let mut output = Output::place(&mut place);
        output.write(&[0; 3]);
        assert_eq!(output.finish(), Err(OutputError::TooShort { written: 3, expected: 4 }));
    }

    #[test]
    fn an_open_output_takes_its_size_from_the_declared_shape() {
        let mut buffer = vec![9; 100];
        let mut output = Output::open(DType::Int16, 1024, &mut buffer);
        output.set_shape(&[3]);
        output.write(&[0, 1, 2, 3, 4, 5]);
        assert_eq!(output.declared(), Some(&[3][..]));
        assert_eq!(output.finish(), Ok(()));
        assert_eq!(buffer, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn an_absurd_shape_is_refused_before_any_allocation() {
        let mut buffer = Vec::new();
        let mut output = Output::open(DType::Float32, 1024, &mut buffer);
        output.set_shape(&[u32::MAX, u32::MAX]);
        assert!(matches!(output.finish(), Err(OutputError::ShapeTooLarge { .. })));
        assert_eq!(buffer.capacity(), 0);
    }

    #[test]
    fn writing_without_a_shape_is_an_error() {
        let mut buffer = Vec::new();
        let mut output = Output::open(DType::Float32, 1024, &mut buffer);
        output.write(&[1]);
        assert_eq!(output.finish(), Err(OutputError::NoShape));
    }
}
