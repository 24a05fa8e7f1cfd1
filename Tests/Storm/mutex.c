// ThreadSanitizer sees the fast path of Swift's Mutex, which is compiled into its callers, but not the slow one, which
// is in a library built without it, so that it takes every mutex that threads wait for to be no mutex at all. Loaded in
// front of that library, these two tell it: what was done before an unlock is seen behind the next lock.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define swift __attribute__((swiftcall))
#define itself __attribute__((swift_context)) void *mutex

void __tsan_acquire(void *address);
void __tsan_release(void *address);

// Synchronization._MutexHandle._lockSlow(Swift.UInt32) -> ()
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
// Synchronization._MutexHandle._unlockSlow() -> ()
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

swift void lock(uint32_t thread, itself) __asm__(LOCK);
swift void unlock(itself) __asm__(UNLOCK);

static swift void (*realLock)(uint32_t, itself);
static swift void (*realUnlock)(itself);

__attribute__((constructor)) static void find(void) {
    realLock = (swift void (*)(uint32_t, itself))dlsym(RTLD_NEXT, LOCK);
    realUnlock = (swift void (*)(itself))dlsym(RTLD_NEXT, UNLOCK);
    // A library that has neither is one that this file was not written for.
    if (!realLock || !realUnlock) __builtin_trap();
}

swift void lock(uint32_t thread, itself) {
    realLock(thread, mutex);
    __tsan_acquire(mutex);
}

swift void unlock(itself) {
    __tsan_release(mutex);
    realUnlock(mutex);
}
