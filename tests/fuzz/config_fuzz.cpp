// postern.toml: any octets give values in their ranges, or one line that an admin can act on.
// Input: the file.
#include "gateway/base/error.h"
#include "gateway/config.h"
#include "tests/fuzz/fuzzing.h"

namespace {

using fuzz::claim;
using gateway::Config;

void checkListeners(const Config& config) {
    for (const auto* addresses : {&config.smtp.listen, &config.smtp.listenTls, &config.pop3.listen,
                                  &config.pop3.listenTls, &config.web.listen}) {
        for (const gateway::ListenAddress& address : *addresses) {
            claim(address.port > 0, "a port is not 0");
            claim(gateway::ListenAddress::parse(address.str()) == address,
                  "an address is read the same again");
        }
    }
}

void checkValues(const Config& config) {
    claim(!config.domain.empty() && !config.hostname.empty(), "there are names");
    claim(config.domain.find_first_of(" \t\r\n") == std::string::npos &&
              config.hostname.find_first_of(" \t\r\n") == std::string::npos,
          "names go into replies");
    claim(config.smtp.maxMessageSize >= 64U << 10U, "messages of 64 KiB are taken");
    claim(config.smtp.maxConnections > 0 && config.smtp.messageMemory >= 1U << 20U,
          "there is room for a connection");
    claim(config.tls.minimum == "1.2" || config.tls.minimum == "1.3", "TLS 1.2 at least");
    claim((config.tls.source == Config::Tls::Source::Files) ==
              (!config.tls.certificate.empty() && !config.tls.key.empty()),
          "files are given where they are wanted");
    claim(config.store.keepDeleted.count() >= 0 && config.pop3.unlockCache.count() >= 0,
          "times are not negative");
    checkListeners(config);
}

}  // namespace

void fuzz::run(std::string_view input) {
    try {
        checkValues(gateway::parseConfig(input, "/etc/postern/postern.toml"));
    } catch (const gateway::Error& error) {
        claim(error.kind() == gateway::Error::Kind::Config, "a wrong file is Config");
        const std::string_view what = error.what();
        claim(what.starts_with("/etc/postern/postern.toml"), "the file is named");
        claim(
            std::none_of(what.begin(), what.end(),
                         [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }),
            "one line, safe on a terminal");
    }
}
