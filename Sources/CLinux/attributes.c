#include "clinux_attributes.h"

#include <sys/xattr.h>

int fender_set_attribute(int fd, const char *name, const void *value, size_t size)
{
	return fsetxattr(fd, name, value, size, 0);
}

int fender_set_path_attribute(const char *path, const char *name, const void *value, size_t size)
{
	return lsetxattr(path, name, value, size, 0);
}

long fender_get_path_attribute(const char *path, const char *name, void *value, size_t size)
{
	return lgetxattr(path, name, value, size);
}
