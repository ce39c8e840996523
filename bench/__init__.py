"""What our layers cost, measured against the bare libraries on the same servers; `make bench`."""
