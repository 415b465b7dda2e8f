"""The command line: it translates, nothing else."""
