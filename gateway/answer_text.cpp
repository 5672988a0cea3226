#include "gateway/answer_text.h"

#include <cstdint>
#include <utility>

#include "gateway/base/text.h"

namespace gateway {

using nlohmann::json;

std::string oneLineOf(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
}

std::string textOf(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? printable(found->get<std::string>(), 400)
                                                       : std::string("-");
}

std::string numberOf(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number_unsigned()
               ? std::to_string(found->get<std::uint64_t>())
               : std::string("-");
}

std::string describePorts(const json& ports) {
    static constexpr std::pair<const char*, std::pair<const char*, const char*>> kKinds[] = {
        {"smtp", {"SMTP ", " (STARTTLS)"}},
        {"smtps", {"SMTPS ", ""}},
        {"pop3", {"POP3 ", " (STLS)"}},
        {"pop3s", {"POP3S ", ""}}};
    std::string result;
    for (const auto& [name, around] : kKinds) {
        if (const std::string port = numberOf(ports, name); port != "-") {
            result += (result.empty() ? "" : ", ") + (around.first + port) + around.second;
        }
    }
    return result.empty() ? "none, for the config has no listeners" : result;
}

std::string describeElsewhere(const json& one) {
    const std::string oldest = textOf(one, "oldest");
    const std::string fetched = textOf(one, "last_fetched");
    const std::string told = textOf(one, "told");
    return numberOf(one, "messages") + " messages" +
           (oldest == "-" ? "" : ", oldest of " + oldest) +
           (fetched == "-" ? "" : ", last fetched at " + fetched) +
           (one.value("lately", false) ? "; told at " + told
                                       : "; it is away, and said so last at " + told);
}

std::string elsewhereInShort(const json& mailbox) {
    std::string text;
    for (const json& one : mailbox.value("elsewhere", json::array())) {
        if (numberOf(one, "messages") == "0") {
            continue;
        }
        text +=
            (text.empty() ? "" : ", ") + numberOf(one, "messages") + " on " + textOf(one, "name");
        if (!one.value("lately", false)) {
            text += " (at " + textOf(one, "told") + ')';
        }
    }
    return text;
}

}  // namespace gateway
