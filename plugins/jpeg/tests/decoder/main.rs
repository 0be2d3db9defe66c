//! The decoder as its host uses it: held against Pillow on sound files, and against damage on others.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its corpus has failed")]
#![expect(clippy::cast_possible_truncation, reason = "bytes, and lengths of small images")]

mod common;
mod hostile;
mod sound;
