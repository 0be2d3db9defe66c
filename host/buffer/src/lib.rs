//! Slots, pools and the memory budget they draw from.
