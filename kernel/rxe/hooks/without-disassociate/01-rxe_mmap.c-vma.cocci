// A process may keep a queue mapped when the device and rxe are gone. The VMA
// holds the pages, and those are all that it may need.
@@
@@
- static void rxe_vma_open(...) { ... }

@@
@@
- static void rxe_vma_close(...) { ... }

@@
@@
- static const struct vm_operations_struct rxe_vm_ops = { ... };

@@
expression ret, vma, ip;
@@
- vma->vm_ops = &rxe_vm_ops;
- vma->vm_private_data = ip;
  ret = remap_vmalloc_range(vma, ip->obj, 0);
+ kref_put(&ip->ref, rxe_mmap_release);
  if (ret) {
- 	vma->vm_private_data = NULL;
- 	vma->vm_ops = NULL;
- 	kref_put(&ip->ref, rxe_mmap_release);
  	...
  }
