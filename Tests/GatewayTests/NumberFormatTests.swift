import TestSupport
import Testing

@testable import Gateway

/// What cells show, as Excel and LibreOffice do.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct NumberFormatTests {
    @Test(
        arguments: [
            (0, "0"), (-0.0, "0"), (1, "1"), (-1, "-1"), (1.5, "1.5"), (1.1000000000000001, "1.1"),
            (0.1 + 0.2, "0.3"), (2.675, "2.675"), (3.14159265358979, "3.141592654"), (1_234.5678, "1234.5678"),
            (12_345_678.9, "12345678.9"), (1_234_567_890.5, "1234567891"), (12_345_678_901.5, "12345678902"),
            (99_999_999_999.9, "100000000000"), (18_005_550_199, "18005550199"), (447_700_900_123, "447700900123"),
            (123_456_789_012_345, "123456789012345"), (999_999_999_999_999, "999999999999999"), (1e15, nil),
            (1e20, nil),
            (1e308, nil), (0.1, "0.1"), (0.000123456789, "0.000123457"), (0.00001, "0.00001"), (0.0000123456, nil),
            (1e-10, nil), (.leastNonzeroMagnitude, nil), (123_456_789_012.5, nil), (-3.25, "-3.25"),
            (1.0 / 3, "0.333333333"),
            (2.0 / 3, "0.666666667"), (9.9999999999, "10"), (.infinity, nil), (.nan, nil),
        ] as [(Double, String?)]) func generalIsWhatAWideCellShows(number: Double, text: String?)
    {
        #expect(NumberFormat.general.shown(number) == text)
        #expect(NumberFormat("@").shown(number) == text)
    }

    @Test(
        arguments: [
            // Decimals, rounded as a person does.
            ("0", 1.5, "2"), ("0", 2.5, "3"), ("0", 0.5, "1"), ("0", 0.4, "0"), ("0", -1.5, "-2"),
            ("0.00", 1.005, "1.01"),
            ("0.00", 1, "1.00"), ("0.00", 0.999, "1.00"), ("0.00", 99.999, "100.00"), ("0.0", 0.05, "0.1"),
            ("0.0", 0.04, "0.0"), ("0.##", 5, "5."), ("0.##", 5.1, "5.1"), ("#.##", 0.5, ".5"), (".00", 12.5, "12.50"),
            ("0.000000", 1.1, "1.100000"), ("0", 1e20, "100000000000000000000"), ("0.00", 0, "0.00"),
            ("0.00", -0.001, "-0.00"), ("0.???", 1.5, "1.5  "),
            // Zeros before a number, and digits with something between them.
            ("00000", 42, "00042"), ("00000", 123_456, "123456"), ("000-0000", 5_550_123, "555-0123"),
            ("(000) 000-0000", 8_005_550_199, "(800) 555-0199"), ("0 00 00", 123, "0 01 23"), ("##", 0, ""),
            ("##", 7, "7"),
            ("+0", 18_005_550_199, "+18005550199"), ("\"+\"#", 49, "+49"),
            // Groups.
            ("#,##0", 0, "0"), ("#,##0", 999, "999"), ("#,##0", 1_000, "1,000"), ("#,##0", 1_234_567, "1,234,567"),
            ("#,##0", -1_234, "-1,234"), ("#,##0.00", 1_234.5, "1,234.50"), ("000,000", 5, "000,005"),
            ("#,##0", 999.5, "1,000"),
            // Percent.
            ("0%", 0.07, "7%"), ("0%", 0.145, "15%"), ("0.00%", 0.12345, "12.35%"), ("0.0%", 1, "100.0%"),
            ("0%", 0.29, "29%"),
            ("0 %", 0.5, "50 %"), ("%0", 0.5, "%50"),
            // Currencies.
            ("$#,##0.00", 1_234.5, "$1,234.50"), ("\"$\"#,##0.00_);(\"$\"#,##0.00)", -5, "($5.00)"),
            ("\"$\"#,##0.00_);(\"$\"#,##0.00)", 5, "$5.00 "), ("#,##0.00 [$€-407]", 9.9, "9.90 €"),
            ("[$£-809]#,##0.00", 3, "£3.00"), ("#,##0.00 \"€\"", 3, "3.00 €"), ("#,##0.00\\ €", 3, "3.00 €"),
            ("[$CHF] 0.00", 2, "CHF 2.00"), ("_-* #,##0.00 €_-;-* #,##0.00 €_-;_-* \"-\"?? €_-;_-@_-", 0, " -   € "),
            ("_(\"$\"* #,##0.00_);_(\"$\"* (#,##0.00);_(\"$\"* \"-\"??_);_(@_)", 12, " $12.00 "),
            ("¥#,##0", 1_500, "¥1,500"),
            // Text around it, and sections.
            ("0 \"pieces\"", 3, "3 pieces"), ("\"No. \"0", 3, "No. 3"), ("\\#0", 3, "#3"), ("[Red]0", 3, "3"),
            ("0;[Red]0", -3, "3"), ("0;(0)", -3, "(3)"), ("0;-0;\"none\"", 0, "none"), ("0;-0;", 0, ""), (";;;", 3, ""),
            ("\"yes\";\"no\";\"maybe\"", -1, "no"), ("General \"kg\"", 1.5, "1.5 kg"), ("General;-General", -2, "-2"),
            ("\"a;b\"0", 1, "a;b1"), ("0;0;0;@", 5, "5"), ("", 1.5, "1.5"),
        ] as [(String, Double, String)]) func aFormatIsShownAsSpreadsheetsDo(
            format: String, number: Double, text: String
        )
    {
        #expect(NumberFormat(format).shown(number) == text)
    }

    @Test(arguments: [
        "0.00E+00", "##0.0E+0", "# ?/?", "# ??/??", "0,", "0,,", "#,##0,\"k\"", "[>100]0;0", "[h]:mm", "[mm]:ss",
        "[ss]", "0.0.0",
        "0 kg", "ggge", "[DBNum1]0", "0;0;0;0;0", "\\", "yyyy", "General0", "0@", "[unknown]",
        String(repeating: "0", count: 2_000),
    ]) func anotherFormatIsNotGuessed(format: String) {
        #expect(NumberFormat(format).shown(1_234.5) == nil)
    }

    @Test(arguments: [
        ("General", "x", "x"), ("@", "x", "x"), ("0.00", "x", "x"), ("\"Dear \"@", "Ann", "Dear Ann"),
        ("0;0;0;\"<\"@\">\"", "x", "<x>"), (";;;", "hidden", ""), ("yyyy\\-mm\\-dd;@", "x", "x"), ("_(@_)", "x", " x "),
    ]) func textIsShownAsItsSectionSays(format: String, text: String, shown: String) {
        #expect(NumberFormat(format).shown(text) == shown)
    }

    @Test(arguments: [
        ("yyyy-mm-dd", true), ("[$-409]d/m/yy h:mm AM/PM;@", true), ("mm:ss", true), ("General", false), ("0", false),
        ("0.00E+00", false), ("#,##0.00 \"days\"", false), ("[Red]0", false), ("\\d0", false), ("@", false),
        ("[h]:mm", false), ("[$-F800]dddd, mmmm dd", true),
    ]) func formatsOfDatesAreTold(format: String, isDate: Bool) {
        #expect(NumberFormat(format).isDate == isDate)
    }

    @Test(arguments: [
        ("", ""), ("plain_text", "plain_text"), ("line1_x000D_\nline2", "line1\r\nline2"), ("_x005F_x0041_", "_x0041_"),
        ("_x0041__x0042_", "AB"), ("_xD83D__xDE00_", "😀"), ("a_xD83D_b", "a\u{FFFD}b"),
        ("_xDE00__xD83D_", "\u{FFFD}\u{FFFD}"),
        ("_x0000_", "\u{FFFD}"), ("_x00e9_", "é"), ("_X0041_", "_X0041_"), ("_x041_", "_x041_"), ("_x00G1_", "_x00G1_"),
        ("_x+041_", "_x+041_"), ("__x0041_", "_A"), ("_x0041", "_x0041"), ("_x_x0041_", "_xA"), ("é_x000A_", "é\n"),
        ("_x0009_end", "\tend"),
    ]) func escapesOfWorkbooksAreCharacters(text: String, decoded: String) {
        #expect(Array(XLSXText.decoded(text).utf8) == Array(decoded.utf8))
    }
}
