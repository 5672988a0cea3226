#include "gateway/operations_drain.h"

#include <array>
#include <utility>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/drain.h"
#include "gateway/exit_code.h"
#include "gateway/request_fields.h"

namespace gateway {

namespace {

using nlohmann::json;

constexpr std::chrono::hours kUsual{8};
/// Longer is for ever, and that must be said in so many words.
constexpr std::chrono::hours kLongest{366 * 24};

/// Nothing: for ever.
std::optional<std::chrono::seconds> lengthIn(const json& request) {
    const auto text = fieldOf(request, "for");
    if (!text) {
        return kUsual;
    }
    if (*text == "ever") {
        return std::nullopt;
    }
    const auto length = parseDuration(*text);
    if (!length || *length <= std::chrono::seconds(0) || *length > kLongest) {
        throw Refusal(EX_USAGE,
                      printable(*text, 40) +
                          " is no length for a drain; write one such as 90m, 8h or 2d, or ever",
                      "bad_request");
    }
    return length;
}

json describe(const Drain& drain) {
    return {{"since", formatTimestamp(drain.since)},
            {"until", drain.until ? json(formatTimestamp(*drain.until)) : json()}};
}

/// Nothing also where the file says nothing usable: then it is replaced.
std::optional<Drain> present(const Layout& layout, WallTime now) {
    try {
        auto drain = loadDrain(layout);
        return drain && !drain->isOver(now) ? drain : std::nullopt;
    } catch (const Error& error) {
        log::warning("the drain that was asked for before is not known", {{"cause", error.what()}});
        return std::nullopt;
    }
}

json begin(const Config& config, json& request) {
    const Layout layout(config.data);
    const auto length = lengthIn(request);
    const bool twin = hasTwin(config);
    if (const json sure = request.value("without_twin", json(false)); !twin && sure != true) {
        throw Refusal(EX_USAGE, std::string(meaningWithoutTwin()), "conflict");
    }
    const WallTime now = std::chrono::system_clock::now();
    const auto before = present(layout, now);
    Drain drain{before ? before->since : now, std::nullopt};
    if (length) {
        drain.until = now + *length;
    }
    saveDrain(layout, drain);
    log::notice("drain: no new mail is taken",
                {{"until", drain.until ? formatTimestamp(*drain.until) : std::string("ever")},
                 {"twin", twin ? "yes" : "no"}});
    return {{"drain", describe(drain)}, {"twin", twin}};
}

json end(const Config& config, json& /*request*/) {
    const Layout layout(config.data);
    const bool was = present(layout, std::chrono::system_clock::now()).has_value();
    saveDrain(layout, std::nullopt);
    if (was) {
        log::notice("drain ended: mail is taken again");
    }
    return {{"was", was}};
}

json show(const Config& config, json& /*request*/) {
    const auto drain = present(Layout(config.data), std::chrono::system_clock::now());
    return {{"drain", drain ? describe(*drain) : json()}, {"twin", hasTwin(config)}};
}

}  // namespace

std::string_view meaningWithoutTwin() {
    return "this node knows no twin: while it drains, senders find nobody who takes their mail, "
           "unless another MX of the domain does. They wait and try again: Exchange Online gives "
           "up after 24 hours, Exchange after 2 days, Google after 8 days";
}

json performOnDrain(const Config& config, std::string_view operation, json& request) {
    using Handler = json (*)(const Config&, json&);
    static constexpr std::array<std::pair<std::string_view, Handler>, 3> kOperations{
        {{"drain.on", begin}, {"drain.off", end}, {"drain.show", show}}};
    for (const auto& [name, handler] : kOperations) {
        if (name == operation) {
            return handler(config, request);
        }
    }
    throwUnknownOperation(operation);
}

}  // namespace gateway
