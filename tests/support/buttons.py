"""A window of Tk ("tk"), which tells nothing about itself, or of Qt ("qt"), with the usual things on it.

/usr/bin/python3 buttons.py KIND     run by the system's Python; a program for `--open`
"""

# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false, reportAttributeAccessIssue=false

from __future__ import annotations

import sys
from typing import Any

PLACE = (100, 60)
BUTTONS = ("Open", "Save", "Delete all files", "Buy now")
HEIGHT = 60  # pixels from one button to the next


def middle(number: int) -> tuple[int, int]:
    """The middle of a button, in pixels of the screen; of windows that are where they want to be."""
    return PLACE[0] + 150, PLACE[1] + HEIGHT * number + 25


def main(kind: str) -> None:
    """Show the window until killed."""
    sys.path.pop(0)
    (_tk if kind == "tk" else _qt)()


def _tk() -> None:
    import tkinter

    root = tkinter.Tk()
    root.title("Tk window")
    root.overrideredirect(True)  # so that it is exactly where it says
    root.geometry(f"300x{HEIGHT * len(BUTTONS)}+{PLACE[0]}+{PLACE[1]}")
    for number, name in enumerate(BUTTONS):
        tkinter.Button(root, text=name).place(x=20, y=HEIGHT * number + 5, width=260, height=40)
    root.mainloop()


def _qt() -> None:
    from PyQt5 import QtWidgets

    app: Any = QtWidgets.QApplication(["buttons"])
    window: Any = QtWidgets.QMainWindow()
    window.setWindowTitle("Qt window")
    menu = window.menuBar().addMenu("File")
    for name in ("Import", "Quit"):
        menu.addAction(name)
    box: Any = QtWidgets.QWidget()
    column: Any = QtWidgets.QVBoxLayout(box)
    secret: Any = QtWidgets.QLineEdit()
    secret.setEchoMode(QtWidgets.QLineEdit.Password)
    tabs: Any = QtWidgets.QTabWidget()
    tabs.addTab(QtWidgets.QPushButton("On the first page"), "First")
    tabs.addTab(QtWidgets.QPushButton("On the second page"), "Second")
    for thing in (*map(QtWidgets.QPushButton, BUTTONS), QtWidgets.QCheckBox("Remember me"), secret, tabs):
        column.addWidget(thing)
    window.setCentralWidget(box)
    window.resize(500, 500)
    window.show()
    app.exec_()


if __name__ == "__main__":
    main(sys.argv[1])
