//! The host's output resource, as one plugin output or as several in turn.

use std::{cell::RefCell, collections::VecDeque};

use zenith_core::TensorType;

use super::types;

/// Where one of the plugin's outputs goes.
pub enum OutputHandle<'a> {
    /// It is the only one: straight to the host.
    Only(&'a types::Output),
    /// It is one of several, which the host takes one after another.
    OneOf {
        /// All of them.
        sequence: &'a RefCell<Sequence<'a>>,
        /// Which of them this is.
        index: usize,
    },
}

impl OutputHandle<'_> {
    /// Appends bytes.
    pub(crate) fn write(&self, data: &[u8]) {
        match self {
            Self::Only(host) => host.write(data),
            Self::OneOf { sequence, index } => sequence.borrow_mut().write(*index, data),
        }
    }

    /// Declares the shape of an output whose plan leaves it open.
    pub(crate) fn set_shape(&self, shape: &[u32]) {
        match self {
            Self::Only(host) => host.set_shape(shape),
            Self::OneOf { sequence, index } => sequence.borrow_mut().set_shape(*index, shape),
        }
    }
}

/// The outputs of a batch transform. The host takes them whole and in order through one resource; a
/// plugin may write them in any order. What comes before its turn waits in the guest's memory.
pub struct Sequence<'a> {
    host: &'a types::Output,
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

impl<'a> Sequence<'a> {
    /// A sequence of outputs of the planned types.
    pub(super) fn new(host: &'a types::Output, planned: Vec<TensorType>) -> Self {
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
    pub(super) fn finish(&mut self) {
        while !self.ahead.is_empty() {
            self.pass_on();
            self.ahead.pop_front();
        }
    }

    fn write(&mut self, index: usize, data: &[u8]) {
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

    fn set_shape(&mut self, index: usize, shape: &[u32]) {
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
