#define _GNU_SOURCE
#include "CCurl.h"

#include <sys/socket.h>

CURLcode fender_curl_set_long(CURL *easy, CURLoption option, long value)
{
	return curl_easy_setopt(easy, option, value);
}

CURLcode fender_curl_set_offset(CURL *easy, CURLoption option, curl_off_t value)
{
	return curl_easy_setopt(easy, option, value);
}

CURLcode fender_curl_set_string(CURL *easy, CURLoption option, const char *value)
{
	return curl_easy_setopt(easy, option, value);
}

CURLcode fender_curl_set_pointer(CURL *easy, CURLoption option, void *value)
{
	return curl_easy_setopt(easy, option, value);
}

CURLcode fender_curl_set_function(CURL *easy, CURLoption option, fender_curl_data_function value)
{
	return curl_easy_setopt(easy, option, value);
}

CURLcode fender_curl_get_long(CURL *easy, CURLINFO info, long *value)
{
	return curl_easy_getinfo(easy, info, value);
}

CURLcode fender_curl_get_offset(CURL *easy, CURLINFO info, curl_off_t *value)
{
	return curl_easy_getinfo(easy, info, value);
}

CURLcode fender_curl_get_pointer(CURL *easy, CURLINFO info, void **value)
{
	return curl_easy_getinfo(easy, info, value);
}

CURLMcode fender_curl_multi_set_long(CURLM *multi, CURLMoption option, long value)
{
	return curl_multi_setopt(multi, option, value);
}

static curl_socket_t open_cloexec(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)context;
	(void)purpose;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

CURLcode fender_curl_set_cloexec(CURL *easy)
{
	return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_cloexec);
}

CURLcode fender_curl_set_progress(CURL *easy, fender_curl_progress_function function, void *context)
{
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, function);
	curl_easy_setopt(easy, CURLOPT_XFERINFODATA, context);
	return curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
}
