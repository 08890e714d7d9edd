"""The memory: settings, blobs, tables, the ledger, the archive of photographs and the registry of models."""
