#ifndef CPHONENUMBER_H
#define CPHONENUMBER_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What libphonenumber says of a number that it could parse.
typedef struct {
  /// The E.164 form, NUL-terminated.
  char e164[32];
  /// The country calling code, such as 49.
  int calling_code;
  /// How many digits follow the calling code.
  int national_length;
  /// Whether a number of this length may exist.
  int is_possible;
  /// Whether the library knows the range that it is in.
  int is_valid;
  /// Whether it is the number of a line that a person has: mobile or fixed, neither toll-free, premium nor shared-cost.
  int is_line;
} phone_number;

/// Parses `text` (UTF-8, NUL-terminated). Returns 1 when that worked, else 0. The last three members are 0 unless it
/// `judges` the number, which takes three times as long.
///
/// `region` is an ISO 3166 alpha-2 code that national numbers are read in, or NULL when only the international
/// form (leading `+`) is accepted.
int phone_number_parse(const char *text, const char *region, int judges, phone_number *out);

/// What is known of the region that the national numbers of a calling code are read in.
typedef struct {
  /// ISO 3166 alpha-2, NUL-terminated.
  char code[4];
  /// Whether 0 is dialled before the area code of a national number.
  int has_trunk_zero;
} phone_region;

/// Finds the region of an international number: its own where the library knows the range, or else the main one of its
/// calling code, which an old library knows, too. Returns 1, or 0 when there is none, as for satellite phones.
int phone_number_region(const char *e164, phone_region *out);

/// Writes the international form of a number as people read it, such as `+49 1512 3456789`, NUL-terminated, to `out`. Returns
/// 1, or 0 when there is none of less than `capacity` bytes.
int phone_number_readable(const char *e164, char *out, size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
