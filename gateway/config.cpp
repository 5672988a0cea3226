#include "gateway/config.h"

#include <algorithm>
#include <array>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "gateway/config_reader.h"
#include "gateway/mail/layout.h"

namespace gateway {

namespace {

constexpr std::size_t kLargestFile = 1U << 20U;

std::string at(const std::filesystem::path& file, unsigned line, unsigned column) {
    std::string result = file.native();
    if (line > 0) {
        result += ':' + std::to_string(line);
    }
    if (column > 0) {
        result += ':' + std::to_string(column);
    }
    return result;
}

/// Whether a key says that what it is about is not wanted: then a part that does not exist yet does
/// what was asked.
bool isOff(const ConfigValue& value) {
    return value.texts.empty() || value.text().empty() || value.text() == "0s";
}

/// Moves what was read into the structs, and checks what one value alone does not show.
class Filler {
public:
    Filler(ConfigReading reading, const std::filesystem::path& file)
        : m_values(std::move(reading.values)),
          m_twins(std::move(reading.twins)),
          m_problems(std::move(reading.problems)) {
        m_config.file = file;
    }

    Config fill() {
        for (const auto& [name, value] : m_values) {
            if (!findConfigKey(name)->effective && !isOff(value)) {
                m_config.withoutEffect.push_back(name);
            }
        }
        fillNames();
        fillSmtp();
        fillPop3();
        fillTls();
        fillAcme();
        fillStore();
        fillRest();
        checkListeners();
        throwFirst();
        m_config.written = std::move(m_values);
        return std::move(m_config);
    }

private:
    const ConfigValue* find(const std::string& name) const {
        const auto found = m_values.find(name);
        return found == m_values.end() ? nullptr : &found->second;
    }
    void problem(const std::string& name, const std::string& text) {
        const ConfigValue* value = find(name);
        m_problems.push_back(
            {value != nullptr ? value->line : 0, value != nullptr ? value->column : 0, name, text});
    }

    void take(const std::string& name, std::string& into) const {
        if (const ConfigValue* value = find(name)) {
            into = value->text();
        }
    }
    void takePath(const std::string& name, std::filesystem::path& into) const {
        if (const ConfigValue* value = find(name)) {
            into = value->text();
        }
        resolve(into);
    }
    void resolve(std::filesystem::path& into) const {
        if (!into.empty()) {
            const auto folder = std::filesystem::absolute(m_config.file).parent_path();
            into = (folder / into).lexically_normal();
            if (!into.has_filename()) {
                into = into.parent_path();  // "data/" and "data" are one folder
            }
        }
    }
    void takeListen(const std::string& name, std::vector<ListenAddress>& into) const {
        if (const ConfigValue* value = find(name)) {
            into.clear();
            for (const std::string& text : value->texts) {
                if (auto address = ListenAddress::parse(text)) {  // its form was checked
                    into.push_back(std::move(*address));
                }
            }
        }
    }
    void takeCount(const std::string& name, std::size_t least, std::size_t& into) {
        constexpr std::int64_t kMost = 1'000'000;
        if (const ConfigValue* value = find(name)) {
            into = static_cast<std::size_t>(value->number);
            if (into < least || value->number > kMost) {
                problem(name, "write a number from " + std::to_string(least) + " to " +
                                  std::to_string(kMost));
            }
        }
    }
    void takeSize(const std::string& name, std::uint64_t least, std::uint64_t& into) {
        constexpr std::uint64_t kMost = 1ULL << 50U;  // beyond it sums could overflow
        if (const ConfigValue* value = find(name)) {
            into = parseSize(value->text()).value_or(0);
            if (into < least || into > kMost) {
                problem(name,
                        "write a size from " + describeSize(least) + " to " + describeSize(kMost));
            }
        }
    }
    void takeDuration(const std::string& name, std::chrono::seconds& into,
                      std::chrono::seconds least = std::chrono::seconds(0)) {
        if (const ConfigValue* value = find(name)) {
            into = parseDuration(value->text()).value_or(into);
            if (into < least) {
                problem(name, "write a time of " + std::to_string(least.count()) + "s at least");
            }
        }
    }

    void fillNames() {
        if (find("domain") == nullptr && !complained("domain")) {
            problem("domain",
                    "missing; write domain = \"msgw.example.com\", what stands right of the @ in "
                    "mailbox addresses");
        }
        take("domain", m_config.domain);
        m_config.domain = lowered(m_config.domain);
        m_config.hostname = m_config.domain;
        take("hostname", m_config.hostname);
        m_config.hostname = lowered(m_config.hostname);
        takePath("data", m_config.data);
    }
    bool complained(const std::string& name) const {
        return std::any_of(m_problems.begin(), m_problems.end(),
                           [&](const ConfigProblem& p) { return p.key == name || p.key.empty(); });
    }

    void fillSmtp() {
        Config::Smtp& smtp = m_config.smtp;
        takeListen("smtp.listen", smtp.listen);
        takeListen("smtp.listen_tls", smtp.listenTls);
        // RFC 5321 4.5.3.1.7: every server takes messages of 64K octets at least.
        takeSize("smtp.max_message_size", 64ULL << 10U, smtp.maxMessageSize);
        takeCount("smtp.max_connections", 1, smtp.maxConnections);
        takeCount("smtp.max_connections_per_ip", 0, smtp.maxConnectionsPerIp);
        takeSize("smtp.message_memory", 1ULL << 20U, smtp.messageMemory);
        if (const ConfigValue* value = find("smtp.unknown_mailbox")) {
            smtp.rejectUnknown = value->text() == "550";
        }
        if (const ConfigValue* value = find("smtp.postmaster")) {
            const std::string& text = value->text();
            const std::size_t sign = text.find('@');
            smtp.postmaster = MailboxId::parse(std::string_view(text).substr(0, sign));
            if (sign != std::string::npos &&
                !equalsIgnoringCase(std::string_view(text).substr(sign + 1), m_config.domain)) {
                problem("smtp.postmaster", "is in another domain; write an address @" +
                                               m_config.domain +
                                               ", or only what stands left of "
                                               "the @");
            }
        }
    }

    void fillPop3() {
        takeListen("pop3.listen", m_config.pop3.listen);
        takeListen("pop3.listen_tls", m_config.pop3.listenTls);
        takeDuration("pop3.unlock_cache", m_config.pop3.unlockCache);
        takeListen("web.listen", m_config.web.listen);
        takeDuration("web.session_idle", m_config.web.sessionIdle, std::chrono::seconds(1));
        takeDuration("web.session_length", m_config.web.sessionLength, std::chrono::seconds(1));
        takeListen("metrics.listen", m_config.metrics.listen);
    }

    void fillTls() {
        Config::Tls& tls = m_config.tls;
        std::string source = "self-signed";
        take("tls.source", source);
        take("tls.minimum", tls.minimum);
        takePath("tls.certificate", tls.certificate);
        takePath("tls.key", tls.key);
        tls.source = source == "files"  ? Config::Tls::Source::Files
                     : source == "acme" ? Config::Tls::Source::Acme
                                        : Config::Tls::Source::SelfSigned;
        if (source == "files" && tls.certificate.empty() && tls.key.empty()) {
            tls.certificate = tls.key = Layout(m_config.data).importedPair();
        }
        for (const auto& [name, path] :
             {std::pair("tls.certificate", &tls.certificate), std::pair("tls.key", &tls.key)}) {
            if (source == "files" && path->empty()) {
                problem(
                    find(name) != nullptr ? name : "tls.source",
                    "source = \"files\" needs both files; write certificate = \"…/fullchain.pem\" "
                    "and key = \"…/privkey.pem\", or neither for what `postern certificate import` "
                    "put here");
            } else if (source != "files" && !path->empty()) {
                problem(name,
                        "is used with source = \"files\" only; write that in [tls], or remove "
                        "this key");
            }
        }
    }

    void fillAcme() {
        Config::Acme& acme = m_config.acme;
        take("acme.directory", acme.directory);
        take("acme.contact", acme.contact);
        take("acme.challenge", acme.challenge);
        take("acme.profile", acme.profile);
        take("acme.eab_key_id", acme.eabKeyId);
        takePath("acme.hook", acme.hook);
        takePath("acme.eab_hmac_key_file", acme.eabHmacKeyFile);
        takePath("acme.ca_file", acme.caFile);
        if (acme.challenge == "tls-alpn-01") {
            acme.listen = {{"::", 443}};  // RFC 8737 section 3
        }
        takeListen("acme.listen", acme.listen);
        if (const ConfigValue* value = find("acme.names")) {
            for (const std::string& name : value->texts) {
                acme.names.push_back(lowered(name));
                if (name.starts_with("*.") && acme.challenge != "dns-01") {
                    problem("acme.names",
                            "wildcards are proved by DNS only; write challenge = "
                            "\"dns-01\" with a hook, or names without *");
                }
            }
        }
        if (!acme.directory.starts_with("https://")) {
            problem("acme.directory", "write an address that begins with https://");
        }
        if (!acme.contact.empty() && acme.contact.find('@') == std::string::npos) {
            problem("acme.contact", "write a mail address, or remove this key");
        }
        if (acme.challenge == "dns-01" && acme.hook.empty()) {
            problem("acme.challenge",
                    "\"dns-01\" needs hook = \"/path\", a program that writes TXT records");
        }
        if (acme.eabKeyId.empty() != acme.eabHmacKeyFile.empty()) {
            problem(acme.eabKeyId.empty() ? "acme.eab_hmac_key_file" : "acme.eab_key_id",
                    "eab_key_id and eab_hmac_key_file go together; write both or neither");
        }
    }

    void fillStore() {
        if (const ConfigValue* value = find("store.kind");
            value != nullptr && value->text() == "s3") {
            problem("store.kind",
                    "this version has no object stores yet; write \"directory\", which may lie on "
                    "any file system that keeps what was synced");
        }
        takeSize("store.min_free", 0, m_config.store.minFree);
        takeDuration("store.keep_deleted", m_config.store.keepDeleted);
        takeDuration("store.keep_receipts", m_config.store.keepReceipts);
        for (const TwinSetting& twin : m_twins) {
            std::filesystem::path token = twin.tokenFile;
            resolve(token);
            m_config.twins.push_back({twin.url, std::move(token), twin.fingerprint});
        }
    }

    void fillRest() {
        static constexpr std::array<std::string_view, 5> kLevels{"debug", "info", "notice",
                                                                 "warning", "error"};
        if (const ConfigValue* value = find("keys.recovery")) {
            m_config.keys.recovery = crypto::SealKey::parse(value->text());  // none where empty
        }
        takeDuration("alerts.unfetched", m_config.alerts.unfetched);
        takeDuration("alerts.certificate", m_config.alerts.certificate);
        takeDuration("alerts.silence", m_config.alerts.silence);
        take("alerts.webhook", m_config.alerts.webhook);
        takePath("alerts.webhook_secret_file", m_config.alerts.webhookSecretFile);
        takePath("alerts.webhook_ca_file", m_config.alerts.webhookCaFile);
        if (const ConfigValue* value = find("log.level")) {
            m_config.log.level = static_cast<log::Level>(
                std::find(kLevels.begin(), kLevels.end(), value->text()) - kLevels.begin());
        }
        if (const ConfigValue* value = find("log.format")) {
            m_config.log.format = value->text() == "json" ? log::Format::Json : log::Format::Text;
        }
    }

    /// The kernel would refuse the second of two equal ones, and the admin would look for a foreign
    /// program on that port.
    void checkListeners() {
        const std::array<std::pair<const char*, const std::vector<ListenAddress>*>, 7> lists{
            {{"smtp.listen", &m_config.smtp.listen},
             {"smtp.listen_tls", &m_config.smtp.listenTls},
             {"pop3.listen", &m_config.pop3.listen},
             {"pop3.listen_tls", &m_config.pop3.listenTls},
             {"acme.listen", &m_config.acme.listen},
             {"web.listen", &m_config.web.listen},
             {"metrics.listen", &m_config.metrics.listen}}};
        std::vector<std::pair<std::string, std::string>> seen;
        for (const auto& [name, addresses] : lists) {
            if (addresses == &m_config.acme.listen && !listensForAcme()) {
                continue;
            }
            for (const ListenAddress& address : *addresses) {
                const std::string text = address.str();
                const auto other = std::find_if(seen.begin(), seen.end(),
                                                [&](const auto& s) { return s.first == text; });
                if (other != seen.end()) {
                    // Said at the key that is in the file; the other may be a default.
                    const bool here = find(name) != nullptr;
                    problem(here ? name : other->second, text + " is also in " +
                                                             (here ? other->second : name) +
                                                             "; write another port");
                }
                seen.emplace_back(text, name);
            }
        }
    }

    bool listensForAcme() const {
        return m_config.tls.source == Config::Tls::Source::Acme && m_config.acme.listens();
    }

    void throwFirst() {
        if (m_problems.empty()) {
            return;
        }
        const ConfigProblem& first = *std::min_element(
            m_problems.begin(), m_problems.end(),
            [](const ConfigProblem& left, const ConfigProblem& right) {
                return std::pair(left.line, left.column) < std::pair(right.line, right.column);
            });
        std::string what = at(m_config.file, first.line, first.column) + ": ";
        what += first.key.empty() ? first.text : first.key + ": " + first.text;
        if (m_problems.size() > 1) {
            what += " (and " + std::to_string(m_problems.size() - 1) + " more)";
        }
        throw Error(Error::Kind::Config, what);
    }

    std::map<std::string, ConfigValue> m_values;
    std::vector<TwinSetting> m_twins;
    std::vector<ConfigProblem> m_problems;
    Config m_config;
};

}  // namespace

std::string Config::where(const std::string& key) const {
    const auto found = written.find(key);
    return at(file, found == written.end() ? 0 : found->second.line, 0) + ": " + key;
}

Config parseConfig(std::string_view text, const std::filesystem::path& file) {
    return Filler(readConfigText(text), file).fill();
}

Config loadConfig(const std::filesystem::path& file) {
    std::string text;
    try {
        text = readWhole(file, kLargestFile);
    } catch (const Error& error) {
        const bool denied = error.kind() == Error::Kind::Permission;
        throw Error(Error::Kind::Config,
                    std::string(error.what()) +
                        (denied ? "; run this as root or as a user who may read it"
                                : "; write that file, or name another with --config"));
    }
    return parseConfig(text, file);
}

}  // namespace gateway
