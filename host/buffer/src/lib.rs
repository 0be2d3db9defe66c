//! Slots, pools and the memory budget they draw from.
//!
//! Three types matter. [`Budget`] is the one number that bounds a process (`memory_limit`); all that
//! grows with the input is charged to it. [`SlotPool`] owns the memory of batches: a slot is written
//! by many workers at once through [`Place`]s, frozen, lent to consumers without a copy, and comes
//! home when the last of them drops it. [`BytesPool`] keeps the buffers of encoded samples.
//!
//! Unsafe code lives in `mapping` and `lease`, and nowhere else. Nothing here starts a thread.

mod budget;
mod bytes_pool;
mod compact;
mod layout;
mod lease;
mod mapping;
mod pool;
mod slot;

pub use budget::{Budget, MemoryKind, Reservation};
pub use bytes_pool::BytesPool;
pub use layout::{ALIGNMENT, FieldLayout, SlotLayout};
pub use lease::Place;
pub use pool::{AcquireError, SlotPool};
pub use slot::{FrozenSlot, SlotError, WritableSlot};
