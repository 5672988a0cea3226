// The admin's file, postern.toml, as plain structs. The only reader of that file; never writes it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/keys.h"
#include "gateway/base/log.h"
#include "gateway/config_keys.h"
#include "gateway/mail/mailbox_id.h"

namespace gateway {

/// Where to listen: "[::]:25", "127.0.0.1:2525", "[::1]:995".
struct ListenAddress {
    std::string host;  ///< a numeric address, without brackets
    std::uint16_t port = 0;
    std::string str() const;
    /// Whether nobody on another machine can come there.
    bool isLoopback() const { return host == "::1" || host.starts_with("127."); }
    /// Nothing where the address is not numeric, an IPv6 address lacks its brackets, or the port is
    /// none of 1…65535.
    static std::optional<ListenAddress> parse(std::string_view text);
    bool operator==(const ListenAddress&) const = default;
};

/// Every key of the file that has an effect in this version, with its default.
struct Config {
    std::filesystem::path file;
    std::string domain;    ///< lower case
    std::string hostname;  ///< lower case; default: domain
    std::filesystem::path data = "/var/lib/postern";

    struct Smtp {
        std::vector<ListenAddress> listen{{"::", 25}};
        std::vector<ListenAddress> listenTls;
        std::uint64_t maxMessageSize = 200ULL << 20U;
        std::size_t maxConnections = 1000;
        std::size_t maxConnectionsPerIp = 0;
        std::uint64_t messageMemory = 64ULL << 20U;
        bool rejectUnknown = false;
        std::optional<MailboxId> postmaster;
    } smtp;
    struct Pop3 {
        std::vector<ListenAddress> listen{{"::", 110}};
        std::vector<ListenAddress> listenTls{{"::", 995}};
        std::chrono::seconds unlockCache{0};
    } pop3;
    struct Web {
        std::vector<ListenAddress> listen{{"::", 8450}};
        std::chrono::seconds sessionIdle{30 * 60};
        std::chrono::seconds sessionLength{12 * 3600};
    } web;
    struct Metrics {
        std::vector<ListenAddress> listen{{"127.0.0.1", 9450}};
    } metrics;
    struct Tls {
        enum class Source { SelfSigned, Files, Acme };
        Source source = Source::SelfSigned;
        std::filesystem::path certificate;  ///< of Files; default: the imported pair
        std::filesystem::path key;
        std::string minimum = "1.2";
    } tls;
    struct Acme {
        std::string directory = "https://acme-v02.api.letsencrypt.org/directory";
        std::string contact;
        std::vector<std::string> names;  ///< lower case; empty: see acme::RenewerOptions
        std::string challenge = "http-01";
        /// Of tls-alpn-01, where the file does not say: port 443.
        std::vector<ListenAddress> listen{{"::", 80}};
        std::string profile;
        std::filesystem::path hook;
        std::string eabKeyId;
        std::filesystem::path eabHmacKeyFile;
        std::filesystem::path caFile;
        /// Whether `listen` is listened on at all.
        bool listens() const { return challenge != "dns-01"; }
    } acme;
    struct Store {
        enum class Kind { Directory, S3 };
        Kind kind = Kind::Directory;
        std::uint64_t minFree = 1ULL << 30U;
        std::chrono::seconds keepDeleted{86400};
        std::chrono::seconds keepReceipts{std::chrono::hours(90 * 24)};  ///< 0: none are written
    } store;
    /// Twins that this node calls; those joined by command stand elsewhere.
    struct Twin {
        std::string url;  ///< "https://msgw2.example.com:8450"
        std::filesystem::path tokenFile;
        std::string fingerprint;  ///< SHA-256 of its certificate's public key, hex; or empty
    };
    std::vector<Twin> twins;
    struct Keys {
        std::optional<crypto::SealKey> recovery;
    } keys;
    struct Alerts {
        std::chrono::seconds unfetched{20 * 3600};
        std::chrono::seconds certificate{14 * 86400};
        std::chrono::seconds silence{3 * 3600};
        std::string webhook;                      ///< https, or http on this machine; may be empty
        std::filesystem::path webhookSecretFile;  ///< empty: notices are not signed
        std::filesystem::path webhookCaFile;
    } alerts;
    struct Log {
        log::Level level = log::Level::Info;
        log::Format format = log::Format::Text;
    } log;

    /// "postern.toml:12: smtp.listen": where a key was set, for error messages; only the file and
    /// the key where it was not set.
    std::string where(const std::string& key) const;
    /// Keys that were set, not merely to "none", but belong to parts this version does not have
    /// yet.
    std::vector<std::string> withoutEffect;
    /// Every key that was set ("smtp.listen"), as the file had it when it was read.
    std::map<std::string, ConfigValue> written;
};

/// Reads and checks the file. Throws Error(Config) with one line for an admin: file, line, column,
/// key, what is wrong and what to write instead. Relative paths in it count from its folder.
Config loadConfig(const std::filesystem::path& file);

/// The same for a text that came from `file`, which is only named.
Config parseConfig(std::string_view text, const std::filesystem::path& file);

}  // namespace gateway
