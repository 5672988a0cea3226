#include "acme/renewal.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "gateway/base/text.h"

namespace acme {

namespace {

using gateway::WallTime;
using nlohmann::json;
using namespace std::chrono_literals;

constexpr int kFormat = 1;
constexpr std::chrono::hours kShortLife{24 * 10};
constexpr std::chrono::seconds kLeastBetween{1};
constexpr std::chrono::hours kEnoughBetween{1};
constexpr std::chrono::hours kLongestBan{24 * 8};  ///< rate limits are counted over a week
constexpr double kSpread = 0.02;                   ///< of a lifetime, before the time without ARI
constexpr std::array<std::chrono::minutes, 3> kBackOff{1min, 10min, 100min};

std::chrono::seconds part(WallTime::duration whole, double share) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(whole).count();
    return std::chrono::seconds(
        static_cast<std::chrono::seconds::rep>(static_cast<double>(seconds) * share));
}

bool isRevoked(const Held& held, const RenewalState& state) {
    return state.revocation && state.revocation->isDone && state.revocation->sha256 == held.sha256;
}

/// What makes the certificate wrong now, whatever its dates say; empty where nothing does. Names
/// that the authority added to the order are not the admin's to take out.
std::string whyNow(const Held& held, const Ordered& wanted, bool namesAreFixed,
                   const RenewalState& state) {
    if (isRevoked(held, state)) {
        return "it was revoked";
    }
    for (const std::string& name : wanted.names) {
        if (std::find(held.names.begin(), held.names.end(), name) == held.names.end()) {
            return "it lacks the name " + name;
        }
    }
    if (namesAreFixed && !(state.ordered && state.ordered->names == wanted.names)) {
        for (const std::string& name : held.names) {
            if (std::find(wanted.names.begin(), wanted.names.end(), name) == wanted.names.end()) {
                return "it has the name " + gateway::printable(name) +
                       ", which acme.names does not list";
            }
        }
    }
    if (state.ordered && state.ordered->profile != wanted.profile) {
        return "acme.profile was changed";
    }
    if (state.ordered && state.ordered->directory != wanted.directory) {
        return "acme.directory was changed";
    }
    return {};
}

RenewalPlan byDates(const Held& held, const RenewalState& state) {
    const auto lifetime = held.ends - held.begins;
    const WallTime latest = held.ends - lifetime / 10;  // for failures there must be time
    if (state.window && state.windowOf == held.id && state.window->start < latest) {
        const RenewalWindow& window = *state.window;
        const auto at = window.start + part(window.end - window.start, state.dice);
        return {std::min(at, latest), "the authority suggests it between " +
                                          gateway::formatTimestamp(window.start) + " and " +
                                          gateway::formatTimestamp(window.end)};
    }
    const bool isShort = lifetime < kShortLife;
    const double share = (isShort ? 1.0 / 2 : 2.0 / 3) - kSpread * state.dice;
    return {held.begins + part(lifetime, share),
            isShort ? "half of its lifetime is left" : "a third of its lifetime is left"};
}

/// RFC 3339, also with an offset or a fraction of a second.
std::optional<WallTime> parseTime(std::string text) {
    constexpr std::size_t kWhole = 19;  // "2026-11-22T10:00:00"
    if (text.size() > kWhole && text[kWhole] == '.') {
        const std::size_t end =
            std::min(text.find_first_not_of("0123456789", kWhole + 1), text.size());
        text.erase(kWhole, end - kWhole);
    }
    std::chrono::minutes offset{0};
    if (text.size() == 25 && (text[19] == '+' || text[19] == '-') && text[22] == ':') {
        const auto hours = gateway::parseDecimal(text.substr(20, 2));
        const auto minutes = gateway::parseDecimal(text.substr(23, 2));
        if (!hours || !minutes || *hours > 23 || *minutes > 59) {
            return std::nullopt;
        }
        offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
        offset = text[19] == '-' ? -offset : offset;
        text = text.substr(0, 19) + 'Z';
    }
    const auto time = gateway::parseTimestamp(text);
    // Centuries before would leave no room for differences in nanoseconds.
    return time && *time >= WallTime(24h) ? std::optional(*time - offset) : std::nullopt;
}

std::optional<WallTime> timeIn(const json& object, const char* name) {
    return parseTime(textIn(object, name).value_or(""));
}

json timeOf(const std::optional<WallTime>& time) {
    return time ? json(gateway::formatTimestamp(*time)) : json();
}

}  // namespace

std::optional<RenewalWindow> parseRenewalInfo(const std::string& body) {
    const json document = parsed(body);
    const json suggested = objectIn(document, "suggestedWindow");
    const auto start = timeIn(suggested, "start");
    const auto end = timeIn(suggested, "end");
    if (!start || !end || *end <= *start) {  // RFC 9773 section 4.2
        return std::nullopt;
    }
    return RenewalWindow{*start, *end,
                         gateway::printable(textIn(document, "explanationURL").value_or(""))};
}

std::string RenewalState::toText() const {
    json document{{"format", kFormat},
                  {"dice", dice},
                  {"failures", failures},
                  {"last_attempt", timeOf(lastAttempt)},
                  {"not_before", timeOf(notBefore)},
                  {"last_renewed", timeOf(lastRenewed)},
                  {"last_directory", lastDirectory},
                  {"settings", settings},
                  {"caa_identity", caaIdentity},
                  {"last_error", lastError},
                  {"last_advice", lastAdvice},
                  {"window_of", windowOf},
                  {"window_asked", timeOf(windowAsked)}};
    if (ordered) {
        document["ordered"] = {{"directory", ordered->directory},
                               {"profile", ordered->profile},
                               {"names", ordered->names}};
    }
    if (window) {
        document["window"] = {{"start", timeOf(window->start)},
                              {"end", timeOf(window->end)},
                              {"explanation", window->explanation}};
    }
    if (revocation) {
        document["revocation"] = {{"sha256", revocation->sha256},
                                  {"reason", revocation->reason},
                                  {"done", revocation->isDone}};
    }
    return document.dump(2, ' ', false, json::error_handler_t::replace) + '\n';
}

std::optional<RenewalState> RenewalState::parse(const std::string& text, bool& isNewer) {
    const json document = parsed(text);
    const auto format = document.is_object() ? document.value("format", json()) : json();
    isNewer = format.is_number_integer() && format > kFormat;
    if (format != kFormat) {
        return std::nullopt;
    }
    RenewalState state;
    const json number = document.value("dice", json());
    const json failures = document.value("failures", json());
    state.dice = number.is_number() ? std::clamp(number.get<double>(), 0.0, 1.0) : state.dice;
    state.failures =
        failures.is_number_integer() ? std::clamp(failures.get<int>(), 0, 1'000'000) : 0;
    state.lastAttempt = timeIn(document, "last_attempt");
    state.notBefore = timeIn(document, "not_before");
    state.lastRenewed = timeIn(document, "last_renewed");
    state.lastDirectory = textIn(document, "last_directory").value_or("");
    state.settings = textIn(document, "settings").value_or("");
    state.caaIdentity = textIn(document, "caa_identity").value_or("");
    state.lastError = textIn(document, "last_error").value_or("");
    state.lastAdvice = textIn(document, "last_advice").value_or("");
    state.windowOf = textIn(document, "window_of").value_or("");
    state.windowAsked = timeIn(document, "window_asked");
    if (const json ordered = objectIn(document, "ordered"); ordered.is_object()) {
        state.ordered = Ordered{textIn(ordered, "directory").value_or(""),
                                textIn(ordered, "profile").value_or(""), textsIn(ordered, "names")};
    }
    const json window = objectIn(document, "window");
    const auto start = timeIn(window, "start");
    const auto end = timeIn(window, "end");
    if (start && end) {
        state.window = RenewalWindow{*start, *end, textIn(window, "explanation").value_or("")};
    }
    const json revocation = objectIn(document, "revocation");
    if (const auto sha256 = textIn(revocation, "sha256")) {
        const json reason = revocation.value("reason", json());
        state.revocation = Revocation{*sha256, reason.is_number_integer() ? reason.get<int>() : 0,
                                      isTrue(revocation, "done")};
    }
    return state;
}

RenewalPlan planRenewal(const std::optional<Held>& held, const Ordered& wanted, bool namesAreFixed,
                        const RenewalState& state, WallTime now) {
    RenewalPlan plan{now, "there is no certificate of an authority yet"};
    if (held) {
        plan.why = whyNow(*held, wanted, namesAreFixed, state);
        if (plan.why.empty()) {
            plan = byDates(*held, state);
        }
        if (state.lastRenewed && state.ordered == wanted && !isRevoked(*held, state)) {
            // Whatever an authority suggests or issues: never one after another.
            const auto least = std::clamp<WallTime::duration>((held->ends - held->begins) / 10,
                                                              kLeastBetween, kEnoughBetween);
            plan.at = std::max(plan.at, std::min(*state.lastRenewed, now) + least);
        }
    }
    // One mistaken answer, or a clock that was wrong when it came, must not end renewals for good.
    const bool isBelieved = state.notBefore && *state.notBefore <= now + kLongestBan;
    if (isBelieved && *state.notBefore > plan.at) {
        return {*state.notBefore, "the authority allows the next attempt then"};
    }
    if (state.failures > 0 && state.lastAttempt && !isBelieved) {
        // A clock that was set back must not put the next attempt off by more than the pause.
        const WallTime last = std::min(*state.lastAttempt, now);
        const WallTime again = last + backOff(state.failures, state.dice);
        if (again > plan.at) {
            return {again, "the last attempt failed"};
        }
    }
    return plan;
}

std::chrono::seconds backOff(int failures, double dice) {
    const auto index = static_cast<std::size_t>(std::max(failures, 1) - 1);
    const std::chrono::seconds whole = index < kBackOff.size() ? kBackOff[index] : 24h;
    return part(whole, 0.9 + 0.2 * dice);
}

std::chrono::seconds windowPause(std::optional<std::chrono::seconds> retryAfter) {
    return std::clamp(retryAfter.value_or(6h), std::chrono::seconds(1min),
                      std::chrono::seconds(24h));
}

}  // namespace acme
