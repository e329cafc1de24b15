/// The kernel's files that a container that is not privileged does not see or cannot write.
public enum KernelPaths {
    /// Paths covered over, as the kubelet and containerd have them; powercap is a side channel
    /// (containerd GHSA-7ww5-4wqc-m92c).
    public static let masked =
        [
            "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
            "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
            "/sys/devices/virtual/powercap",
        ]

    /// Paths remounted read-only, as the kubelet and containerd have them.
    public static let readOnly = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
}
