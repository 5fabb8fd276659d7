"""Asks a running LibreOffice for its documents, and edits them there: see `__main__`.

It is run by a Python that can `import uno`, not by this project's: standard library and `uno` only.
"""
