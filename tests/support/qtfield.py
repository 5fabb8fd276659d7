"""The same as `textfield.py` for Qt: a QPlainTextEdit ("qt") or a QLineEdit ("qt-line"), run by the system's Python."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any


def main(kind: str) -> None:
    """Show the field and answer questions on standard input until it ends."""
    sys.path.pop(0)  # this folder's names must not hide the library's
    core: Any = importlib.import_module("PyQt5.QtCore")
    widgets: Any = importlib.import_module("PyQt5.QtWidgets")
    app = widgets.QApplication(["textfield"])
    field = widgets.QLineEdit() if kind == "qt-line" else widgets.QPlainTextEdit()
    if kind == "qt-line":
        field.setMaxLength(2**31 - 1)
    field.resize(700, 500)
    field.show()
    field.activateWindow()

    def answer(question: Any) -> Any:
        if question["do"] == "read":
            return field.text() if kind == "qt-line" else field.toPlainText()
        if question["do"] == "write":
            (field.setText if kind == "qt-line" else field.setPlainText)(question["text"])
            if question["select"]:
                field.selectAll()
        else:
            app.clipboard().setText(question["text"])
        return None

    def asked() -> None:
        line = sys.stdin.readline()
        if not line:
            app.quit()
            return
        app.sync()  # what the server has sent before the question, and then all of it
        for _ in range(3):
            app.processEvents()
        _say(answer(json.loads(line)))

    def focused() -> None:
        if field.hasFocus() and field.isActiveWindow():
            print("ready", flush=True)
        else:
            core.QTimer.singleShot(20, focused)

    notifier = core.QSocketNotifier(0, core.QSocketNotifier.Read)
    notifier.activated.connect(asked)
    core.QTimer.singleShot(20, focused)
    app.exec_()


def _say(answer: Any) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
