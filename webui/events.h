// What happens here, told to browsers that watch (server-sent events, WHATWG HTML 9.2): that
// something changed, how much mail came and went, lines of the log. Never tells what a mailbox
// holds; never queues for a browser that is slow, which only learns of it later.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include <asio/any_io_executor.hpp>

#include "gateway/base/log.h"
#include "gateway/net/http_stream.h"

namespace webui {

/// Belongs to the I/O thread. Streams may outlive it; they are told nothing more then.
class Events {
public:
    enum Topic : unsigned { Status = 1, Traffic = 2, Mailboxes = 4 };

    struct Limits {
        std::size_t streams = 50;
        std::size_t ofOne = 10;  ///< of one account or token
    };
    struct Pace {
        std::chrono::milliseconds least{500};    ///< between two events of a stream
        std::chrono::milliseconds status{5000};  ///< between two that make a page ask for /status
        std::chrono::milliseconds quiet{15000};  ///< then a comment shows that all is well
    };

    /// `traffic` gives what /traffic answers.
    Events(asio::any_io_executor io, std::function<nlohmann::json()> traffic, Limits limits,
           Pace pace);
    ~Events();
    Events(const Events&) = delete;
    Events& operator=(const Events&) = delete;

    /// Something of this changed.
    void tell(Topic topic);

    /// A stream for `who`, which lives as long as `stillCounts`; with the log from now on, where
    /// `withLog`. Null where there are too many already.
    std::shared_ptr<const gateway::net::HttpStream> open(std::string who, bool withLog,
                                                         std::function<bool()> stillCounts);

    std::size_t streams() const;

private:
    struct State;
    struct Stream;
    static asio::awaitable<void> serve(std::shared_ptr<Stream> stream,
                                       gateway::net::HttpBody& body);

    const std::shared_ptr<State> m_state;
};

/// {number, at, level, text} of lines of the log.
nlohmann::json logLinesOf(const std::vector<gateway::log::Line>& lines);

}  // namespace webui
