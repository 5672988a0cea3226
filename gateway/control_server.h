// The server's side of the control socket: reads a request, hands it on, writes the answer.
// Never acts on a request itself, and never reads one of a user who is neither root nor the owner
// of the data directory.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include "gateway/base/durable_file.h"
#include "gateway/data_lock.h"

namespace gateway {

/// Belongs to the I/O thread.
class ControlServer {
public:
    /// Carries out a request, and what was handed over with it, if anything. The request's `peer`
    /// is the user at the other end.
    using Handler = std::function<asio::awaitable<nlohmann::json>(nlohmann::json, Descriptor)>;

    /// Binds the socket, 0600; a socket file that a dead server left is replaced, which is why it
    /// asks for the lock. Throws Error (Disk, Permission). `io` must be a single-threaded context.
    ControlServer(const asio::any_io_executor& io, const Layout& layout, const DataLock& lock,
                  Handler handler);
    /// As stop().
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    /// Accepts no more and removes the socket file. Requests that are being carried out go on as
    /// long as the context runs.
    void stop();

private:
    struct State;
    std::shared_ptr<State> m_state;
};

}  // namespace gateway
