// A mailbox's identity as sealed text: what sealIdentity() writes, openIdentity() takes back, and
// `age -d -i` reads as an identity file. Never opens for another mailbox or recipient than it
// names.
#include <algorithm>
#include <array>
#include <initializer_list>

#include "crypto/sealed_text.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"

namespace crypto {

namespace {

constexpr std::string_view kMailboxLine = "# Postern mailbox: ";
constexpr std::string_view kRecipientLine = "# recipient: ";

/// The text is put together in locked memory only.
SecretBuffer identityText(const OpenKey& identity, std::string_view mailbox) {
    if (!std::ranges::all_of(mailbox, [](char c) { return c > ' ' && c < 127; })) {
        throw gateway::Error(gateway::Error::Kind::Internal, "no mailbox has such a name");
    }
    const SecretBuffer secret = identity.text();
    const std::array<std::string_view, 7> parts{
        kMailboxLine, mailbox, "\n", kRecipientLine, identity.sealKey().str(), "\n", secret.text()};
    std::size_t size = 1;
    for (const std::string_view part : parts) {
        size += part.size();
    }
    SecretBuffer text(size);
    auto next = text.writable().begin();
    for (const std::string_view part : parts) {
        next = std::ranges::copy(gateway::octetsOf(part), next).out;
    }
    *next = static_cast<std::byte>('\n');
    return text;
}

[[noreturn]] void exchanged(const std::string& what) {
    throw gateway::Error(gateway::Error::Kind::Corrupt, "sealed identity: " + what);
}

/// Takes the next line off `text`, without its LF; nothing where there is none.
std::optional<std::string_view> takeLine(std::string_view& text) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return line;
}

/// Takes a line that begins with `label` and says `expected`. The text comes from whoever knew the
/// recipient, so what it says is shown made printable.
void expectLine(std::string_view& text, std::string_view label, std::string_view expected) {
    const std::optional<std::string_view> line = takeLine(text);
    if (!line || !line->starts_with(label)) {
        exchanged("it does not name mailbox and recipient");
    }
    const std::string_view found = line->substr(label.size());
    if (found != expected) {
        exchanged("it names " + gateway::printable(found, 80) + ", not " + std::string(expected));
    }
}

OpenKey identityIn(const SecretBuffer& opened, std::string_view mailbox, const SealKey& expected) {
    std::string_view text = opened.text();
    expectLine(text, kMailboxLine, mailbox);
    expectLine(text, kRecipientLine, expected.str());
    const std::optional<std::string_view> line = takeLine(text);
    std::optional<OpenKey> identity = line ? OpenKey::parse(*line) : std::nullopt;
    if (!identity || !text.empty()) {
        exchanged("it does not hold exactly one identity");
    }
    if (identity->sealKey() != expected) {
        exchanged("its identity is that of " + identity->sealKey().str() + ", not of " +
                  expected.str());
    }
    return *std::move(identity);
}

}  // namespace

std::string sealIdentity(const OpenKey& identity, std::string_view mailbox,
                         const Password& password, int logN) {
    const SecretBuffer text = identityText(identity, mailbox);
    return armor(sealToPassphrase(text.text(), password, logN));
}

std::string sealIdentity(const OpenKey& identity, std::string_view mailbox,
                         const SealKey& recipient) {
    const SecretBuffer text = identityText(identity, mailbox);
    return armor(sealToRecipient(text.text(), recipient));
}

std::optional<OpenKey> openIdentity(std::string_view sealed, std::string_view mailbox,
                                    const SealKey& expected, const Password& password) {
    const std::optional<SecretBuffer> opened = openWithPassphrase(sealed, password);
    if (!opened) {
        return std::nullopt;
    }
    return identityIn(*opened, mailbox, expected);
}

std::optional<OpenKey> openIdentity(std::string_view sealed, std::string_view mailbox,
                                    const SealKey& expected, const OpenKey& opener) {
    const std::optional<SecretBuffer> opened = openWithIdentity(sealed, opener);
    if (!opened) {
        return std::nullopt;
    }
    return identityIn(*opened, mailbox, expected);
}

}  // namespace crypto
