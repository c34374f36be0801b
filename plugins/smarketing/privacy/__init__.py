"""Erasing a person: what is personal, who is who, what was erased, and what keeps them away."""
