"""Office documents: what they are, what stands in them, how they are changed and how they look."""
