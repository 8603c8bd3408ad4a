"""The way that Kamal would go: which hosts, through which jumps, with which keys."""

from kamal_forward_check.route.registry import forwarding
from kamal_forward_check.route.routes import plan
from kamal_forward_check.route.secrets import for_keys as secrets_for_keys
from kamal_forward_check.route.secrets import to_hide

__all__ = ["forwarding", "plan", "secrets_for_keys", "to_hide"]
