//! Encoded bytes on loan from a pool.

use std::{fmt, mem, ops::Deref, sync::Arc};

/// Lends buffers and takes them back when their readers are done.
pub trait Recycle: Send + Sync {
    /// An empty buffer with room for at least `bytes`, used before if one is at hand.
    fn lend(&self, bytes: usize) -> Vec<u8> {
        Vec::with_capacity(bytes)
    }

    /// Takes back a buffer; its content is of no interest.
    fn recycle(&self, buffer: Vec<u8>);
}

/// The encoded bytes of a field. Dropping them sends the buffer back to the pool it came from.
pub struct Bytes {
    buffer: Vec<u8>,
    home: Option<Arc<dyn Recycle>>,
}

impl Bytes {
    /// Bytes that return to `home`.
    pub fn on_loan(buffer: Vec<u8>, home: Arc<dyn Recycle>) -> Self {
        Self { buffer, home: Some(home) }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(buffer: Vec<u8>) -> Self {
        Self { buffer, home: None }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.recycle(mem::take(&mut self.buffer));
        }
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({})", self.buffer.len())
    }
}
