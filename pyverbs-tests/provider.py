#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
The provider: RXE_ODP, ibv_advise_mr() and ibv_rereg_mr(), and the
distribution's provider beside it.
"""
import errno
import unittest

from child import ADVISE, ON_DEMAND, PATIENCE, PLAIN, REREG, run, without_plugin


class Environment(unittest.TestCase):
    """RXE_ODP decides what becomes of a registration."""

    def test_as_asked(self):
        self.assertEqual(run(ON_DEMAND), ['explicit'])
        self.assertEqual(run(PLAIN), ['pinned'])

    def test_force(self):
        self.assertEqual(run(PLAIN, RXE_ODP='force'), ['explicit'])
        self.assertEqual(run(ON_DEMAND, RXE_ODP='force'), ['explicit'])

    def test_force_has_patience(self):
        self.assertEqual(run(PATIENCE, RXE_ODP='force'), ['7', '0'])
        self.assertEqual(run(PATIENCE), ['0', '0'])

    def test_off(self):
        self.assertEqual(run(ON_DEMAND, RXE_ODP='off'), [str(errno.EOPNOTSUPP)])
        self.assertEqual(run(PLAIN, RXE_ODP='off'), ['pinned'])

    def test_unknown_value(self):
        self.assertEqual(run(PLAIN, RXE_ODP='of'),
                         [str(errno.EINVAL)])


class Verbs(unittest.TestCase):
    """What the distribution's provider may lack."""

    def test_advise(self):
        self.assertEqual(run(ADVISE), ['done'])

    def test_rereg(self):
        self.assertEqual(run(REREG), ['done'])


class StockProvider(unittest.TestCase):
    """The distribution's provider still works with our kernel side."""

    def test_registers_on_demand(self):
        self.assertEqual(without_plugin(ON_DEMAND), ['explicit'])

    def test_registers_pinned(self):
        self.assertEqual(without_plugin(PLAIN), ['pinned'])


if __name__ == '__main__':
    unittest.main(verbosity=2)
