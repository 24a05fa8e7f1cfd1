#ifndef MERIDIAN_CFUZZER_H
#define MERIDIAN_CFUZZER_H

#include <stddef.h>
#include <stdint.h>

/// libFuzzer's own entry, for programs that have a main of their own. It is linked by -sanitize=fuzzer.
int LLVMFuzzerRunDriver(int *count, char ***arguments, int (*body)(const uint8_t *bytes, size_t size));

#endif
