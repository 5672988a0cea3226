#include "gateway/mailbox_address.h"

#include "gateway/base/text.h"
#include "gateway/exit_code.h"

namespace gateway {

MailboxId mailboxIdOf(const std::string& address, const std::string& domain) {
    const std::string_view text = trimmed(address);
    const std::size_t sign = text.find('@');
    const auto id = MailboxId::parse(text.substr(0, sign));
    if (!id) {
        throw Refusal(
            EX_USAGE,
            printable(text, 80) + " is no mailbox address; it has the form mbx- and 32 hex digits",
            "not_found");
    }
    if (sign != std::string_view::npos && !equalsIgnoringCase(text.substr(sign + 1), domain)) {
        throw Refusal(EX_USAGE, printable(text, 120) +
                                    " is in another domain than this gateway's, " + domain,
                      "not_found");
    }
    return *id;
}

}  // namespace gateway
