"""A process that has nothing to do with any server: it wakes, works as long as a LIST takes, sleeps.

The work is on memory that it gets anew, as an answer is. What it shows of waiting, every
process of this machine has to bear at that moment. `python -I control.py PAUSE`, until
standard input ends; then it prints from when to when each piece of work took.
"""

import select
import sys
import time


def work() -> int:
    """A few milliseconds, in fresh memory."""
    names = [{"name": str(number), "size": number} for number in range(5_000)]
    return len(bytearray(1 << 20)) + len(names)


def run(pause: float) -> list[tuple[float, float]]:
    """Work that could not begin in time began when it should have."""
    done: list[tuple[float, float]] = []
    due = time.monotonic()
    while not select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
        work()
        done.append((due, time.monotonic()))
        due = done[-1][1] + pause
    return done


if __name__ == "__main__":
    for start, end in run(float(sys.argv[1])):
        sys.stdout.write(f"{start} {end}\n")
