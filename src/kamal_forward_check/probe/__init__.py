"""Routes walked on the wire: what was seen, never why."""
