# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
An RC queue pair that is connected to itself, so that one process can make
device accesses.
"""
import contextlib
import signal

from pyverbs.addr import AHAttr, GlobalRoute
from pyverbs.cq import CQ, CompChannel
from pyverbs.device import Context
from pyverbs.pd import PD
from pyverbs.qp import QP, QPAttr, QPCap, QPInitAttr
from pyverbs.wr import SGE, SendWR
try:
    import pyverbs.enums as e
except ImportError:
    import pyverbs.libibverbs_enums as e

PATIENCE = 20   # seconds: longer than anything takes that works
ALL = (e.IBV_ACCESS_LOCAL_WRITE | e.IBV_ACCESS_REMOTE_WRITE |
       e.IBV_ACCESS_REMOTE_READ)


def too_late(_number, _frame):
    raise TimeoutError(f'no completion in {PATIENCE} s')


@contextlib.contextmanager
def time_limit():
    """What takes longer inside is an error; pyverbs's own waiting has no limit."""
    before = signal.signal(signal.SIGALRM, too_late)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Loop:
    """A queue pair and what it needs."""

    def __init__(self, device='rxe0', gid_index=1):
        self.ctx = Context(name=device)
        self.pd = PD(self.ctx)
        self.channel = CompChannel(self.ctx)
        self.cq = CQ(self.ctx, 16, None, self.channel)
        cap = QPCap(max_send_wr=4, max_recv_wr=1)
        init = QPInitAttr(qp_type=e.IBV_QPT_RC, scq=self.cq, rcq=self.cq,
                          cap=cap)
        self.qp = QP(self.pd, init)
        gid = self.ctx.query_gid(1, gid_index)
        attr = QPAttr(port_num=1, path_mtu=e.IBV_MTU_1024)
        attr.dest_qp_num = self.qp.qp_num
        attr.qp_access_flags = ALL
        attr.max_dest_rd_atomic = attr.max_rd_atomic = 1
        attr.min_rnr_timer = 12
        attr.timeout, attr.retry_cnt, attr.rnr_retry = 14, 7, 7
        attr.ah_attr = AHAttr(gr=GlobalRoute(dgid=gid, sgid_index=gid_index),
                              is_global=1, port_num=1)
        self.qp.to_rts(attr)

    def rdma(self, opcode, local, local_va, remote, remote_va, length):
        """One WRITE or READ between two regions; its completion's status."""
        wr = SendWR(opcode=opcode, num_sge=1,
                    sg=[SGE(local_va, length, local.lkey)])
        wr.set_wr_rdma(remote.rkey, remote_va)
        self.cq.req_notify()
        self.qp.post_send(wr)
        with time_limit():
            self.channel.get_cq_event(self.cq)
        self.cq.ack_events(1)
        _, done = self.cq.poll(1)
        return done[0].status

    def write(self, *args):
        """An RDMA WRITE, which must work."""
        assert self.rdma(e.IBV_WR_RDMA_WRITE, *args) == e.IBV_WC_SUCCESS
