// Typed wrappers over libcurl's variadic setters and getters, which Swift cannot import.
#pragma once

#include <curl/curl.h>
