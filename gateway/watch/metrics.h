// The state of the gateway as figures for Prometheus (text format 0.0.4). A pure function: no
// clock, no file, no socket.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "gateway/base/clock.h"
#include "gateway/mail/mailbox_id.h"
#include "gateway/watch/store_times.h"

namespace gateway {

/// What went through a mailbox since the server started.
struct MailboxTraffic {
    std::uint64_t received = 0;  ///< messages, counted when their 250 is due
    std::uint64_t fetched = 0;   ///< messages, each time one was sent whole
};

/// `status` as of describeStatus(). What it does not know is left out, never told as 0.
std::string describeMetrics(const nlohmann::json& status,
                            const std::map<MailboxId, MailboxTraffic>& traffic, WallTime now,
                            const StoreTimes& stored = {});

}  // namespace gateway
