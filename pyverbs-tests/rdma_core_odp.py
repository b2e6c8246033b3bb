#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
Runs rdma-core's own tests of on-demand paging on rxe0, with our provider.

    rdma_core_odp.py FOLDER

FOLDER holds rdma-core's tests/. All must pass; tests/skips has the one of XRC,
which rxe does not have.
"""
import sys
import unittest

from rdma_core_suite import prepare


def main():
    prepare(sys.argv[1])
    suite = unittest.defaultTestLoader.loadTestsFromName('tests.test_odp')
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    return not result.wasSuccessful()


if __name__ == '__main__':
    sys.exit(main())
