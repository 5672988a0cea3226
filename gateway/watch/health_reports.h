// What the gateway cannot do beside mail: alerts that nobody takes, receipts that cannot be
// written, memory that cannot be locked. A part of judgeHealth(); as pure as that.
#pragma once

#include <vector>

#include "gateway/watch/health.h"

namespace gateway {

void judgeReports(const HealthSnapshot& snapshot, std::vector<HealthFinding>& findings);

}  // namespace gateway
