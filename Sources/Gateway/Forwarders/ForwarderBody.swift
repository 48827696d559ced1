import HTTPSMSWebhooks
import Wire

/// The body of POST `/v1/forwarders`, and the rules for it.
package struct ForwarderBody: Decodable, Sendable {
    private let name: String?
    private let preset: String?
    private let numbers: [NumberBody]?
    private let template: [String: String]?

    struct NumberBody: Decodable, Sendable {
        let sim: String?
        let phoneNumber: String?
    }

    /// What a form says; an empty number is none.
    package init(name: String, preset: String, numbers: [(sim: SIM, phoneNumber: String)], template: [String: String]) {
        (self.name, self.preset) = (name, preset)
        self.numbers = numbers.filter { !$0.phoneNumber.isEmpty }.map {
            NumberBody(sim: $0.sim.rawValue, phoneNumber: $0.phoneNumber)
        }
        self.template = template.filter { !$0.value.isEmpty }
    }

    /// What the body says once it holds to the rules.
    struct Settings: Sendable {
        let name: String
        let preset: ForwarderPreset
        let numbers: [SIMNumber]
        let template: ForwarderTemplate?
    }

    /// Tries the rules.
    ///
    /// - Throws: ``Refusal`` `.invalid`.
    func settings() throws(Refusal) -> Settings {
        var errors = FieldErrors()
        let name = (name ?? "").trimmed
        errors.require("name", name)
        errors.requireBytes("name", name, max: 60)
        let preset = (preset ?? ForwarderPreset.generic.rawValue).trimmed.lowercased()
        errors.requireOne("preset", preset, of: ForwarderPreset.allCases.map(\.rawValue))
        let numbers = checkedNumbers(&errors)
        let template = checkedTemplate(&errors)
        try errors.check("validation errors while creating forwarder")
        return Settings(
            name: name, preset: ForwarderPreset(rawValue: preset) ?? .generic, numbers: numbers, template: template)
    }

    private func checkedNumbers(_ errors: inout FieldErrors) -> [SIMNumber] {
        let told = numbers ?? []
        if told.isEmpty { errors.add("numbers", "The numbers field is required") }
        errors.requireCount("numbers", told, max: SIM.allCases.count)
        var numbers: [SIMNumber] = []
        for (index, entry) in told.prefix(SIM.allCases.count).enumerated() {
            let number = PhoneNumber.address(entry.phoneNumber ?? "")
            errors.requirePhoneNumber("numbers.[\(index)].phone_number", number)
            let slot = (entry.sim ?? SIM.sim1.rawValue).trimmed.uppercased()
            errors.requireOne("numbers.[\(index)].sim", slot, of: SIM.allCases.map(\.rawValue))
            guard let sim = SIM(rawValue: slot) else { continue }
            if numbers.contains(where: { $0.sim == sim }) {
                errors.add("numbers.[\(index)].sim", "The numbers field has two numbers for \(sim.rawValue)")
            }
            numbers.append(SIMNumber(sim: sim, phoneNumber: number))
        }
        return numbers
    }

    private func checkedTemplate(_ errors: inout FieldErrors) -> ForwarderTemplate? {
        var pointers: [ForwardedPart: JSONPointer] = [:]
        for (name, text) in (template ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard let part = ForwardedPart(rawValue: name) else {
                let names = ForwardedPart.allCases.map(\.rawValue).joined(separator: ", ")
                errors.add("template", "The template field may have \(names) only")
                continue
            }
            guard let pointer = JSONPointer(text) else {
                errors.add(
                    "template.\(name)",
                    """
                    The template.\(name) field must be a JSON pointer such as /payload/text, of at most \
                    \(JSONPointer.maximumLength) bytes and \(JSONPointer.maximumDepth) levels
                    """)
                continue
            }
            pointers[part] = pointer
        }
        return pointers.isEmpty ? nil : ForwarderTemplate(pointers: pointers)
    }
}
