#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
Runs all of rdma-core's tests that a SoftRoCE device can run, on the
distribution's rxe with its provider and then on ours with our provider.

    rdma_core_rest.py FOLDER

FOLDER holds rdma-core's tests/. What passes there must pass here.
"""
import os
import sys

from rdma_core_suite import passed
from stock import stock_rxe


def main():
    folder = sys.argv[1]
    plain = {k: v for k, v in os.environ.items() if k != 'IBV_DRIVERS'}
    with stock_rxe():
        theirs, _ = passed(folder, env=plain)
    ours, output = passed(folder)
    print(output)
    print(f'{len(theirs)} tests pass on stock rxe, {len(ours)} on ours')
    lost = sorted(theirs - ours)
    for name in lost:
        print(f'{name} passes on stock rxe and not on ours')
    return bool(lost) or not theirs


if __name__ == '__main__':
    sys.exit(main())
