#include "gateway/config_reader.h"

#include <toml++/toml.h>

#include "gateway/base/text.h"
#include "gateway/config_twins.h"

namespace gateway {

namespace {

class Reader {
public:
    ConfigReading take() { return std::move(m_reading); }

    void readTable(const toml::table& table, const std::string& prefix) {
        for (const auto& [key, node] : table) {
            const std::string name = prefix + std::string(key.str());
            const toml::source_position at = key.source().begin;
            if (const ConfigKey* known = findConfigKey(name)) {
                readValue(*known, node, at);
            } else if (name == "twin") {
                m_reading.twins = readTwins(node, m_reading);
            } else if (!isSection(name)) {
                problem(at, printable(name), "no such key" + adviceForUnknown(name));
            } else if (const toml::table* section = node.as_table()) {
                readTable(*section, name + '.');
            } else {
                problem(at, name, "is a section, not a value; write [" + name + "]");
            }
        }
    }

    void problem(const toml::source_position& at, const std::string& key, const std::string& text) {
        m_reading.problems.push_back({at.line, at.column, key, text});
    }

private:
    static bool isSection(const std::string& name) {
        for (const ConfigKey& key : configKeys()) {
            if (key.name.starts_with(name + '.')) {
                return true;
            }
        }
        return false;
    }

    void readValue(const ConfigKey& key, const toml::node& node, const toml::source_position& at) {
        ConfigValue value;
        value.line = at.line;
        value.column = at.column;
        const std::string name(key.name);
        if (!take(key.form, node, value)) {
            problem(at, name, "wrong type; " + rightType(key));
            return;
        }
        if (const std::string wrong = wrongWith(key, value); !wrong.empty()) {
            problem(at, name, wrong);
            return;
        }
        m_reading.values.emplace(name, std::move(value));
    }

    /// Whether the node has the type that the form asks for.
    static bool take(ConfigForm form, const toml::node& node, ConfigValue& value) {
        if (form == ConfigForm::Count) {
            const auto* number = node.as_integer();
            value.number = number != nullptr ? number->get() : 0;
            return number != nullptr;
        }
        if (form != ConfigForm::Addresses && form != ConfigForm::Names) {
            const auto* text = node.as_string();
            if (text != nullptr) {
                value.texts.push_back(text->get());
            }
            return text != nullptr;
        }
        const toml::array* elements = node.as_array();
        if (elements == nullptr) {
            return false;
        }
        for (const toml::node& element : *elements) {
            const auto* text = element.as_string();
            if (text == nullptr) {
                return false;
            }
            value.texts.push_back(text->get());
        }
        return true;
    }

    static std::string rightType(const ConfigKey& key) {
        const std::string_view leaf = key.name.substr(key.name.rfind('.') + 1);
        const std::string_view example = !key.standard.empty() && key.standard != "[]"
                                             ? key.standard
                                         : key.form == ConfigForm::Addresses ? "[\"[::]:465\"]"
                                         : key.form == ConfigForm::Names ? "[\"msgw.example.com\"]"
                                                                         : "\"msgw.example.com\"";
        return "write it as " + std::string(leaf) + " = " + std::string(example);
    }

    ConfigReading m_reading;
};

}  // namespace

ConfigReading readConfigText(std::string_view text) {
    Reader reader;
    try {
        const toml::table table = toml::parse(text);
        reader.readTable(table, "");
    } catch (const toml::parse_error& error) {
        reader.problem(error.source().begin, "",
                       "not valid TOML: " + printable(error.description(), 200));
    }
    return reader.take();
}

}  // namespace gateway
