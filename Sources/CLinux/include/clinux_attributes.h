// Extended attributes; <sys/xattr.h> is not in Swift's Glibc module.
#pragma once

#include <stddef.h>

/// fsetxattr(2), creating or replacing.
int fender_set_attribute(int fd, const char *name, const void *value, size_t size);

/// lsetxattr(2), creating or replacing: does not follow `path` itself when it is a link.
int fender_set_path_attribute(const char *path, const char *name, const void *value, size_t size);

/// lgetxattr(2): the size of the value, or -1.
long fender_get_path_attribute(const char *path, const char *name, void *value, size_t size);
