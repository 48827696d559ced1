import Foundation
struct Demonstration {
    init(_ configuration: GatewayConfiguration, once: Bool) throws {}
    func run() async throws {}
}
