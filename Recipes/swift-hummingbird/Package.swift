// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "receiver",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "httpsms", path: "../.."),  // or .package(url:) of your copy of this repository
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
    ],
    targets: [
        .executableTarget(
            name: "Receiver",
            dependencies: [
                .product(name: "HTTPSMSWebhooks", package: "httpsms"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
