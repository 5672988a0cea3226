#include "gateway/config_twins.h"

#include "gateway/base/text.h"
#include "gateway/replica/invitation.h"

namespace gateway {

namespace {

constexpr const char* kExample =
    "write [[twin]] with url = \"https://msgw2.example.com:8450\" and token_file = \"…\"";

void complain(ConfigReading& reading, const toml::source_region& at, const std::string& key,
              const std::string& text) {
    reading.problems.push_back({at.begin.line, at.begin.column, key, text});
}

TwinSetting readTwin(const toml::table& table, ConfigReading& reading) {
    TwinSetting twin;
    const std::size_t before = reading.problems.size();
    for (const auto& [key, value] : table) {
        const std::string name = "twin." + printable(key.str());
        const auto* const text = value.as_string();
        std::string* const into = key == "url"           ? &twin.url
                                  : key == "token_file"  ? &twin.tokenFile
                                  : key == "fingerprint" ? &twin.fingerprint
                                                         : nullptr;
        if (into == nullptr) {
            complain(reading, key.source(), name,
                     "no such key; [[twin]] has fingerprint, token_file, url");
        } else if (text == nullptr || text->get().find('\0') != std::string::npos) {
            complain(reading, key.source(), name, std::string("wrong type; ") + kExample);
        } else {
            *into = text->get();
        }
    }
    if (reading.problems.size() > before) {
        return twin;
    }
    const auto url = replica::parseTwinUrl(twin.url);
    const auto fingerprint = twin.fingerprint.empty() ? std::optional(std::string())
                                                      : replica::parseFingerprint(twin.fingerprint);
    if (!url) {
        complain(reading, table.source(), "twin.url",
                 "is no address of a twin; write one such as \"https://msgw2.example.com:8450\"");
    }
    if (twin.tokenFile.empty()) {
        complain(reading, table.source(), "twin.token_file",
                 "missing; write the file that holds what `postern admin token NAME --scope "
                 "replicate` printed on the twin");
    }
    if (!fingerprint) {
        complain(reading, table.source(), "twin.fingerprint",
                 "is no fingerprint; write the 64 hex digits of spki_sha256 that `postern "
                 "certificate status --json` prints on the twin");
    }
    twin.url = url.value_or("");
    twin.fingerprint = fingerprint.value_or("");
    return twin;
}

}  // namespace

std::vector<TwinSetting> readTwins(const toml::node& node, ConfigReading& reading) {
    std::vector<TwinSetting> twins;
    const toml::array* const tables = node.as_array();
    if (tables == nullptr) {
        complain(reading, node.source(), "twin", std::string("is no list of tables; ") + kExample);
        return twins;
    }
    for (const toml::node& each : *tables) {
        if (const toml::table* const table = each.as_table()) {
            twins.push_back(readTwin(*table, reading));
        } else {
            complain(reading, each.source(), "twin", kExample);
        }
    }
    return twins;
}

}  // namespace gateway
