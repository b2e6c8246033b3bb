# SPDX-License-Identifier: (GPL-2.0 OR Linux-OpenIB)
"""
Base of the ODP tests that look at every byte: memory whose content does not
repeat, so that a byte in the wrong place is seen, and players whose MRs are
registered by the tests.
"""
import operator
import resource
import random

from pyverbs.mem_alloc import mmap, munmap, madvise, read, write, MAP_ANONYMOUS_, MAP_FIXED_, \
    MAP_PRIVATE_, MAP_SHARED_, PROT_READ_, PROT_WRITE_
from pyverbs.libibverbs_enums import ibv_access_flags, ibv_odp_transport_cap_bits, ibv_qp_attr_mask, \
    ibv_qp_state, ibv_wr_opcode
from pyverbs.pyverbs_error import PyverbsError, PyverbsRDMAError
from pyverbs.qp import QPAttr, QPCap
from pyverbs.wr import RecvWR, SendWR, SGE
from pyverbs.mr import MR

from tests.base import RCResources, RDMATestCase, UDResources
import tests.utils as u

PAGE = resource.getpagesize()
LOCAL = ibv_access_flags.IBV_ACCESS_LOCAL_WRITE
REMOTE = LOCAL | ibv_access_flags.IBV_ACCESS_REMOTE_READ | ibv_access_flags.IBV_ACCESS_REMOTE_WRITE
ON_DEMAND = ibv_access_flags.IBV_ACCESS_ON_DEMAND
READ_WRITE = PROT_READ_ | PROT_WRITE_
WRITE_READ = ibv_odp_transport_cap_bits.IBV_ODP_SUPPORT_WRITE | \
    ibv_odp_transport_cap_bits.IBV_ODP_SUPPORT_READ
# Tests of memory send one packet to the start of a page: offsets and several
# packets are for tests of data.
MSG = 1024
PAGES = 16
REFUSED = 'Remote access error|Remote operation error'


def pattern(seed, length):
    """
    Bytes that do not repeat with any period.
    :param seed: Other seeds have other bytes
    :param length: How many bytes
    :return: The bytes
    """
    if not length:
        return b''
    return random.Random(str(seed)).getrandbits(8 * length).to_bytes(length, 'little')


def check(what, received, expected):
    """
    Compare bytes, and raise an exception that names the first wrong one.
    :param what: Whose bytes they are
    :param received: The bytes
    :param expected: What they shall be
    :return: None
    """
    if received == expected:
        return
    first = next(i for i, byte in enumerate(expected) if received[i] != byte)
    wrong = sum(map(operator.ne, received, expected))
    raise PyverbsError(f'Data validation failure: {what}: {wrong} of {len(expected)} bytes are wrong, '
                       f'the first one is byte {first}: expected {expected[first]:#04x}, '
                       f'received {received[first]:#04x}')


class Memory(object):
    """
    Whole pages of memory, mapped anew where they are with map(). It is the
    test's to unmap them with close(), once no MR is left.
    """
    def __init__(self, length, shared=False, prot=READ_WRITE):
        """
        Map memory.
        :param length: Its length, rounded up to whole pages
        :param shared: Whether the content outlives drop()
        :param prot: Protection
        """
        self.length = -(-length // PAGE) * PAGE
        self.flags = MAP_ANONYMOUS_ | (MAP_SHARED_ if shared else MAP_PRIVATE_)
        self.addr = mmap(length=self.length, prot=prot, flags=self.flags, fd=-1)

    def map(self, offset, length, prot=READ_WRITE):
        """
        Replace a part by other, empty memory; with PROT_NONE_ by a hole, which
        nothing else gets mapped into.
        """
        mmap(addr=self.addr + offset, length=length, prot=prot, flags=self.flags | MAP_FIXED_, fd=-1)

    def unmap(self, offset, length):
        """
        Leave nothing there. Longer than a page it would be asking for
        something of the interpreter's to be mapped there.
        """
        munmap(self.addr + offset, length)

    def fill(self, seed, offset=0, length=None):
        """
        Write a pattern.
        :return: The pattern
        """
        data = pattern(seed, self.length - offset if length is None else length)
        self.write(data, offset)
        return data

    def write(self, data, offset=0):
        write(self.addr, data, len(data), offset)

    def drop(self, offset=0, length=None):
        """
        Have the kernel take the pages back; private ones are zero after that.
        """
        madvise(self.addr + offset, self.length - offset if length is None else length)

    def read(self, length=None, offset=0):
        return read(self.addr, self.length - offset if length is None else length, offset)

    def check(self, what, seed, offset=0, length=None):
        """
        Check for a pattern that fill() has written, or a device.
        """
        data = self.read(length, offset)
        check(what, data, pattern(seed, len(data)))

    def check_zero(self, what, offset=0, length=None):
        data = self.read(length, offset)
        check(what, data, bytes(len(data)))

    def close(self):
        munmap(self.addr, self.length)


class OdpPlayerMixin(object):
    """
    What players of all transports have in common: they have no MR of their own.
    """
    def create_mr(self):
        u.odp_supported(self.ctx, self.transport, self.odp_caps)

    def create_qp_cap(self):
        return QPCap(max_send_wr=self.max_wr, max_recv_wr=self.max_wr,
                     max_send_sge=self.max_sge, max_recv_sge=self.max_sge)


class OdpDataRC(OdpPlayerMixin, RCResources):
    transport = 'rc'

    def __init__(self, odp_caps=0, max_wr=32, max_sge=1, **kwargs):
        """
        Initialize an RC player.
        :param odp_caps: Required ODP capabilities of RC
        :param max_wr: Number of WRs that are outstanding at a time
        :param max_sge: Number of SGEs of a WR
        """
        self.odp_caps = odp_caps
        self.max_wr = max_wr
        self.max_sge = max_sge
        super().__init__(**kwargs)

    def create_qp_attr(self):
        attr = QPAttr(port_num=self.ib_port)
        attr.qp_access_flags = REMOTE | ibv_access_flags.IBV_ACCESS_REMOTE_ATOMIC
        return attr


class OdpDataUD(OdpPlayerMixin, UDResources):
    transport = 'ud'

    def __init__(self, odp_caps=0, **kwargs):
        """
        Initialize an UD player.
        :param odp_caps: Required ODP capabilities of UD
        """
        self.odp_caps = odp_caps
        self.max_wr = 32
        self.max_sge = 1
        super().__init__(**kwargs)


class OdpDataTestCase(RDMATestCase):
    """
    Base class of the tests: memory, MRs over it, and single operations.
    """
    def setUp(self):
        super().setUp()
        self.memories = []
        self.mrs = []

    def tearDown(self):
        # This closes the MRs.
        super().tearDown()
        for memory in self.memories:
            memory.close()

    def create_players(self, resource=OdpDataRC, **resource_arg):
        super().create_players(resource, sync_attrs=False, **resource_arg)

    def memory(self, length, **kwargs):
        """
        Map memory for the time of the test.
        :return: A Memory object
        """
        self.memories.append(Memory(length, **kwargs))
        return self.memories[-1]

    def reg(self, player, memory, access=REMOTE | ON_DEMAND):
        """
        Register memory for the time of the test.
        :return: The MR
        """
        self.mrs.append(MR(player.pd, memory.length, access, address=memory.addr))
        return self.mrs[-1]

    def buffer(self, player, length=PAGE, access=REMOTE):
        """
        A pinned buffer, or one with other access.
        :return: A Memory object and its MR
        """
        memory = self.memory(length)
        return memory, self.reg(player, memory, access)

    def post_rdma(self, opcode, sg_list, rkey, raddr):
        """
        Post an RDMA operation of the client's.
        """
        wr = SendWR(opcode=opcode, num_sge=len(sg_list), sg=sg_list)
        wr.set_wr_rdma(rkey, raddr)
        u.post_send(self.client, wr)

    def rdma_write(self, sg_list, rkey, raddr):
        self.post_rdma(ibv_wr_opcode.IBV_WR_RDMA_WRITE, sg_list, rkey, raddr)
        u.poll_cq(self.client.cq)

    def rdma_read(self, sg_list, rkey, raddr):
        self.post_rdma(ibv_wr_opcode.IBV_WR_RDMA_READ, sg_list, rkey, raddr)
        u.poll_cq(self.client.cq)

    def send(self, send_sgl, recv_sgl):
        """
        One message from the client to the server.
        """
        ah = None
        if isinstance(self.client, OdpDataUD):
            ah = u.get_global_ah(self.client, self.gid_index, self.ib_port)
        u.post_recv(self.server, RecvWR(num_sge=len(recv_sgl), sg=recv_sgl))
        u.post_send(self.client, SendWR(num_sge=len(send_sgl), sg=send_sgl), ah=ah)
        u.poll_cq(self.client.cq)
        u.poll_cq(self.server.cq)

    def reconnect(self):
        """
        Bring both QPs back from the error state.
        """
        for player in (self.client, self.server):
            player.qp.modify(QPAttr(qp_state=ibv_qp_state.IBV_QPS_RESET), ibv_qp_attr_mask.IBV_QP_STATE)
        self.pre_run()

    @staticmethod
    def sge(mr, offset, length):
        return SGE(mr.buf + offset, length, mr.lkey)


class OdpMemoryTestCase(OdpDataTestCase):
    """
    A pinned buffer of the client's, and an ODP MR of the server's.
    """
    def setUp(self):
        super().setUp()
        self.local = self.local_mr = None

    def create_players(self, **resource_arg):
        super().create_players(OdpDataRC, odp_caps=WRITE_READ, **resource_arg)
        self.local, self.local_mr = self.buffer(self.client, PAGES * PAGE)

    def odp_memory(self, access=REMOTE | ON_DEMAND, **kwargs):
        """
        :return: Memory of the server's, and the MR over it
        """
        memory = self.memory(PAGES * PAGE, **kwargs)
        return memory, self.reg(self.server, memory, access)

    def write_to(self, mr, addr, seed):
        """
        RDMA-write a pattern of MSG bytes.
        """
        self.local.fill(seed, length=MSG)
        self.rdma_write([self.sge(self.local_mr, 0, MSG)], mr.rkey, addr)

    def write_and_check(self, mr, addr, seed):
        self.write_to(mr, addr, seed)
        check('target of a write', read(addr, MSG), pattern(seed, MSG))

    def read_from(self, mr, addr):
        """
        RDMA-read MSG bytes.
        :return: The bytes
        """
        self.local.fill(~addr, length=MSG)
        self.rdma_read([self.sge(self.local_mr, 0, MSG)], mr.rkey, addr)
        return self.local.read(MSG)

    def read_and_check(self, mr, addr):
        check('target of a read', self.read_from(mr, addr), read(addr, MSG))

    def expect_refused(self, func, *args):
        """
        An operation that must end with an error; the QPs are usable after it.
        """
        with self.assertRaisesRegex(PyverbsRDMAError, REFUSED):
            func(*args)
        self.reconnect()

    def post_all(self, opcode, mr, memory):
        """
        Post a WR for each page.
        """
        for page in range(0, memory.length, PAGE):
            self.post_rdma(opcode, [self.sge(self.local_mr, page, MSG)], mr.rkey, memory.addr + page)

    def check_either(self, what, memory, seeds):
        """
        Each page begins with bytes of its place in one of the patterns, or zeros.
        """
        patterns = [pattern(seed, memory.length) for seed in seeds]
        for page in range(0, memory.length, PAGE):
            data = memory.read(MSG, page)
            may = [p[page:page + MSG] for p in patterns] + [bytes(MSG)]
            check(f'{what} at {page:#x}', data,
                  bytes(byte if byte in {m[i] for m in may} else may[0][i]
                        for i, byte in enumerate(data)))
            memory.check_zero(f'{what}, rest of the page at {page:#x}', page + MSG, PAGE - MSG)

    def check_all(self, what, memory, seed):
        """
        Each page begins with bytes of its place in the pattern.
        """
        for page in range(0, memory.length, PAGE):
            check(f'{what} at {page:#x}', memory.read(MSG, page),
                  pattern(seed, memory.length)[page:page + MSG])
