// libarchive's reader of tar archives; what Swift cannot import of it is a function here.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

// Names are UTF-8 in archives; libarchive would turn them into the locale's character set, and a daemon has none.
// For the calling thread only. The locale is made once and kept.
static inline void fender_archive_names_are_utf8(void) {
    static locale_t utf8;
    locale_t known = __atomic_load_n(&utf8, __ATOMIC_ACQUIRE);
    if (!known) {
        known = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
        if (!known)
            return;
        locale_t none = (locale_t)0;
        if (!__atomic_compare_exchange_n(&utf8, &none, known, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            freelocale(known);
            known = none;
        }
    }
    uselocale(known);
}
