//! Where the bytes of a plugin's outputs go: straight to the host's resource, or through a sequence that
//! puts several outputs in order.

use std::cell::RefCell;

use super::types;
use crate::sequence::{Sequence, Sink};

impl Sink for types::Output {
    fn write(&self, data: &[u8]) {
        types::Output::write(self, data);
    }

    fn set_shape(&self, shape: &[u32]) {
        types::Output::set_shape(self, shape);
    }
}

/// Where one of the plugin's outputs goes.
pub enum OutputHandle<'a> {
    /// It is the only one: straight to the host.
    Only(&'a types::Output),
    /// It is one of several, which the host takes one after another.
    OneOf {
        /// All of them.
        sequence: &'a RefCell<Sequence<'a, types::Output>>,
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
