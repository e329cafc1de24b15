// What the build knows of itself: Swift has no string macros.
#pragma once

/// The revision the program was built from; empty when the build did not name one (FENDER_REVISION).
const char *fender_revision(void);
