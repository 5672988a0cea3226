#include "acme/acme_folder.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <span>

#include "acme/certificate_request.h"
#include "acme/json_fields.h"
#include "crypto/digest.h"
#include "crypto/secret.h"
#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/net/tls.h"

namespace acme {

namespace {

using gateway::Error;
using nlohmann::json;

constexpr std::size_t kMostText = std::size_t{1024} * 1024;
constexpr int kFormat = 1;
constexpr std::chrono::hours kLongestKept{24 * 9};

std::optional<std::string> readIfThere(const std::filesystem::path& file) {
    if (!std::filesystem::exists(file)) {
        return std::nullopt;
    }
    return gateway::readWhole(file, kMostText);
}

/// For what may be lost: none where it cannot be read either.
std::optional<std::string> readIfReadable(const std::filesystem::path& file) {
    try {
        return readIfThere(file);
    } catch (const std::exception& error) {
        gateway::log::warning("a file of renewals cannot be read; going on without it",
                              {{"file", file.native()}, {"cause", error.what()}});
        return std::nullopt;
    }
}

/// What `account.json` says, where it belongs to this key.
Account accountIn(const std::optional<std::string>& text, const AccountKey& key) {
    const json document = text ? parsed(*text) : json();
    Account account;
    if (textIn(document, "thumbprint") == key.thumbprint()) {
        account.url = textIn(document, "url").value_or("");
        account.contact = textIn(document, "contact").value_or("");
        if (!isSecureUrl(account.url)) {
            account.url.clear();
        }
    }
    return account;
}

}  // namespace

AcmeFolder::AcmeFolder(std::filesystem::path folder) : m_folder(std::move(folder)) {
    gateway::makeDurableDirectory(m_folder);
}

std::filesystem::path AcmeFolder::accountFolder(const std::string& directory) const {
    std::string name = hostOf(directory);
    std::replace_if(
        name.begin(), name.end(),
        [](char c) { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-'; },
        '_');
    // Two authorities may share a host.
    const auto digest = crypto::sha256(gateway::octetsOf(directory));
    return m_folder / (name.substr(0, 100) + '-' + gateway::hexOf(std::span(digest).first(4)));
}

AcmeFolder::Opened AcmeFolder::openAccount(const std::string& directory) {
    const std::filesystem::path folder = accountFolder(directory);
    const std::filesystem::path keyFile = folder / "account.key";
    gateway::makeDurableDirectory(folder);
    auto facts = readIfThere(folder / "account.json");
    if (auto pem = readIfThere(keyFile)) {
        auto key = AccountKey::parse(*pem);
        crypto::wipe(std::span<char>(*pem));
        if (!key) {
            throw Error(Error::Kind::Corrupt,
                        keyFile.native() +
                            " holds no key of an ACME account; put it back from a backup, or move "
                            "it away to have a new account made (a CAA record with the accounturi "
                            "of the old one must then be changed)");
        }
        Account account = accountIn(facts, *key);
        return {std::move(*key), std::move(account), ""};
    }
    AccountKey key = AccountKey::make();
    std::string pem = key.pem();
    gateway::writeDurably(keyFile, pem, gateway::DurableFile::Existing::Refuse);
    crypto::wipe(std::span<char>(pem));
    Account account;
    account.keyIsNew = true;
    return {std::move(key), std::move(account),
            facts ? "the key of the ACME account is gone: a new account will be made; a CAA record "
                    "with the accounturi of the old one must be changed"
                  : ""};
}

Account AcmeFolder::knownAccount(const std::string& directory) const {
    const auto text = readIfReadable(accountFolder(directory) / "account.json");
    const json document = text ? parsed(*text) : json();
    Account account;
    account.url = textIn(document, "url").value_or("");
    return account;
}

void AcmeFolder::saveAccount(const std::string& directory, const AccountKey& key,
                             const Account& account) {
    const json document{{"format", kFormat},
                        {"directory", directory},
                        {"url", account.url},
                        {"contact", account.contact},
                        {"thumbprint", key.thumbprint()}};
    gateway::writeDurably(accountFolder(directory) / "account.json", document.dump(2) + '\n');
}

RenewalState AcmeFolder::loadState() {
    const auto text = readIfReadable(stateFile());
    const auto state = text ? RenewalState::parse(*text, m_stateIsNewer) : std::nullopt;
    if (text && !state) {
        gateway::log::warning(m_stateIsNewer
                                  ? "a newer version wrote the state of renewals; it is left alone"
                                  : "the state of renewals is damaged; beginning a new one",
                              {{"file", stateFile().native()}});
    }
    return state.value_or(RenewalState());
}

void AcmeFolder::saveState(const RenewalState& state) {
    if (!m_stateIsNewer) {
        gateway::writeDurably(stateFile(), state.toText());
    }
}

std::string AcmeFolder::newKey() {
    forgetOrder();  // first: it is another key's
    std::string key = makeCertificateKey();
    gateway::writeDurably(nextKeyFile(), key);
    return key;
}

void AcmeFolder::install(const std::string& chain, const std::string& key) {
    std::string pair = chain;
    pair += chain.ends_with('\n') ? "" : "\n";
    pair += key;
    gateway::writeDurably(certificateFile(), pair);
    crypto::wipe(std::span<char>(pair));
    forgetOrder();
    std::filesystem::remove(nextKeyFile());
}

void AcmeFolder::keepOrder(const KeptOrder& order) {
    const json document{{"format", kFormat},
                        {"url", order.url},
                        {"account", order.account},
                        {"directory", order.wish.directory},
                        {"profile", order.wish.profile},
                        {"names", order.wish.names},
                        {"until", gateway::formatTimestamp(order.until)},
                        {"key_sha256", publicKeySha256(order.key)}};
    gateway::writeDurably(orderFile(), document.dump(2) + '\n');
}

std::optional<KeptOrder> AcmeFolder::keptOrder(gateway::WallTime now) const {
    const auto text = readIfReadable(orderFile());
    const json document = text ? parsed(*text) : json();
    if (!document.is_object() || document.value("format", json()) != kFormat) {
        return std::nullopt;
    }
    const auto field = [&](const char* name) { return textIn(document, name).value_or(""); };
    const auto until = gateway::parseTimestamp(field("until"));
    KeptOrder order{field("url"),
                    field("account"),
                    {field("directory"), field("profile"), textsIn(document, "names")},
                    until.value_or(now),
                    readIfReadable(nextKeyFile()).value_or("")};
    const std::string key = publicKeySha256(order.key);
    // After a clock that was wrong, too, every order has its end.
    const bool isFresh = order.until > now && order.until <= now + kLongestKept;
    const bool isWhole = isSecureUrl(order.url) && !key.empty() && key == field("key_sha256");
    if (!isFresh || !isWhole || isInPlace(key)) {
        crypto::wipe(std::span<char>(order.key));
        return std::nullopt;
    }
    return order;
}

void AcmeFolder::forgetOrder() { std::filesystem::remove(orderFile()); }

/// A crash may have come between a certificate and the end of what led to it.
bool AcmeFolder::isInPlace(const std::string& keySha256) const {
    const auto pem = readIfReadable(certificateFile());
    try {
        return pem && gateway::net::certificateFacts(*pem).publicKeySha256 == keySha256;
    } catch (const Error&) {
        return false;  // damaged: it is to be ordered
    }
}

std::optional<std::string> AcmeFolder::certificate() const {
    return readIfThere(certificateFile());
}

}  // namespace acme
