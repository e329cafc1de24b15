// toml++ is C++ and header only; this is the little of it that Swift calls.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum fender_toml_kind {
	FENDER_TOML_STRING,
	FENDER_TOML_INTEGER,
	FENDER_TOML_BOOLEAN,
	FENDER_TOML_OTHER, // floats, dates and times: no option takes one
	FENDER_TOML_ARRAY, // followed by one call for each of its elements
	FENDER_TOML_TABLE, // only an empty one; the others are told by their entries
};

/// One value: its dotted key, its text (empty for arrays and tables), and where its key stands, from 1.
/// The pointers are valid during the call only. `element` is 1 for an element of the array told last.
typedef void (*fender_toml_visitor)(void *context, const char *key, size_t key_length, int kind, int element,
				    const char *text, size_t text_length, uint32_t line, uint32_t column);

/// Parses a TOML 1.0 document and tells each of its values. 0, or -1 with a message in `error` and its place.
int fender_toml_parse(const char *document, size_t length, fender_toml_visitor visit, void *context, char *error,
		      size_t error_size, uint32_t *line, uint32_t *column);

#ifdef __cplusplus
}
#endif
