#include "gateway/watch/health_waiting.h"

#include <algorithm>

#include "gateway/watch/finding.h"

namespace gateway {

namespace {

using std::chrono::seconds;

/// Archivers ask every few minutes, up to once an hour.
constexpr std::chrono::hours kFetchedElsewhere{1};

/// Whether the archiver has been at another node twice since mail waits here, and an hour later
/// than it: once it may have been on its way here.
bool isPassedOver(const HealthSnapshot::Mailbox& mailbox) {
    if (!mailbox.oldest || !mailbox.visitElsewhere) {
        return false;
    }
    const WallTime since = std::max(*mailbox.oldest, mailbox.fetched.value_or(*mailbox.oldest));
    return mailbox.visitElsewhere->before > since &&
           mailbox.visitElsewhere->last - since > kFetchedElsewhere;
}

}  // namespace

void judgeWaiting(const HealthSnapshot& snapshot, const HealthSnapshot::Mailbox& mailbox,
                  std::vector<HealthFinding>& findings) {
    const seconds limit = mailbox.unfetched.value_or(snapshot.limits.unfetched);
    if (!mailbox.oldest || limit <= seconds(0)) {
        return;
    }
    const std::string waits = named(mailbox) + ": the oldest of " +
                              counted(mailbox.waiting, "message", "messages") + " waits for " +
                              span(*mailbox.oldest, snapshot.now);
    HealthFinding* finding = nullptr;
    if (isPassedOver(mailbox)) {
        const std::string& node = mailbox.visitElsewhere->node;
        finding = &add(findings, "unfetched_here", Severity::Warning,
                       waits + ": the archiver fetches from " + node + " but not from here",
                       "add a profile for this node to the archiver: `postern mailbox show " +
                           mailbox.address + "` has its host and ports");
    } else if (snapshot.now - *mailbox.oldest > limit) {
        finding = &add(findings, "unfetched", Severity::Warning, waits,
                       "see whether the archiver still fetches it, and deletes after archiving");
    } else {
        return;
    }
    finding->mailbox = finding->about = mailbox.address;
    finding->since = mailbox.oldest;
}

}  // namespace gateway
