// User namespaces, and others that they own: a process with several threads cannot enter one, so a child makes them.
#pragma once

/// Forks a child that does nothing in a new user namespace without maps, and in new namespaces of what is not 0, owned by
/// that one. Returns its pid or -1; it ends with `fender_release_namespaces`, or when nobody holds `lifeline[1]`.
int fender_hold_namespaces(int network, int ipc, int uts, int lifeline[2]);

/// Ends such a child and collects it.
void fender_release_namespaces(int child, const int lifeline[2]);

/// setns(2), for the calling thread, with a namespace of any kind.
int fender_enter_namespace(int fd);

/// Changes the effective ids of the calling thread alone.
int fender_act_as(unsigned user, unsigned group);

/// Takes that back: the user first, who may change the group.
int fender_resume(unsigned user, unsigned group);
