"""Where frames come from: the screen through mss, a recording, and what X11 tells about changes."""
