#include "gateway/watch/health_reports.h"

#include <string>

#include "gateway/watch/finding.h"

namespace gateway {

void judgeReports(const HealthSnapshot& snapshot, std::vector<HealthFinding>& findings) {
    if (snapshot.webhook) {
        add(findings, "webhook", Severity::Warning,
            "alerts cannot be told: " + snapshot.webhook->cause,
            "see to the receiver, or to alerts.webhook and its files in postern.toml; it is tried "
            "again by itself")
            .since = snapshot.webhook->since;
    }
    if (snapshot.receipts) {
        add(findings, "receipts", Severity::Warning,
            "receipts are not written, mail flows on without (" +
                std::to_string(snapshot.receipts->missed) + " missed): " + snapshot.receipts->cause,
            "see to the disk and the folder receipts/ of `data`; `postern check --fix` mends "
            "owners")
            .since = snapshot.receipts->since;
    }
    if (!snapshot.memoryLocked) {
        add(findings, "memory", Severity::Warning,
            "memory cannot be locked: keys of open sessions may reach the swap",
            "raise LimitMEMLOCK of the service (its unit has 64M), `ulimit -l` of the shell, or "
            "memlock of the container, and start the server again");
    }
}

}  // namespace gateway
