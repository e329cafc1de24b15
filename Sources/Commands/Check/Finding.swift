/// One line of what a check found.
struct Finding: Encodable, Equatable {
    enum Result: String, Encodable {
        case pass
        case warn
        case fail
    }

    /// The part of the node: `kernel`, `docker`, …
    var area: String
    var result: Result
    /// What was found.
    var text: String
    /// What to do; nil when all is well.
    var advice: String?

    private init(_ area: String, _ result: Result, _ text: String, _ advice: String?) {
        (self.area, self.result, self.text, self.advice) = (area, result, text, advice)
    }

    static func pass(_ area: String, _ text: String) -> Finding { Finding(area, .pass, text, nil) }
    static func warn(_ area: String, _ text: String, _ advice: String) -> Finding {
        Finding(area, .warn, text, advice)
    }
    static func fail(_ area: String, _ text: String, _ advice: String) -> Finding {
        Finding(area, .fail, text, advice)
    }
}
