// Every key of postern.toml: its form, its default, and whether this version acts on it.
// Never reads a file. The example file and the man page are tested against this table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gateway {

/// What a value must look like.
enum class ConfigForm {
    Text,
    Domain,
    Path,
    Addresses,  ///< an array of "[::]:25"
    Names,      ///< an array of domain names, also of wildcards
    Count,      ///< a whole number, not negative
    Size,
    Duration,
    Choice,     ///< one of ConfigKey::choices
    Mailbox,    ///< empty, or the address of a mailbox
    Recipient,  ///< empty, or an age recipient
    Webhook,    ///< empty, or an address by https
};

struct ConfigKey {
    std::string_view name;  ///< "smtp.listen"
    ConfigForm form;
    std::string_view standard;      ///< the default, as TOML; empty where there is none
    bool effective = true;          ///< false: the part it belongs to does not exist yet
    std::string_view choices = {};  ///< for Choice: "451 550"
    bool secret = false;            ///< its value is shown nowhere
};

/// All keys but those of [[twin]], in the order of the example file.
std::span<const ConfigKey> configKeys();

/// Null where there is none of that name.
const ConfigKey* findConfigKey(std::string_view name);

/// A value as it stands in the file.
struct ConfigValue {
    std::vector<std::string> texts;  ///< one, or the elements of an array
    std::int64_t number = 0;         ///< for Count
    unsigned line = 0;
    unsigned column = 0;
    const std::string& text() const { return texts.front(); }
};

/// What is wrong with the value and what to write instead; empty where nothing is.
std::string wrongWith(const ConfigKey& key, const ConfigValue& value);

/// What to say of a key or section that does not exist: the nearest one that does, or what its
/// section has.
std::string adviceForUnknown(std::string_view name);

}  // namespace gateway
