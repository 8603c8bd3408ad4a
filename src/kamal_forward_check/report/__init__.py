"""What people and programs read: each format is a function of a `Report` and of nothing else."""
