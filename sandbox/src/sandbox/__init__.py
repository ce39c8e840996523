"""The vendors, simulated: one process that behaves like them, counts every call and forgives nothing."""
