"""The science: pure functions over arrays. No queue, no database, no object store, no file system."""
