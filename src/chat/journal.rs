//! The growth of a streaming answer since it was last written to disk.
