// When a certificate is to be renewed, and why: a pure function of what is known about it. Never
// asks the clock, never throws dice itself: both are given, so that a restart decides the same.
// RFC 9773 (ARI) section 4.2.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/clock.h"

namespace acme {

/// When the authority would like a certificate to be renewed (RFC 9773 section 4.2).
struct RenewalWindow {
    gateway::WallTime start;
    gateway::WallTime end;
    std::string explanation;  ///< an address, or empty
    bool operator==(const RenewalWindow&) const = default;
};

/// Nothing where it is none, or ends before it begins.
std::optional<RenewalWindow> parseRenewalInfo(const std::string& body);

/// What the certificate in use was ordered with.
struct Ordered {
    std::string directory;
    std::string profile;
    std::vector<std::string> names;  ///< as they were wished, sorted
    bool operator==(const Ordered&) const = default;
};

/// A certificate that is taken back.
struct Revocation {
    std::string sha256;  ///< of the certificate, hex
    int reason = 0;      ///< of RFC 5280 section 5.3.1
    bool isDone = false;
    bool operator==(const Revocation&) const = default;
};

/// What is remembered over restarts, in a file that may be lost.
struct RenewalState {
    /// 0 up to 1: spreads renewals, the same over a restart; thrown anew after every attempt.
    double dice = 0.5;
    int failures = 0;  ///< since the last certificate
    std::optional<gateway::WallTime> lastAttempt;
    std::optional<gateway::WallTime> notBefore;  ///< what an authority demanded
    std::string lastError;
    std::string lastAdvice;

    std::optional<gateway::WallTime> lastRenewed;
    std::string lastDirectory;  ///< that was asked last
    std::string settings;       ///< a digest of those that the last attempt was made with
    std::string caaIdentity;    ///< what the authority is called in CAA records

    std::optional<Ordered> ordered;  ///< nothing where it is not known
    std::string windowOf;            ///< the id of the certificate that `window` is about
    std::optional<RenewalWindow> window;
    std::optional<gateway::WallTime> windowAsked;  ///< ask for it again at that time
    std::optional<Revocation> revocation;

    bool operator==(const RenewalState&) const = default;

    std::string toText() const;
    /// Nothing where it is damaged; `isNewer` says whether a newer version wrote it.
    static std::optional<RenewalState> parse(const std::string& text, bool& isNewer);
};

/// The certificate there is.
struct Held {
    gateway::WallTime begins;
    gateway::WallTime ends;
    std::vector<std::string> names;
    std::string id;      ///< for ARI
    std::string sha256;  ///< of all of it, hex
};

struct RenewalPlan {
    gateway::WallTime at;
    std::string why;  ///< a clause: "a third of its lifetime is left"
};

/// `wanted` is what an order would be made with now; `namesAreFixed` where the admin listed them,
/// so that one too many counts as well.
RenewalPlan planRenewal(const std::optional<Held>& held, const Ordered& wanted, bool namesAreFixed,
                        const RenewalState& state, gateway::WallTime now);

/// How long after the n-th failure in a row: 1, 10, 100 minutes, then a day, a tenth more or less.
std::chrono::seconds backOff(int failures, double dice);

/// How long to keep what an authority said about a window: its Retry-After within bounds (RFC 9773
/// section 4.3).
std::chrono::seconds windowPause(std::optional<std::chrono::seconds> retryAfter);

}  // namespace acme
