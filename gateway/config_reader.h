// The text of postern.toml as known keys with checked values. Never opens a file.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config_keys.h"

namespace gateway {

/// One thing that is wrong, for an admin.
struct ConfigProblem {
    unsigned line = 0;  ///< 0: nowhere in particular
    unsigned column = 0;
    std::string key;   ///< may be empty
    std::string text;  ///< what is wrong and what to write instead
};

/// A [[twin]].
struct TwinSetting {
    std::string url;  ///< without a slash at its end
    std::string tokenFile;
    std::string fingerprint;  ///< hex digits only, or empty
};

struct ConfigReading {
    std::map<std::string, ConfigValue> values;  ///< those whose form is right
    std::vector<TwinSetting> twins;
    std::vector<ConfigProblem> problems;
};

/// Takes every octet sequence; what is wrong becomes a problem.
ConfigReading readConfigText(std::string_view text);

}  // namespace gateway
