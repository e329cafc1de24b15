// Typed wrappers over libcurl's variadic setters and getters, which Swift cannot import.
#pragma once

#include <curl/curl.h>

/// The type of CURLOPT_WRITEFUNCTION, CURLOPT_HEADERFUNCTION and CURLOPT_READFUNCTION alike.
typedef size_t (*fender_curl_data_function)(char *bytes, size_t size, size_t count, void *context);

CURLcode fender_curl_set_long(CURL *easy, CURLoption option, long value);
CURLcode fender_curl_set_offset(CURL *easy, CURLoption option, curl_off_t value);
CURLcode fender_curl_set_string(CURL *easy, CURLoption option, const char *value);
CURLcode fender_curl_set_pointer(CURL *easy, CURLoption option, void *value);
CURLcode fender_curl_set_function(CURL *easy, CURLoption option, fender_curl_data_function value);
CURLcode fender_curl_get_long(CURL *easy, CURLINFO info, long *value);
CURLcode fender_curl_get_offset(CURL *easy, CURLINFO info, curl_off_t *value);
CURLcode fender_curl_get_pointer(CURL *easy, CURLINFO info, void **value);
CURLMcode fender_curl_multi_set_long(CURLM *multi, CURLMoption option, long value);

/// Makes libcurl open sockets with SOCK_CLOEXEC, which it does not by itself.
CURLcode fender_curl_set_cloexec(CURL *easy);

/// The type of CURLOPT_XFERINFOFUNCTION; anything but 0 ends the transfer.
typedef int (*fender_curl_progress_function)(void *context, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

/// Has libcurl call `function` about once a second, and more often while data flows.
CURLcode fender_curl_set_progress(CURL *easy, fender_curl_progress_function function, void *context);
