#include "gateway/request_fields.h"

#include <algorithm>

#include "gateway/base/text.h"
#include "gateway/exit_code.h"
#include "gateway/mailbox_address.h"

namespace gateway {

namespace {

using nlohmann::json;

constexpr std::size_t kLongestName = 200;
constexpr std::size_t kLongestDescription = 2000;
/// A password must fit on a POP3 command line (RFC 5034 section 4 asks for long ones).
constexpr std::size_t kLongestPassword = 512;

/// A text for people: on one line, so that tables and headers hold it.
std::string oneLine(const std::string& text, const char* what, std::size_t most) {
    const std::string result(trimmed(text));
    if (result.size() > most) {
        throw Refusal(EX_DATAERR, std::string("the ") + what + " is longer than " +
                                      std::to_string(most) + " octets; shorten it");
    }
    const auto isBackslash = [](char c) { return c == '\\'; };
    const auto backslashes =
        static_cast<std::size_t>(std::count_if(result.begin(), result.end(), isBackslash));
    // printable() changes what is no plain text, and doubles each backslash.
    if (printable(result, 4 * most).size() != result.size() + backslashes) {
        throw Refusal(EX_DATAERR,
                      std::string("the ") + what +
                          " holds control characters or is not UTF-8; write plain text");
    }
    return result;
}

bool holdsText(const json& request, const char* name) {
    const auto found = request.find(name);
    if (found == request.end() || found->is_null()) {
        return false;
    }
    if (!found->is_string()) {
        throw Refusal(EX_DATAERR, std::string("the request's ") + name + " is not a text");
    }
    return true;
}

}  // namespace

void throwUnknownOperation(std::string_view operation) {
    throw Refusal(EX_UNAVAILABLE, "the running server does not know the operation " +
                                      printable(operation, 80) +
                                      "; restart it, so that it has the version of this command");
}

std::optional<std::string> fieldOf(const json& request, const char* name) {
    return holdsText(request, name) ? std::make_optional(request.at(name).get<std::string>())
                                    : std::nullopt;
}

std::string nameIn(const json& request) {
    std::string name = oneLine(fieldOf(request, "name").value_or(""), "name", kLongestName);
    if (name.empty()) {
        throw Refusal(EX_USAGE, "the mailbox needs a name; give one with --name");
    }
    return name;
}

std::string descriptionIn(const json& request) {
    return oneLine(fieldOf(request, "description").value_or(""), "description",
                   kLongestDescription);
}

std::optional<crypto::Password> takeSecret(json& request, const char* name) {
    if (!holdsText(request, name)) {
        return std::nullopt;
    }
    auto& text = request.at(name).get_ref<std::string&>();
    std::optional<crypto::Password> secret(std::in_place, text);
    crypto::wipe(std::span<char>(text));
    return secret;
}

std::shared_ptr<const Mailbox> mailboxIn(const json& request, const Registry& registry,
                                         const std::string& domain) {
    const MailboxId id = mailboxIdOf(fieldOf(request, "address").value_or(""), domain);
    if (auto mailbox = registry.find(id)) {
        return mailbox;
    }
    if (registry.unreadable(id)) {
        throw Refusal(EX_DATAERR,
                      "the record of " + id.str() + " cannot be read; `postern check` says why");
    }
    throw Refusal(EX_DATAERR,
                  "there is no mailbox " + id.str() + " here; `postern mailbox list` shows all",
                  "not_found");
}

void requireUsable(const crypto::Password& password) {
    const std::string_view text = password.view();
    if (text.empty() || text.size() > kLongestPassword) {
        throw Refusal(EX_DATAERR, "the password is empty or longer than " +
                                      std::to_string(kLongestPassword) + " octets");
    }
    const auto isControl = [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; };
    if (std::any_of(text.begin(), text.end(), isControl)) {
        throw Refusal(EX_DATAERR,
                      "the password holds a control character, which POP3 cannot transport");
    }
}

}  // namespace gateway
