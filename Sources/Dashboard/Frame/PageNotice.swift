import Gateway
import Hummingbird

/// What a form has done, told at the top of the page that follows. The address names it, so that it is told without scripts, and
/// nothing but these sentences can be told by an address.
enum PageNotice: String {
    case sent, settled, now, cancelled, saved, off, paused, resumed, rotated, archived, unarchived, unread, deleted,
        zone
    case made, stored, held, released, stopped, retried, unchosen

    var text: String {
        switch self {
        case .sent: "The SMS is on its way again."
        case .settled: "It is not shown here any more."
        case .now: "The SMS is on its way."
        case .cancelled: "The SMS was cancelled: it is not sent."
        case .saved: "The changes were saved."
        case .made: "The webhook was made. Its key is under Verify signatures."
        case .off: "The changes were saved. The webhook is still off: resume it, and what waits is sent."
        case .paused: "The webhook is paused. Its deliveries wait."
        case .resumed: "The webhook is on again. What waited is sent now."
        case .rotated: "The webhook has a new key: see Verify signatures. The old one is valid for 24 hours."
        case .archived: "The conversation was archived."
        case .unarchived: "The conversation is back in the inbox."
        case .unread: "The conversation is marked as unread."
        case .deleted: "It was deleted."
        case .held: "The file is paused. What waits is not sent."
        case .released: "The file goes on."
        case .stopped: "What waited was cancelled: it is not sent."
        case .stored: "The contacts of the file were stored."
        case .retried: "The deliveries that you chose are sent again."
        case .unchosen: "Nothing is sent again: choose deliveries that were not cancelled."
        case .zone: "The time zone was saved."
        }
    }

    /// `path` with this notice.
    func at(_ path: String) -> String { "\(path)\(path.contains("?") ? "&" : "?")notice=\(rawValue)" }
}

extension Response {
    /// Sends the browser on with a GET, to a page that tells what was done.
    static func seeOther(_ path: String, _ notice: PageNotice) -> Response { .seeOther(notice.at(path)) }
}
