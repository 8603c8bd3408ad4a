"""The way that Kamal would go: which hosts, through which jumps, with which keys."""

from kamal_forward_check.route.routes import plan

__all__ = ["plan"]
