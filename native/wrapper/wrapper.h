// SPDX-License-Identifier: Apache-2.0
// The program that stands for those of a wrapped installation. It executes a plan as the launcher does, from the same
// sources; where the plan is and what it says of the installation's place is its own matter.
#pragma once
#include "../launcher/launch.h"

#define PLACE_MARK '\1' // in the texts of a wrapper's plan: the directory of the installation, wherever it stands now
#define WRAPPER_PLAN ".slipway-plan"
int wrapper_plan(struct plan *plan, const char *called);
