"""A vendor that does not exist, added as docs/adding-a-vendor.md says: the smallest folder, simulator and contract test that a source needs."""
