# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
"""
What pyverbs of today has and that of rdma-core 56 has not, so that tests
written for today's run on it: some names of libibverbs_enums, and MREx as far
as an iova goes. MREx asks the kernel as ibv_reg_mr_iova() does.
"""
import ctypes
import os
import struct

import pyverbs.libibverbs_enums
import pyverbs.mr
import pyverbs.pd
from pyverbs.pyverbs_error import PyverbsRDMAError

# <rdma/ib_user_verbs.h>
REG_MR, DEREG_MR = 9, 13


def command(context, number, body, response=0):
    """Writes a command to the device."""
    head = struct.pack('IHH', number, (8 + len(body)) // 4, response // 4)
    try:
        os.write(context.cmd_fd, head + body)
    except OSError as err:
        raise PyverbsRDMAError(err.strerror, err.errno) from err


class PD(pyverbs.pd.PD):
    """A protection domain that can be asked for its context."""

    def __init__(self, creator, **kwargs):
        super().__init__(creator, **kwargs)
        self.context = creator


class MREx(pyverbs.mr.MR):
    """
    A region with an iova. The base class's own region is another one over the same
    memory: through it the protection domain knows what to close.
    """

    def __init__(self, pd, length, access, address, iova):
        self.context = None
        super().__init__(pd, length, access, address=address)
        response = (ctypes.c_uint32 * 3)()
        command(pd.context, REG_MR,
                struct.pack('QQQQII', ctypes.addressof(response), address, length, iova,
                            pd.handle, access), ctypes.sizeof(response))
        self.handle_of_iova, self.own_lkey, self.own_rkey = response
        self.context = pd.context

    @property
    def lkey(self):
        return self.own_lkey

    @property
    def rkey(self):
        return self.own_rkey

    def close(self):
        context, self.context = self.context, None
        if context:
            command(context, DEREG_MR, struct.pack('I', self.handle_of_iova))
        super().close()

    def __del__(self):
        self.close()


def provide():
    """To be called before anything of rdma-core's tests is imported."""
    if hasattr(pyverbs.mr, 'MREx'):
        return
    from pyverbs import enums
    for name in vars(enums):
        if not hasattr(pyverbs.libibverbs_enums, name):
            setattr(pyverbs.libibverbs_enums, name, getattr(enums, name))
    pyverbs.mr.MREx = MREx
    # Not in pyverbs.pd: other parts of pyverbs need the one that is there.
    import tests.base
    tests.base.PD = PD
