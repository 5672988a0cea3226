#include "webui/admins.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/json_text.h"
#include "gateway/base/text.h"
#include "gateway/mail/ownership.h"
#include "gateway/mail/statement_toml.h"
#include "webui/opaque_token.h"

namespace webui {

namespace {

using nlohmann::json;

constexpr std::size_t kLargestFile = std::size_t{4} << 20U;
constexpr std::size_t kLongestName = 64;
constexpr std::size_t kShortestPassword = 12;
constexpr std::size_t kLongestPassword = 1024;
constexpr std::string_view kTokenPrefix = "postern_";
constexpr std::size_t kTokenOctets = 24;
constexpr std::size_t kIdOctets = 4;
constexpr const char* kAccounts = "admin";
constexpr const char* kTokens = "token";

constexpr std::array<std::pair<TokenScope, std::string_view>, 4> kScopes{
    {{TokenScope::Read, "read"},
     {TokenScope::Manage, "manage"},
     {TokenScope::Replicate, "replicate"},
     {TokenScope::Join, "join"}}};

bool isDigest(std::string_view text) {
    return text.size() == 64 &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// The tables [[kind]]; none where there is no such array.
const json& entriesOf(const json& document, const char* kind) {
    static const json none = json::array();
    const auto found = document.find(kind);
    return found == document.end() ? none : *found;
}

bool areTables(const json& entries) {
    return entries.is_array() && std::all_of(entries.begin(), entries.end(),
                                             [](const json& each) { return each.is_object(); });
}

std::size_t charactersIn(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

}  // namespace

std::string_view scopeName(TokenScope scope) {
    return std::find_if(kScopes.begin(), kScopes.end(),
                        [scope](const auto& known) { return known.first == scope; })
        ->second;
}

std::optional<TokenScope> parseScope(std::string_view name) {
    for (const auto& [scope, known] : kScopes) {
        if (known == name) {
            return scope;
        }
    }
    return std::nullopt;
}

Admins::Reading Admins::parse(std::string_view text) {
    Reading reading;
    auto document = gateway::parseToml(text, reading.problem);
    if (!document) {
        return reading;
    }
    const json format = document->value("format", json());
    if (format != 1) {
        reading.newerFormat = format.is_number_unsigned() || (format.is_number() && format > 1);
        reading.problem = reading.newerFormat
                              ? "a newer Postern wrote it (format " + format.dump() + ')'
                              : "it does not begin with `format = 1`";
        return reading;
    }
    Admins admins;
    admins.m_document = std::move(*document);
    reading.problem = admins.adopt();
    if (reading.problem.empty()) {
        reading.admins = std::move(admins);
    }
    return reading;
}

std::string Admins::adopt() {
    m_accounts.clear();
    m_tokens.clear();
    if (!areTables(entriesOf(m_document, kAccounts)) ||
        !areTables(entriesOf(m_document, kTokens))) {
        return "`admin` and `token` are no [[tables]]";
    }
    for (const json& entry : entriesOf(m_document, kAccounts)) {
        const std::string name = gateway::lowered(gateway::textIn(entry, "name"));
        auto hash = crypto::PasswordHash::parse(gateway::textIn(entry, "password"));
        const auto created = gateway::parseTimestamp(gateway::textIn(entry, "at"));
        const bool twice = std::any_of(m_accounts.begin(), m_accounts.end(),
                                       [&](const Account& other) { return other.name == name; });
        if (name.empty() || !hash || !created || twice) {
            return "the account \"" + gateway::printable(name, kLongestName) +
                   (twice ? "\" is there twice" : "\" has no name, no `at` or no password hash");
        }
        m_accounts.push_back({name, *created, std::move(*hash)});
    }
    for (const json& entry : entriesOf(m_document, kTokens)) {
        Token token{gateway::textIn(entry, "id"),
                    gateway::lowered(gateway::textIn(entry, "name")),
                    gateway::textIn(entry, "scope"),
                    {},
                    gateway::textIn(entry, "sha256")};
        const auto created = gateway::parseTimestamp(gateway::textIn(entry, "at"));
        if (token.id.empty() || token.name.empty() || token.scope.empty() || !created ||
            !isDigest(token.digest)) {
            return "the token \"" + gateway::printable(token.id, kLongestName) +
                   "\" has no id, name, scope, `at` or sha256";
        }
        token.created = *created;
        m_tokens.push_back(std::move(token));
    }
    return {};
}

std::string Admins::text() const {
    return "# Web accounts and API tokens; written by `postern admin`. What recognises them, not "
           "they themselves.\n" +
           gateway::formatToml(m_document);
}

Admins Admins::load(const gateway::Layout& layout) {
    const std::filesystem::path file = layout.admins();
    if (::faccessat(AT_FDCWD, file.c_str(), R_OK, AT_EACCESS) != 0) {
        if (errno == ENOENT) {
            return {};
        }
        gateway::throwErrnoFor(layout, "read", file);
    }
    Reading reading = parse(gateway::readWhole(file, kLargestFile));
    if (reading.admins) {
        return std::move(*reading.admins);
    }
    if (reading.newerFormat) {
        throw gateway::Error(gateway::Error::Kind::Config,
                             "read " + file.native() + ": " + reading.problem +
                                 "; it was left as it is: start that version");
    }
    throw gateway::Error(
        gateway::Error::Kind::Corrupt,
        "read " + file.native() + ": it is damaged (" + reading.problem +
            "); it was left as it is: restore it from a backup, mend that line, or move "
            "the file away and make the accounts again");
}

void Admins::save(const gateway::Layout& layout) const {
    gateway::makeDurableDirectory(layout.config());
    gateway::writeDurably(layout.admins(), text());
}

bool Admins::knows(std::string_view name) const {
    const std::string wanted = gateway::lowered(name);
    const auto fits = [&](const auto& entry) { return entry.name == wanted; };
    return std::any_of(m_accounts.begin(), m_accounts.end(), fits) ||
           std::any_of(m_tokens.begin(), m_tokens.end(), fits);
}

bool Admins::hasAccount(std::string_view name) const {
    const std::string wanted = gateway::lowered(name);
    return std::any_of(m_accounts.begin(), m_accounts.end(),
                       [&](const Account& account) { return account.name == wanted; });
}

std::string Admins::wrongWithName(std::string_view name) {
    constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
    const std::string text = gateway::lowered(name);
    if (text.empty() || text.size() > kLongestName ||
        text.find_first_not_of(std::string(kLetters) + "._@+-") != std::string::npos ||
        kLetters.find(text.front()) == std::string_view::npos) {
        return '"' + gateway::printable(name, 80) +
               "\" cannot be the name of an account: write 1 to 64 letters and digits, also . _ @ "
               "+ - after the first; upper and lower case are the same";
    }
    return {};
}

std::string Admins::wrongWithPassword(std::string_view name, const crypto::Password& password) {
    const std::string_view text = password.view();
    if (charactersIn(text) < kShortestPassword) {
        return "the password has fewer than " + std::to_string(kShortestPassword) +
               " characters: whoever reaches the web page may try passwords, and a short one is "
               "found; take a longer one, or a few words";
    }
    if (text.size() > kLongestPassword) {
        return "the password is longer than " + std::to_string(kLongestPassword) + " octets";
    }
    const auto isControl = [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; };
    if (std::any_of(text.begin(), text.end(), isControl)) {
        return "the password holds a control character, which no form takes";
    }
    if (gateway::equalsIgnoringCase(text, name) ||
        text.find_first_not_of(text.front()) == std::string_view::npos) {
        return "the password is the account's name or one character again and again, which is "
               "tried first; take another one";
    }
    return {};
}

bool Admins::create(std::string_view name, const crypto::Password& password,
                    gateway::WallTime now) {
    const std::string wanted = gateway::lowered(name);
    if (hasAccount(wanted)) {
        return false;
    }
    m_document[kAccounts].push_back({{"name", wanted},
                                     {"at", gateway::formatTimestamp(now)},
                                     {"password", crypto::PasswordHash::make(password).str()}});
    adopt();
    return true;
}

bool Admins::setPassword(std::string_view name, const crypto::Password& password) {
    const std::string wanted = gateway::lowered(name);
    if (entriesOf(m_document, kAccounts).empty()) {
        return false;
    }
    for (json& entry : m_document[kAccounts]) {
        if (gateway::lowered(gateway::textIn(entry, "name")) == wanted) {
            entry["password"] = crypto::PasswordHash::make(password).str();
            adopt();
            return true;
        }
    }
    return false;
}

crypto::SecretBuffer Admins::addToken(std::string_view name, TokenScope scope,
                                      gateway::WallTime now) {
    std::string random = randomHex(kTokenOctets);
    crypto::SecretBuffer token(kTokenPrefix.size() + random.size());
    const auto after = std::copy_n(gateway::octetsOf(kTokenPrefix).begin(), kTokenPrefix.size(),
                                   token.writable().begin());
    std::copy_n(gateway::octetsOf(random).begin(), random.size(), after);
    crypto::wipe(std::span<char>(random));
    m_document[kTokens].push_back({{"id", randomHex(kIdOctets)},
                                   {"name", gateway::lowered(name)},
                                   {"scope", scopeName(scope)},
                                   {"at", gateway::formatTimestamp(now)},
                                   {"sha256", digestOf(token.text())}});
    adopt();
    return token;
}

template <typename Gone>
std::size_t Admins::drop(const char* kind, Gone gone) {
    json kept = json::array();
    const json& entries = entriesOf(m_document, kind);
    std::copy_if(entries.begin(), entries.end(), std::back_inserter(kept),
                 [&](const json& entry) { return !gone(entry); });
    const std::size_t dropped = entries.size() - kept.size();
    m_document.erase(kind);
    if (!kept.empty()) {
        m_document[kind] = std::move(kept);
    }
    adopt();
    return dropped;
}

std::size_t Admins::remove(std::string_view name) {
    const auto fits = [wanted = gateway::lowered(name)](const json& entry) {
        return gateway::lowered(gateway::textIn(entry, "name")) == wanted;
    };
    return drop(kAccounts, fits) + drop(kTokens, fits);
}

bool Admins::removeToken(std::string_view name, std::string_view id) {
    return drop(kTokens, [wanted = gateway::lowered(name), id](const json& entry) {
               return gateway::lowered(gateway::textIn(entry, "name")) == wanted &&
                      gateway::textIn(entry, "id") == id;
           }) > 0;
}

std::vector<std::string> Admins::unite(const Admins& other) {
    std::vector<std::string> added;
    for (const json& entry : entriesOf(other.m_document, kAccounts)) {
        const std::string name = gateway::lowered(gateway::textIn(entry, "name"));
        if (std::none_of(m_accounts.begin(), m_accounts.end(),
                         [&](const Account& known) { return known.name == name; })) {
            m_document[kAccounts].push_back(entry);
            added.push_back("the account " + name);
        }
    }
    for (const json& entry : entriesOf(other.m_document, kTokens)) {
        const std::string digest = gateway::textIn(entry, "sha256");
        if (std::none_of(m_tokens.begin(), m_tokens.end(),
                         [&](const Token& known) { return known.digest == digest; })) {
            m_document[kTokens].push_back(entry);
            added.push_back("the token " + gateway::textIn(entry, "id") + " of " +
                            gateway::textIn(entry, "name") + " (" +
                            gateway::textIn(entry, "scope") + ')');
        }
    }
    adopt();
    return added;
}

bool Admins::verify(std::string_view name, const crypto::Password& password) const {
    const std::string wanted = gateway::lowered(name);
    for (const Account& account : m_accounts) {
        if (account.name == wanted) {
            return account.hash.fits(password);
        }
    }
    static_cast<void>(crypto::PasswordHash::ofNobody().fits(password));
    return false;
}

const Admins::Token* Admins::find(std::string_view token) const {
    const std::string digest = digestOf(token);
    const Token* found = nullptr;
    for (const Token& known : m_tokens) {
        if (crypto::equalInConstantTime(gateway::octetsOf(known.digest),
                                        gateway::octetsOf(digest))) {
            found = &known;
        }
    }
    return found;
}

std::optional<TokenScope> Admins::scopeOf(std::string_view token) const {
    const Token* const found = find(token);
    return found == nullptr ? std::nullopt : parseScope(found->scope);
}

}  // namespace webui
