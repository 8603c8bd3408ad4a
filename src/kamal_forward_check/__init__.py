"""Which SSH hop stops Kamal's port forward, why, and which line to change."""

__version__ = "1.0.0"
