#include "CPhoneNumber.h"

#include <cstring>
#include <phonenumbers/phonenumberutil.h>
#include <string>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

/// `ZZ` is libphonenumber's name for "no region": a leading `+` is then required.
static const char *const kUnknownRegion = "ZZ";

static int copy_out(const std::string &value, char *out, size_t capacity) {
  if (value.empty() || value.size() + 1 > capacity) return 0;
  std::memcpy(out, value.c_str(), value.size() + 1);
  return 1;
}

int phone_number_e164(const char *text, const char *region, char *out, size_t capacity) {
  const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
  PhoneNumber number;
  if (util->Parse(text, region ? region : kUnknownRegion, &number) != PhoneNumberUtil::NO_PARSING_ERROR) return 0;
  std::string formatted;
  util->Format(number, PhoneNumberUtil::E164, &formatted);
  return copy_out(formatted, out, capacity);
}

int phone_number_region(const char *e164, char *out, size_t capacity) {
  const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
  PhoneNumber number;
  if (util->Parse(e164, kUnknownRegion, &number) != PhoneNumberUtil::NO_PARSING_ERROR) return 0;
  std::string region;
  util->GetRegionCodeForNumber(number, &region);
  if (region == kUnknownRegion) return 0;
  return copy_out(region, out, capacity);
}
