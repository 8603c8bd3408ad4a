"""Which SSH hop stops Kamal's port forward, why, and which line to change."""

__version__ = "0.1.0"
