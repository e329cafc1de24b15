/// The unit files of packaging/, for nodes on which no package has put them; a test compares.
enum UnitFiles {
    static let service = """
        [Unit]
        Description=Fender, a Kubernetes container runtime
        Documentation=man:fender(1) man:fender.toml(5)
        After=network-online.target docker.service
        # Pods outlive the runtime, but not for long the kubelet's patience: it is started after, and stopped before.
        Before=kubelet.service
        Wants=network-online.target
        Requires=fender.socket
        # It is tried again for ever: without it the node is lost.
        StartLimitIntervalSec=0

        [Service]
        Type=notify
        ExecStart=/usr/bin/fender serve --container-runtime-endpoint fd://
        ExecReload=/bin/kill -s HUP $MAINPID
        EnvironmentFile=-/etc/default/fender
        RuntimeDirectory=fender
        RuntimeDirectoryPreserve=yes
        StateDirectory=fender
        Restart=always
        RestartSec=1
        WatchdogSec=60
        TimeoutStartSec=120
        TimeoutStopSec=30
        LimitNOFILE=1048576
        TasksMax=infinity
        # Containers belong to Docker or to supervisors of their own; a CNI plugin that runs must be let finish.
        KillMode=process
        Delegate=yes
        OOMScoreAdjust=-999
        # A container that the kernel kills for its memory is the container's affair.
        OOMPolicy=continue

        # What systemd-analyze security misses is missing for a reason. Pods without Docker are processes that descend
        # from this one, and inherit what it has:
        # - NoNewPrivileges=, RestrictSUIDSGID=: containers have set-uid programs, and labels that an exec changes.
        # - SystemCallFilter=, SystemCallArchitectures=, RestrictNamespaces=, RestrictAddressFamilies=,
        #   RestrictRealtime=, LockPersonality=, MemoryDenyWriteExecute=, ProtectClock=, ProtectHostname=,
        #   ProtectKernelLogs=: filters of system calls, which a container would have beside its own.
        # - CapabilityBoundingSet=, PrivateDevices=, DeviceAllow=: a privileged container has all capabilities and
        #   devices.
        # - ProtectSystem=, ProtectHome=, ProtectKernelModules=, ProtectKernelTunables=, ProtectControlGroups=,
        #   PrivateTmp=, ProtectProc=, ProcSubset=, PrivateMounts=: a mount namespace of its own, in which the host and
        #   the kubelet would not see the mounts of pods, nor the pods those of the kubelet's volumes.
        # - PrivateNetwork=, PrivateUsers=, IPAddressDeny=: it connects pods to the host's network, and is its root.
        # - UMask=: the modes of files that containers and the kubelet share are set one by one.

        [Install]
        WantedBy=multi-user.target

        """

    /// What of the socket unit needs the package's group.
    static let socketGroup = "# Who is in it may do anything on this node.\nSocketGroup=fender\n"

    static let socket = """
        [Unit]
        Description=Fender's CRI socket
        Documentation=man:fender(1)

        # It is no part of fender.service: while that restarts, calls wait here.
        [Socket]
        ListenStream=%t/fender/fender.sock
        SocketMode=0660
        # Who is in it may do anything on this node.
        SocketGroup=fender
        RemoveOnStop=yes

        [Install]
        WantedBy=sockets.target

        """
}
