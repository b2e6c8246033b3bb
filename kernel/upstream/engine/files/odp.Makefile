# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
obj-$(CONFIG_RDMA_ODP) += rdma_odp.o

rdma_odp-y := \
	main.o \
	space.o \
	window.o \
	leaf.o \
	snap.o \
	pfnmap.o \
	iomem.o \
	mirror.o \
	device.o \
	count.o \
	around.o \
	quick.o \
	fault.o \
	exclusive.o \
	waiter.o \
	slow.o \
	worker.o \
	access.o \
	prefetch.o \
	advise.o \
	report.o \
	events.o \
	watch.o

# For define_trace.h
CFLAGS_main.o += -I$(src)
