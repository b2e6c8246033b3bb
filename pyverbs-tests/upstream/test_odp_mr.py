# SPDX-License-Identifier: (GPL-2.0 OR Linux-OpenIB)
"""
Verbs for ODP MRs: ibv_advise_mr() with each advice, with and without FLUSH, and
with wrong arguments; ibv_rereg_mr() to other access, to ODP, from it, and to
other memory. The data is right before and after.
"""
import unittest
import errno

from pyverbs.libibverbs_enums import ibv_access_flags, ibv_rereg_mr_flags, \
    _IBV_ADVISE_MR_ADVICE_PREFETCH, _IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE, \
    _IBV_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT, _IBV_ADVISE_MR_FLAG_FLUSH
from pyverbs.pyverbs_error import PyverbsRDMAError
from pyverbs.mem_alloc import PROT_NONE_
from pyverbs.wr import SGE
from pyverbs.pd import PD

from tests.odp_base import LOCAL, ON_DEMAND, PAGE, REMOTE, OdpMemoryTestCase
import tests.utils as u

FLUSH = _IBV_ADVISE_MR_FLAG_FLUSH
PREFETCH = _IBV_ADVISE_MR_ADVICE_PREFETCH
PREFETCH_WRITE = _IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE
PREFETCH_NO_FAULT = _IBV_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT
REMOTE_READ = ibv_access_flags.IBV_ACCESS_REMOTE_READ


class OdpPrefetchTest(OdpMemoryTestCase):
    def prefetch(self, mr, offset, length, advice=PREFETCH_WRITE, flags=FLUSH):
        u.prefetch_mrs(self.server, [self.sge(mr, offset, length)], advice, flags)

    def refused(self, errors, sge, advice=PREFETCH_WRITE, flags=FLUSH, pd=None):
        """
        :param errors: Errors that ibv_advise_mr(3) has for this
        """
        with self.assertRaises(PyverbsRDMAError) as caught:
            (pd or self.server.pd).advise_mr(advice, flags, [sge])
        self.assertIn(caught.exception.error_code, errors)

    def advise(self, advice, flags):
        """
        Prefetch whole MRs and odd ranges of them, of pages that are there and that
        are not, then use them.
        """
        self.create_players()
        memory, mr = self.odp_memory(shared=True)
        for seed, (offset, length) in enumerate(((0, memory.length), (1, 1), (100, 2 * PAGE),
                                                 (PAGE - 1, 2), (3 * PAGE + 5, PAGE))):
            memory.fill(seed)
            memory.drop()
            self.prefetch(mr, offset, length, advice, flags)
            memory.check('memory that was prefetched', seed)
            self.read_and_check(mr, memory.addr + offset // PAGE * PAGE)
            self.write_and_check(mr, memory.addr + offset // PAGE * PAGE, ~seed)
        fresh, mr = self.odp_memory()
        self.prefetch(mr, 0, fresh.length, advice, flags)
        fresh.check_zero('memory that was prefetched')
        self.write_and_check(mr, fresh.addr, 1)

    def test_odp_prefetch_flush(self):
        self.advise(PREFETCH, FLUSH)

    def test_odp_prefetch_async(self):
        self.advise(PREFETCH, 0)

    def test_odp_prefetch_write_flush(self):
        self.advise(PREFETCH_WRITE, FLUSH)

    def test_odp_prefetch_write_async(self):
        self.advise(PREFETCH_WRITE, 0)

    def test_odp_prefetch_no_fault_flush(self):
        self.advise(PREFETCH_NO_FAULT, FLUSH)

    def test_odp_prefetch_no_fault_async(self):
        self.advise(PREFETCH_NO_FAULT, 0)

    def test_odp_prefetch_several(self):
        """
        SGEs of two MRs in one call.
        """
        self.create_players()
        one, one_mr = self.odp_memory()
        two, two_mr = self.odp_memory()
        u.prefetch_mrs(self.server, [self.sge(one_mr, 0, PAGE), self.sge(two_mr, PAGE, 3 * PAGE),
                                     self.sge(one_mr, PAGE + 1, 5)])
        self.write_and_check(one_mr, one.addr, 1)
        self.write_and_check(two_mr, two.addr + PAGE, 2)

    def test_odp_prefetch_read_only_mr(self):
        """
        An MR that nobody may write to can be prefetched for reading, and only for that.
        """
        self.create_players()
        memory, mr = self.odp_memory(REMOTE_READ | ON_DEMAND, shared=True)
        memory.fill(1)
        memory.drop()
        self.prefetch(mr, 0, memory.length, PREFETCH)
        self.prefetch(mr, 0, memory.length, PREFETCH_NO_FAULT)
        self.refused((errno.EPERM, errno.EFAULT), self.sge(mr, 0, PAGE))
        self.read_and_check(mr, memory.addr)

    def test_odp_prefetch_hole(self):
        """
        FLUSH tells that a page cannot be had; the others are as good as before.
        """
        self.create_players()
        memory, mr = self.odp_memory()
        self.prefetch(mr, 0, PAGE)
        memory.map(2 * PAGE, PAGE, PROT_NONE_)
        self.refused((errno.EFAULT,), self.sge(mr, 0, memory.length))
        self.prefetch(mr, 0, memory.length, PREFETCH_WRITE, 0)
        self.write_and_check(mr, memory.addr + PAGE, 1)
        self.expect_refused(self.write_to, mr, memory.addr + 2 * PAGE, 2)
        memory.map(2 * PAGE, PAGE)
        self.prefetch(mr, 0, memory.length)
        self.write_and_check(mr, memory.addr + 2 * PAGE, 3)

    def test_odp_prefetch_wrong_range(self):
        self.create_players()
        memory, mr = self.odp_memory()
        self.prefetch(mr, 0, PAGE)
        for offset, length in ((memory.length, 1), (memory.length - 1, 2), (-1, 2),
                               (0, memory.length + 1)):
            self.refused((errno.EFAULT,), self.sge(mr, offset, length))
        self.write_and_check(mr, memory.addr, 1)

    def test_odp_prefetch_wrong_args(self):
        self.create_players()
        memory, mr = self.odp_memory()
        self.prefetch(mr, 0, PAGE)
        self.refused((errno.EINVAL, errno.EOPNOTSUPP), self.sge(mr, 0, PAGE), flags=FLUSH | 0x40)
        self.refused((errno.EINVAL, errno.EOPNOTSUPP), self.sge(mr, 0, PAGE), advice=77)
        for flags in (FLUSH, 0):
            self.refused((errno.EINVAL, errno.EFAULT, errno.ENOENT),
                         SGE(memory.addr, PAGE, mr.lkey ^ 0x5500), flags=flags)
            self.refused((errno.EINVAL, errno.EPERM), self.sge(mr, 0, PAGE), flags=flags,
                         pd=PD(self.server.ctx))
        self.write_and_check(mr, memory.addr, 1)

    def test_odp_prefetch_pinned_mr(self):
        """
        There is nothing to prefetch in an MR without ODP.
        """
        self.create_players()
        memory, mr = self.odp_memory()
        self.prefetch(mr, 0, PAGE)
        pinned, pinned_mr = self.odp_memory(REMOTE)
        for flags in (FLUSH, 0):
            self.refused((errno.EINVAL, errno.EFAULT, errno.ENOENT, errno.EPERM),
                         self.sge(pinned_mr, 0, PAGE), flags=flags)
        self.write_and_check(pinned_mr, pinned.addr, 1)


class OdpReregTest(OdpMemoryTestCase):
    @staticmethod
    def rereg(mr, flags, what, **kwargs):
        """
        :param what: Says what a device that refuses cannot do
        """
        try:
            mr.rereg(flags, **kwargs)
        except PyverbsRDMAError as ex:
            if ex.error_code in (errno.EOPNOTSUPP, errno.EINVAL):
                raise unittest.SkipTest(f'{what} is not supported')
            raise ex

    def change_access(self, mr, access, what):
        self.rereg(mr, ibv_rereg_mr_flags.IBV_REREG_MR_CHANGE_ACCESS, what, access=access)

    def test_odp_rereg_access(self):
        """
        Rights come and go; the content and the pages stay.
        """
        self.create_players()
        memory, mr = self.odp_memory()
        for seed in range(3):
            self.write_and_check(mr, memory.addr, seed)
            self.change_access(mr, LOCAL | REMOTE_READ | ON_DEMAND, 'Rereg MR')
            self.read_and_check(mr, memory.addr)
            self.expect_refused(self.write_to, mr, memory.addr, 100)
            memory.check('memory without the right', seed, 0, 1024)
            self.change_access(mr, REMOTE | ON_DEMAND, 'Rereg MR')

    def test_odp_rereg_pd(self):
        """
        An MR of another PD is not this QP's.
        """
        self.create_players()
        memory, mr = self.odp_memory()
        other = PD(self.server.ctx)
        self.write_and_check(mr, memory.addr, 1)
        self.rereg(mr, ibv_rereg_mr_flags.IBV_REREG_MR_CHANGE_PD, 'Rereg MR', pd=other)
        self.expect_refused(self.write_to, mr, memory.addr, 2)
        memory.check('memory of another PD', 1, 0, 1024)
        self.rereg(mr, ibv_rereg_mr_flags.IBV_REREG_MR_CHANGE_PD, 'Rereg MR', pd=self.server.pd)
        self.write_and_check(mr, memory.addr, 3)

    def follow(self, memory, mr):
        """
        An ODP MR is of other memory as soon as the process has mapped it there.
        """
        self.write_and_check(mr, memory.addr, 1)
        memory.map(0, memory.length)
        memory.fill(2)
        self.read_and_check(mr, memory.addr)
        self.write_and_check(mr, memory.addr, 3)

    def test_odp_rereg_to_odp(self):
        self.create_players()
        memory, mr = self.odp_memory(REMOTE)
        self.write_and_check(mr, memory.addr, 1)
        self.change_access(mr, REMOTE | ON_DEMAND, 'Rereg MR of a pinned MR to ODP')
        self.follow(memory, mr)

    def test_odp_rereg_from_odp(self):
        self.create_players()
        memory, mr = self.odp_memory()
        self.follow(memory, mr)
        self.change_access(mr, REMOTE, 'Rereg MR of an ODP MR to a pinned one')
        self.write_and_check(mr, memory.addr, 4)
        self.read_and_check(mr, memory.addr + PAGE)

    def test_odp_rereg_translation(self):
        self.create_players()
        memory, mr = self.odp_memory()
        other = self.memory(memory.length)
        self.write_and_check(mr, memory.addr, 1)
        self.rereg(mr, ibv_rereg_mr_flags.IBV_REREG_MR_CHANGE_TRANSLATION, 'Rereg MR to other memory',
                   addr=other.addr, length=other.length)
        self.write_and_check(mr, other.addr, 2)
        memory.check('memory that was left', 1, 0, 1024)
        self.follow(other, mr)
