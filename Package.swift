// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// Whether `make fuzz-parsers` builds: then every target counts the branches that an input takes, and is optimised.
let isFuzzing = ProcessInfo.processInfo.environment["HTTPSMS_FUZZ"] == "1"

/// Whether `make simulate` builds: then every target is optimised, for a seed takes thousands of steps.
let isSimulating = ProcessInfo.processInfo.environment["HTTPSMS_SIMULATION"] == "1"

/// One set of settings for every Swift target. `WARNINGS_AS_ERRORS=1` is what `.ci/run` builds with.
let settings: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InferIsolatedConformances"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .enableUpcomingFeature("ImmutableWeakCaptures"),
    ]
    + (ProcessInfo.processInfo.environment["WARNINGS_AS_ERRORS"] == "1" ? [.treatAllWarnings(as: .error)] : [])
    + (isFuzzing ? [.unsafeFlags(["-sanitize=fuzzer", "-O"])] : [])
    + (isSimulating ? [.unsafeFlags(["-O"])] : [])

/// What no other target imports. Where whole modules are compiled, as CI does, a file with the interface of each costs a fourth to a half
/// of its compilation, and serves those that wait for it.
let testSettings = settings + [.unsafeFlags(["-no-emit-module-separately-wmo"])]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let jwtKit: Target.Dependency = .product(name: "JWTKit", package: "jwt-kit")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTesting: Target.Dependency = .product(name: "HummingbirdTesting", package: "hummingbird")
let hummingbirdTLS: Target.Dependency = .product(name: "HummingbirdTLS", package: "hummingbird")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioFoundation: Target.Dependency = .product(name: "NIOFoundationCompat", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")

/// `HTTPSMS_DOCC=1 swift package generate-documentation --target HTTPSMSWebhooks` makes the library's documentation;
/// who builds or uses the package otherwise does not fetch the plugin.
let documentation: [Package.Dependency] =
    ProcessInfo.processInfo.environment["HTTPSMS_DOCC"] == "1"
    ? [.package(url: "https://github.com/swiftlang/swift-docc-plugin.git", from: "1.5.0")] : []

let fuzzDependencies: [Target.Dependency] = [
    "Agents", "Client", "Dashboard", "Gateway", "Delivery", "HTTPSMSWebhooks", "JSON", "Modem", "Secrets", "Server",
    "Storage", "Timestamps", "Wire", hummingbird, httpTypes, nioCore,
]

/// The fuzz targets: a test that reads the corpus, or the program that fuzzes.
let fuzzTargets: [Target] =
    isFuzzing
    ? [
        .executableTarget(
            name: "fuzz-parsers", dependencies: fuzzDependencies, path: "Tests/FuzzTests",
            exclude: ["CorpusTests.swift"], swiftSettings: settings)
    ]
    : [.testTarget(name: "FuzzTests", dependencies: fuzzDependencies, exclude: ["Driver"], swiftSettings: testSettings)]

/// The program that simulates; without it the simulation is a part of DeliveryTests.
let simulationTargets: [Target] =
    isSimulating
    ? [
        .executableTarget(
            name: "simulate",
            dependencies: [
                "Delivery", "HTTPSMSWebhooks", "Secrets", "Storage", "Timestamps",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            path: "Tests/DeliveryTests/Simulation", exclude: ["SimulationTests.swift"], swiftSettings: settings)
    ] : []

let package = Package(
    name: "httpsms",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "httpsms", targets: ["httpsms"]),
        .library(name: "HTTPSMSWebhooks", targets: ["HTTPSMSWebhooks", "JSON", "Timestamps"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration.git", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache.git", from: "2.1.1"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit.git", from: "5.7.1"),
    ] + documentation,
    targets: [
        .target(name: "Timestamps", swiftSettings: settings),
        .target(name: "JSON", dependencies: ["Timestamps"], swiftSettings: settings),
        .target(
            name: "HTTPSMSWebhooks", dependencies: ["JSON", "Timestamps", crypto, cryptoExtras, jwtKit],
            swiftSettings: settings),
        .target(
            name: "Storage",
            dependencies: [
                "Timestamps", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"), "CLibPQ", "CSQLiteSettings", logging, nioPosix,
                serviceLifecycle,
            ],
            swiftSettings: settings),
        .target(name: "Secrets", dependencies: ["Storage", crypto], swiftSettings: settings),
        .target(
            name: "Delivery",
            dependencies: [
                "CAres", "HTTPSMSWebhooks", "JSON", "Secrets", "Storage", "Timestamps", crypto, logging, metrics,
                serviceLifecycle, nioCore, nioPosix, nioHTTP1, nioSSL, nioTLS,
            ],
            swiftSettings: settings),
        .systemLibrary(name: "CAres", pkgConfig: "libcares", providers: [.apt(["libc-ares-dev"])]),
        .target(
            name: "CPhoneNumber",
            linkerSettings: [.linkedLibrary("phonenumber")]),
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(name: "CDocuments"),
        .target(name: "CSQLiteSettings"),
        .target(name: "CPowerCut", linkerSettings: [.linkedLibrary("sqlite3")]),
        .systemLibrary(
            name: "CMarkGFM", providers: [.apt(["libcmark-gfm-dev", "libcmark-gfm-extensions-dev"])]),
        .systemLibrary(name: "CLibZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CQREncode", pkgConfig: "libqrencode", providers: [.apt(["libqrencode-dev"])]),
        .target(
            name: "Wire",
            dependencies: ["Delivery", "JSON", "Timestamps", asyncHTTPClient, httpTypes, nioCore, nioHTTP1, nioSSL],
            swiftSettings: settings),
        .target(
            name: "Agents", dependencies: ["JSON", "Secrets", "Wire", httpTypes], swiftSettings: settings),
        .target(
            name: "Gateway",
            dependencies: [
                "Agents", "Delivery", "HTTPSMSWebhooks", "JSON", "Secrets", "Storage", "Timestamps", "Wire",
                "CDocuments", "CMarkGFM", "CPhoneNumber", "CLibZip", "CZlib", hummingbird, hummingbirdCore,
                asyncHTTPClient, crypto, cryptoExtras, jwtKit, logging, metrics,
                serviceLifecycle, nioCore, nioPosix, nioHTTP1, nioSSL, nioTLS, nioFoundation, httpTypes,
            ],
            swiftSettings: settings),
        .target(
            name: "Dashboard",
            dependencies: [
                "CQREncode", "Delivery", "Gateway", "HTTPSMSWebhooks", "JSON", "Secrets", "Storage", "Timestamps",
                "Wire",
                .product(name: "Mustache", package: "swift-mustache"), hummingbird, logging, nioCore, nioFoundation,
                httpTypes,
            ],
            resources: [.embedInCode("Pages")],
            swiftSettings: settings),
        .target(
            name: "Server",
            dependencies: [
                "Dashboard", "Delivery", "Gateway", "HTTPSMSWebhooks", "JSON", "Secrets", "Storage", "Timestamps",
                "Wire",
                hummingbird, hummingbirdCore, hummingbirdTLS,
                .product(name: "Configuration", package: "swift-configuration"), crypto, logging, serviceLifecycle,
                unixSignals, nioCore, nioPosix, nioSSL, httpTypes,
            ],
            swiftSettings: settings),
        .target(
            name: "Demo",
            dependencies: [
                "Delivery", "Gateway", "HTTPSMSWebhooks", "JSON", "PhoneSimulator", "Secrets", "Server", "Storage",
                "Timestamps", "Wire", asyncHTTPClient, hummingbird, logging, nioCore, nioHTTP1, httpTypes,
            ],
            swiftSettings: settings),
        .target(
            name: "Bench",
            dependencies: [
                "CLibZip", "Delivery", "Gateway", "HTTPSMSWebhooks", "JSON", "Secrets", "Server", "Storage",
                "Timestamps", "Wire",
                asyncHTTPClient, hummingbird, logging, nioCore, nioPosix, nioHTTP1, nioFoundation, httpTypes,
            ],
            swiftSettings: settings),
        .target(
            name: "Client",
            dependencies: [
                "Agents", "Delivery", "HTTPSMSWebhooks", "JSON", "Secrets", "Storage", "Timestamps", crypto, "Wire",
                asyncHTTPClient, hummingbird,
                logging,
                nioCore, nioPosix, nioHTTP1, nioSSL, nioTLS, nioFoundation, httpTypes,
            ],
            swiftSettings: settings),
        .target(
            name: "PhoneSimulator",
            dependencies: [
                "HTTPSMSWebhooks", "JSON", "Secrets", "Timestamps", "Wire", asyncHTTPClient, hummingbird, logging,
                serviceLifecycle, unixSignals, crypto, nioCore, nioHTTP1, nioFoundation, httpTypes,
            ],
            swiftSettings: settings),
        .target(
            name: "Modem",
            dependencies: [
                "JSON", "PhoneSimulator", "Timestamps", "Wire", asyncHTTPClient, crypto, logging, serviceLifecycle,
                unixSignals, nioCore, nioHTTP1, nioFoundation,
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "httpsms",
            dependencies: [
                "Agents", "Bench", "CQREncode", "Client", "Demo", "Gateway", "Modem", "PhoneSimulator", "Server",
                "Timestamps",
                "Wire", argumentParser, logging,
            ],
            swiftSettings: settings),
        // The recipe for Swift is a package of its own, too; here it is compiled by the build that the tests need.
        .executableTarget(
            name: "HummingbirdRecipe", dependencies: ["HTTPSMSWebhooks", hummingbird, httpTypes],
            path: "Recipes/swift-hummingbird/Sources/Receiver", swiftSettings: settings),
        .target(
            name: "TestSupport",
            dependencies: [
                "CLibPQ", "Gateway", "Delivery", "HTTPSMSWebhooks", "JSON", "Secrets", "Server", "Storage",
                "Timestamps",
                "Wire", asyncHTTPClient, logging, nioCore,
                nioPosix, nioHTTP1, nioFoundation, nioSSL,
            ],
            swiftSettings: settings),
        .testTarget(name: "TimestampsTests", dependencies: ["TestSupport", "Timestamps"], swiftSettings: testSettings),
        .testTarget(
            name: "HTTPSMSWebhooksTests",
            dependencies: [
                "HTTPSMSWebhooks", "JSON", "Timestamps", hummingbird, hummingbirdTesting, httpTypes, logging, nioCore,
            ], exclude: ["Judges"],
            swiftSettings: testSettings),
        .testTarget(
            name: "StorageTests",
            dependencies: ["CLibPQ", "CPowerCut", "Storage", "TestSupport", "Timestamps", logging],
            swiftSettings: testSettings),
        .testTarget(
            name: "DeliveryTests",
            dependencies: [
                "Delivery", "HTTPSMSWebhooks", "JSON", "Secrets", "Storage", "TestSupport", "Timestamps", logging,
                serviceLifecycle,
                nioCore,
                nioPosix, nioSSL, .product(name: "GRDB", package: "GRDB.swift"),
            ],
            exclude: isSimulating ? ["Simulation"] : ["Simulation/Driver"],
            swiftSettings: testSettings),
        .testTarget(
            name: "GatewayTests",
            dependencies: [
                "Agents", "Client", "Delivery", "Gateway", "HTTPSMSWebhooks", "JSON", "Modem", "PhoneSimulator",
                "Secrets",
                "Server", "Storage", "TestSupport", "Timestamps", "Wire",
                asyncHTTPClient,
                httpTypes, hummingbird, logging, serviceLifecycle, nioCore, nioPosix, nioHTTP1, nioSSL, nioFoundation,
            ],
            swiftSettings: testSettings),
        .testTarget(
            name: "DashboardTests",
            dependencies: [
                "Dashboard", "Delivery", "Gateway", "HTTPSMSWebhooks", "Secrets", "Server", "Storage", "TestSupport",
                "Timestamps", "Wire", asyncHTTPClient, httpTypes, nioCore, nioHTTP1,
            ],
            swiftSettings: testSettings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "HTTPSMSWebhooks", "PhoneSimulator", "Storage", "TestSupport", "Timestamps", "httpsms", asyncHTTPClient,
                httpTypes, hummingbird, logging, nioCore, nioPosix, nioHTTP1, nioSSL, nioFoundation,
            ],
            exclude: ["Judges"],
            swiftSettings: testSettings),
    ] + fuzzTargets + simulationTargets,
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
