"""Hands: the action vocabulary, and the pointer, keyboard and clipboard that carry it out."""
