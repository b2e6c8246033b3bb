#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""Shows what bench/profile/run counted, by function; or of two sides, what differs."""

import argparse
import bisect
import collections
import pathlib

OUT = pathlib.Path("build/bench")
KERNEL = 0xFFFF800000000000


def symbols(side):
    """Addresses and names of the kernel's functions, sorted."""
    found = []
    for line in (OUT / f"{side}.symbols").read_text(encoding="utf-8").splitlines():
        address, kind, name = line.split()[:3]
        if kind in "tTwW" and not name.startswith("__pfx_"):
            found.append((int(address, 16), name))
    found.sort()
    return found


def read(side):
    """Instructions and calls of each function; a block lies in one."""
    known = symbols(side)
    starts = [address for address, _ in known]
    insns, calls = collections.Counter(), collections.Counter()
    for line in (OUT / f"{side}.counts").read_text(encoding="utf-8").splitlines():
        address, length, times = (int(field, base) for field, base in zip(line.split(), (16, 10, 10)))
        name = "(user space)"
        if address >= KERNEL:
            i = bisect.bisect_right(starts, address) - 1
            name = known[i][1]
            if starts[i] == address:
                calls[name] += times
        insns[name] += length * times
    return insns, calls


def show(side, per, lines):
    """The functions that take most."""
    insns, calls = read(side)
    print(f"{sum(insns.values()) / per:.0f} instructions")
    for name, n in insns.most_common(lines):
        print(f"{n / per:10.1f} in {calls[name] / per:8.2f} calls of {name}")


def compare(side, other, per, lines):
    """The functions that differ most."""
    (ours, our_calls), (theirs, their_calls) = read(side), read(other)
    print(f"{side}: {sum(ours.values()) / per:.0f} instructions, {other}: {sum(theirs.values()) / per:.0f}")
    differ = {name: ours[name] - theirs[name] for name in ours | theirs}
    for name in sorted(differ, key=lambda name: -abs(differ[name]))[:lines]:
        print(
            f"{differ[name] / per:+10.1f}: {ours[name] / per:9.1f} in {our_calls[name] / per:7.2f} calls,"
            f" {theirs[name] / per:9.1f} in {their_calls[name] / per:7.2f} of {name}"
        )


def main():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side")
    parser.add_argument("other", nargs="?", help="a side to compare with")
    parser.add_argument("--per", type=float, default=1, help="divide by this, the operations that were measured")
    parser.add_argument("--lines", type=int, default=40, help="functions to print (40)")
    args = parser.parse_args()
    if args.other:
        compare(args.side, args.other, args.per, args.lines)
    else:
        show(args.side, args.per, args.lines)


if __name__ == "__main__":
    main()
