#include "gateway/control_server.h"

#include <algorithm>
#include <chrono>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <asio/co_spawn.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include "crypto/secret.h"
#include "crypto/secret_fields.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/control.h"
#include "gateway/exit_code.h"
#include "gateway/passed_file.h"

namespace gateway {

namespace {

using Socket = asio::local::stream_protocol::socket;
using Acceptor = asio::local::stream_protocol::acceptor;
using namespace asio::experimental::awaitable_operators;
using std::chrono::seconds;

/// For the request to arrive, and for the answer to be taken.
constexpr seconds kPatience{10};
constexpr std::size_t kMostConnections = 16;
constexpr std::size_t kReadSize = 16384;
constexpr std::size_t kUsualRequest = 64U << 10U;

nlohmann::json refusal(int exit, const std::string& error) {
    return {{"ok", false}, {"error", error}, {"exit", exit}};
}

asio::awaitable<void> expire(seconds after) {
    asio::steady_timer timer(co_await asio::this_coro::executor, after);
    co_await timer.async_wait(asio::use_awaitable);
}

/// A request as it comes, and the file that may come with it. True once its line is whole.
asio::awaitable<bool> readRequest(Socket& socket, std::string& line, Descriptor& file) {
    std::vector<char> buffer(kReadSize);
    bool whole = false;
    while (!whole && line.size() < kMostControlOctets) {
        asio::error_code error;
        co_await socket.async_wait(Socket::wait_read,
                                   asio::redirect_error(asio::use_awaitable, error));
        const std::size_t most = std::min(buffer.size(), kMostControlOctets - line.size());
        const ssize_t got =
            error ? 0
                  : receiveWithFile(socket.native_handle(), std::span(buffer).first(most), file);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        const std::string_view arrived(buffer.data(), static_cast<std::size_t>(got));
        line += arrived;
        whole = arrived.find('\n') != std::string_view::npos;
    }
    crypto::wipe(std::span<char>(buffer));
    co_return whole;
}

asio::awaitable<void> writeAll(Socket& socket, const std::string& text) {
    asio::error_code ignored;  // a command that was stopped does not wait for its answer
    co_await asio::async_write(socket, asio::buffer(text),
                               asio::redirect_error(asio::use_awaitable, ignored));
}

/// The user at the other end, as the kernel saw it at connect().
std::optional<uid_t> peerOf(Socket& socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return std::nullopt;
    }
    return peer.uid;
}

}  // namespace

struct ControlServer::State {
    State(const asio::any_io_executor& io, const Layout& dataLayout, Handler requestHandler)
        : layout(dataLayout), handler(std::move(requestHandler)), acceptor(io) {}

    void listen() {
        const ControlAddress address(layout);
        if (::unlink(layout.controlSocket().c_str()) != 0 && errno != ENOENT) {
            throwErrno("remove", layout.controlSocket().native());
        }
        asio::error_code error;
        acceptor.open(asio::local::stream_protocol(), error);
        // The mode of the file comes from umask; fchmod() before bind() is what Linux looks at.
        if (!error && ::fchmod(acceptor.native_handle(), 0600) != 0) {
            error = asio::error_code(errno, asio::system_category());
        }
        if (!error) {
            acceptor.bind(asio::local::stream_protocol::endpoint(address.path()), error);
        }
        if (!error) {
            acceptor.listen(asio::socket_base::max_listen_connections, error);
        }
        if (error) {
            errno = error.value();
            throwErrno("listen on", layout.controlSocket().native());
        }
    }

    bool mayAsk(uid_t user) const {
        struct stat data{};
        return user == 0 || (::stat(layout.data().c_str(), &data) == 0 && user == data.st_uid);
    }

    Layout layout;
    Handler handler;
    Acceptor acceptor;
    std::size_t connections = 0;

    static asio::awaitable<void> acceptAll(std::shared_ptr<State> state);
    static asio::awaitable<void> converse(std::shared_ptr<State> state, Socket socket);
    asio::awaitable<nlohmann::json> answer(Socket& socket);
};

asio::awaitable<nlohmann::json> ControlServer::State::answer(Socket& socket) {
    const auto user = peerOf(socket);
    if (!user || !mayAsk(*user)) {
        log::warning("control request refused",
                     {{"user", user ? std::to_string(*user) : std::string("unknown")}});
        co_return refusal(EX_NOPERM,
                          "only root and the owner of " + layout.data().native() + " may ask");
    }
    std::string line;
    line.reserve(kUsualRequest);  // growing would leave copies of a password behind
    Descriptor file;
    const auto arrived = co_await (readRequest(socket, line, file) || expire(kPatience));
    const bool whole = arrived.index() == 0 && std::get<0>(arrived);
    const crypto::Secrets secrets = crypto::cutSecrets(line);
    nlohmann::json request = whole ? nlohmann::json::parse(line, nullptr, false) : nlohmann::json();
    crypto::wipe(std::span<char>(line));
    if (!request.is_object()) {
        co_return refusal(EX_DATAERR,
                          "the request is no JSON object on one line of at most 64 MiB");
    }
    crypto::putBack(secrets, request);
    request["peer"] = *user;  // what the kernel says, whatever the command does
    request.erase("by");      // only the page says who asked there
    co_return co_await handler(std::move(request), std::move(file));
}

asio::awaitable<void> ControlServer::State::converse(std::shared_ptr<State> state, Socket socket) {
    nlohmann::json answer;
    try {
        answer = co_await state->answer(socket);
    } catch (const std::exception& error) {
        log::error("control request failed", {{"error", error.what()}});
        answer = refusal(EX_SOFTWARE, error.what());
    }
    std::string text = crypto::writeWithSecrets(answer);
    co_await (writeAll(socket, text) || expire(kPatience));
    crypto::wipe(std::span<char>(text));
}

asio::awaitable<void> ControlServer::State::acceptAll(std::shared_ptr<State> state) {
    const auto ended = [state](const std::exception_ptr& failure) {
        --state->connections;
        if (failure) {
            log::error("control connection failed");
        }
    };
    while (state->acceptor.is_open()) {
        asio::error_code error;
        if (state->connections < kMostConnections) {
            Socket socket = co_await state->acceptor.async_accept(
                asio::redirect_error(asio::use_awaitable, error));
            if (!error) {
                ++state->connections;
                asio::co_spawn(state->acceptor.get_executor(), converse(state, std::move(socket)),
                               ended);
                continue;
            }
        }
        if (state->acceptor.is_open()) {
            // Too many commands at once, or no descriptors: some will come to their end.
            co_await expire(seconds(1));
        }
    }
}

ControlServer::ControlServer(const asio::any_io_executor& io, const Layout& layout,
                             [[maybe_unused]] const DataLock& lock, Handler handler)
    : m_state(std::make_shared<State>(io, layout, std::move(handler))) {
    m_state->listen();
    const auto ended = [](const std::exception_ptr& failure) {
        if (failure) {
            log::error("control socket failed");
        }
    };
    asio::co_spawn(io, State::acceptAll(m_state), ended);
}

ControlServer::~ControlServer() { stop(); }

void ControlServer::stop() {
    if (m_state->acceptor.is_open()) {
        ::unlink(m_state->layout.controlSocket().c_str());
        asio::error_code ignored;
        m_state->acceptor.close(ignored);
    }
}

}  // namespace gateway
