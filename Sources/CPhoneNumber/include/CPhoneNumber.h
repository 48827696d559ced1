#ifndef CPHONENUMBER_H
#define CPHONENUMBER_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Parses `text` (UTF-8, NUL-terminated) and writes its E.164 form, NUL-terminated, to `out`.
///
/// `region` is an ISO 3166 alpha-2 code that national numbers are read in, or NULL when only the international
/// form (leading `+`) is accepted. Returns 1 when `text` is a possible number and `capacity` sufficed, else 0.
int phone_number_e164(const char *text, const char *region, char *out, size_t capacity);

/// Writes the region of an international number, such as `US`, to `out`. Returns 1, or 0 when it has none.
int phone_number_region(const char *e164, char *out, size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
