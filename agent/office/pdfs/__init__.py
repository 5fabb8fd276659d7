"""PDFs: what is in them, filling forms, and work on pages. pypdf runs in a process of its own (`apart.py`)."""
