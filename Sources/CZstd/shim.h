// The zstd library: layers of media type tar+zstd.
#pragma once

#include <zstd.h>
