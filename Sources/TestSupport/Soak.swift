import Foundation

/// Whether the long variants of tests were asked for (`make soak`): HTTPSMS_SOAK is 1.
package let isSoak = ProcessInfo.processInfo.environment["HTTPSMS_SOAK"] == "1"
