/// The unit files of packaging/, for nodes on which no package has put them; a test compares.
enum UnitFiles {
    static let service = """
        [Unit]
        Description=Fender, a Kubernetes container runtime
        After=network-online.target docker.service
        Wants=network-online.target
        Requires=fender.socket

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
        # Containers belong to Docker or to supervisors of their own, and a CNI plugin that runs must be let finish.
        KillMode=process
        Delegate=yes
        OOMScoreAdjust=-999

        [Install]
        WantedBy=multi-user.target

        """

    static let socket = """
        [Unit]
        Description=Fender's CRI socket
        PartOf=fender.service

        [Socket]
        ListenStream=%t/fender/fender.sock
        SocketMode=0660
        RemoveOnStop=yes

        [Install]
        WantedBy=sockets.target

        """
}
