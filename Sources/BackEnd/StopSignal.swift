public import CRI

/// Signals as the CRI numbers them and as Docker names them.
public enum StopSignal {
    /// Docker's `Config.StopSignal`; nil for the image's own or SIGTERM.
    public static func name(of signal: Signal) -> String? {
        guard let spelled = names[signal] else { return nil }
        return spelled
    }

    /// The CRI's value for a name (`SIGRTMIN+3`, `TERM`) or a number as images write it.
    public static func signal(_ text: String) -> Signal {
        if text.isEmpty { return .sigterm }
        if let number = Int(text) { return signal(number: number) }
        let upper = text.uppercased()
        return signals[upper.hasPrefix("SIG") ? upper : "SIG\(upper)"] ?? .runtimeDefault
    }

    /// The kernel's number on x86-64 and arm64; SIGTERM for what names none.
    public static func number(of signal: Signal) -> Int32 {
        if let index = order.firstIndex(of: signal), signal != .runtimeDefault { return Int32(index + 1) }
        return (35...65).contains(signal.rawValue) ? Int32(signal.rawValue - 1) : 15
    }

    private static let names: [Signal: String] = {
        var names: [Signal: String] = [:]
        for signal in Signal.allCases {
            // `sigrtminplus3` and the like: the CRI's enum spells Docker's `+` and `-` out.
            let spelled = "\(signal)".uppercased()
                .replacing("PLUS", with: "+").replacing("MINUS", with: "-")
            if spelled.hasPrefix("SIG") { names[signal] = spelled }
        }
        return names
    }()

    private static let signals = Dictionary(
        names.map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first })

    /// From 1 on, of Linux on x86-64 and arm64.
    private static let order: [Signal] = [
        .sighup, .sigint, .sigquit, .runtimeDefault, .sigtrap, .sigabrt, .sigbus, .sigfpe, .sigkill, .sigusr1,
        .runtimeDefault, .sigusr2, .sigpipe, .sigalrm, .sigterm, .sigstkflt, .sigchld, .sigcont, .sigstop,
        .sigtstp, .sigttin, .sigttou, .sigurg, .sigxcpu, .sigxfsz, .sigvtalrm, .sigprof, .sigwinch, .sigio,
        .sigpwr, .sigsys,
    ]

    private static func signal(number: Int) -> Signal {
        if (1...order.count).contains(number) { return order[number - 1] }
        if (34...49).contains(number) { return Signal(rawValue: 35 + number - 34) ?? .runtimeDefault }
        if (50...64).contains(number) { return Signal(rawValue: 51 + number - 50) ?? .runtimeDefault }
        return .runtimeDefault
    }
}
