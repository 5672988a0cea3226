#include "webui/setup_link.h"

#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "webui/opaque_token.h"

namespace webui {

namespace {

constexpr std::size_t kSecretOctets = 24;
constexpr std::string_view kMark = "#setup=";
constexpr std::size_t kLargestFile = 4096;

/// The secret that a file of ours holds; empty where it is none, or others could have read it.
std::string secretIn(const std::filesystem::path& file) {
    struct stat found{};
    if (::lstat(file.c_str(), &found) != 0 || !S_ISREG(found.st_mode) ||
        (found.st_mode & 077U) != 0 || found.st_uid != ::geteuid()) {
        return {};
    }
    const std::string text = gateway::readWhole(file, kLargestFile);
    const std::size_t at = text.find(kMark);
    const std::string secret(
        gateway::trimmed(std::string_view(text).substr(std::min(at, text.size()))));
    const std::string_view hex =
        std::string_view(secret).substr(std::min(kMark.size(), secret.size()));
    return hex.size() == 2 * kSecretOctets &&
                   hex.find_first_not_of("0123456789abcdef") == std::string_view::npos
               ? std::string(hex)
               : std::string();
}

}  // namespace

SetupLink::SetupLink(const gateway::Layout& layout, std::string page)
    : m_file(layout.setupLink()), m_page(std::move(page)) {}

std::string SetupLink::prepare() const {
    std::string secret = secretIn(m_file);
    if (secret.empty()) {
        secret = randomHex(kSecretOctets);
    }
    gateway::writeDurably(m_file, m_page + std::string(kMark) + secret + '\n');
    return secret;
}

bool SetupLink::remove() const {
    if (::unlink(m_file.c_str()) != 0) {
        if (errno == ENOENT) {
            return false;
        }
        gateway::throwErrno("remove", m_file.native());
    }
    gateway::syncDirectory(m_file.parent_path());
    return true;
}

void SetupLink::open(const std::string& secret) { m_digest = digestOf(secret); }

bool SetupLink::fits(std::string_view secret) const {
    return isOpen() && crypto::equalInConstantTime(gateway::octetsOf(digestOf(secret)),
                                                   gateway::octetsOf(m_digest));
}

}  // namespace webui
