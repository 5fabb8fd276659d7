"""Faces: the command line, and what renders a journal for people."""
