// Mail that waits too long here, and whether that is because it is fetched elsewhere only.
// A pure function, as health.h.
#pragma once

#include <vector>

#include "gateway/watch/health.h"

namespace gateway {

/// One finding at most: what is fetched elsewhere is not said to be unfetched as well.
void judgeWaiting(const HealthSnapshot& snapshot, const HealthSnapshot::Mailbox& mailbox,
                  std::vector<HealthFinding>& findings);

}  // namespace gateway
