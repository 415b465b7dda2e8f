"""Decision rules as kernels: the same compiled code decides in the simulated year and at the live desk."""
