#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
Runs all of rdma-core's tests that a SoftRoCE device can run, on the
distribution's rxe with its provider and then on ours with our provider.

    rdma_core_rest.py FOLDER

FOLDER holds rdma-core's tests/. What passes there must pass here. Some tests
pass by luck, there as here: what was lost is tried again on both, and fails
this one if it still passes each time there and never here.
"""
import os
import sys

from rdma_core_suite import passed
from stock import stock_rxe

TRIES = 3


def really_lost(folder, plain, lost):
    """Those of the lost tests, of which there are some, not lost by luck."""
    here = set().union(*(passed(folder, *lost)[0] for _ in range(TRIES)))
    with stock_rxe():
        there = set.intersection(*(passed(folder, *lost, env=plain)[0]
                                   for _ in range(TRIES)))
    return (lost & there) - here


def main():
    folder = sys.argv[1]
    plain = {k: v for k, v in os.environ.items() if k != 'IBV_DRIVERS'}
    with stock_rxe():
        theirs, _ = passed(folder, env=plain)
    ours, output = passed(folder)
    print(output)
    print(f'{len(theirs)} tests pass on stock rxe, {len(ours)} on ours')
    lost = theirs - ours
    for name in sorted(lost):
        print(f'{name} passed on stock rxe and not on ours')
    if lost:
        lost = really_lost(folder, plain, lost)
    for name in sorted(lost):
        print(f'{name} passes on stock rxe and not on ours, time and again')
    return bool(lost) or not theirs


if __name__ == '__main__':
    sys.exit(main())
