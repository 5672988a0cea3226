// What tests of findings start from: a gateway that is well, and what is found about it.
#pragma once

#include <string>

#include <doctest/doctest.h>

#include "gateway/watch/health.h"

namespace health_test {

using namespace gateway;
using std::chrono::hours;
using std::chrono::minutes;

inline constexpr std::uint64_t kGiB = 1ULL << 30U;
inline constexpr const char* kAddress = "mbx-0123456789abcdef0123456789abcdef";
inline const WallTime kNow = parseTimestamp("2026-11-22T10:00:00Z").value();

/// A gateway that is well, with one mailbox.
inline HealthSnapshot well() {
    HealthSnapshot snapshot;
    snapshot.now = kNow;
    snapshot.limits.minFree = kGiB;
    snapshot.limits.maxMessageSize = kGiB / 4;
    HealthSnapshot::Certificate certificate;
    certificate.ends = kNow + hours(24 * 100);
    snapshot.certificate = certificate;
    snapshot.disk = HealthSnapshot::Disk{10 * kGiB, {}, {}};
    HealthSnapshot::Mailbox mailbox;
    mailbox.address = kAddress;
    mailbox.name = "journal";
    mailbox.waiting = 3;
    mailbox.oldest = kNow - hours(19);
    snapshot.mailboxes.push_back(mailbox);
    return snapshot;
}

inline HealthSnapshot::Mailbox& mailboxOf(HealthSnapshot& snapshot) {
    return snapshot.mailboxes[0];
}

inline HealthSnapshot::Refusals refusals(const std::string& reason, bool putOff) {
    return {kAddress, reason,           "words for it",    putOff,
            7,        kNow - hours(30), kNow - minutes(5), "192.0.2.1"};
}

/// The only finding there is.
inline HealthFinding only(const HealthSnapshot& snapshot) {
    const auto findings = judgeHealth(snapshot);
    REQUIRE(findings.size() == 1);
    CHECK(!findings[0].text.empty());
    CHECK(!findings[0].advice.empty());
    return findings[0];
}

inline bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace health_test
