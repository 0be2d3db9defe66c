//! Where samples come from: folders and tar shards, read with io_uring or pread.
