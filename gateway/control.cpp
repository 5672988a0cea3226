#include "gateway/control.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "gateway/base/error.h"
#include "gateway/passed_file.h"

namespace gateway {

namespace {

/// The room of sockaddr_un, less its final NUL.
constexpr std::size_t kLongestName = sizeof(sockaddr_un::sun_path) - 1;

[[noreturn]] void throwSilent(const Layout& layout) {
    throw Error(Error::Kind::Busy, "the server does not answer at " +
                                       layout.controlSocket().native() +
                                       "; its log may say what it waits for");
}

void limitWaiting(const Descriptor& socket, std::chrono::seconds patience) {
    timeval limit{};
    limit.tv_sec = patience.count();
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

Descriptor connectTo(const Layout& layout, std::optional<std::chrono::seconds> patience) {
    const ControlAddress address(layout);
    Descriptor socket(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "open", "a socket"));
    if (patience) {
        limitWaiting(socket, *patience);
    }
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::copy(address.path().begin(), address.path().end(), std::begin(name.sun_path));
    const auto* generic = reinterpret_cast<const sockaddr*>(&name);
    if (::connect(socket.get(), generic, sizeof name) == 0) {
        return socket;
    }
    if (errno == ENOENT || errno == ECONNREFUSED) {
        return {};
    }
    if (errno == EAGAIN) {
        throwSilent(layout);
    }
    throwErrno("connect to", layout.controlSocket().native());
}

void sendAll(const Descriptor& socket, std::string_view text, const Descriptor& file,
             const std::string& name) {
    bool handOver = static_cast<bool>(file);
    while (!text.empty()) {
        const ssize_t sent = handOver
                                 ? sendWithFile(socket.get(), text, file)
                                 : ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            // The server may have refused and closed; its answer says why.
            return;
        }
        handOver = false;
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
    check(::shutdown(socket.get(), SHUT_WR), "end the request to", name);
}

std::string receiveLine(const Descriptor& socket, const Layout& layout) {
    std::string answer;
    std::array<char, 16384> buffer{};
    while (answer.find('\n') == std::string::npos && answer.size() < kMostControlOctets) {
        const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno == EAGAIN) {
            throwSilent(layout);
        }
        if (got <= 0) {
            break;
        }
        answer.append(buffer.data(), static_cast<std::size_t>(got));
    }
    crypto::wipe(buffer);
    return answer;
}

}  // namespace

ControlAddress::ControlAddress(const Layout& layout) : m_path(layout.controlSocket().native()) {
    if (m_path.size() > kLongestName) {
        m_directory =
            Descriptor(check(::open(layout.data().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC),
                             "open", layout.data().native()));
        m_path = "/proc/self/fd/" + std::to_string(m_directory.get()) + '/' +
                 layout.controlSocket().filename().native();
    }
}

std::optional<nlohmann::json> askServer(const Layout& layout, const nlohmann::json& request,
                                        const Descriptor& file,
                                        std::optional<std::chrono::seconds> patience) {
    const Descriptor socket = connectTo(layout, patience);
    if (!socket) {
        return std::nullopt;
    }
    const std::string name = layout.controlSocket().native();
    std::string text = request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    text += '\n';
    sendAll(socket, text, file, name);
    crypto::wipe(std::span<char>(text));
    std::string line = receiveLine(socket, layout);
    nlohmann::json answer = nlohmann::json::parse(line, nullptr, false);
    crypto::wipe(std::span<char>(line));
    if (!answer.is_object()) {
        throw Error(Error::Kind::Network,
                    "the server closed " + name +
                        " without an answer; its log says why, and `postern mailbox list` shows "
                        "whether the request was carried out");
    }
    return answer;
}

}  // namespace gateway
