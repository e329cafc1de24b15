// libFuzzer's entry for programs with a main of their own; the compiler's -sanitize=fuzzer links it.
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*run)(const uint8_t *data, size_t size));
