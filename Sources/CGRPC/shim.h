// The part of the gRPC C core that RPC uses. No pkgConfig: it repeats abseil's flags until the link
// line is too long for the kernel.
#pragma once

// Ahead of gRPC, which defines _GNU_SOURCE: with it glibc's types would differ from those of Swift's Glibc module.
#include <sys/types.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>

// What the core itself uses; libgrpc-dev depends on its headers.
#include <zlib.h>

/// The bytes of a slice; a macro in gRPC.
static inline const uint8_t *fender_grpc_slice_start(const grpc_slice *slice) { return GRPC_SLICE_START_PTR(*slice); }

/// The number of bytes of a slice; a macro in gRPC.
static inline size_t fender_grpc_slice_length(const grpc_slice *slice) { return GRPC_SLICE_LENGTH(*slice); }
