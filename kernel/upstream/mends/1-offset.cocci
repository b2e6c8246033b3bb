// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
@ place @
identifier src, dest, addr, user_va;
@@
- src = (dir == RXE_TO_MR_OBJ) ? addr : user_va;
- dest = (dir == RXE_TO_MR_OBJ) ? user_va : addr;
+ src = (dir == RXE_TO_MR_OBJ) ? addr : user_va + offset;
+ dest = (dir == RXE_TO_MR_OBJ) ? user_va + offset : addr;

@ next depends on place @
identifier place.addr;
@@
  length  -= bytes;
+ addr += bytes;
  idx++;
