#pragma once
#include <stdint.h>

// How often the process has asked for heap memory. Linking this replaces malloc and its relatives with ones that count.
uint64_t malloc_counter_value(void);
