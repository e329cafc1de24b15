#include "CVersion.h"

const char *fender_revision(void)
{
	return FENDER_REVISION;
}
