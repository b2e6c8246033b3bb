# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
Verbs in a process of their own, because a provider reads its environment once.
"""
import os
import subprocess
import sys

PREAMBLE = '''
import json, os, subprocess
from pyverbs.device import Context
from pyverbs.pd import PD
from pyverbs.mr import MR
from pyverbs.pyverbs_error import PyverbsRDMAError
try:
    import pyverbs.enums as e
except ImportError:
    import pyverbs.libibverbs_enums as e
pd = PD(Context(name='rxe0'))

def is_odp(mr):
    """What the kernel says of this process's one region."""
    out = subprocess.run(['rdma', '-j', '-dd', 'resource', 'show', 'mr'],
                         check=True, capture_output=True).stdout
    mine = [r for r in json.loads(out) if r.get('pid') == os.getpid()]
    assert len(mine) == 1, out
    return mine[0].get('drv_odp')
'''


def run(body, plugin=True, **env):
    """Runs verbs in a process; what it printed."""
    env = {**os.environ, **env}
    if not plugin:
        env.pop('IBV_DRIVERS', None)
    done = subprocess.run([sys.executable, '-c', PREAMBLE + body], env=env,
                          text=True, check=False, capture_output=True)
    if done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout.split()


def without_plugin(body, **env):
    """The same with the provider of /etc/libibverbs.d."""
    return run(body, plugin=False, **env)


REGISTER = '''
try:
    mr = MR(pd, 8192, e.IBV_ACCESS_LOCAL_WRITE | {more})
    print(is_odp(mr) or 'pinned')
except PyverbsRDMAError as err:
    print(err.error_code)
'''

ON_DEMAND = REGISTER.format(more='e.IBV_ACCESS_ON_DEMAND')
PLAIN = REGISTER.format(more='0')

ADVISE = '''
from pyverbs.mr import MR
from pyverbs.wr import SGE
mr = MR(pd, 8192, e.IBV_ACCESS_LOCAL_WRITE | e.IBV_ACCESS_ON_DEMAND)
try:
    pd.advise_mr(e._IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE,
                 e._IBV_ADVISE_MR_FLAG_FLUSH, [SGE(mr.buf, 8192, mr.lkey)])
    print('done')
except PyverbsRDMAError as err:
    print(err.error_code)
'''

REREG = '''
mr = MR(pd, 8192, e.IBV_ACCESS_LOCAL_WRITE | e.IBV_ACCESS_ON_DEMAND)
try:
    mr.rereg(e.IBV_REREG_MR_CHANGE_ACCESS,
             access=e.IBV_ACCESS_LOCAL_WRITE | e.IBV_ACCESS_REMOTE_WRITE |
             e.IBV_ACCESS_ON_DEMAND)
    print('done')
except PyverbsRDMAError as err:
    print(err.error_code)
'''

PATIENCE = '''
from pyverbs.addr import AHAttr, GlobalRoute
from pyverbs.cq import CQ
from pyverbs.qp import QP, QPAttr, QPCap, QPInitAttr
ctx = Context(name='rxe0')
pd = PD(ctx)
cq = CQ(ctx, 1)
qp = QP(pd, QPInitAttr(qp_type=e.IBV_QPT_RC, scq=cq, rcq=cq, cap=QPCap()))
attr = QPAttr(port_num=1)
attr.path_mtu = e.IBV_MTU_1024
attr.dest_qp_num = qp.qp_num
attr.ah_attr = AHAttr(port_num=1, is_global=1,
                      gr=GlobalRoute(dgid=ctx.query_gid(1, 0), sgid_index=0))
attr.rnr_retry = 0
qp.to_rts(attr)
print(qp.query(e.IBV_QP_RNR_RETRY)[0].rnr_retry, attr.rnr_retry)
'''
