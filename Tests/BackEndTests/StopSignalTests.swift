import BackEnd
import CRI
import Testing

struct StopSignalTests {
    @Test(arguments: [
        (Signal.sigterm, String?.some("SIGTERM")), (.sigrtminplus3, "SIGRTMIN+3"), (.sigrtmaxminus14, "SIGRTMAX-14"),
        (.sigrtmin, "SIGRTMIN"), (.runtimeDefault, String?.none),
    ])
    func stopSignalsHaveDockersNames(signal: Signal, name: String?) {
        #expect(StopSignal.name(of: signal) == name)
        if let name { #expect(StopSignal.signal(name) == signal) }
    }

    @Test(arguments: [
        ("", Signal.sigterm), ("9", .sigkill), ("QUIT", .sigquit), ("sigusr1", .sigusr1), ("SIGNONE", .runtimeDefault),
        ("37", .sigrtminplus3),
    ])
    func imagesStopSignalsAreRead(text: String, signal: Signal) {
        #expect(StopSignal.signal(text) == signal)
    }

    @Test(
        arguments: [
            (Signal.sigterm, 15), (.sigkill, 9), (.sigsys, 31), (.sigrtmin, 34), (.sigrtminplus3, 37),
            (.sigrtmaxminus14, 50),
            (.sigrtmax, 64), (.runtimeDefault, 15),
        ] as [(Signal, Int32)])
    func signalsHaveTheKernelsNumbers(signal: Signal, number: Int32) {
        #expect(StopSignal.number(of: signal) == number)
    }
}
