#include "gateway/mail/allow.h"

#include <array>
#include <utility>

#include "gateway/base/text.h"

namespace gateway {

namespace {

using nlohmann::json;

/// A record with more is no admin's.
constexpr std::size_t kMostEntries = 1000;

/// Reads the fields one by one; the first that is wrong ends it.
class Reading {
public:
    explicit Reading(const json& fields) : m_fields(fields) {}

    template <typename T, std::size_t N>
    void choice(const char* key, T& value,
                const std::array<std::pair<std::string_view, T>, N>& known) {
        std::string given;
        text(key, given);
        if (given.empty()) {
            return;
        }
        std::string names;
        for (const auto& [name, meaning] : known) {
            if (name == given) {
                value = meaning;
                return;
            }
            names += names.empty() ? "" : " or ";
            names += name;
        }
        wrong(key, "is \"" + printable(given) + "\"; write " + names);
    }

    void text(const char* key, std::string& value) {
        const auto found = m_fields.find(key);
        if (found == m_fields.end()) {
            return;
        }
        if (!found->is_string()) {
            return wrong(key, "is no text");
        }
        value = trimmed(found->get_ref<const std::string&>());
    }

    void flag(const char* key, bool& value) {
        const auto found = m_fields.find(key);
        if (found == m_fields.end()) {
            return;
        }
        if (!found->is_boolean()) {
            return wrong(key, "is neither true nor false");
        }
        value = found->get<bool>();
    }

    std::vector<std::string> texts(const char* key) {
        std::vector<std::string> result;
        const auto found = m_fields.find(key);
        if (found == m_fields.end()) {
            return result;
        }
        if (!found->is_array() || found->size() > kMostEntries) {
            wrong(key, "is no list, or too long");
            return result;
        }
        for (const json& entry : *found) {
            if (!entry.is_string() || trimmed(entry.get_ref<const std::string&>()).empty()) {
                wrong(key, "holds something else than texts");
                return {};
            }
            result.emplace_back(trimmed(entry.get_ref<const std::string&>()));
        }
        return result;
    }

    void wrong(const char* key, const std::string& what) {
        if (m_why.empty()) {
            m_why = std::string("`") + key + "` " + what;
        }
    }

    const std::string& why() const { return m_why; }

private:
    const json& m_fields;
    std::string m_why;
};

std::string joined(const std::vector<std::string>& names, const char* between) {
    std::string result;
    for (const std::string& name : names) {
        result += result.empty() ? "" : between;
        result += name;
    }
    return result;
}

}  // namespace

std::optional<Allow> Allow::parse(const json& fields, std::string& why) {
    static constexpr std::array<std::pair<std::string_view, Mode>, 2> kModes{
        {{"observe", Mode::Observe}, {"enforce", Mode::Enforce}}};
    static constexpr std::array<std::pair<std::string_view, Tls>, 3> kTls{
        {{"any", Tls::Any}, {"required", Tls::Required}, {"certificate", Tls::Certificate}}};
    Allow allow;
    Reading reading(fields);
    reading.choice("mode", allow.mode, kModes);
    reading.choice("tls", allow.tls, kTls);
    reading.text("originator_org", allow.originatorOrg);
    reading.flag("only_journal_reports", allow.onlyJournalReports);
    allow.certificateNames = reading.texts("certificate_names");
    for (const std::string& text : reading.texts("networks")) {
        std::string problem;
        if (auto network = Network::parse(text, problem)) {
            allow.networks.push_back(std::move(*network));
        } else {
            reading.wrong("networks", "is malformed: " + problem);
        }
    }
    if (allow.tls == Tls::Certificate && allow.certificateNames.empty()) {
        reading.wrong("certificate_names", "is missing; name the hosts whose certificate counts");
    }
    if (!reading.why().empty()) {
        why = reading.why();
        return std::nullopt;
    }
    return allow;
}

std::string Allow::describe() const {
    if (!pins()) {
        return "everybody";
    }
    std::vector<std::string> parts;
    if (!networks.empty()) {
        std::vector<std::string> names;
        names.reserve(networks.size());
        for (const Network& network : networks) {
            names.push_back(network.str());
        }
        parts.push_back("from " + joined(names, " or "));
    }
    if (tls == Tls::Required) {
        parts.emplace_back("under TLS");
    } else if (tls == Tls::Certificate) {
        parts.push_back("with a certificate for " + joined(certificateNames, " or "));
    }
    if (!originatorOrg.empty()) {
        parts.push_back("of the organisation " + originatorOrg);
    }
    if (onlyJournalReports) {
        parts.emplace_back("journal reports only");
    }
    return joined(parts, ", ") + (mode == Mode::Enforce ? " (enforced)" : " (observed only)");
}

}  // namespace gateway
