"""The takeover guard: how soon the hands are still, whether our own ever raise the alarm, and what it costs an action.

The user is XTEST on an outer X server, which the inner one, where the agent works, takes for mouse and keyboard.
"""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from actuators import hands as hands_module
from actuators.actions import Action, Click, DoubleClick, Drag, Keypress, Move, Point, Scroll, Type
from actuators.errors import ActuatorError, TakenOver
from actuators.guard import Guard, open_guard
from actuators.hands import Hands, open_hands
from tests.bench.figure import Figure, show
from tests.support.textfield import text_field
from tests.support.xephyr import HEIGHT, WIDTH, User, pressed, xephyr
from tests.support.xserver import xvfb

TAKEOVERS = 240
OWN_ACTIONS = 10_000
ROUND_TRIPS = 2_000
LIMIT_MS = 50.0


def figures(takeovers: int = TAKEOVERS, own_actions: int = OWN_ACTIONS) -> list[Figure]:
    """Everything, in about two minutes."""
    return [*stillness(takeovers), *false_alarms(own_actions), cost()]


def stillness(count: int) -> list[Figure]:
    """The user does something at a random moment of an action: milliseconds until the hands are still."""
    chance = random.Random(7)
    taken: list[float] = []
    left_down = 0
    with xephyr() as (server, user), open_hands(server.display) as hands:
        guard = open_guard(hands, server.display, grace=0)
        for x in (100, 200):  # a virtual mouse is known for one after two movements
            user.move(x, 100)
            time.sleep(0.1)
        guard.hand_back()
        for number in range(count):
            taken.append(_take_over(hands, guard, user, chance, number))
            left_down += pressed(server.display) != (set(), 0)
            guard.hand_back()
        guard.close()
    taken.sort()
    p50, p99 = (1000 * taken[round(share * (len(taken) - 1))] for share in (0.5, 0.99))
    how = f"{count} takeovers at random moments of drags, texts and clicks; slowest {1000 * taken[-1]:.1f} ms"
    return [
        Figure("user's own input → hands still, p50", f"{p50:.1f} ms", note=how),
        Figure("user's own input → hands still, p99", f"{p99:.1f} ms", f"≤ {LIMIT_MS:.0f} ms", p99 <= LIMIT_MS),
        Figure("takeovers that left something pressed", f"{left_down} of {count}", "0", left_down == 0),
    ]


def _take_over(hands: Hands, guard: Guard, user: User, chance: random.Random, number: int) -> float:
    """Seconds from the user's input, of another kind each time, to the end of the agent's."""
    still: list[float] = []
    refused: list[ActuatorError] = []

    def work() -> None:
        try:
            while True:
                for action in _busy(chance):
                    hands.perform(action)
        except ActuatorError as error:
            still.append(time.perf_counter())
            refused.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    time.sleep(chance.uniform(0.05, 0.6))
    began = time.perf_counter()
    _uses(user, number)[number % 4]()
    worker.join(10)
    if worker.is_alive() or not isinstance(refused[0], TakenOver):
        raise RuntimeError(f"no takeover: {refused}")
    return still[0] - began


def _uses(user: User, number: int) -> list[Callable[[], None]]:
    x, y = 100 + 37 * number % (WIDTH - 200), 100 + 53 * number % (HEIGHT - 200)
    return [lambda: user.move(x, y), lambda: user.click(3), lambda: user.tap("a"), lambda: user.click(5)]


def _busy(chance: random.Random) -> list[Action]:
    kinds: list[Action] = [
        Drag((Point(10, 10), Point(900, 600)), ("shift",)),
        Type("some text to be typed, " * 200),
        DoubleClick(400, 300, ("ctrl",)),
        Click(200, 100),
    ]
    chance.shuffle(kinds)
    return kinds


def false_alarms(count: int) -> list[Figure]:
    """Our own actions on a desktop with a window manager and a text field, as fast as they go."""
    with xvfb(window_manager=True) as display, text_field(display, "gtk"), _hasty(), open_hands(display) as hands:
        guard = open_guard(hands, display, grace=0)
        alarms = 0
        for number in range(count):
            hands.perform(_mixed(number))
            alarms += guard.hand_back() is not None
        time.sleep(0.5)
        alarms += guard.hand_back() is not None
        guard.close()
    return [Figure(f"false alarms in {count} of our own actions", str(alarms), "0", alarms == 0)]


def _mixed(number: int) -> Action:
    x, y = 20 + number * 7 % 600, 20 + number * 11 % 400
    actions: list[Action] = [
        Click(x, y),
        Keypress(("ctrl", "a")),
        Move(x, y),
        Scroll(x, y, 120, 360),
        DoubleClick(x, y),
        Type("z"),
        Click(x, y, "left", ("shift",)),
        Drag((Point(x, y), Point(x + 90, y + 40))),
    ]
    return Type("pasted, é 漢字") if number % 50 == 0 else actions[number % len(actions)]


@contextmanager
def _hasty() -> Generator[None, None, None]:
    """Without the rests that programs need, which would make ten thousand actions last half an hour."""
    rests = ("PRESS_SECONDS", "CLICK_GAP", "GRIP_SECONDS", "APART_SECONDS", "NOTCH_GAP")
    before = {name: getattr(hands_module, name) for name in rests}
    drag = hands_module.DRAG_SECONDS
    try:
        for name in rests:
            setattr(hands_module, name, 0.0)
        hands_module.DRAG_SECONDS = (0.0, 0.0)
        yield
    finally:
        hands_module.DRAG_SECONDS = drag
        for name, value in before.items():
            setattr(hands_module, name, value)


def cost() -> Figure:
    """What listening adds to the cheapest action."""
    with xvfb() as display, open_hands(display) as plain, open_hands(display) as guarded:
        guard = open_guard(guarded, display, foreign=False, grace=0)
        medians = [_median_ms(hands) for hands in (plain, guarded)]
        guard.close()
    return Figure(
        "cost of the guard per action, median",
        f"{medians[1] - medians[0]:.2f} ms",
        note=f"a move takes {medians[1]:.2f} ms with it, {medians[0]:.2f} ms without; two round trips",
    )


def _median_ms(hands: Hands) -> float:
    taken: list[float] = []
    for number in range(ROUND_TRIPS):
        began = time.perf_counter()
        hands.perform(Move(number % 500, number % 300))
        taken.append(time.perf_counter() - began)
    return 1000 * statistics.median(taken)


if __name__ == "__main__":
    show(figures())
