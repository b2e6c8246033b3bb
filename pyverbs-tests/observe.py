#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
Where users look: rdma statistic, rdma resource and the tracepoints tell what
happened to a region.
"""
import contextlib
import ctypes
import json
import mmap
import os
import subprocess
import tempfile
import unittest

from pyverbs.mr import MR
from pyverbs.wr import SGE

from loop import ALL, Loop, e

PAGE = mmap.PAGESIZE
PAGES = 8
INSTANCE = '/sys/kernel/tracing/instances/odp_test'
NOBODY = 65534


def rdma(*words, **who):
    """What the rdma tool says."""
    out = subprocess.run(['rdma', '-j', *words], check=True,
                         capture_output=True, **who).stdout
    return json.loads(out)


def device():
    """The on-demand counters of rxe0."""
    (port,) = rdma('statistic', 'show', 'link', 'rxe0/1')
    return {k: v for k, v in port.items() if k.startswith('odp_')}


@contextlib.contextmanager
def traced():
    """Inside, tracepoints are on; yields a function that says what they told."""
    os.mkdir(INSTANCE)
    try:
        with open(INSTANCE + '/events/odp/enable', 'w', encoding='ascii') as f:
            f.write('1')

        def told(event):
            with open(INSTANCE + '/trace', encoding='ascii') as f:
                return [line.split(event + ': ')[1] for line in f
                        if f' {event}: ' in line]

        yield told
        with open(INSTANCE + '/events/odp/enable', 'w', encoding='ascii') as f:
            f.write('0')
    finally:
        os.rmdir(INSTANCE)


class Observe(unittest.TestCase):
    """One on-demand region and what is seen of it."""

    def setUp(self):
        self.loop = Loop()
        self.before = device()
        self.src = MR(self.loop.pd, PAGE, ALL)
        # Aligned, so that one look around sees all of it.
        self.mem = mmap.mmap(-1, 2 * PAGES * PAGE, flags=mmap.MAP_PRIVATE)
        first = ctypes.addressof(ctypes.c_char.from_buffer(self.mem))
        self.va = -(-first // (PAGES * PAGE)) * PAGES * PAGE
        self.offset = self.va - first
        self.mr = MR(self.loop.pd, PAGES * PAGE, ALL | e.IBV_ACCESS_ON_DEMAND,
                     address=self.va)

    def tearDown(self):
        self.mr.close()

    def write(self, page):
        """The device writes to a page."""
        self.loop.write(self.src, self.src.buf, self.mr,
                        self.va + page * PAGE, PAGE)

    def prefetch(self):
        """All of it, for writing, at once."""
        self.loop.pd.advise_mr(e._IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE,
                               e._IBV_ADVISE_MR_FLAG_FLUSH,
                               [SGE(self.va, PAGES * PAGE, self.mr.lkey)])

    def drop(self):
        """The kernel takes all pages back."""
        self.mem.madvise(mmap.MADV_DONTNEED, self.offset, PAGES * PAGE)

    def resource(self, *words, **who):
        """The region in rdma resource."""
        (mine,) = [r for r in rdma('-dd', 'resource', 'show', 'mr', *words,
                                   **who)
                   if r.get('pid') == os.getpid() and 'drv_odp' in r]
        return mine

    def statistic(self):
        """The region in rdma statistic."""
        mrn = self.resource()['mrn']
        (mine,) = [r for r in rdma('statistic', 'show', 'mr')
                   if r.get('mrn') == mrn]
        return {k: v for k, v in mine.items()
                if k not in ('ifindex', 'ifname', 'mrn')}

    def device_change(self):
        """What rxe0 counted since the test began."""
        return {k: v - self.before[k] for k, v in device().items()}

    def test_resource(self):
        self.write(3)
        mine = self.resource()
        self.assertEqual(mine['drv_odp'], 'explicit')
        self.assertEqual(mine['drv_odp_policy'], 'stream')
        self.assertEqual(mine['drv_odp_bytes'], str(PAGES * PAGE))
        self.assertEqual(mine['drv_odp_resident_pages'], 1)
        self.assertGreater(mine['drv_odp_table_bytes'], 0)
        self.assertEqual(mine['drv_odp_va'], f'{self.va:#x}')
        self.assertEqual(mine['drv_odp_iova'], f'{self.va:#x}')

    def test_R22_addresses_are_not_for_everyone(self):
        """Who may not see keys sees no addresses, however it asks."""
        mrn = str(self.resource()['mrn'])
        for words in ([], ['mrn', mrn]):
            shown = self.resource(*words, user=NOBODY, group=NOBODY,
                                  extra_groups=[])
            self.assertNotIn('rkey', shown)
            self.assertEqual(shown['drv_odp_bytes'], str(PAGES * PAGE))
            places = [k for k in shown if k.endswith('va')]
            self.assertEqual(places, [], words)

    def test_no_number_is_cut(self):
        """The whole address space is more than 32 bits."""
        implicit = MR(self.loop.pd, PAGE, ALL | e.IBV_ACCESS_ON_DEMAND,
                      implicit=True)
        (mine,) = [r for r in rdma('-dd', 'resource', 'show', 'mr')
                   if r.get('drv_odp') == 'implicit']
        self.assertGreaterEqual(int(mine['drv_odp_bytes']), 2 ** 47 - PAGE)
        implicit.close()

    def test_statistic(self):
        self.write(0)
        self.drop()
        self.prefetch()
        self.assertEqual(self.statistic(), {
            'page_faults': 1, 'page_faults_local': 0, 'page_faults_remote': 1,
            'page_slow_faults': 0, 'rnr_naks': 0, 'parked': 0,
            'exclusive_takes': 0,
            'page_faulted_pages': 1, 'page_around_pages': 0,
            'page_prefetched': PAGES,
            'page_invalidations': 1, 'page_invalidated_pages': 1,
            'page_collisions': 0, 'page_failed_faults': 0,
            'page_pinned_fallbacks': 0})

    def test_neighbours(self):
        for page in range(PAGES):
            self.mem[self.offset + page * PAGE] = 1
        self.write(0)
        mine = self.statistic()
        self.assertEqual(mine['page_faulted_pages'], 1)
        self.assertEqual(mine['page_around_pages'], PAGES - 1)

    def test_failed_fault(self):
        self.mr.close()
        self.mr = MR(self.loop.pd, PAGE, ALL | e.IBV_ACCESS_ON_DEMAND,
                     address=PAGE)
        status = self.loop.rdma(e.IBV_WR_RDMA_WRITE, self.src, self.src.buf,
                                self.mr, PAGE, 8)
        # One queue pair is both peers: which error comes first is open.
        self.assertNotEqual(status, e.IBV_WC_SUCCESS)
        self.assertEqual(self.statistic()['page_failed_faults'], 1)
        self.assertEqual(self.device_change()['odp_page_failed_faults'], 1)

    def test_device(self):
        self.write(0)
        self.drop()
        self.prefetch()
        change = self.device_change()
        for name, value in self.statistic().items():
            self.assertEqual(change['odp_' + name], value, name)
        # The table is the process's: what an earlier region had may be there.
        self.assertGreaterEqual(change['odp_resident_pages'], PAGES)
        self.assertGreaterEqual(change['odp_table_bytes'],
                                self.resource()['drv_odp_table_bytes'])

        # What was done stays, what was there is no longer this device's.
        self.mr.close()
        change = self.device_change()
        self.assertEqual(change['odp_page_faults'], 1)
        self.assertEqual(change['odp_page_prefetched'], PAGES)
        self.assertEqual(change['odp_resident_pages'], 0)
        self.assertEqual(change['odp_table_bytes'], 0)

    def test_tracepoints(self):
        with traced() as told:
            self.assertEqual(
                {d.name for d in os.scandir(INSTANCE + '/events/odp')
                 if d.is_dir()},
                {'odp_fault', 'odp_install', 'odp_invalidate', 'odp_retry',
                 'odp_slow', 'odp_slow_end'})
            self.write(2)
            self.drop()
            page = f'{self.va + 2 * PAGE:#x}'
            self.assertEqual(len(told('odp_fault')), 1)
            self.assertIn(page, told('odp_fault')[0])
            self.assertEqual(len(told('odp_install')), 1)
            self.assertEqual(len([t for t in told('odp_invalidate')
                                  if f'{self.va:#x}' in t]), 1)

    def test_slow_faults(self):
        """A file is asked before it is written to, which may take time."""
        with tempfile.TemporaryFile(dir='/var/tmp') as file, traced() as told:
            file.truncate(2 * PAGE)
            mem = mmap.mmap(file.fileno(), 2 * PAGE)
            va = ctypes.addressof(ctypes.c_char.from_buffer(mem))
            self.mr.close()
            self.mr = MR(self.loop.pd, 2 * PAGE,
                         ALL | e.IBV_ACCESS_ON_DEMAND, address=va)

            self.loop.write(self.src, self.src.buf, self.mr, va, PAGE)
            mine = self.statistic()
            self.assertGreater(mine['page_faults_remote'], 0)
            self.assertGreater(mine['page_slow_faults'], 0)
            self.assertGreater(mine['rnr_naks'], 0)
            self.assertEqual(mine['parked'], 0)
            self.assertEqual(len(told('odp_slow')), mine['page_slow_faults'])
            self.assertIn(f'{va:#x}', told('odp_slow')[0])
            self.assertIn(f'{va:#x}', told('odp_slow_end')[-1])

            status = self.loop.rdma(e.IBV_WR_RDMA_READ, self.mr, va + PAGE,
                                    self.src, self.src.buf, PAGE)
            self.assertEqual(status, e.IBV_WC_SUCCESS)
            mine = self.statistic()
            self.assertGreater(mine['page_faults_local'], 0)
            self.assertEqual(len(told('odp_slow')), mine['page_slow_faults'])
            change = self.device_change()
            for name, value in mine.items():
                self.assertEqual(change['odp_' + name], value, name)


if __name__ == '__main__':
    unittest.main(verbosity=2)
