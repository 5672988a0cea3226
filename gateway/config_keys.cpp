#include "gateway/config_keys.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <set>

#include "crypto/keys.h"
#include "gateway/base/text.h"
#include "gateway/config.h"

namespace gateway {

namespace {

using Form = ConfigForm;

constexpr auto kKeys = std::to_array<ConfigKey>({
    {"domain", Form::Domain, ""},
    {"hostname", Form::Domain, ""},
    {"data", Form::Path, R"("/var/lib/postern")"},

    {"smtp.listen", Form::Addresses, R"(["[::]:25"])"},
    {"smtp.listen_tls", Form::Addresses, "[]"},
    {"smtp.max_message_size", Form::Size, R"("200MiB")"},
    {"smtp.max_connections", Form::Count, "1000"},
    {"smtp.max_connections_per_ip", Form::Count, "0"},
    {"smtp.message_memory", Form::Size, R"("64MiB")"},
    {"smtp.unknown_mailbox", Form::Choice, R"("451")", true, "451 550"},
    {"smtp.postmaster", Form::Mailbox, R"("")"},

    {"pop3.listen", Form::Addresses, R"(["[::]:110"])"},
    {"pop3.listen_tls", Form::Addresses, R"(["[::]:995"])"},
    {"pop3.unlock_cache", Form::Duration, R"("0s")"},

    {"web.listen", Form::Addresses, R"(["[::]:8450"])"},
    {"web.session_idle", Form::Duration, R"("30m")"},
    {"web.session_length", Form::Duration, R"("12h")"},

    {"tls.source", Form::Choice, R"("self-signed")", true, "self-signed files acme"},
    {"tls.certificate", Form::Path, R"("")"},
    {"tls.key", Form::Path, R"("")"},
    {"tls.minimum", Form::Choice, R"("1.2")", true, "1.2 1.3"},

    {"acme.directory", Form::Text, R"("https://acme-v02.api.letsencrypt.org/directory")"},
    {"acme.contact", Form::Text, R"("")"},
    {"acme.names", Form::Names, "[]"},
    {"acme.challenge", Form::Choice, R"("http-01")", true, "http-01 tls-alpn-01 dns-01"},
    {"acme.listen", Form::Addresses, R"(["[::]:80"])"},
    {"acme.hook", Form::Path, R"("")"},
    {"acme.profile", Form::Text, R"("")"},
    {"acme.eab_key_id", Form::Text, R"("")"},
    {"acme.eab_hmac_key_file", Form::Path, R"("")"},
    {"acme.ca_file", Form::Path, R"("")"},

    {"keys.recovery", Form::Recipient, R"("")"},

    {"store.kind", Form::Choice, R"("directory")", true, "directory s3"},
    {"store.min_free", Form::Size, R"("1GiB")"},
    {"store.keep_deleted", Form::Duration, R"("24h")"},
    {"store.keep_receipts", Form::Duration, R"("90d")"},
    {"store.s3.endpoint", Form::Text, R"("")", false},
    {"store.s3.bucket", Form::Text, R"("")", false},
    {"store.s3.prefix", Form::Text, R"("")", false},
    {"store.s3.region", Form::Text, R"("")", false},
    {"store.s3.access_key_id", Form::Text, R"("")", false},
    {"store.s3.secret_access_key_file", Form::Path, R"("")", false},
    {"store.s3.ca_file", Form::Path, R"("")", false},

    {"metrics.listen", Form::Addresses, R"(["127.0.0.1:9450"])"},

    {"log.level", Form::Choice, R"("info")", true, "debug info notice warning error"},
    {"log.format", Form::Choice, R"("text")", true, "text json"},

    {"alerts.unfetched", Form::Duration, R"("20h")"},
    {"alerts.certificate", Form::Duration, R"("14d")"},
    {"alerts.silence", Form::Duration, R"("3h")"},
    {"alerts.webhook", Form::Webhook, R"("")", true, {}, true},  // who knows it may post there
    {"alerts.webhook_secret_file", Form::Path, R"("")"},
    {"alerts.webhook_ca_file", Form::Path, R"("")"},
});

std::string inQuotes(std::string_view text) { return '"' + printable(text, 80) + '"'; }

/// `"451" or "550"`.
std::string alternatives(std::string_view choices) {
    std::string result;
    while (!choices.empty()) {
        const std::size_t end = std::min(choices.find(' '), choices.size());
        const bool last = end == choices.size();
        result += result.empty() ? "" : last ? " or " : ", ";
        result += inQuotes(choices.substr(0, end));
        choices.remove_prefix(last ? end : end + 1);
    }
    return result;
}

bool isChoice(std::string_view choices, std::string_view text) {
    return !text.empty() && text.find(' ') == std::string_view::npos &&
           (' ' + std::string(choices) + ' ').find(' ' + std::string(text) + ' ') !=
               std::string::npos;
}

/// RFC 1035 2.3.1 as relaxed by RFC 1123 2.1; a name that ends in a number would be taken for an
/// IPv4 address.
bool isDomainName(std::string_view text) {
    if (text.empty() || text.size() > 253) {
        return false;
    }
    bool numeric = false;
    for (;;) {
        const std::size_t end = std::min(text.find('.'), text.size());
        const std::string_view label = text.substr(0, end);
        const bool formed = !label.empty() && label.size() <= 63 && label.front() != '-' &&
                            label.back() != '-' &&
                            std::all_of(label.begin(), label.end(), [](char c) {
                                return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                       (c >= '0' && c <= '9') || c == '-';
                            });
        if (!formed) {
            return false;
        }
        numeric =
            std::all_of(label.begin(), label.end(), [](char c) { return c >= '0' && c <= '9'; });
        if (end == text.size()) {
            return !numeric;
        }
        text.remove_prefix(end + 1);
    }
}

std::string wrongDomain(std::string_view text) {
    if (isDomainName(text)) {
        return {};
    }
    const bool ascii =
        std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    return inQuotes(text) + " is no domain name; write one such as \"msgw.example.com\"" +
           (ascii ? "" : " (letters beyond ASCII in their xn-- form)");
}

/// A wildcard (RFC 8555 section 7.1.3) as well.
std::string wrongName(std::string_view text) {
    const bool named = isDomainName(text.starts_with("*.") ? text.substr(2) : text);
    return named ? "" : wrongDomain(text);
}

std::string wrongAddress(std::string_view text) {
    if (ListenAddress::parse(text)) {
        return {};
    }
    return inQuotes(text) +
           " is no numeric address with a port; write one such as \"[::]:25\" (all addresses), "
           "\"192.0.2.1:25\" or \"[2001:db8::1]:25\"";
}

std::string wrongMailbox(std::string_view text) {
    const std::string_view local = text.substr(0, text.find('@'));
    return text.empty() || MailboxId::parse(local)
               ? ""
               : inQuotes(text) + " is no mailbox address; write \"mbx-\" and 32 hex digits";
}

constexpr std::string_view kSecretKey = "AGE-SECRET-KEY-";

std::string wrongRecipient(std::string_view text) {
    if (text.empty() || crypto::SealKey::parse(text)) {
        return "";
    }
    if (equalsIgnoringCase(text.substr(0, kSecretKey.size()), kSecretKey)) {
        return "holds a secret key, which must not be on this machine: remove it, keep it offline, "
               "and write the \"age1…\" that `age-keygen -y` makes of it";
    }
    return inQuotes(text) +
           " is no age recipient; write the line \"age1…\" that age-keygen printed";
}

std::string wrongSize(std::string_view text) {
    return parseSize(text)
               ? ""
               : inQuotes(text) +
                     " is no size; write one such as \"200MiB\" (B, KiB, MiB, GiB, TiB)";
}

std::string wrongDuration(std::string_view text) {
    return parseDuration(text) ? ""
                               : inQuotes(text) +
                                     " is no length of time; write one such as \"90s\", \"10m\", "
                                     "\"8h\" or \"14d\"";
}

std::string wrongChoice(std::string_view choices, std::string_view text) {
    return isChoice(choices, text)
               ? ""
               : inQuotes(text) + " is not known here; write " + alternatives(choices);
}

/// Never quotes it: who knows it may post there.
std::string wrongWebhook(std::string_view text) {
    const bool plain =
        std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    for (const std::string_view start :
         {"https://", "http://127.0.0.1:", "http://127.0.0.1/",
          "http://localhost:", "http://localhost/", "http://[::1]:"}) {
        if (text.empty() || (plain && text.starts_with(start) && text.size() > start.size())) {
            return "";
        }
    }
    return "is no address that alerts may go to; write one that begins with https:// (or "
           "http://127.0.0.1:… for a receiver on this machine)";
}

/// What is wrong with the first text that is.
std::string firstWrong(const ConfigValue& value, std::string (*wrong)(std::string_view)) {
    for (const std::string& text : value.texts) {
        if (std::string problem = wrong(text); !problem.empty()) {
            return problem;
        }
    }
    return {};
}

/// Levenshtein's distance: insertions, deletions and exchanges of one letter.
std::size_t distance(std::string_view left, std::string_view right) {
    std::vector<std::size_t> row(right.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= left.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= right.size(); ++j) {
            const std::size_t exchange = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, exchange});
        }
    }
    return row.back();
}

std::string_view sectionOf(std::string_view name) {
    const std::size_t dot = name.rfind('.');
    return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
}

std::string_view leafOf(std::string_view name) {
    const std::size_t dot = name.rfind('.');
    return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

/// Keys and sections, in dotted form.
std::set<std::string_view> knownNames() {
    std::set<std::string_view> names{"twin"};
    for (const ConfigKey& key : kKeys) {
        for (std::string_view name = key.name; !name.empty(); name = sectionOf(name)) {
            names.insert(name);
        }
    }
    return names;
}

/// The key that was probably meant; nothing where none is near.
std::optional<std::string_view> nearest(std::string_view name) {
    std::optional<std::string_view> best;
    const std::size_t length = leafOf(name).size();
    std::size_t least = length < 4 ? 2 : 1 + std::max<std::size_t>(2, length / 3);
    for (const std::string_view known : knownNames()) {
        // A right key in the wrong section is as near as one slip of the hand.
        const std::size_t far =
            leafOf(known) == leafOf(name) && length > 3 ? 1 : distance(known, name);
        if (far < least) {
            least = far;
            best = known;
        }
    }
    return best;
}

}  // namespace

std::span<const ConfigKey> configKeys() { return kKeys; }

const ConfigKey* findConfigKey(std::string_view name) {
    const auto* const found = std::find_if(kKeys.begin(), kKeys.end(),
                                           [&](const ConfigKey& key) { return key.name == name; });
    return found == kKeys.end() ? nullptr : found;
}

std::string wrongWith(const ConfigKey& key, const ConfigValue& value) {
    switch (key.form) {
        case Form::Domain:
            return firstWrong(value, wrongDomain);
        case Form::Names:
            return firstWrong(value, wrongName);
        case Form::Addresses:
            return firstWrong(value, wrongAddress);
        case Form::Mailbox:
            return firstWrong(value, wrongMailbox);
        case Form::Recipient:
            return firstWrong(value, wrongRecipient);
        case Form::Count:
            return value.number >= 0 ? "" : "is negative; write 0 or more";
        case Form::Size:
            return firstWrong(value, wrongSize);
        case Form::Duration:
            return firstWrong(value, wrongDuration);
        case Form::Choice:
            return wrongChoice(key.choices, value.text());
        case Form::Webhook:
            return wrongWebhook(value.text());
        case Form::Text:
        case Form::Path:
            return value.text().find('\0') == std::string::npos ? "" : "holds a NUL";
    }
    return {};
}

std::string adviceForUnknown(std::string_view name) {
    if (const auto known = nearest(name)) {
        return "; did you mean " + std::string(*known) + "?";
    }
    const std::string_view section = sectionOf(name);
    std::set<std::string_view> siblings;
    for (const std::string_view known : knownNames()) {
        if (sectionOf(known) == section) {
            siblings.insert(leafOf(known));
        }
    }
    std::string list =
        section.empty() ? "; this file has " : "; [" + std::string(section) + "] has ";
    for (const std::string_view sibling : siblings) {
        list += (sibling == *siblings.begin() ? "" : ", ") + std::string(sibling);
    }
    return list;
}

}  // namespace gateway
