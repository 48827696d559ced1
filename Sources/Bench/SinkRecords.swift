import Foundation
import NIOCore
import Synchronization
import Timestamps

/// One webhook request as the sink saw it.
struct SinkRecord: Sendable {
    /// Which SMS it tells of; see ``BenchMessage``.
    let serial: UInt32
    /// Which endpoint it came to: the number in the path.
    let endpoint: UInt32
    /// The CloudEvent's `time`.
    let acceptedAt: Timestamp
    /// When its last byte was read.
    let receivedAt: Timestamp

    /// Bytes of a record on its way to the parent process.
    static let size = 24

    func write(to buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(
            serial, endpoint, acceptedAt.microseconds, receivedAt.microseconds, endianness: .little)
    }

    static func read(from buffer: inout ByteBuffer) -> SinkRecord? {
        let fields = buffer.readMultipleIntegers(endianness: .little, as: (UInt32, UInt32, Int64, Int64).self)
        return fields.map { serial, endpoint, acceptedAt, receivedAt in
            SinkRecord(
                serial: serial, endpoint: endpoint, acceptedAt: Timestamp(microseconds: acceptedAt),
                receivedAt: Timestamp(microseconds: receivedAt))
        }
    }
}

/// What the sink received since the last reset.
final class SinkRecords: Sendable {
    private struct State {
        var records: [SinkRecord] = []
        var unreadable = 0
        var hanging = 0
    }

    private let state = Mutex(State())
    private let clock = SystemClock()

    /// Notes a request with `body` to `endpoint`.
    func receive(_ body: ByteBufferView, endpoint: UInt32) {
        let now = clock.now()
        let found = body.withUnsafeBytes { bytes -> (UInt32, Timestamp)? in
            guard let serial = Self.serial(in: bytes), let time = Self.time(in: bytes) else { return nil }
            return (serial, time)
        }
        state.withLock { state in
            guard let (serial, time) = found else {
                state.unreadable += 1
                return
            }
            state.records.append(
                SinkRecord(serial: serial, endpoint: endpoint, acceptedAt: time, receivedAt: now))
        }
    }

    /// Notes a request that gets no answer.
    func hang() {
        state.withLock { $0.hanging += 1 }
    }

    func reset() {
        state.withLock { $0 = State() }
    }

    var count: Int { state.withLock { $0.records.count } }

    /// Requests that carried no event of a benchmark.
    var unreadableCount: Int { state.withLock { $0.unreadable } }

    /// All records, in the order in which they came, as bytes.
    func encoded() -> ByteBuffer {
        let records = state.withLock { $0.records }
        var buffer = ByteBuffer()
        buffer.reserveCapacity(records.count * SinkRecord.size)
        for record in records { record.write(to: &buffer) }
        return buffer
    }

    private static func serial(in bytes: UnsafeRawBufferPointer) -> UInt32? {
        guard let start = bytes.end(of: BenchMessage.marker), bytes.count >= start + BenchMessage.serialDigits
        else { return nil }
        var serial: UInt32 = 0
        for digit in bytes[start...].prefix(BenchMessage.serialDigits) {
            guard (0x30...0x39).contains(digit) else { return nil }
            serial = serial * 10 + UInt32(digit - 0x30)
        }
        return serial
    }

    private static func time(in bytes: UnsafeRawBufferPointer) -> Timestamp? {
        guard let start = bytes.end(of: #""time":""#),
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\""))
        else { return nil }
        return Timestamp(rfc3339: String(decoding: bytes[start..<end], as: UTF8.self))
    }
}
