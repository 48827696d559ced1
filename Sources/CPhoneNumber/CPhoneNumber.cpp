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

static int parse(const char *text, const char *region, PhoneNumber *number) {
  const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
  return util->Parse(text, region ? region : kUnknownRegion, number) == PhoneNumberUtil::NO_PARSING_ERROR;
}

static bool is_line(PhoneNumberUtil::PhoneNumberType type) {
  switch (type) {
  case PhoneNumberUtil::FIXED_LINE:
  case PhoneNumberUtil::MOBILE:
  case PhoneNumberUtil::FIXED_LINE_OR_MOBILE:
  case PhoneNumberUtil::VOIP:
  case PhoneNumberUtil::PERSONAL_NUMBER:
    return true;
  default:
    return false;
  }
}

int phone_number_parse(const char *text, const char *region, int judges, phone_number *out) {
  const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
  PhoneNumber number;
  if (!parse(text, region, &number)) return 0;
  std::string formatted, national;
  util->Format(number, PhoneNumberUtil::E164, &formatted);
  util->GetNationalSignificantNumber(number, &national);
  out->calling_code = number.country_code();
  out->national_length = static_cast<int>(national.size());
  out->is_possible = out->is_valid = out->is_line = 0;
  if (!judges) return copy_out(formatted, out->e164, sizeof out->e164);
  out->is_possible = util->IsPossibleNumber(number);
  out->is_valid = util->IsValidNumber(number);
  out->is_line = out->is_valid && is_line(util->GetNumberType(number));
  // In North America neither an area code nor an exchange begins with 0 or 1 (NANPA); the library only counts digits.
  if (number.country_code() == 1 && national.size() == 10 && (national[0] < '2' || national[3] < '2'))
    out->is_possible = 0;
  // Benin's numbers have 10 digits since 30 November 2024, all with 01 in front (ITU-T, national numbering plan of +229);
  // libphonenumber knows that from 8.13.50 on.
  if (number.country_code() == 229 && national.size() == 10 && national.compare(0, 2, "01") == 0)
    out->is_possible = out->is_valid = out->is_line = 1;
  return copy_out(formatted, out->e164, sizeof out->e164);
}

int phone_number_region(const char *e164, phone_region *out) {
  const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
  PhoneNumber number;
  if (!parse(e164, nullptr, &number)) return 0;
  std::string region, trunk;
  util->GetRegionCodeForNumber(number, &region);
  if (region == kUnknownRegion) util->GetRegionCodeForCountryCode(number.country_code(), &region);
  if (region.size() != 2 || region == kUnknownRegion) return 0;
  util->GetNddPrefixForRegion(region, true, &trunk);
  out->has_trunk_zero = trunk == "0";
  return copy_out(region, out->code, sizeof out->code);
}

int phone_number_readable(const char *e164, char *out, size_t capacity) {
  PhoneNumber number;
  if (!parse(e164, nullptr, &number)) return 0;
  std::string formatted;
  PhoneNumberUtil::GetInstance()->Format(number, PhoneNumberUtil::INTERNATIONAL, &formatted);
  return copy_out(formatted, out, capacity);
}
