//! Several outputs through one resource. A batch transform may write its outputs in any order; the
//! host takes them whole and one after another.

use std::collections::VecDeque;

use zenith_core::TensorType;

/// What takes the outputs, one after another: the host's resource.
pub trait Sink {
    /// Appends bytes to the output whose turn it is.
    fn write(&self, data: &[u8]);

    /// Declares the shape of the output whose turn it is.
    fn set_shape(&self, shape: &[u32]);
}

/// The outputs of a batch transform. The host takes them whole and in order through one resource; a
/// plugin may write them in any order. What comes before its turn waits in the guest's memory.
pub struct Sequence<'a, S> {
    host: &'a S,
    /// The output whose turn it is, in front, and those after it.
    ahead: VecDeque<Part>,
    /// How many outputs are complete.
    done: usize,
}

/// One output that is not complete.
struct Part {
    planned: TensorType,
    /// Bytes that are still to come; `None` until its shape is known.
    missing: Option<usize>,
    /// What was written before its turn.
    waiting: Vec<u8>,
    /// The shape that was declared before its turn.
    declared: Option<Vec<u32>>,
}

impl<'a, S: Sink> Sequence<'a, S> {
    /// A sequence of outputs of the planned types.
    pub(crate) fn new(host: &'a S, planned: Vec<TensorType>) -> Self {
        let ahead = planned
            .into_iter()
            .map(|planned| Part { missing: planned.byte_len(), planned, waiting: Vec::new(), declared: None })
            .collect();
        let mut sequence = Self { host, ahead, done: 0 };
        sequence.advance();
        sequence
    }

    /// Hands over what still waits, in order, when the plugin has returned. Where an output is
    /// incomplete, those after it go too, and the host reports what is missing.
    pub(crate) fn finish(&mut self) {
        while !self.ahead.is_empty() {
            self.pass_on();
            self.ahead.pop_front();
        }
    }

    pub(crate) fn write(&mut self, index: usize, data: &[u8]) {
        let turn = index.checked_sub(self.done);
        let Some(part) = turn.and_then(|turn| self.ahead.get_mut(turn)) else {
            assert!(data.is_empty(), "output {index} was written to after it was complete");
            return;
        };
        if let Some(missing) = &mut part.missing {
            // The bytes would count as the next output's, so this cannot wait for the host to see it.
            *missing = missing
                .checked_sub(data.len())
                .unwrap_or_else(|| panic!("output {index} was given more bytes than a {} has", part.planned));
        }
        if turn == Some(0) {
            self.host.write(data);
            self.advance();
        } else {
            part.waiting.extend_from_slice(data);
        }
    }

    pub(crate) fn set_shape(&mut self, index: usize, shape: &[u32]) {
        let turn = index.checked_sub(self.done);
        let part = turn.and_then(|turn| self.ahead.get_mut(turn));
        let Some(part) = part.filter(|part| part.missing.is_none()) else {
            panic!("the shape of output {index} was declared, but it is known already");
        };
        part.planned = TensorType::fixed(part.planned.dtype, shape);
        part.missing = Some(part.planned.byte_len().unwrap_or(usize::MAX));
        if turn == Some(0) {
            self.host.set_shape(shape);
            self.advance();
        } else {
            part.declared = Some(shape.to_vec());
        }
    }

    /// Leaves complete outputs behind, and hands over what waited for its turn.
    fn advance(&mut self) {
        while self.ahead.front().is_some_and(|part| part.missing == Some(0)) {
            self.ahead.pop_front();
            self.done += 1;
            self.pass_on();
        }
    }

    /// Hands over what the output in front was given before its turn.
    fn pass_on(&mut self) {
        let Some(part) = self.ahead.front_mut() else { return };
        if let Some(shape) = part.declared.take() {
            self.host.set_shape(&shape);
        }
        if !part.waiting.is_empty() {
            self.host.write(&part.waiting);
            part.waiting = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use zenith_core::DType;

    use super::*;

    /// What the host saw.
    #[derive(Debug, PartialEq)]
    enum Call {
        Write(Vec<u8>),
        SetShape(Vec<u32>),
    }

    #[derive(Default)]
    struct Host(RefCell<Vec<Call>>);

    impl Sink for Host {
        fn write(&self, data: &[u8]) {
            self.0.borrow_mut().push(Call::Write(data.to_vec()));
        }

        fn set_shape(&self, shape: &[u32]) {
            self.0.borrow_mut().push(Call::SetShape(shape.to_vec()));
        }
    }

    fn bytes(count: u32) -> TensorType {
        TensorType::fixed(DType::Uint8, &[count])
    }

    fn open() -> TensorType {
        TensorType { dtype: DType::Int16, shape: [None].into_iter().collect() }
    }

    fn write(data: &[u8]) -> Call {
        Call::Write(data.to_vec())
    }

    #[test]
    fn outputs_written_in_order_go_straight_through() {
        let host = Host::default();
        let mut outputs = Sequence::new(&host, vec![bytes(3), bytes(1)]);
        outputs.write(0, &[1]);
        outputs.write(0, &[2, 3]);
        outputs.write(1, &[4]);
        assert_eq!(*host.0.borrow(), [write(&[1]), write(&[2, 3]), write(&[4])]);
    }

    #[test]
    fn an_output_written_before_its_turn_waits_for_it() {
        let host = Host::default();
        let mut outputs = Sequence::new(&host, vec![bytes(2), bytes(2), bytes(1)]);
        outputs.write(2, &[5]);
        outputs.write(1, &[3]);
        outputs.write(0, &[1]);
        assert_eq!(*host.0.borrow(), [write(&[1])]);
        outputs.write(0, &[2]);
        outputs.write(1, &[4]);
        assert_eq!(*host.0.borrow(), [write(&[1]), write(&[2]), write(&[3]), write(&[4]), write(&[5])]);
    }

    #[test]
    fn an_empty_output_holds_nobody_up() {
        let host = Host::default();
        let mut outputs = Sequence::new(&host, vec![bytes(0), bytes(1), bytes(0)]);
        outputs.write(0, &[]);
        outputs.write(1, &[7]);
        outputs.write(2, &[]);
        outputs.finish();
        assert_eq!(*host.0.borrow(), [write(&[7])]);
    }

    #[test]
    fn an_open_output_goes_on_once_its_declared_bytes_are_there() {
        let host = Host::default();
        let mut outputs = Sequence::new(&host, vec![open(), open()]);
        outputs.set_shape(1, &[1]);
        outputs.write(1, &[3, 4]);
        outputs.set_shape(0, &[1]);
        outputs.write(0, &[1, 2]);
        let seen = [Call::SetShape(vec![1]), write(&[1, 2]), Call::SetShape(vec![1]), write(&[3, 4])];
        assert_eq!(*host.0.borrow(), seen);
    }

    #[test]
    fn what_waits_behind_an_incomplete_output_reaches_the_host_at_the_end() {
        let host = Host::default();
        let mut outputs = Sequence::new(&host, vec![bytes(2), bytes(1)]);
        outputs.write(1, &[9]);
        outputs.write(0, &[1]);
        outputs.finish();
        assert_eq!(*host.0.borrow(), [write(&[1]), write(&[9])]);
    }

    #[test]
    #[should_panic(expected = "output 0 was given more bytes than a uint8[2] has")]
    fn bytes_beyond_an_output_do_not_spill_into_the_next() {
        let host = Host::default();
        Sequence::new(&host, vec![bytes(2), bytes(2)]).write(0, &[1, 2, 3]);
    }

    #[test]
    #[should_panic(expected = "output 0 was written to after it was complete")]
    fn a_complete_output_takes_no_more() {
        let host = Host::default();
        let mut outputs = Sequence::new(&host, vec![bytes(1), bytes(1)]);
        outputs.write(0, &[1]);
        outputs.write(0, &[2]);
    }

    #[test]
    #[should_panic(expected = "the shape of output 0 was declared, but it is known already")]
    fn a_known_shape_cannot_be_declared() {
        let host = Host::default();
        Sequence::new(&host, vec![bytes(1)]).set_shape(0, &[1]);
    }
}
