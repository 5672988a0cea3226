// What `postern check` asks the network stack: ports, certificate, names. Every question has a
// bound in time. Never sends mail, never asks beyond the system's resolver.
#include <algorithm>
#include <arpa/inet.h>
#include <csignal>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/certificate_status.h"
#include "gateway/check.h"
#include "gateway/control.h"
#include "gateway/mail/layout.h"
#include "gateway/net/tls.h"

namespace gateway {

namespace {

using nlohmann::json;

constexpr int kPatienceMilliseconds = 3000;
constexpr long kFewDays = 14;
constexpr std::size_t kLargestPem = 1U << 20U;

/// A numeric socket address.
struct Endpoint {
    explicit Endpoint(const ListenAddress& from) {
        auto* six = reinterpret_cast<sockaddr_in6*>(&storage);
        auto* four = reinterpret_cast<sockaddr_in*>(&storage);
        if (::inet_pton(AF_INET6, from.host.c_str(), &six->sin6_addr) == 1) {
            six->sin6_family = AF_INET6;
            six->sin6_port = htons(from.port);
            size = sizeof *six;
        } else {
            ::inet_pton(AF_INET, from.host.c_str(), &four->sin_addr);
            four->sin_family = AF_INET;
            four->sin_port = htons(from.port);
            size = sizeof *four;
        }
    }
    const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&storage); }
    sockaddr_storage storage{};
    socklen_t size = 0;
};

Descriptor openSocket(const Endpoint& endpoint) {
    return Descriptor(
        ::socket(endpoint.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

bool answers(const ListenAddress& address) {
    const Endpoint endpoint(address);
    const Descriptor socket = openSocket(endpoint);
    if (!socket) {
        return false;
    }
    if (::connect(socket.get(), endpoint.address(), endpoint.size) == 0) {
        return true;
    }
    pollfd waiting{socket.get(), POLLOUT, 0};
    int failure = 0;
    socklen_t size = sizeof failure;
    return errno == EINPROGRESS && ::poll(&waiting, 1, kPatienceMilliseconds) == 1 &&
           ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0;
}

/// Through the loopback where it listens on all addresses.
bool served(const ListenAddress& address) {
    const auto at = [&](const char* host) {
        return answers(ListenAddress{.host = host, .port = address.port});
    };
    if (address.host == "::") {
        return at("::1") || at("127.0.0.1");
    }
    return address.host == "0.0.0.0" ? at("127.0.0.1") : answers(address);
}

/// The errno of an attempt to listen there; 0 where it is free.
int bindingFails(const ListenAddress& address) {
    const Endpoint endpoint(address);
    const Descriptor socket = openSocket(endpoint);
    if (!socket) {
        return address.host == "::" && errno == EAFNOSUPPORT
                   ? bindingFails(ListenAddress{.host = "0.0.0.0", .port = address.port})
                   : errno;
    }
    const int on = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return ::bind(socket.get(), endpoint.address(), endpoint.size) == 0 ? 0 : errno;
}

void checkPort(const Config& config, const std::string& key, const ListenAddress& address,
               bool running, CheckReport& report) {
    const std::string name = config.where(key) + " " + address.str();
    if (running) {
        if (served(address)) {
            report.ok("ports", name + " is served");
        } else {
            report.problem("ports", name + " does not answer, though the server runs",
                           "look into its log; restart it if the config changed");
        }
        return;
    }
    switch (const int failure = bindingFails(address)) {
        case 0:
            report.ok("ports", name + " is free");
            break;
        case EADDRINUSE:
            report.problem("ports", name + " is taken by another program",
                           "see `ss -ltnp`, stop that program, or choose another port");
            break;
        case EACCES:
            report.warning("ports", name + " is only open to root and to CAP_NET_BIND_SERVICE",
                           "run this check as root, or give the server that capability");
            break;
        case EADDRNOTAVAIL:
            report.problem("ports", name + " is no address of this machine",
                           "write one that `ip addr` shows, or \"[::]\" for all");
            break;
        default:
            errno = failure;
            throwErrno("listen on", address.str());
    }
}

/// What getaddrinfo() says, asked in a child process, for it may take as long as it likes.
enum class Resolved { Yes, No, TooLate };

Resolved resolve(const std::string& name) {
    int ends[2];
    check(::pipe2(ends, O_CLOEXEC), "open", "a pipe");
    const Descriptor reader(ends[0]);
    Descriptor writer(ends[1]);
    const pid_t child = check(::fork(), "start", "a process that resolves names");
    if (child == 0) {
        addrinfo wanted{};
        wanted.ai_socktype = SOCK_STREAM;
        addrinfo* found = nullptr;
        const char answer = ::getaddrinfo(name.c_str(), nullptr, &wanted, &found) == 0 ? 'y' : 'n';
        ::_exit(::write(writer.get(), &answer, 1) == 1 ? 0 : 1);
    }
    writer.reset();
    pollfd waiting{reader.get(), POLLIN, 0};
    char answer = 0;
    const bool intime =
        ::poll(&waiting, 1, kPatienceMilliseconds) == 1 && ::read(reader.get(), &answer, 1) == 1;
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return !intime ? Resolved::TooLate : answer == 'y' ? Resolved::Yes : Resolved::No;
}

void checkName(const std::string& name, const std::string& where, CheckReport& report) {
    switch (resolve(name)) {
        case Resolved::Yes:
            report.ok("names", name + " has an address");
            break;
        case Resolved::No:
            report.warning("names", name + " (" + where + ") has no address here",
                           "senders and archivers need an A, AAAA or (for mail) MX record of it");
            break;
        case Resolved::TooLate:
            report.warning("names", name + " (" + where + ") was not resolved within 3 s",
                           "see whether this machine's resolver works");
            break;
    }
}

void reportCertificate(const Config& config, const net::CertificateFacts& facts,
                       const json& certificate, CheckReport& report) {
    const std::string file = certificate.at("file").get<std::string>();
    const std::string days = std::to_string(facts.daysLeft) + " days left";
    const std::string renewed = certificate.at("source") == "self-signed"
                                    ? "start the server, which renews it by itself"
                                    : "put a new one there";
    if (facts.daysLeft < 0) {
        report.problem("certificate", file + " has expired", renewed);
    } else if (facts.daysLeft < kFewDays) {
        report.warning("certificate", file + ": " + days, renewed);
    } else {
        report.ok("certificate", file + " fits its key, " + days + "; issued by " + facts.issuer +
                                     "; " + certificate.at("renewal_reason").get<std::string>());
    }
    if (!net::covers(facts.names, config.hostname)) {
        report.warning("certificate", file + " does not name " + config.hostname,
                       "archivers that check names will refuse it: use one for that name");
    }
}

}  // namespace

void checkPorts(const Config& config, CheckReport& report) {
    const bool running =
        askServer(Layout(config.data), {{"operation", "mailbox.show"}, {"address", ""}})
            .has_value();
    const bool listensForAcme =
        config.tls.source == Config::Tls::Source::Acme && config.acme.listens();
    const std::vector<ListenAddress> none;
    const std::pair<const char*, const std::vector<ListenAddress>*> lists[] = {
        {"smtp.listen", &config.smtp.listen},
        {"smtp.listen_tls", &config.smtp.listenTls},
        {"pop3.listen", &config.pop3.listen},
        {"pop3.listen_tls", &config.pop3.listenTls},
        {"web.listen", &config.web.listen},
        {"metrics.listen", &config.metrics.listen},
        {"acme.listen", listensForAcme ? &config.acme.listen : &none}};
    for (const auto& [key, addresses] : lists) {
        for (const ListenAddress& address : *addresses) {
            checkPort(config, key, address, running, report);
        }
    }
}

void checkCertificate(const Config& config, CheckReport& report) {
    const acme::CertificateSource source = certificateSource(config);
    const Layout layout(config.data);
    const auto file = source.isSelfSigned() ? layout.selfSignedCertificate() : source.certificate;
    const auto keyFile = source.isSelfSigned() ? layout.selfSignedKey() : source.key;
    std::error_code ignored;
    if (source.isSelfSigned() && !std::filesystem::exists(file, ignored)) {
        report.ok("certificate", "a self-signed one is made at the first start");
        return;
    }
    const std::string pem = readWhole(file, kLargestPem);
    try {
        const net::TlsContext usable(pem, readWhole(keyFile, kLargestPem), config.tls.minimum);
        const json certificate = describeCertificate(config, certificateOnDisk(config),
                                                     std::chrono::system_clock::now());
        reportCertificate(config, usable.facts(), certificate, report);
    } catch (const Error& error) {
        report.problem(
            "certificate", file.native() + ": " + error.what(),
            file == layout.importedPair()
                ? "import it again: `postern certificate import FILE`"
                : "mend the certificate or its key in " + config.where("tls.certificate"));
    }
}

void checkNames(const Config& config, CheckReport& report) {
    checkName(config.hostname, config.where("hostname"), report);
    if (config.domain != config.hostname) {
        checkName(config.domain, config.where("domain"), report);
    }
}

}  // namespace gateway
