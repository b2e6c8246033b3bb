# SPDX-License-Identifier: (GPL-2.0 OR Linux-OpenIB)
"""
What may happen to the memory of an ODP MR: holes that are filled later, rights
that the process does not have, fork, other memory at the same address. The
device always sees what the process would see, and no byte of what was before.
"""
import tempfile
import os

from pyverbs.libibverbs_enums import ibv_wc_status, ibv_wr_opcode
from pyverbs.mem_alloc import mmap, munmap, read, MAP_SHARED_, PROT_NONE_, PROT_READ_
from pyverbs.wr import SGE
from pyverbs.mr import MR

from tests.odp_base import LOCAL, MSG, ON_DEMAND, PAGE, PAGES, READ_WRITE, REMOTE, OdpMemoryTestCase, \
    check, pattern
import tests.utils as u

ROUNDS = 8


class OdpMappingTest(OdpMemoryTestCase):
    """
    Mappings that are not there, not there yet, there for reading, or no longer there.
    """
    def holes(self, make_hole, hole=PAGE):
        """
        An MR that begins and ends in pages that are there, with a hole.
        """
        self.create_players()
        memory = self.memory(4 * PAGE)
        make_hole(memory, hole)
        mr = self.reg(self.server, memory)
        for page in {0, PAGE, 2 * PAGE, 3 * PAGE} - {hole}:
            self.write_and_check(mr, memory.addr + page, page)
            self.read_and_check(mr, memory.addr + page)
        self.expect_refused(self.write_to, mr, memory.addr + hole, 1)
        self.expect_refused(self.read_from, mr, memory.addr + hole)
        for page in {0, PAGE, 2 * PAGE, 3 * PAGE} - {hole}:
            memory.check('page beside the hole', page, page, MSG)
        # Same MR, same keys.
        memory.map(hole, PAGE)
        self.write_and_check(mr, memory.addr + hole, 2)
        self.read_and_check(mr, memory.addr + hole)

    def test_odp_hole_prot_none(self):
        self.holes(lambda memory, hole: memory.map(hole, PAGE, PROT_NONE_))

    def test_odp_hole_unmapped(self):
        self.holes(lambda memory, hole: memory.unmap(hole, PAGE))

    def test_odp_hole_first(self):
        self.holes(lambda memory, hole: memory.map(hole, PAGE, PROT_NONE_), hole=0)

    def test_odp_hole_last(self):
        self.holes(lambda memory, hole: memory.map(hole, PAGE, PROT_NONE_), hole=3 * PAGE)

    def test_odp_mapped_later(self):
        """
        An MR over addresses that are only reserved.
        """
        self.create_players()
        memory, mr = self.odp_memory(prot=PROT_NONE_)
        for page in range(0, memory.length, PAGE):
            memory.map(page, PAGE)
            self.write_and_check(mr, memory.addr + page, page)
            self.read_and_check(mr, memory.addr + page)

    def test_odp_implicit_mapped_later(self):
        """
        An implicit MR, on both sides, over memory that is mapped after it.
        """
        self.create_players()
        u.odp_implicit_supported(self.server.ctx)
        mr = MR(self.server.pd, access=REMOTE | ON_DEMAND, implicit=True)
        self.local_mr.close()
        local_mr = MR(self.client.pd, access=LOCAL | ON_DEMAND, implicit=True)
        for seed in range(ROUNDS):
            local, memory = self.memory(PAGE), self.memory(PAGE)
            local.fill(seed)
            self.rdma_write([SGE(local.addr, MSG, local_mr.lkey)], mr.rkey, memory.addr)
            check('target of a write', memory.read(MSG), pattern(seed, MSG))
            memory.fill(~seed)
            self.rdma_read([SGE(local.addr, MSG, local_mr.lkey)], mr.rkey, memory.addr)
            check('target of a read', local.read(MSG), pattern(~seed, PAGE)[:MSG])

    def test_odp_read_only_page(self):
        """
        The device gets no right that the process has not, whatever the MR's access.
        """
        self.create_players()
        memory = self.memory(2 * PAGE)
        memory.map(PAGE, PAGE, PROT_READ_)
        mr = self.reg(self.server, memory)
        self.write_and_check(mr, memory.addr, 1)
        self.read_and_check(mr, memory.addr + PAGE)
        self.expect_refused(self.write_to, mr, memory.addr + PAGE, 2)
        memory.check_zero('read-only page', PAGE)
        memory.map(PAGE, PAGE)
        self.write_and_check(mr, memory.addr + PAGE, 3)

    def test_odp_zero_page(self):
        """
        A page that was only read so far is the zero page, which nobody writes to.
        """
        self.create_players()
        memory, mr = self.odp_memory()
        other = self.memory(PAGE)
        for page in range(0, 4 * PAGE, PAGE):
            check('untouched page', self.read_from(mr, memory.addr + page), bytes(MSG))
        self.write_and_check(mr, memory.addr, 1)
        memory.fill(2, PAGE, MSG)
        self.read_and_check(mr, memory.addr + PAGE)
        check('untouched page', self.read_from(mr, memory.addr + 2 * PAGE), bytes(MSG))
        memory.check_zero('page that was only read', 3 * PAGE, PAGE)
        other.check_zero('page of another mapping')

    def test_odp_file(self):
        """
        A file's pages: both sides of the mapping see all writes, and behind the end
        of the file there is nothing.
        """
        self.create_players()
        with tempfile.TemporaryFile() as file:
            content = pattern(1, 2 * PAGE)
            file.write(content)
            file.flush()
            addr = mmap(length=4 * PAGE, prot=READ_WRITE, flags=MAP_SHARED_, fd=file.fileno())
            self.addCleanup(munmap, addr, 4 * PAGE)
            mr = MR(self.server.pd, 4 * PAGE, REMOTE | ON_DEMAND, address=addr)
            check('target of a read', self.read_from(mr, addr + PAGE), content[PAGE:PAGE + MSG])
            self.write_and_check(mr, addr, 2)
            check('file', os.pread(file.fileno(), MSG, 0), pattern(2, MSG))
            self.expect_refused(self.write_to, mr, addr + 2 * PAGE, 3)
            os.ftruncate(file.fileno(), 3 * PAGE)
            self.write_and_check(mr, addr + 2 * PAGE, 4)
            check('file', os.pread(file.fileno(), MSG, 2 * PAGE), pattern(4, MSG))
            os.ftruncate(file.fileno(), PAGE)
            self.expect_refused(self.read_from, mr, addr + PAGE)

    def test_odp_remap(self):
        """
        Other memory at the same address, by mmap() alone and after munmap().
        """
        self.create_players()
        memory, mr = self.odp_memory()
        for seed in range(ROUNDS):
            if seed % 2:
                memory.unmap(PAGE, PAGE)
            memory.map(PAGE, PAGE)
            check('new page', self.read_from(mr, memory.addr + PAGE), bytes(MSG))
            memory.map(PAGE, PAGE)
            memory.fill(seed, PAGE, MSG)
            self.read_and_check(mr, memory.addr + PAGE)
            memory.map(PAGE, PAGE)
            self.write_and_check(mr, memory.addr + PAGE, ~seed)

    def test_odp_dontneed(self):
        self.create_players()
        memory, mr = self.odp_memory()
        for seed in range(ROUNDS):
            self.write_and_check(mr, memory.addr, seed)
            memory.drop()
            check('dropped page', self.read_from(mr, memory.addr), bytes(MSG))
            memory.fill(~seed)
            self.read_and_check(mr, memory.addr)


class OdpTrafficTest(OdpMemoryTestCase):
    """
    The same while WRs are under way.
    """
    def test_odp_dontneed_under_traffic(self):
        self.create_players()
        memory, mr = self.odp_memory()
        for seed in range(ROUNDS):
            self.local.fill(seed)
            self.post_all(ibv_wr_opcode.IBV_WR_RDMA_WRITE, mr, memory)
            memory.drop()
            u.poll_cq(self.client.cq, PAGES)
            self.check_either('page', memory, [seed])
            self.post_all(ibv_wr_opcode.IBV_WR_RDMA_WRITE, mr, memory)
            u.poll_cq(self.client.cq, PAGES)
            self.check_all('page', memory, seed)
            memory.drop()

    def test_odp_read_under_dontneed(self):
        """
        What is read is what was there before, or zero; after that it is zero.
        """
        self.create_players()
        memory, mr = self.odp_memory()
        for seed in range(ROUNDS):
            memory.drop()
            content = pattern(seed, memory.length)
            for page in range(0, memory.length, PAGE):
                memory.write(content[page:page + MSG], page)
            self.local.drop()
            self.local_mr.close()
            self.local, self.local_mr = self.buffer(self.client, PAGES * PAGE)
            self.post_all(ibv_wr_opcode.IBV_WR_RDMA_READ, mr, memory)
            memory.drop()
            u.poll_cq(self.client.cq, PAGES)
            self.check_either('target', self.local, [seed])
            self.post_all(ibv_wr_opcode.IBV_WR_RDMA_READ, mr, memory)
            u.poll_cq(self.client.cq, PAGES)
            self.local.check_zero('target after that')

    def poll_whatever(self, count):
        """
        Poll completions of WRs that may fail.
        :return: Their statuses
        """
        return [u._poll_cq(self.client.cq)[0].status for _ in range(count)]

    def test_odp_unmap_under_traffic(self):
        """
        WRs to memory that goes away end one way or the other; what comes after it at
        the same address is right.
        """
        self.create_players()
        memory, mr = self.odp_memory()
        may = (ibv_wc_status.IBV_WC_SUCCESS, ibv_wc_status.IBV_WC_REM_ACCESS_ERR,
               ibv_wc_status.IBV_WC_REM_OP_ERR, ibv_wc_status.IBV_WC_WR_FLUSH_ERR)
        for seed in range(ROUNDS):
            self.local.fill(seed)
            self.post_all(ibv_wr_opcode.IBV_WR_RDMA_WRITE, mr, memory)
            memory.map(0, memory.length, PROT_NONE_)
            for status in self.poll_whatever(PAGES):
                self.assertIn(status, may)
            self.reconnect()
            memory.map(0, memory.length)
            memory.check_zero('new memory')
            self.post_all(ibv_wr_opcode.IBV_WR_RDMA_WRITE, mr, memory)
            u.poll_cq(self.client.cq, PAGES)
            self.check_all('new memory', memory, seed)


class OdpForkTest(OdpMemoryTestCase):
    """
    An MR is of the process that registered it. After fork() the pages are shared
    until one of both writes, and no byte crosses over.
    """
    def fork(self, func):
        """
        Run a function in a child, when told to.
        :param func: A function that raises an exception if something is wrong
        :return: A function that lets the child run, and waits for its end
        """
        take, give = os.pipe()
        pid = os.fork()
        if not pid:
            # Nothing of the parent's may be closed or cleaned up here.
            status = 1
            try:
                os.close(give)
                os.read(take, 1)
                func()
                status = 0
            except Exception as ex:
                print(f'Child: {ex}', flush=True)
            finally:
                os._exit(status)
        os.close(take)

        def join():
            os.close(give)
            self.assertEqual(os.waitpid(pid, 0)[1], 0, 'The child has seen wrong data')
        return join

    def test_odp_fork_parent_writes(self):
        """
        Copy on write by the parent: the device follows the parent.
        """
        self.create_players()
        memory, mr = self.odp_memory()
        for seed in range(0, 3 * ROUNDS, 3):
            memory.fill(seed)
            self.read_and_check(mr, memory.addr)
            join = self.fork(lambda: memory.check('memory of the child', seed))
            memory.fill(seed + 1)
            self.read_and_check(mr, memory.addr)
            self.read_and_check(mr, memory.addr + PAGE)
            join()

    def test_odp_fork_device_writes(self):
        """
        Copy on write by the device: the child keeps what was there.
        """
        self.create_players()
        memory, mr = self.odp_memory()
        for seed in range(0, 3 * ROUNDS, 3):
            memory.fill(seed)
            self.write_and_check(mr, memory.addr, seed + 1)
            content = memory.read()
            join = self.fork(lambda: check('memory of the child', memory.read(), content))
            self.write_and_check(mr, memory.addr, seed + 2)
            self.write_and_check(mr, memory.addr + PAGE, seed + 2)
            check('rest of the memory', memory.read(offset=2 * PAGE), content[2 * PAGE:])
            join()

    def test_odp_fork_child_writes(self):
        """
        What the child writes, and that it ends, is nothing to the device.
        """
        self.create_players()
        memory, mr = self.odp_memory()

        def child():
            memory.fill(1000)
            memory.check('memory of the child', 1000)

        for seed in range(ROUNDS):
            memory.fill(seed)
            self.read_and_check(mr, memory.addr)
            self.fork(child)()
            memory.check('memory of the parent', seed)
            self.read_and_check(mr, memory.addr)
            self.write_and_check(mr, memory.addr, ~seed)

    def test_odp_fork_under_traffic(self):
        """
        The child may see writes that were under way, and none that came later.
        """
        self.create_players()
        memory, mr = self.odp_memory()
        for seed in range(1, ROUNDS + 1):
            self.local.fill(seed)
            self.post_all(ibv_wr_opcode.IBV_WR_RDMA_WRITE, mr, memory)
            join = self.fork(lambda: self.check_either('memory of the child', memory, [seed, 1 - seed]))
            u.poll_cq(self.client.cq, PAGES)
            self.check_all('memory of the parent', memory, seed)
            self.local.fill(-seed)
            self.post_all(ibv_wr_opcode.IBV_WR_RDMA_WRITE, mr, memory)
            u.poll_cq(self.client.cq, PAGES)
            self.check_all('memory of the parent', memory, -seed)
            join()
