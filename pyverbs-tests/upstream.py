#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
Runs the tests of upstream/, which are written for rdma-core, on rxe0.

    upstream.py FOLDER OUTCOMES [TEST...]

FOLDER holds rdma-core's tests/ with them in it. All must pass, but for those
that tests/skips allows to be skipped. The file OUTCOMES gets a line "TEST WHAT"
for each, for upstream_stock.py.
"""
import sys
import unittest

from newer_pyverbs import provide
from rdma_core_suite import prepare

MODULES = ('tests.test_odp_data', 'tests.test_odp_memory', 'tests.test_odp_mr')
PASSED, SKIPPED, WRONG_DATA = 'ok', 'skipped', 'wrong data'


class Outcomes(unittest.TextTestResult):
    """Tells of each test at once: a later one may kill us."""

    outcomes = ''

    def tell(self, test, what):
        """What came of a test."""
        with open(self.outcomes, 'a', encoding='utf-8') as out:
            print(test.id(), what, file=out)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.tell(test, PASSED)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.tell(test, f'{SKIPPED}: {reason}')

    def addError(self, test, err):
        super().addError(test, err)
        wrong = 'Data validation failure' in str(err[1])
        self.tell(test, WRONG_DATA if wrong else f'{err[0].__name__}: {err[1]}')

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.tell(test, WRONG_DATA if 'wrong data' in str(err[1]) else str(err[1]).partition('\n')[0])


def main():
    folder, Outcomes.outcomes, *names = sys.argv[1:]
    open(Outcomes.outcomes, 'w', encoding='utf-8').close()
    prepare(folder)
    provide()
    suite = unittest.defaultTestLoader.loadTestsFromNames(names or MODULES)
    result = unittest.TextTestRunner(verbosity=2, resultclass=Outcomes).run(suite)
    return not result.wasSuccessful()


if __name__ == '__main__':
    sys.exit(main())
