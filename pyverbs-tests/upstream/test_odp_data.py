# SPDX-License-Identifier: (GPL-2.0 OR Linux-OpenIB)
"""
ODP puts the right bytes in the right place: at any offset and length, for each
operation, on either side, wherever the pages are when it begins, and whatever
the peer calls the address. What lies beside the target does not change.
"""
import unittest

from pyverbs.libibverbs_enums import ibv_access_flags, ibv_device_cap_flags, ibv_mw_type, \
    ibv_odp_transport_cap_bits as odp_caps, ibv_wc_status, ibv_wr_opcode
from pyverbs.pyverbs_error import PyverbsError
from pyverbs.mr import MREx, MW, MWBindInfo
from pyverbs.wr import SendWR, SGE

from tests.odp_base import LOCAL, ON_DEMAND, PAGE, REMOTE, WRITE_READ, OdpDataRC, OdpDataTestCase, \
    OdpDataUD, check, pattern
import tests.utils as u

# The offset in the page and the length. The path MTU is 1024.
CASES = ((0, 1), (0, 1024), (0, PAGE), (0, 100000), (1, 1), (7, 2 * PAGE), (63, 1023), (100, 64),
         (100, 5000), (1023, 1025), (PAGE - 96, 200), (PAGE - 1, 2), (2 * PAGE - 1, PAGE + 2),
         (3 * PAGE + 57, 70001))
DATAGRAMS = ((0, 1), (0, 1024), (100, 64), (1023, 1000), (PAGE - 96, 200), (PAGE - 1, 2),
             (PAGE + 57, 1001))
# A page before the offset, and one behind the end.
REGION = 100000 + 6 * PAGE
# Where a source and a target are when the operation begins: in place; in memory
# but not in the page table; nowhere, which is for targets.
WARM, COLD, FRESH = 'warm', 'cold', 'fresh'


class End(object):
    """
    The memory that one side of an operation takes, or puts, the bytes in: shared
    and private memory with an MR each.
    """
    def __init__(self, test, player, access, length=REGION):
        self.odp = access & ON_DEMAND
        self.shared = test.memory(length, shared=True)
        self.private = test.memory(length)
        self.shared_mr = test.reg(player, self.shared, access)
        self.private_mr = test.reg(player, self.private, access)

    def prepare(self, state, seed):
        """
        :param state: WARM, COLD or FRESH; pinned pages are always warm
        :param seed: Of the content
        :return: Memory and MR in that state, and the content
        """
        if not self.odp:
            state = WARM
        memory, mr = self.private, self.private_mr
        if state == COLD:
            memory, mr = self.shared, self.shared_mr
        content = memory.fill(seed)
        if state != WARM:
            memory.drop()
        if state == FRESH:
            content = bytes(len(content))
        return memory, mr, content


class OdpDataTest(OdpDataTestCase):
    """
    Every byte of sources and targets. Most tests have ODP on one side, so that it
    is known which side is wrong.
    """
    def move_all(self, operation, source, target, cases=CASES, states=(WARM, COLD, FRESH), head=0):
        """
        Do an operation for all cases and states, and check all bytes.
        :param operation: A function of the source's MR and offset, the target's
                          MR and offset, and the length
        :param source: The End that bytes are taken from
        :param target: The End that they are put in
        :param cases: Offsets and lengths
        :param states: States of the target
        :param head: Length of what the operation puts before the bytes
        :return: None
        """
        failed, tried = [], 0
        for number, (offset, length) in enumerate(cases):
            # The two offsets shall not be the same.
            source_offset = PAGE + cases[-1 - number][0]
            target_offset = PAGE + offset
            for state in states:
                tried += 1
                src, src_mr, taken = source.prepare(COLD if state == COLD else WARM, 2 * tried)
                dst, dst_mr, content = target.prepare(state, 2 * tried + 1)
                operation(src_mr, source_offset, dst_mr, target_offset, length)
                end = target_offset + head + length
                # Not ours to look at.
                before = dst.read(head, target_offset)
                expected = content[:target_offset] + before + \
                    taken[source_offset:source_offset + length] + content[end:]
                try:
                    check('target', dst.read(), expected)
                    check('source', src.read(), taken)
                except PyverbsError as ex:
                    failed.append(f'offset {offset}, length {length}, {state}: {ex}')
        if failed:
            raise PyverbsError(f'Data validation failure: {len(failed)} of {tried} transfers: {failed[0]}')

    def write_all(self, source, target, **kwargs):
        def operation(src, src_offset, dst, dst_offset, length):
            self.rdma_write([self.sge(src, src_offset, length)], dst.rkey, dst.buf + dst_offset)
        self.move_all(operation, source, target, **kwargs)

    def read_all(self, source, target, **kwargs):
        def operation(src, src_offset, dst, dst_offset, length):
            self.rdma_read([self.sge(dst, dst_offset, length)], src.rkey, src.buf + src_offset)
        self.move_all(operation, source, target, **kwargs)

    def send_all(self, source, target, head=0, **kwargs):
        def operation(src, src_offset, dst, dst_offset, length):
            self.send([self.sge(src, src_offset, length)], [self.sge(dst, dst_offset, head + length)])
        self.move_all(operation, source, target, head=head, **kwargs)

    def test_odp_data_pinned(self):
        """
        The same without ODP: what fails here is not for ODP to answer.
        """
        self.create_players(OdpDataRC)
        client, server = End(self, self.client, REMOTE), End(self, self.server, REMOTE)
        self.write_all(client, server, states=(WARM,))
        self.read_all(server, client, states=(WARM,))
        self.send_all(client, server, states=(WARM,))

    def test_odp_data_page_start(self):
        """
        What tests with aligned buffers see: one packet to the start of a page.
        """
        self.create_players(OdpDataRC, odp_caps=WRITE_READ)
        client, server = End(self, self.client, REMOTE), End(self, self.server, REMOTE | ON_DEMAND)
        cases = ((0, 1), (0, 200), (0, 1024))
        self.write_all(client, server, cases=cases)
        self.read_all(server, client, cases=cases)

    def test_odp_data_write_remote(self):
        self.create_players(OdpDataRC, odp_caps=odp_caps.IBV_ODP_SUPPORT_WRITE)
        self.write_all(End(self, self.client, LOCAL), End(self, self.server, REMOTE | ON_DEMAND))

    def test_odp_data_write_local(self):
        self.create_players(OdpDataRC, odp_caps=odp_caps.IBV_ODP_SUPPORT_WRITE)
        self.write_all(End(self, self.client, LOCAL | ON_DEMAND), End(self, self.server, REMOTE))

    def test_odp_data_read_remote(self):
        self.create_players(OdpDataRC, odp_caps=odp_caps.IBV_ODP_SUPPORT_READ)
        self.read_all(End(self, self.server, REMOTE | ON_DEMAND), End(self, self.client, LOCAL))

    def test_odp_data_read_local(self):
        self.create_players(OdpDataRC, odp_caps=odp_caps.IBV_ODP_SUPPORT_READ)
        self.read_all(End(self, self.server, REMOTE), End(self, self.client, LOCAL | ON_DEMAND))

    def test_odp_data_send(self):
        self.create_players(OdpDataRC, odp_caps=odp_caps.IBV_ODP_SUPPORT_SEND)
        self.send_all(End(self, self.client, LOCAL | ON_DEMAND), End(self, self.server, LOCAL))

    def test_odp_data_recv(self):
        self.create_players(OdpDataRC, odp_caps=odp_caps.IBV_ODP_SUPPORT_RECV)
        self.send_all(End(self, self.client, LOCAL), End(self, self.server, LOCAL | ON_DEMAND))

    def test_odp_data_srq_recv(self):
        self.create_players(OdpDataRC, with_srq=True, odp_caps=odp_caps.IBV_ODP_SUPPORT_SRQ_RECV)
        self.send_all(End(self, self.client, LOCAL), End(self, self.server, LOCAL | ON_DEMAND))

    def test_odp_data_both_sides(self):
        self.create_players(OdpDataRC, odp_caps=WRITE_READ)
        client = End(self, self.client, REMOTE | ON_DEMAND)
        server = End(self, self.server, REMOTE | ON_DEMAND)
        self.write_all(client, server)
        self.read_all(server, client)

    def test_odp_data_ud_send(self):
        self.create_players(OdpDataUD, odp_caps=odp_caps.IBV_ODP_SUPPORT_SEND)
        self.send_all(End(self, self.client, LOCAL | ON_DEMAND), End(self, self.server, LOCAL),
                      head=u.GRH_SIZE, cases=DATAGRAMS)

    def test_odp_data_ud_recv(self):
        """
        The target's pages are there: a datagram may get lost for those that are not.
        """
        self.create_players(OdpDataUD, odp_caps=odp_caps.IBV_ODP_SUPPORT_RECV)
        self.send_all(End(self, self.client, LOCAL), End(self, self.server, LOCAL | ON_DEMAND),
                      head=u.GRH_SIZE, cases=DATAGRAMS, states=(WARM,))

    def test_odp_data_ud_srq_recv(self):
        self.create_players(OdpDataUD, with_srq=True, odp_caps=odp_caps.IBV_ODP_SUPPORT_SRQ_RECV)
        self.send_all(End(self, self.client, LOCAL), End(self, self.server, LOCAL | ON_DEMAND),
                      head=u.GRH_SIZE, cases=DATAGRAMS, states=(WARM,))

    def mixed_sgl(self, pinned, odp):
        """
        SGEs of a pinned and of an ODP MR in turn.
        :return: The SGEs, and where their bytes are: memories, offsets and lengths
        """
        places = [(pinned, 3, 1), (odp, PAGE - 3, 333), (pinned, 100, PAGE + 1),
                  (odp, 3 * PAGE + 1, 2 * PAGE)]
        return ([SGE(memory.addr + offset, length, mr.lkey) for (memory, mr), offset, length in places],
                [(memory, offset, length) for (memory, _), offset, length in places])

    def mixed_players(self, player, caps):
        """
        :param player: Name of the player whose SGEs are mixed
        :param caps: Required ODP capabilities
        :return: The SGEs, their places, and the other player's pinned memory and MR
        """
        self.create_players(OdpDataRC, odp_caps=caps, max_sge=4)
        mixed, other = (self.client, self.server) if player == 'client' else (self.server, self.client)
        pinned, odp = self.buffer(mixed, 8 * PAGE), self.buffer(mixed, 8 * PAGE, REMOTE | ON_DEMAND)
        pinned[0].fill(1)
        odp[0].fill(2)
        far, far_mr = self.buffer(other, 8 * PAGE)
        far.fill(3)
        return self.mixed_sgl(pinned, odp) + (far, far_mr)

    def check_gathered(self, places, far, offset):
        """
        Check what was taken from places, and what lies beside it.
        """
        data = b''.join(memory.read(length, start) for memory, start, length in places)
        content = pattern(3, far.length)
        check('target', far.read(), content[:offset] + data + content[offset + len(data):])

    def check_scattered(self, places, far, offset):
        """
        Check what was put in places, and what lies beside it.
        """
        data = far.read(sum(length for _, _, length in places), offset)
        for seed, memory in enumerate((places[0][0], places[1][0]), 1):
            expected, taken = bytearray(pattern(seed, memory.length)), 0
            for place, start, length in places:
                if place is memory:
                    expected[start:start + length] = data[taken:taken + length]
                taken += length
            check('target', memory.read(), bytes(expected))

    def test_odp_data_mixed_sge_write(self):
        sgl, places, far, far_mr = self.mixed_players('client', odp_caps.IBV_ODP_SUPPORT_WRITE)
        self.rdma_write(sgl, far_mr.rkey, far.addr + 77)
        self.check_gathered(places, far, 77)

    def test_odp_data_mixed_sge_read(self):
        sgl, places, far, far_mr = self.mixed_players('client', odp_caps.IBV_ODP_SUPPORT_READ)
        self.rdma_read(sgl, far_mr.rkey, far.addr + 77)
        self.check_scattered(places, far, 77)

    def test_odp_data_mixed_sge_send(self):
        sgl, places, far, far_mr = self.mixed_players('client', odp_caps.IBV_ODP_SUPPORT_SEND)
        self.send(sgl, [self.sge(far_mr, 77, sum(sge.length for sge in sgl))])
        self.check_gathered(places, far, 77)

    def test_odp_data_mixed_sge_recv(self):
        sgl, places, far, far_mr = self.mixed_players('server', odp_caps.IBV_ODP_SUPPORT_RECV)
        self.send([self.sge(far_mr, 77, sum(sge.length for sge in sgl))], sgl)
        self.check_scattered(places, far, 77)

    def atomic(self, opcode, mr, offset, compare_add, swap=0):
        """
        One atomic operation of the client's.
        :return: What the peer says was there
        """
        result, result_mr = self.buffer(self.client)
        wr = SendWR(opcode=opcode, num_sge=1, sg=[self.sge(result_mr, 0, 8)])
        wr.set_wr_atomic(mr.rkey, mr.buf + offset, compare_add, swap)
        u.post_send(self.client, wr)
        u.poll_cq(self.client.cq)
        result_mr.close()
        return result.read(8)

    def test_odp_data_atomic(self):
        """
        Each value is one byte eight times: whose endianness it has is not the
        question.
        """
        self.create_players(OdpDataRC, odp_caps=odp_caps.IBV_ODP_SUPPORT_ATOMIC)
        memory = self.memory(4 * PAGE, shared=True)
        mr = self.reg(self.server, memory,
                      REMOTE | ibv_access_flags.IBV_ACCESS_REMOTE_ATOMIC | ON_DEMAND)
        for offset in (0, 8, 1024, PAGE - 8, 2 * PAGE + 64):
            content = bytearray(memory.fill(offset))
            content[offset:offset + 8] = bytes([1] * 8)
            memory.write(bytes(content))
            memory.drop()
            before = self.atomic(ibv_wr_opcode.IBV_WR_ATOMIC_FETCH_AND_ADD, mr, offset,
                                 u.int8b_from_int(2))
            check('result of fetch and add', before, bytes([1] * 8))
            memory.drop()
            before = self.atomic(ibv_wr_opcode.IBV_WR_ATOMIC_CMP_AND_SWP, mr, offset,
                                 u.int8b_from_int(3), u.int8b_from_int(4))
            check('result of compare and swap', before, bytes([3] * 8))
            before = self.atomic(ibv_wr_opcode.IBV_WR_ATOMIC_CMP_AND_SWP, mr, offset,
                                 u.int8b_from_int(3), u.int8b_from_int(5))
            check('result of compare and no swap', before, bytes([4] * 8))
            content[offset:offset + 8] = bytes([4] * 8)
            check('target', memory.read(), bytes(content))


class OdpIovaTest(OdpDataTestCase):
    """
    MRs that peers know by other addresses than the process does. A device that
    takes an iova for a virtual address finds another page of the same MR here.
    """
    def iova_players(self, caps, shift=2 * PAGE):
        """
        :param caps: Required ODP capabilities
        :param shift: How far the iova lies above the address
        :return: Of the server: memory, the MR over it, and its iova
        """
        self.create_players(OdpDataRC, odp_caps=caps)
        memory = self.memory(8 * PAGE)
        return (memory,) + self.reg_iova(self.server, memory, memory.addr + shift)

    @staticmethod
    @u.skip_unsupported
    def reg_iova(player, memory, iova):
        return MREx(player.pd, memory.length, REMOTE | ON_DEMAND, address=memory.addr, iova=iova), iova

    def test_odp_iova_write(self):
        memory, mr, iova = self.iova_players(odp_caps.IBV_ODP_SUPPORT_WRITE)
        source, source_mr = self.buffer(self.client)
        content = memory.fill(1)
        data = source.fill(2)[:1024]
        self.rdma_write([self.sge(source_mr, 0, 1024)], mr.rkey, iova + PAGE)
        check('target', memory.read(), content[:PAGE] + data + content[PAGE + 1024:])

    def test_odp_iova_read(self):
        memory, mr, iova = self.iova_players(odp_caps.IBV_ODP_SUPPORT_READ)
        target, target_mr = self.buffer(self.client)
        content = memory.fill(1)
        self.rdma_read([self.sge(target_mr, 0, 1024)], mr.rkey, iova + PAGE)
        check('target', target.read(1024), content[PAGE:PAGE + 1024])

    def test_odp_iova_local(self):
        """
        SGEs have the iova, too.
        """
        self.create_players(OdpDataRC, odp_caps=odp_caps.IBV_ODP_SUPPORT_WRITE)
        memory = self.memory(8 * PAGE)
        mr, iova = self.reg_iova(self.client, memory, memory.addr + 2 * PAGE)
        target, target_mr = self.buffer(self.server)
        content = memory.fill(1)
        self.rdma_write([SGE(iova + PAGE, 1024, mr.lkey)], target_mr.rkey, target.addr)
        check('target', target.read(1024), content[PAGE:PAGE + 1024])

    def test_odp_iova_far(self):
        """
        An iova that is far from all memory of the process, and odd offsets.
        """
        self.create_players(OdpDataRC, odp_caps=WRITE_READ)
        memory = self.memory(8 * PAGE)
        mr, iova = self.reg_iova(self.server, memory, PAGE)
        buffer, buffer_mr = self.buffer(self.client, 8 * PAGE)
        length = 3 * PAGE + 5
        content = memory.fill(1)
        data = buffer.fill(2)[:length]
        self.rdma_write([self.sge(buffer_mr, 0, length)], mr.rkey, iova + PAGE + 77)
        content = content[:PAGE + 77] + data + content[PAGE + 77 + length:]
        check('target of a write', memory.read(), content)
        self.rdma_read([self.sge(buffer_mr, 0, length)], mr.rkey, iova + 2 * PAGE - 33)
        check('target of a read', buffer.read(length), content[2 * PAGE - 33:2 * PAGE - 33 + length])

    @u.skip_unsupported
    def test_odp_iova_zero_based_mw(self):
        """
        A memory window whose addresses begin at 0, in the middle of an ODP MR.
        """
        self.create_players(OdpDataRC, odp_caps=WRITE_READ)
        type_2 = ibv_device_cap_flags.IBV_DEVICE_MEM_WINDOW_TYPE_2A | \
            ibv_device_cap_flags.IBV_DEVICE_MEM_WINDOW_TYPE_2B
        if not self.server.ctx.query_device().device_cap_flags & type_2:
            raise unittest.SkipTest('Memory windows of type 2 are not supported')
        memory = self.memory(8 * PAGE)
        mr = self.reg(self.server, memory, REMOTE | ON_DEMAND | ibv_access_flags.IBV_ACCESS_MW_BIND)
        mw = MW(self.server.pd, ibv_mw_type.IBV_MW_TYPE_2)
        access = ibv_access_flags.IBV_ACCESS_REMOTE_WRITE | ibv_access_flags.IBV_ACCESS_REMOTE_READ | \
            ibv_access_flags.IBV_ACCESS_ZERO_BASED
        bind = SendWR(opcode=ibv_wr_opcode.IBV_WR_BIND_MW)
        bind.set_bind_wr(mw, MWBindInfo(mr, memory.addr + 2 * PAGE, 4 * PAGE, access))
        u.post_send(self.server, bind)
        wc = u._poll_cq(self.server.cq)[0]
        if wc.status == ibv_wc_status.IBV_WC_MW_BIND_ERR:
            raise unittest.SkipTest('Zero-based memory windows are not supported')
        self.assertEqual(wc.status, ibv_wc_status.IBV_WC_SUCCESS)

        buffer, buffer_mr = self.buffer(self.client)
        content = memory.fill(1)
        data = buffer.fill(2)[:1024]
        self.rdma_write([self.sge(buffer_mr, 0, 1024)], bind.rkey, PAGE)
        content = content[:3 * PAGE] + data + content[3 * PAGE + 1024:]
        check('target of a write', memory.read(), content)
        self.rdma_read([self.sge(buffer_mr, 0, 1024)], bind.rkey, 2 * PAGE)
        check('target of a read', buffer.read(1024), content[4 * PAGE:4 * PAGE + 1024])
        mw.close()
