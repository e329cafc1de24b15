// The plan that Executor writes and fender-monitor carries out, and the messages they exchange; with what
// Executor needs of the kernel and Swift cannot reach.
#pragma once

#include "executor_calls.h"
#include "executor_plan.h"
#include "executor_supervisor.h"
