"""Workbooks: read bit by bit, changed in place, recalculated."""
