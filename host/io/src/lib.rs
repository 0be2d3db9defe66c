//! Where samples come from: folders and tar shards, read with `io_uring` or pread.
//!
//! [`ImageFolder`] and [`WebDataset`] are the sources. Each keeps a compact index of its samples, made
//! when it is opened, and reads them through one of three engines ([`EngineChoice`]): `io_uring`, a
//! pool of threads, or the worker itself. Nothing here decodes a sample. No thread and no ring exists
//! before the first reader, and none after the last; readers belong to the process that made them.
//!
//! Unsafe code lives in `uring`, and nowhere else.

mod blocking;
mod braces;
mod engine;
mod grouping;
mod image_folder;
mod names;
mod reader;
mod tar_index;
mod threads;
mod uring;
mod walk;
mod webdataset;

pub use engine::{EngineChoice, EngineKind, uring_refusal};
pub use image_folder::{IMAGE_EXTENSIONS, ImageFolder, ImageFolderOptions};
pub use webdataset::{WebDataset, WebDatasetOptions};
