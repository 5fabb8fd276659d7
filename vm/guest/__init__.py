"""What runs inside a virtual machine: a server with the project's own eyes and hands, and a daemon with root's rights.

Needs what Debian packages: Python's standard library, numpy, Pillow and python-xlib. See docs/guest.md.
"""
