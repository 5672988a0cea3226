#include "gateway/settings.h"

namespace gateway {

namespace {

using nlohmann::json;

/// A default as the table has it: TOML's texts, numbers and arrays of them are JSON's too.
json standardOf(const ConfigKey& key) {
    return key.standard.empty() ? json() : json::parse(key.standard);
}

json valueOf(const ConfigKey& key, const ConfigValue& value) {
    switch (key.form) {
        case ConfigForm::Count:
            return value.number;
        case ConfigForm::Addresses:
        case ConfigForm::Names:
            return value.texts;
        default:
            return value.text();
    }
}

json describe(const ConfigKey& key, const Config& config) {
    const std::string name(key.name);
    const auto written = config.written.find(name);
    const bool isWritten = written != config.written.end();
    json setting{{"key", name},
                 {"default", standardOf(key)},
                 {"line", isWritten ? json(written->second.line) : json()},
                 {"effective", key.effective}};
    setting["value"] = isWritten ? valueOf(key, written->second) : setting["default"];
    if (name == "hostname" && !isWritten) {
        setting["value"] = config.hostname;  // the domain
    }
    if (key.secret) {
        setting["value"] = nullptr;
        setting["secret"] = true;
    }
    return setting;
}

}  // namespace

json describeSettings(const Config& config) {
    json settings = json::array();
    for (const ConfigKey& key : configKeys()) {
        settings.push_back(describe(key, config));
    }
    return {{"file", config.file.native()}, {"settings", std::move(settings)}};
}

}  // namespace gateway
