// What waits in a mailbox on the other nodes, as lists and single views of mailboxes tell it.
// Only what twins said: never counted here, and never asked of them at that moment.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/replica/waiting_news.h"
#include "gateway/watch/health.h"

namespace gateway {

/// One of each node.
using Elsewhere = std::vector<replica::TwinWaiting>;

/// Gives `row`, a mailbox as summaryOf() tells it, `elsewhere`: [{node, name, messages, oldest,
/// last_fetched, told (when), lately (whether that was within three minutes)}], of the nodes that
/// know it.
void addElsewhere(nlohmann::json& row, const Elsewhere& elsewhere, WallTime now);

/// The same for an answer of Operations that shows one mailbox, or lists them.
void addElsewhereIn(nlohmann::json& answer, const Elsewhere& elsewhere, WallTime now);

/// The node at which the archiver was last; nothing where it visited none twice.
std::optional<HealthSnapshot::VisitElsewhere> visitElsewhere(const MailboxId& mailbox,
                                                             const Elsewhere& elsewhere);

}  // namespace gateway
