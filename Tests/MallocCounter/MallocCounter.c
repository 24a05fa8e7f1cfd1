#define _GNU_SOURCE
#include "MallocCounter.h"
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static _Atomic uint64_t calls;

static void bump(void) { atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed); }

uint64_t malloc_counter_value(void) { return atomic_load_explicit(&calls, memory_order_relaxed); }

void *malloc(size_t size) {
    bump();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    bump();
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    bump();
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    bump();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    bump();
    void *memory = __libc_memalign(alignment, size);
    if (!memory) return ENOMEM;
    *result = memory;
    return 0;
}
