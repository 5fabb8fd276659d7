"""Checks of this machine: each is real and small, and knows the command that mends what it finds.

`ui.commands.doctor` runs them. A check may raise: that is then what it has found.
"""
