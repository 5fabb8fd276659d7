"""Text documents: looking into them, and changing them without harm to what was not touched."""
