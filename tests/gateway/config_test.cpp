// postern.toml: every wrong file gets one line that says where, what and what to write instead; the
// example file names every key with its true default. RFC 5321 4.5.3.1.7 for the least size.
#include "gateway/config.h"

#include <regex>

#include <doctest/doctest.h>

#include "crypto/keys.h"
#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/config_keys.h"

namespace {

using gateway::Config;
using gateway::Error;
using gateway::ListenAddress;

Config parse(const std::string& text) { return gateway::parseConfig(text, "/etc/p.toml"); }

std::string complaint(const std::string& text) {
    try {
        parse(text);
        return "nothing";
    } catch (const Error& error) {
        CHECK(error.kind() == Error::Kind::Config);
        return error.what();
    }
}

struct Wrong {
    const char* text;
    const char* line;  ///< "domain = …" is added in front, as line 1
};

const Wrong kWrong[] = {
    {"domian = \"x\"", "/etc/p.toml:2:1: domian: no such key; did you mean domain?"},
    {"[smtp]\nlisen = []", "/etc/p.toml:3:1: smtp.lisen: no such key; did you mean smtp.listen?"},
    {"[smpt]", "/etc/p.toml:2:2: smpt: no such key; did you mean smtp?"},
    {"[pop3]\nmax_message_size = \"1MiB\"",
     "/etc/p.toml:3:1: pop3.max_message_size: no such key; did you mean "
     "smtp.max_message_size?"},
    {"[log]\ncolour = true", "/etc/p.toml:3:1: log.colour: no such key; [log] has format, level"},
    {"zzzzzz = 1",
     "/etc/p.toml:2:1: zzzzzz: no such key; this file has acme, alerts, data, domain, "
     "hostname, keys, log, metrics, pop3, smtp, store, tls, twin, web"},
    {"smtp = 25", "/etc/p.toml:2:1: smtp: is a section, not a value; write [smtp]"},
    {"[smtp]\nlisten = \"[::]:25\"",
     "/etc/p.toml:3:1: smtp.listen: wrong type; write it as listen = [\"[::]:25\"]"},
    {"[smtp]\nlisten = [25]",
     "/etc/p.toml:3:1: smtp.listen: wrong type; write it as listen = [\"[::]:25\"]"},
    {"[smtp]\nlisten = [\"localhost:25\"]",
     "/etc/p.toml:3:1: smtp.listen: \"localhost:25\" is no numeric address with a port; write "
     "one such as \"[::]:25\" (all addresses), \"192.0.2.1:25\" or \"[2001:db8::1]:25\""},
    {"[smtp]\nlisten = [\"::1:25\"]",
     "/etc/p.toml:3:1: smtp.listen: \"::1:25\" is no numeric address"},
    {"[smtp]\nlisten = [\"127.0.0.1:0\"]",
     "/etc/p.toml:3:1: smtp.listen: \"127.0.0.1:0\" is no numeric address"},
    {"[smtp]\nlisten = [\"127.0.0.1:65536\"]",
     "/etc/p.toml:3:1: smtp.listen: \"127.0.0.1:65536\" is no"},
    {"[smtp]\nmax_message_size = \"200MB\"",
     "/etc/p.toml:3:1: smtp.max_message_size: \"200MB\" is no size; write one such as "
     "\"200MiB\""},
    {"[smtp]\nmax_message_size = 200",
     "/etc/p.toml:3:1: smtp.max_message_size: wrong type; write it as max_message_size = "
     "\"200MiB\""},
    {"[smtp]\nmax_message_size = \"65535\"",
     "/etc/p.toml:3:1: smtp.max_message_size: write a size from 64 KiB to 1024 TiB"},
    {"[smtp]\nmax_connections = 0",
     "/etc/p.toml:3:1: smtp.max_connections: write a number from 1 to 1000000"},
    {"[smtp]\nmax_connections = -1",
     "/etc/p.toml:3:1: smtp.max_connections: is negative; write 0 or more"},
    {"[smtp]\nmax_connections = \"10\"",
     "/etc/p.toml:3:1: smtp.max_connections: wrong type; write it as max_connections = 1000"},
    {"[smtp]\nunknown_mailbox = 451",
     "/etc/p.toml:3:1: smtp.unknown_mailbox: wrong type; write it as unknown_mailbox = "
     "\"451\""},
    {"[smtp]\nunknown_mailbox = \"450\"",
     "/etc/p.toml:3:1: smtp.unknown_mailbox: \"450\" is not known here; write \"451\" or "
     "\"550\""},
    {"[smtp]\npostmaster = \"root\"",
     "/etc/p.toml:3:1: smtp.postmaster: \"root\" is no mailbox address; write \"mbx-\" and 32 "
     "hex digits"},
    {"[smtp]\npostmaster = \"mbx-0123456789abcdef0123456789abcdef@b.test\"",
     "/etc/p.toml:3:1: smtp.postmaster: is in another domain; write an address @a.test"},
    {"[smtp]\nlisten = [\"[::]:110\"]",
     "/etc/p.toml:3:1: smtp.listen: [::]:110 is also in pop3.listen; write another port"},
    {"[pop3]\nunlock_cache = \"5 minutes\"",
     "/etc/p.toml:3:1: pop3.unlock_cache: \"5 minutes\" is no length of time; write one such "
     "as \"90s\""},
    {"[tls]\nminimum = \"1.1\"",
     "/etc/p.toml:3:1: tls.minimum: \"1.1\" is not known here; write \"1.2\" or \"1.3\""},
    {"[acme]\ndirectory = \"http://ca.test/dir\"",
     "/etc/p.toml:3:1: acme.directory: write an address that begins with https://"},
    {"[acme]\nnames = [\"*.a.test\"]",
     "/etc/p.toml:3:1: acme.names: wildcards are proved by DNS only; write challenge = \"dns-01\" "
     "with a hook, or names without *"},
    {"[acme]\nnames = [\"*.*.a.test\"]",
     "/etc/p.toml:3:1: acme.names: \"*.*.a.test\" is no domain name; write one such as "
     "\"msgw.example.com\""},
    {"[acme]\nchallenge = \"dns-01\"",
     "/etc/p.toml:3:1: acme.challenge: \"dns-01\" needs hook = \"/path\", a program that writes "
     "TXT records"},
    {"[acme]\neab_key_id = \"k\"",
     "/etc/p.toml:3:1: acme.eab_key_id: eab_key_id and eab_hmac_key_file go together; write both "
     "or neither"},
    {"[acme]\ncontact = \"admin\"",
     "/etc/p.toml:3:1: acme.contact: write a mail address, or remove this key"},
    {"[tls]\nsource = \"acme\"\n[acme]\nlisten = [\"[::]:110\"]",
     "/etc/p.toml:5:1: acme.listen: [::]:110 is also in pop3.listen; write another port"},
    {"[tls]\nsource = \"files\"\ncertificate = \"c.pem\"",
     "/etc/p.toml:3:1: tls.source: source = \"files\" needs both files; write"},
    {"[tls]\nkey = \"k.pem\"", "/etc/p.toml:3:1: tls.key: is used with source = \"files\" only"},
    {"[store]\nkind = \"s3\"",
     "/etc/p.toml:3:1: store.kind: this version has no object stores yet; write \"directory\""},
    {"[[twin]]\nurl = \"https://b.test\"", "/etc/p.toml:2:1: twin.token_file: missing; write the file that holds"},
    {"[[twin]]\nurl = \"http://b.test\"\ntoken_file = \"t\"",
     "/etc/p.toml:2:1: twin.url: is no address of a twin; write one such as \"https://msgw2.example.com:8450\""},
    {"[[twin]]\nurl = \"https://b.test\"\ntoken_file = \"t\"\nfingerprint = \"12:34\"",
     "/etc/p.toml:2:1: twin.fingerprint: is no fingerprint; write the 64 hex digits"},
    {"[[twin]]\ntoken = \"t\"",
     "/etc/p.toml:3:1: twin.token: no such key; [[twin]] has fingerprint, token_file, url"},
    {"[[twin]]\nurl = 7", "/etc/p.toml:3:1: twin.url: wrong type; write [[twin]] with url"},
    {"[twin]\nurl = \"https://b.test\"", "/etc/p.toml:2:1: twin: is no list of tables; write [[twin]] with url"},
    {"[keys]\nrecovery = \"age1x\"",
     "/etc/p.toml:3:1: keys.recovery: \"age1x\" is no age recipient; write the line \"age1…\""},
    {"[keys]\nrecovery = \"age-secret-key-1QQQ\"",
     "/etc/p.toml:3:1: keys.recovery: holds a secret key, which must not be on this machine"},
    {"[metrics]\nlisten = [\"9450\"]",
     "/etc/p.toml:3:1: metrics.listen: \"9450\" is no numeric address"},
    {"hostname = \"192.0.2.1\"",
     "/etc/p.toml:2:1: hostname: \"192.0.2.1\" is no domain name; write one such as "
     "\"msgw.example.com\""},
    {"hostname = \"a..b\"", "/etc/p.toml:2:1: hostname: \"a..b\" is no domain name"},
    {"hostname = \"münchen.example\"",
     "/etc/p.toml:2:1: hostname: \"münchen.example\" is no domain name; write one such as "
     "\"msgw.example.com\" (letters beyond ASCII in their xn-- form)"},
    {"a = ", "/etc/p.toml:2:5: not valid TOML: "},
    {"domain = \"b.test\"", "/etc/p.toml:2:10: not valid TOML: "},
    {"\"evil\\u001b\\nkey\" = 1", "/etc/p.toml:2:1: evil\\x1b\\x0akey: no such key"},
};

std::string example() {
    return gateway::readWhole(POSTERN_TESTS_FOLDER "/../packaging/postern.toml", 1U << 20U);
}

/// Keys of the file in dotted form with their values as written, set or behind a single "#".
std::map<std::string, std::string> keysOf(const std::string& file) {
    static const std::regex kSection(R"(^\[([a-z0-9_.]+)\]$)");
    static const std::regex kKey(R"(^#?([a-z0-9_]+) = (.*)$)");
    std::map<std::string, std::string> keys;
    std::string section;
    std::istringstream lines(file);
    for (std::string line; std::getline(lines, line);) {
        std::smatch found;
        if (std::regex_match(line, found, kSection)) {
            section = found[1].str() + '.';
        } else if (std::regex_match(line, found, kKey)) {
            CHECK_MESSAGE(keys.emplace(section + found[1].str(), found[2]).second, line);
        }
    }
    return keys;
}

}  // namespace

TEST_CASE("a file with only a domain has every default") {
    const Config config = parse("domain = \"MSGW.example.com\"");
    CHECK(config.domain == "msgw.example.com");
    CHECK(config.hostname == "msgw.example.com");
    CHECK(config.data == "/var/lib/postern");
    CHECK(config.smtp.listen == std::vector<ListenAddress>{{"::", 25}});
    CHECK(config.smtp.listenTls.empty());
    CHECK(config.smtp.maxMessageSize == 209'715'200);
    CHECK(config.smtp.maxConnections == 1000);
    CHECK(config.smtp.maxConnectionsPerIp == 0);
    CHECK(config.smtp.messageMemory == 67'108'864);
    CHECK_FALSE(config.smtp.rejectUnknown);
    CHECK_FALSE(config.smtp.postmaster.has_value());
    CHECK(config.pop3.listen == std::vector<ListenAddress>{{"::", 110}});
    CHECK(config.pop3.listenTls == std::vector<ListenAddress>{{"::", 995}});
    CHECK(config.pop3.unlockCache.count() == 0);
    CHECK(config.tls.source == Config::Tls::Source::SelfSigned);
    CHECK(config.tls.minimum == "1.2");
    CHECK(config.store.minFree == 1ULL << 30U);
    CHECK(config.store.keepDeleted == std::chrono::hours(24));
    CHECK(config.store.keepReceipts == std::chrono::hours(90 * 24));
    CHECK_FALSE(config.keys.recovery);
    CHECK(config.log.level == gateway::log::Level::Info);
    CHECK(config.log.format == gateway::log::Format::Text);
    CHECK(config.alerts.unfetched == std::chrono::hours(20));
    CHECK(config.alerts.certificate == std::chrono::hours(14 * 24));
    CHECK(config.withoutEffect.empty());
    CHECK(config.written.size() == 1);
}

TEST_CASE("every key is taken") {
    const Config config = parse(R"(
domain = "msgw.example.com"
hostname = "msgw1.example.com"
data = "state/"
[smtp]
listen = ["127.0.0.1:2525", "[::1]:2525"]
listen_tls = ["127.0.0.1:4650"]
max_message_size = "64KiB"
max_connections = 7
max_connections_per_ip = 3
message_memory = "8 MiB"
unknown_mailbox = "550"
postmaster = "MBX-0123456789abcdef0123456789ABCDEF@msgw.Example.com"
[pop3]
listen = []
listen_tls = ["[2001:DB8::1]:9950"]
[tls]
source = "files"
certificate = "tls/chain.pem"
key = "/etc/ssl/key.pem"
minimum = "1.3"
[store]
min_free = "0"
keep_deleted = "7d"
keep_receipts = "0s"
[log]
level = "warning"
format = "json"
)");
    CHECK(config.hostname == "msgw1.example.com");
    CHECK(config.data == "/etc/state");
    CHECK(config.smtp.listen == std::vector<ListenAddress>{{"127.0.0.1", 2525}, {"::1", 2525}});
    CHECK(config.smtp.listenTls == std::vector<ListenAddress>{{"127.0.0.1", 4650}});
    CHECK(config.smtp.maxMessageSize == 65536);
    CHECK(config.smtp.maxConnections == 7);
    CHECK(config.smtp.maxConnectionsPerIp == 3);
    CHECK(config.smtp.messageMemory == 8'388'608);
    CHECK(config.smtp.rejectUnknown);
    REQUIRE(config.smtp.postmaster.has_value());
    CHECK(config.smtp.postmaster->str() == "mbx-0123456789abcdef0123456789abcdef");
    CHECK(config.pop3.listen.empty());
    CHECK(config.pop3.listenTls == std::vector<ListenAddress>{{"2001:db8::1", 9950}});
    CHECK(config.tls.source == Config::Tls::Source::Files);
    CHECK(config.tls.certificate == "/etc/tls/chain.pem");
    CHECK(config.tls.key == "/etc/ssl/key.pem");
    CHECK(config.tls.minimum == "1.3");
    CHECK(config.store.minFree == 0);
    CHECK(config.store.keepDeleted == std::chrono::hours(7 * 24));
    CHECK(config.store.keepReceipts.count() == 0);
    CHECK(config.log.level == gateway::log::Level::Warning);
    CHECK(config.log.format == gateway::log::Format::Json);
    CHECK(config.where("smtp.max_connections") == "/etc/p.toml:9: smtp.max_connections");
    CHECK(config.where("smtp.nothing") == "/etc/p.toml: smtp.nothing");
}

TEST_CASE("keys of parts that do not exist yet are known, and named unless they say \"none\"") {
    const Config config = parse(
        "domain = \"a.test\"\n[web]\nlisten = [\"[::1]:1\"]\n[metrics]\nlisten = []\n"
        "[store.s3]\nbucket = \"mail\"\nregion = \"\"\n");
    CHECK(config.withoutEffect == std::vector<std::string>{"store.s3.bucket"});
}

TEST_CASE("[acme]: port 443 for tls-alpn-01, no listener for dns-01, names in lower case") {
    Config config = parse("domain = \"a.test\"\n[tls]\nsource = \"acme\"\n");
    CHECK(config.tls.source == Config::Tls::Source::Acme);
    CHECK(config.acme.listen == std::vector<gateway::ListenAddress>{{"::", 80}});
    config = parse("domain = \"a.test\"\n[acme]\nchallenge = \"tls-alpn-01\"\n");
    CHECK(config.acme.listen == std::vector<gateway::ListenAddress>{{"::", 443}});
    config = parse(
        "domain = \"a.test\"\n[acme]\nchallenge = \"dns-01\"\nhook = \"hook\"\n"
        "names = [\"*.A.test\", \"A.test\"]\n");
    CHECK(config.acme.names == std::vector<std::string>{"*.a.test", "a.test"});
    CHECK(config.acme.hook == "/etc/hook");
    CHECK_FALSE(config.acme.listens());
}

TEST_CASE("a recovery key is an age recipient, or none") {
    const crypto::SealKey recipient = crypto::OpenKey::generate().sealKey();
    const std::string start = "domain = \"a.test\"\n[keys]\nrecovery = \"";
    CHECK(parse(start + recipient.str() + "\"").keys.recovery == recipient);
    CHECK_FALSE(parse(start + "\"").keys.recovery);
}

TEST_CASE("a wrong file gets one line: where, what, what to write") {
    for (const Wrong& wrong : kWrong) {
        const std::string said = complaint("domain = \"a.test\"\n" + std::string(wrong.text));
        CHECK_MESSAGE(said.starts_with(wrong.line), said);
        CHECK_MESSAGE(said.find('\n') == std::string::npos, said);
    }
}

TEST_CASE("several mistakes: the first in the file, and how many more") {
    CHECK(complaint("[smtp]\nmax_connections = 0\nlisen = []")
              .starts_with("/etc/p.toml: domain: missing; write domain = \"msgw.example.com\""));
    CHECK(complaint("[log]\nlevel = \"loud\"\n[smtp]\nmax_connections = 0\n[x]\n[tls]\ndomain=1")
              .ends_with(" (and 4 more)"));
    CHECK(complaint("domain = \"a.test\"\n[tls]\nminimum = \"1\"\n[log]\nlevel = \"loud\"")
              .starts_with("/etc/p.toml:3:1: tls.minimum: "));
}

TEST_CASE("a file that is missing says what to do") {
    try {
        gateway::loadConfig("/nonexistent/postern.toml");
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == Error::Kind::Config);
        CHECK(std::string(error.what()) ==
              "open /nonexistent/postern.toml: No such file or directory; write that file, or name "
              "another with --config");
    }
}

TEST_CASE("the example file names every key, with its default") {
    const std::map<std::string, std::string> written = keysOf(example());
    CHECK(written.size() == gateway::configKeys().size());
    for (const gateway::ConfigKey& key : gateway::configKeys()) {
        const auto found = written.find(std::string(key.name));
        REQUIRE_MESSAGE(found != written.end(), key.name);
        if (!key.standard.empty()) {
            CHECK_MESSAGE(found->second == key.standard, key.name);
        }
    }
}

TEST_CASE("the example file changes nothing, also with every default written out") {
    const std::string text = example();
    const std::string all = std::regex_replace(text, std::regex("(^|\n)#([a-z0-9_]+ = )"), "$1$2");
    REQUIRE(all.size() == text.size() - gateway::configKeys().size());
    // As a package installs it, it only lacks what nobody can guess.
    CHECK(complaint(text).starts_with("/etc/p.toml: domain: missing; write domain = "));
    const std::string domain = "domain = \"msgw.example.com\"\n";
    const Config none = parse(domain);
    for (const Config& config : {parse(domain + text), parse(all)}) {
        CHECK(config.domain == none.domain);
        CHECK(config.hostname == none.hostname);
        CHECK(config.data == none.data);
        CHECK(config.smtp.listen == none.smtp.listen);
        CHECK(config.smtp.listenTls == none.smtp.listenTls);
        CHECK(config.smtp.maxMessageSize == none.smtp.maxMessageSize);
        CHECK(config.smtp.maxConnections == none.smtp.maxConnections);
        CHECK(config.smtp.maxConnectionsPerIp == none.smtp.maxConnectionsPerIp);
        CHECK(config.smtp.messageMemory == none.smtp.messageMemory);
        CHECK(config.smtp.rejectUnknown == none.smtp.rejectUnknown);
        CHECK(config.smtp.postmaster == none.smtp.postmaster);
        CHECK(config.pop3.listen == none.pop3.listen);
        CHECK(config.pop3.listenTls == none.pop3.listenTls);
        CHECK(config.pop3.unlockCache == none.pop3.unlockCache);
        CHECK(config.web.listen == none.web.listen);
        CHECK(config.tls.source == none.tls.source);
        CHECK(config.tls.certificate == none.tls.certificate);
        CHECK(config.tls.key == none.tls.key);
        CHECK(config.tls.minimum == none.tls.minimum);
        CHECK(config.store.kind == none.store.kind);
        CHECK(config.store.minFree == none.store.minFree);
        CHECK(config.store.keepDeleted == none.store.keepDeleted);
        CHECK(config.store.keepReceipts == none.store.keepReceipts);
        CHECK(config.keys.recovery == none.keys.recovery);
        CHECK(config.log.level == none.log.level);
        CHECK(config.log.format == none.log.format);
    }
}
