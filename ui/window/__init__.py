"""Parts of the overlay's window: the page in it, where it is, and what each system must be told about it."""
