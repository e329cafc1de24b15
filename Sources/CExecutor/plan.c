#include "CExecutor.h"

#include <string.h>

static uint32_t padded(uint32_t length) { return (length + 4) & ~3u; }

static int step_is_valid(const struct fender_step *step, size_t room)
{
	if (room < sizeof *step || step->length < sizeof *step || step->length > room || step->length % 8)
		return 0;
	const char *bytes = (const char *)step;
	size_t at = sizeof *step;
	for (uint32_t i = 0; i < step->strings; i++) {
		uint32_t length;
		if (step->length - at < sizeof length)
			return 0;
		memcpy(&length, bytes + at, sizeof length);
		at += sizeof length;
		if (length > FENDER_PLAN_LIMIT || step->length - at < padded(length) || bytes[at + length])
			return 0;
		at += padded(length);
	}
	return 1;
}

int fender_plan_is_valid(const void *plan, size_t length)
{
	const struct fender_plan_header *header = plan;
	if (length < sizeof *header || length > FENDER_PLAN_LIMIT || header->magic != FENDER_PLAN_MAGIC ||
	    header->version != FENDER_PLAN_VERSION || header->length != length)
		return 0;
	size_t at = sizeof *header;
	uint32_t steps = 0;
	while (at < length) {
		const struct fender_step *step = (const void *)((const char *)plan + at);
		if (!step_is_valid(step, length - at))
			return 0;
		at += step->length;
		steps++;
	}
	return steps == header->steps;
}

const struct fender_step *fender_plan_next(const void *plan, const struct fender_step *step)
{
	const struct fender_plan_header *header = plan;
	const char *next = step ? (const char *)step + step->length : (const char *)plan + sizeof *header;
	return next < (const char *)plan + header->length ? (const void *)next : NULL;
}

const char *fender_step_string(const struct fender_step *step, uint32_t index, uint32_t *length)
{
	if (index >= step->strings)
		return NULL;
	const char *at = (const char *)(step + 1);
	for (;; index--) {
		uint32_t size;
		memcpy(&size, at, sizeof size);
		at += sizeof size;
		if (index == 0) {
			if (length)
				*length = size;
			return at;
		}
		at += padded(size);
	}
}
