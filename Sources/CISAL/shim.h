// ISA-L's inflate: gzip at more than twice zlib's speed.
#pragma once

#include <isa-l/igzip_lib.h>
