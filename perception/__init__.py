"""Eyes: capture, settle, encode, and finding things in pixels."""
