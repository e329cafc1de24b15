// Made-up plans: whatever passes the check can be read to its end, and every string ends where it says.
#include "CExecutor.h"

#include <stdlib.h>
#include <string.h>

static void read_strings(const struct fender_step *step)
{
	// A step's flags may promise more strings than anybody would ask for.
	for (uint32_t i = 0; i <= step->strings && i < 64; i++) {
		uint32_t length;
		const char *text = fender_step_string(step, i, &length);
		if (text && (text[length] || strlen(text) > length))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	// Allocated to the word, so that a sanitizer sees what is read beyond it.
	void *plan = aligned_alloc(8, (count + 7) & ~(size_t)7);
	memcpy(plan, bytes, count);
	struct fender_plan_header *header = plan;
	if (count >= sizeof *header) {
		header->magic = FENDER_PLAN_MAGIC;
		header->version = FENDER_PLAN_VERSION;
		if (bytes[0] & 1)
			header->length = (uint32_t)count;
	}
	if (fender_plan_is_valid(plan, count))
		for (const struct fender_step *step = NULL; (step = fender_plan_next(plan, step));)
			read_strings(step);
	free(plan);
	return 0;
}
