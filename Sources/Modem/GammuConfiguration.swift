/// The configuration of gammu-smsd, as the agent needs it.
package enum GammuConfiguration {
    /// The text of `gammu-smsdrc`.
    ///
    /// An SMS that cannot be sent stays in the outbox of the files service and is tried again forever (smsd/core.c and
    /// smsd/services/files.c of version 1.42.0: its retries are counted for databases only). `RunOnFailure` takes it out, while
    /// gammu-smsd waits. `DebugLevel = 1` has the log say what is begun.
    ///
    /// - Parameters:
    ///   - folder: What is shared with the agent.
    ///   - device: The modem's, such as `/dev/ttyUSB0`.
    ///   - connection: As gammu names it, such as `at`; `none` for the dummy driver.
    ///   - pin: Of the SIM card; nil for one without.
    ///   - program: The path of this program.
    /// - Returns: The file, with a line feed at its end.
    package static func text(folder: ModemFolder, device: String, connection: String, pin: String?, program: String)
        -> String
    {
        let path = folder.path
        return """
            [gammu]
            device = \(device)
            connection = \(connection)
            \(connection == "none" ? "model = dummy\n" : "")
            [smsd]
            service = files
            logfile = \(folder.log)
            debuglevel = 1
            inboxpath = \(path)/inbox/
            outboxpath = \(path)/outbox/
            sentsmspath = \(path)/sent/
            errorsmspath = \(path)/error/
            inboxformat = detail
            outboxformat = unicode
            transmitformat = auto
            deliveryreport = sms
            commtimeout = 1
            receivefrequency = 2
            loopsleep = 1
            checkbattery = 0
            \(pin.map { "pin = \($0)" } ?? "checksecurity = 0")
            hangupcalls = 1
            runonfailure = cd \(path)/outbox && mv -f -t ../error
            runonincomingcall = \(program) modem call --folder \(path) --

            """
    }
}
