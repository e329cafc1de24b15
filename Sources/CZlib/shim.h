// zlib's streaming interface; deflateInit and inflateInit are macros over the versioned functions.
#pragma once

#include <zlib.h>

static inline int fender_deflate_init(z_stream *stream) { return deflateInit(stream, Z_DEFAULT_COMPRESSION); }
static inline int fender_inflate_init(z_stream *stream) { return inflateInit(stream); }
