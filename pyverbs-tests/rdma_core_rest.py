#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
Runs all of rdma-core's tests that a SoftRoCE device can run, on ours with our
provider, and those that do not pass on the distribution's rxe with its provider.

    rdma_core_rest.py FOLDER

FOLDER holds rdma-core's tests/. What passes there must pass here. Some tests
pass by luck, there as here: what was lost, and is lost again, is tried as many times on both,
and fails this one if ours lost it more often than luck explains. The run that it
was lost in does not count: it was chosen for that.
"""
import collections
import math
import os
import sys

from rdma_core_suite import WANTED, passed, told
from stock import stock_rxe

FEW = 4         # what is lost in none of these was bad luck
TRIES = 12
LUCK = 0.02     # what happens less often than that is none


def losses(folder, names, tries=TRIES, env=None):
    """How often each of these tests is lost."""
    lost = collections.Counter()
    for _ in range(tries if names else 0):
        lost.update(names - passed(folder, *names, env=env)[0])
    return lost


def luck(here, there):
    """How likely ours loses so many or more of all these losses, if it is no worse."""
    both = here + there
    return sum(math.comb(TRIES, n) * math.comb(TRIES, both - n)
               for n in range(here, min(both, TRIES) + 1)) / math.comb(2 * TRIES, both)


def really_lost(folder, plain, lost):
    """Those of the lost tests, of which there are some, not lost by luck."""
    again = set(losses(folder, lost, FEW))
    for name in sorted(lost - again):
        print(f'{name}: of {FEW} tries more, ours lost none')
    here = losses(folder, again)
    with stock_rxe():
        there = losses(folder, again, env=plain)
    for name in sorted(again):
        print(f'{name}: of {TRIES} tries each, stock rxe lost {there[name]} '
              f'and ours {here[name]}')
    return {name for name in again if luck(here[name], there[name]) < LUCK}


def main():
    folder = sys.argv[1]
    plain = {k: v for k, v in os.environ.items() if k != 'IBV_DRIVERS'}
    ours, output = passed(folder)
    print(output)
    left = told(output, WANTED) - ours
    with stock_rxe():
        lost, _ = passed(folder, *left, env=plain) if left else (set(), '')
    print(f'{len(ours)} tests pass on ours, {len(left)} do not; {len(lost)} of these pass on stock rxe')
    for name in sorted(lost):
        print(f'{name} passed on stock rxe and not on ours')
    if lost:
        lost = really_lost(folder, plain, lost)
    for name in sorted(lost):
        print(f'{name} is lost more often on ours than on stock rxe')
    return bool(lost) or not ours


if __name__ == '__main__':
    sys.exit(main())
